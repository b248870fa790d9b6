"""Checks of improvements that cannot be true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gate import check
from gate.evidence.improvement import copied, gain
from gate.evidence.metrics import METRICS
from gate.evidence.pairing import Paired, pair
from gate.evidence.slices import losses_of

from .comparing import compared, main_metrics
from .subject import Case, baseline_columns, candidate_columns, labels_of

LEFT = {"rmse": 0.1, "brier": 0.3, "accuracy": 0.3, "exact_match": 0.3}
"""The least share of the baseline's mean loss (squared errors, wrong answers) that is believed."""
ERROR = {"rmse": "squared error", "brier": "squared error of the probabilities"}
P_VALUE = 0.001
FEW = 20
COPIED_SHARE = 0.01


@pytest.mark.usefixtures("predictions", "labels")
@check(category="quality", severity="warning")
def check_too_good(case: Case, measure: Callable[..., None], offending_rows: Callable[..., None]) -> None:
    """The improvement is not too good to be true.

    Copied labels: answers that equal a continuous label to the last bit. Limit: 5 rows, 1 % of all, and three times
    as many as the baseline's. Needs no baseline.
    Improvement: the share of the baseline's wrong answers (of classes) or squared errors (of numbers, probabilities)
    that is left. Limit: 30 %, of numbers 10 % (rmse falls by more than two thirds), beyond chance (p <= 0.001,
    Student's t over the rows).

    A failure means that the candidate has probably seen the labels: the target or something made of it is among the
    inputs, or evaluation rows were trained on. Look at what the newest inputs are made of.
    To change it: a real breakthrough is waived, `waivers: [{check: quality.too_good, owner: …, reason: …, expires:
    …}]`; or `severity: {quality.too_good: info}`.
    """
    copies = _copied(case)
    if copies is not None:
        rows, known = copies
        measure("answers equal to a continuous label", len(rows) / known, unit="of the rows")
    wanted = main_metrics(case.task)
    found = _gain(case, wanted) if case.comparison.baseline is not None and wanted else None
    if found is not None:
        measure(f"share of the baseline's {found[0]} that is left", found[1].left)
    if copies is not None and _many(case, *copies):
        offending_rows(copies[0])
        pytest.fail(
            f"{len(copies[0])} of {copies[1]} answers equal their label to the last bit: the labels have leaked"
        )
    if found is not None and found[1].p_value <= P_VALUE:
        pytest.fail(
            f"only {found[1].left:.1%} of the baseline's {found[0]} is left: too good to be true unless the baseline "
            "was broken; look for the target among the inputs, and for evaluation rows in the training data"
        )
    if copies is None and found is None:
        pytest.skip("needs a baseline, or labels that are continuous numbers")


def _paired(case: Case, *, with_baseline: bool) -> Paired | None:
    labels = labels_of(case)
    before = baseline_columns(case) if with_baseline else None
    found = None if labels is None else pair(METRICS["rmse"], labels, candidate_columns(case), before)
    return found if isinstance(found, Paired) else None


def _copied(case: Case) -> tuple[Any, int] | None:
    """The rows that equal their label, and how many were looked at; None where labels are not continuous."""
    if main_metrics(case.task) != ("rmse",):
        return None
    paired = _paired(case, with_baseline=False)
    if paired is None or len(paired.rows) < FEW:
        return None
    rows = copied(np.asarray(paired.truth.values), np.asarray(paired.candidate))
    return None if rows is None else (paired.rows[rows], len(paired.rows))


def _many(case: Case, rows: Any, known: int) -> bool:
    """Whether more labels are hit than luck, or the baseline, hits."""
    if len(rows) < max(5, COPIED_SHARE * known):
        return False
    paired = _paired(case, with_baseline=True)
    if paired is None or paired.baseline is None:
        return True
    before = copied(np.asarray(paired.truth.values), np.asarray(paired.baseline))
    return before is None or len(rows) > 3 * len(before)


def _gain(case: Case, names: tuple[str, ...]) -> tuple[str, Any] | None:
    """What is left of the baseline's errors; None where the versions cannot be compared."""
    if baseline_columns(case) is None or not case.baseline_paired:
        return None
    try:
        data = compared(case, names)
    except pytest.skip.Exception:
        return None
    if len(data.paired.rows) < FEW:
        return None
    losses = losses_of(data.metric, data.paired, data.margin)
    name = ERROR.get(data.metric.name, "wrong answers")
    return name, gain(losses.baseline + losses.difference, losses.baseline, LEFT[data.metric.name])
