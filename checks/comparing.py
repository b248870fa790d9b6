"""What the checks beside the metrics compare: the rows that both versions answered, by the task's main metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from gate.domain import Task
from gate.evidence.metrics import METRICS, Metric, find, margin
from gate.evidence.pairing import Paired, Unfit, pair

from .subject import Case, baseline_columns, candidate_columns, labels_of

KIN = {
    "rmse": ("rmse", "mae"),
    "accuracy": ("accuracy", "exact_match"),
    "exact_match": ("exact_match", "accuracy"),
    "brier": ("brier",),
}
"""The metrics of gate.yaml whose margin holds for the main metric of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Labels and both versions' answers to the same rows, with the metric that compares them, and its margin."""

    metric: Metric
    paired: Paired
    margin: float


def compared(case: Case, names: Sequence[str]) -> Compared:
    """Pair the rows by the first of these metrics that the answers allow; end the check where none does."""
    labels, columns, before = labels_of(case), candidate_columns(case), baseline_columns(case)
    if labels is None or before is None:
        pytest.skip("needs labels and a baseline")
    why = "the answers are neither numbers, classes nor probabilities"
    for name in names:
        metric = METRICS[name]
        found = pair(metric, labels, columns, before)
        if isinstance(found, Unfit) or found.baseline is None:
            why = found.why if isinstance(found, Unfit) else why
            continue
        value = metric.value(found.truth, found.baseline)
        if value is None:
            why = metric.undefined(found.truth) or f"{name} of the baseline is not a finite number"
            continue
        return Compared(metric=metric, paired=found, margin=margin_of(case, metric, found, value))
    pytest.skip(f"the versions cannot be compared row by row: {why}")


def main_metrics(task: Task) -> tuple[str, ...]:
    """Name the metrics, means over rows, by which slices of a task are compared, the best first."""
    if task is Task.PROBABILITY:
        return ("brier", "accuracy")
    if task in {Task.CLASSIFICATION, Task.TEXT}:
        return ("accuracy",) if task is Task.CLASSIFICATION else ("exact_match",)
    return () if task is Task.RANKING else ("rmse",)


def margin_of(case: Case, metric: Metric, paired: Paired, before: float) -> float:
    """Give the margin that gate.yaml sets for the metric or its kin, else the default one."""
    asked = {
        (known.name if (known := find(name)) else name): limits for name, limits in (case.config.metrics or {}).items()
    }
    for name in KIN.get(metric.name, (metric.name,)):
        wanted = asked[name].max_regression if name in asked else None
        if wanted is not None:
            return float(wanted.of(before) if hasattr(wanted, "of") else wanted)
    return margin(metric, paired.truth, before)
