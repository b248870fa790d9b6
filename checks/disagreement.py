"""What can be said of accuracy where nobody knows the right answers: two versions that agree are equally right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gate import check
from gate.evidence.discordance import disagreement
from gate.evidence.outputs import Output, as_classes, common_codes, read
from gate.evidence.pairing import THRESHOLD, Columns, is_single_probability, main_answer

from .subject import CLASS_TASKS, Case, baseline_columns, candidate_columns


@pytest.mark.usefixtures("predictions", "baseline_predictions")
@check(category="quality", severity="info")
def check_disagreement(
    case: Case, measure: Callable[..., None], offending_rows: Callable[..., None], confidence: float
) -> None:
    """Without labels: how much accuracy can have changed at most.

    Where both versions name the same class they are right or wrong together, so their accuracies differ by no more
    than the share of rows on which they disagree. Its upper bound is that of Clopper and Pearson (1934) at the gate's
    confidence. Only for classes and probabilities of classes (the most likely class, or the threshold 0.5) where
    there are no labels; with labels the metrics say it better.

    Limit: none, this is information; a severity for it in gate.yaml changes nothing, as it cannot fail.
    A failure means nothing, since there is none; many disagreements mean that the candidate may be much better or
    much worse: have these rows labelled.
    To change it: give labels (`data.target`), even of a part of the rows; the others are then left out.
    """
    if case.labels is not None:
        pytest.skip("there are labels: the metrics say what changed")
    if case.task not in CLASS_TASKS:
        pytest.skip("needs answers that are classes, or probabilities of classes")
    ours, theirs = _classes(candidate_columns(case), case), _classes(baseline_columns(case) or {}, case)
    if ours is None or theirs is None or not (ours.valid & theirs.valid).any():
        pytest.skip("there is no row that both versions answer with a class")
    (one, other), _ = common_codes(ours, theirs)
    rows = np.flatnonzero(ours.valid & theirs.valid)
    differs = one[rows] != other[rows]
    found = disagreement(differs, confidence)
    measure("disagreement", found.share, unit="of the rows", ci=(0.0, found.bound), confidence=confidence)
    measure("accuracy can have changed by at most", found.bound, unit="of the rows")
    offending_rows(rows[differs])


def _classes(columns: Columns, case: Case) -> Output | None:
    """Give the class that each row gets, None where the answers name none."""
    answer = main_answer(columns)
    if answer is None or (answer.numbers is not None and answer.numbers.ndim > 1):
        return None
    if is_single_probability(case.task, columns) and answer.numbers is not None:
        return as_classes(read(np.where(answer.numbers >= THRESHOLD, 1.0, 0.0), ~answer.valid))
    return as_classes(answer)
