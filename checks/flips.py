"""Checks of rows that change sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gate import LossTest, check
from gate.domain import Task
from gate.evidence import flips

from .comparing import compared
from .subject import Case

LOUD = 0.01
TASKS = {Task.CLASSIFICATION: "accuracy", Task.PROBABILITY: "accuracy", Task.TEXT: "exact_match"}


@pytest.mark.usefixtures("predictions", "labels", "baseline_predictions")
@check(category="quality")
def check_negative_flips(
    case: Case,
    measure: Callable[..., None],
    offending_rows: Callable[..., None],
    test: Callable[[LossTest], None],
) -> None:
    """Rows that the baseline gets right stay right.

    A negative flip is a row that the baseline got right and the candidate gets wrong; of probabilities the likelier
    class counts. Two tests, with the margin m of accuracy:

    Beyond chance: the share of negative flips less what independent errors would give, right before x wrong now
    (Yan et al., Positive-congruent training, 2021). A warning beyond m, critical beyond 2 m.
    Net: negative less positive flips, over all rows, by the exact binomial (McNemar 1947). A warning beyond 0.15 m,
    a loss that accuracy itself lets pass; critical beyond 2 m.

    Default: m is 2 % of the baseline's accuracy, at least 0.01.
    A failure means that users lose answers that worked; the flipped rows are listed.
    To change it: `metrics: {accuracy: {max_regression: "4%"}}`, or `severity: {quality.negative_flips: warning}`.
    """
    if case.task not in TASKS:
        pytest.skip("only answers that are right or wrong can flip: classes, probabilities, texts")
    data = compared(case, (TASKS[case.task],))
    right_before, right_now = (
        np.asarray(data.paired.truth.values == answer).reshape(len(data.paired.rows), -1).all(axis=1)
        for answer in (data.paired.baseline, data.paired.candidate)
    )
    found = flips.count(right_before, right_now)
    measure("negative flips", found.lost, unit="rows")
    measure("positive flips", found.won, unit="rows")
    if found.relative is not None:
        measure("negative flips over those of independent errors", found.relative)
    tests = (
        flips.net_test(found, data.margin),
        flips.excess_test(right_before, right_now, data.margin),
    )
    for each in tests:
        measure(each.name, each.loss, margin=each.margin)
        test(each)
    if min(each.p_beyond for each in tests) <= LOUD:
        offending_rows(data.paired.rows[right_before & ~right_now])
