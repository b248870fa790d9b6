"""The words: verdicts, statuses, severities, categories, stages, tasks."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

JsonValue = Any
"""What JSON can hold: None, bool, int, float, str, lists and string-keyed dicts of these."""


class Verdict(StrEnum):
    """What the gate says of a candidate."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    PASS_WITH_WARNINGS = "pass_with_warnings"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Status(StrEnum):
    """How one check ended. An error is the gate's fault, not the model's."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    ERROR = "error"


class Severity(StrEnum):
    """How much a result weighs."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Category(StrEnum):
    """What a check looks at. The first half of its identity."""

    CONTRACT = "contract"
    OUTLIERS = "outliers"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    REPRODUCIBILITY = "reproducibility"
    SECURITY = "security"


class Stage(StrEnum):
    """Where a version can be promoted to."""

    STAGING = "staging"
    PRODUCTION = "production"


class Task(StrEnum):
    """What the model's answers are."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"
    PROBABILITY = "probability"
    FORECAST = "forecast"
    TEXT = "text"
    EMBEDDING = "embedding"
    RANKING = "ranking"
    OTHER = "other"
