"""Checks of how good the answers are: each metric of the labels, against the baseline and against fixed limits."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest

from gate import LossTest, check, inconclusive
from gate.evidence.metrics import METRICS, Metric, margin
from gate.evidence.noninferiority import interval, loss_test
from gate.evidence.pairing import Paired, Unfit, pair

from .subject import Case, baseline_columns, candidate_columns, labels_of


@pytest.mark.usefixtures("predictions", "labels")
@check(category="quality", each="metrics")
def check_metric(
    metric: Any,
    case: Case,
    measure: Callable[..., None],
    test: Callable[[LossTest], None],
    confidence: float,
    request: pytest.FixtureRequest,
) -> None:
    """The metric is not worse than the baseline's beyond its margin.

    Both versions answer the same rows. The loss is the difference of the metric, positive where the candidate is
    worse; its standard error comes from a paired bootstrap (1,000 replicates; beyond 5,000 rows from the metric's
    influence function), its p-values from Student's t after Hall's correction for skewness (Efron and Tibshirani
    1993; Hall 1992). Three ends: failed, where the loss is beyond the margin with the confidence shared over all that
    the gate tests (Holm 1979); passed, where a loss of twice the margin is excluded; else inconclusive, with the
    number of rows that would decide. Rows without a label are left out; a missing answer is never right, and fails.

    Default margin: 2 % of the baseline's value, at least 0.1 % of the labels' standard deviation for errors, 0.01 and
    one row for scores between 0 and 1 (0.02 where they rest on a part of the rows: f1, precision, recall, balanced
    accuracy, pr_auc), 0.02 for r2 and log_loss, 0.005 for brier.
    A failure means that the candidate gives worse answers than what it would replace.
    To change it: `metrics: {rmse: {max_regression: "5%"}, r2: {min: 0.4}}` in gate.yaml. A metric that has only a
    `min` or a `max` is held against these alone; without a baseline only they count.
    """
    if metric.name not in METRICS:
        pytest.fail(f"there is no metric {metric.name!r}; there are {', '.join(METRICS)}")
    known, limits = METRICS[metric.name], metric.limits
    alone = _paired(known, case, with_baseline=False)
    value = known.value(alone.truth, alone.candidate)
    low, high = (limits.min, limits.max) if limits is not None else (None, None)
    fixed = low is not None or high is not None
    compared = limits is None or limits.max_regression is not None or not fixed
    if value is None:
        pytest.fail(f"{metric.name} of these answers is not a finite number")
    if case.comparison.baseline is None or not compared:
        measure(metric.name, value, min=low, max=high)
        if not fixed:
            pytest.skip(f"there is no baseline, and no limit to hold {metric.name} against")
        return
    found, before = None, None
    try:
        request.getfixturevalue("baseline_predictions")
        found, before = _compare(known, case, limits)
        test(found)
    finally:
        ci = None if found is None else interval(found, confidence)
        measure(metric.name, value, min=low, max=high, baseline=before, ci=ci, confidence=ci and confidence)
        if found is not None:
            measure("loss", found.loss, margin=found.margin, ci=ci, confidence=confidence)


def _compare(metric: Metric, case: Case, limits: Any) -> tuple[LossTest, float]:
    """Test the loss against the margin, on the rows that both versions answered."""
    paired = _paired(metric, case, with_baseline=True)
    before = None if paired.baseline is None else metric.value(paired.truth, paired.baseline)
    if paired.baseline is None or before is None:
        inconclusive(f"{metric.name} of the baseline's answers is not a finite number")
    allowed = _margin(metric, paired, before, limits)
    seed = zlib.crc32(metric.name.encode())
    return loss_test(metric, paired.truth, paired.candidate, paired.baseline, allowed, seed), before


def _paired(metric: Metric, case: Case, *, with_baseline: bool) -> Paired:
    """Give the metric's arrays; end the check where labels or answers do not have what the metric needs."""
    labels = labels_of(case)
    if labels is None:
        pytest.skip("there are no labels")
    found = pair(metric, labels, candidate_columns(case), baseline_columns(case) if with_baseline else None)
    if isinstance(found, Unfit):
        if found.whose == "candidate":
            pytest.fail(f"{metric.name} cannot be computed: {found.why}")
        whose = "the baseline: " if found.whose == "baseline" else ""
        inconclusive(f"{metric.name} cannot be computed: {whose}{found.why}")
    why = metric.undefined(found.truth)
    if why:
        inconclusive(f"{metric.name} is not defined on these labels: {why}")
    return found


def _margin(metric: Metric, paired: Paired, before: float, limits: Any) -> float:
    """Give the margin of gate.yaml, a share of the baseline's value or a number; else the default one."""
    wanted = limits.max_regression if limits is not None else None
    if wanted is None:
        return margin(metric, paired.truth, before)
    return float(wanted.of(before) if hasattr(wanted, "of") else wanted)
