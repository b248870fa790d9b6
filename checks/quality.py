"""Checks of how good the answers are: each metric of the labels, against the baseline and against fixed limits."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate import LossTest, Task, check, inconclusive
from gate.evidence.foreign import MetricRaisedError, orient
from gate.evidence.metrics import METRICS, Metric, find, margin
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
    influence function; for functions that are not the gate's own from a jackknife of 50 groups of rows), its p-values
    from Student's t after Hall's correction for skewness (Efron and Tibshirani 1993; Hall 1992; Tukey 1958). A share
    of right rows (accuracy, exact_match, coverage) fails only with McNemar's exact test on the rows that changed
    sides. Three ends: failed, where the loss is beyond the margin with the confidence shared over all that
    the gate tests (Holm 1979); passed, where a loss of twice the margin is excluded; else inconclusive, with the
    number of rows that would decide. Rows without a label are left out, and counted; a missing answer is never right,
    and fails. A metric that cannot be computed fails, or is inconclusive where labels or baseline are the reason.

    Default margin: 2 % of the baseline's value. At least 0.5 % of the labels' standard deviation for errors (0.2 % for
    pinball); 0.01 and one row for scores between 0 and 1; for those that rest on the k rows of a class (f1, precision,
    recall, balanced accuracy, pr_auc) 0.02, 0.8 / sqrt(k) and 0.01 / sqrt(k / n), for roc_auc 0.35 / sqrt(k), at most
    0.1; 0.02 for r2 and log_loss, 0.005 for brier (0.01 with more than two classes) and cosine_distance, 0.01 for
    rates of edits and for scikit-learn's scores of classes, none for your own functions.
    A failure means that the candidate gives worse answers than what it would replace.
    To change it: `metrics: {rmse: {max_regression: "5%"}, r2: {min: 0.4}}` in gate.yaml; names are the gate's,
    MLflow's and scikit-learn's (scorers and functions), or `module:function`, a Python function of labels and answers
    in the folder of gate.yaml (`greater_is_better: false` says its direction). A metric that has only a `min` or a
    `max` is held against these alone; without a baseline only they count.
    """
    limits = metric.limits
    known, alone, value = _alone(metric, case)
    low, high = (limits.min, limits.max) if limits is not None else (None, None)
    fixed = low is not None or high is not None
    compared = limits is None or limits.max_regression is not None or not fixed
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
        if alone.left_out:
            measure("rows left out: no label", alone.left_out, unit="rows")


def _alone(metric: Any, case: Case) -> tuple[Metric, Paired, float]:
    """Give the metric, the rows it is computed from and the candidate's value; end the check where there is none."""
    known = metric.metric or find(metric.name)
    if known is None:
        pytest.fail(f"there is no metric {metric.name!r}; there are {', '.join(METRICS)}")
    alone = _paired(known, case, with_baseline=False, asked=metric.limits is not None)
    known = orient(known, alone.truth)
    value = _value(known, alone.truth, alone.candidate, "candidate")
    if value is None and _overflows(alone.truth.values):
        inconclusive(f"{metric.name} of these labels is no finite number, whatever the answers: they are too large")
    if value is None:
        pytest.fail(f"{metric.name} of these answers is not a finite number")
    return known, alone, value


def _overflows(labels: Any) -> bool:
    """Whether the squares of the labels themselves are past the largest number."""
    with np.errstate(over="ignore"):
        return labels.dtype.kind == "f" and not np.isfinite(np.sum(labels**2))


def _compare(metric: Metric, case: Case, limits: Any) -> tuple[LossTest, float]:
    """Test the loss against the margin, on the rows that both versions answered."""
    paired = _paired(metric, case, with_baseline=True, asked=limits is not None)
    before = None if paired.baseline is None else _value(metric, paired.truth, paired.baseline, "baseline")
    if paired.baseline is None or before is None:
        inconclusive(f"{metric.name} of the baseline's answers is not a finite number")
    allowed = _margin(metric, paired, before, limits)
    seed = zlib.crc32(metric.name.encode())
    try:
        return loss_test(metric, paired.truth, paired.candidate, paired.baseline, allowed, seed), before
    except MetricRaisedError as error:
        pytest.fail(f"{error}, on the rows that both versions answered")


def _value(metric: Metric, truth: Any, answer: Any, whose: str) -> float | None:
    """Compute the metric; a function that raises ends this check alone."""
    try:
        return metric.value(truth, answer)
    except MetricRaisedError as error:
        if whose == "baseline":
            inconclusive(f"{error}, on the baseline's answers")
        pytest.fail(f"{error}: a metric that cannot be computed fails")


def _paired(metric: Metric, case: Case, *, with_baseline: bool, asked: bool) -> Paired:
    """Give the metric's arrays; end the check where labels or answers do not have what the metric needs."""
    labels = labels_of(case)
    if labels is None:
        pytest.skip("there are no labels")
    found = pair(metric, labels, candidate_columns(case), baseline_columns(case) if with_baseline else None)
    if isinstance(found, Unfit):
        if case.task is Task.EMBEDDING and not asked and _no_vectors(labels):
            pytest.skip(f"the labels are no vectors like the answers, and no metric was asked for ({found.why})")
        if found.whose == "candidate":
            pytest.fail(f"{metric.name} cannot be computed: {found.why}")
        whose = "the baseline: " if found.whose == "baseline" else ""
        inconclusive(f"{metric.name} cannot be computed: {whose}{found.why}{_without_label(labels)}")
    why = metric.undefined(found.truth)
    if why:
        inconclusive(f"{metric.name} is not defined on these labels: {why}{_without_label(labels)}")
    return found


def _no_vectors(labels: Any) -> bool:
    numbers = labels.output.numbers
    return numbers is None or numbers.ndim == 1


def _without_label(labels: Any) -> str:
    """Say how many rows have no label, where any has none."""
    missing = int((~labels.output.valid).sum())
    return f" ({missing:,} of {len(labels.output):,} rows have no label)" if missing else ""


def _margin(metric: Metric, paired: Paired, before: float, limits: Any) -> float:
    """Give the margin of gate.yaml, a share of the baseline's value or a number; else the default one."""
    wanted = limits.max_regression if limits is not None else None
    if wanted is None:
        return margin(metric, paired.truth, before)
    return float(wanted.of(before) if hasattr(wanted, "of") else wanted)
