"""The line: a registered version -> a comparison -> answers -> outcomes -> a report -> a promotion and a note.

Whoever opens the project starts here. Each step is a value made from the values before it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import gate
from gate import assembly, policy, verdict
from gate.config import Config
from gate.domain import (
    Category,
    Comparison,
    EvaluationData,
    GateInfo,
    Report,
    Stage,
    Verdict,
)
from gate.errors import GateError, UsageError
from gate.scoring import Limits, Worker

if TYPE_CHECKING:
    from gate.registry import Registry

PERFORMANCE = Category.PERFORMANCE


class Narrator(Protocol):
    """Whoever tells people how far the work is."""

    def step(self, what: str) -> AbstractContextManager[None]:
        """Tell a step while it runs."""

    def say(self, text: str) -> None:
        """Tell one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be judged. `stage` is the one that a release promotes to, None for a check."""

    model: str
    version: str
    baseline: str | None = None
    data: Path | None = None
    out: Path | None = None
    only: frozenset[Category] | None = None
    strict: bool = False
    stage: Stage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A report, the folder that holds it, and the fault that ended the work early, if one did."""

    report: Report
    folder: Path
    fault: Exception | None = None
