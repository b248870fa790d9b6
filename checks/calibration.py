"""Checks of whether probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gate import LossTest, check
from gate.domain import Task
from gate.evidence.calibration import Estimate, bias_test, calibration, calibration_test, overconfidence_test
from gate.evidence.noninferiority import interval

from .comparing import compared
from .subject import Case

OVERCONFIDENCE = 0.15
"""The margin of the slope."""
BIAS = 0.15
"""The margin of the log-odds' bias."""
DECIDED = 0.01
SHOWN_Z = 2.88
"""A loss of so many standard errors is there beyond chance (p = 0.002)."""
FEWEST = 50
ROUNDING = 1e-6


@pytest.mark.usefixtures("predictions", "labels", "baseline_predictions")
@check(category="quality")
def check_calibration(
    case: Case, measure: Callable[..., None], test: Callable[[LossTest], None], confidence: float
) -> None:
    """Probabilities mean what they say, as much as the baseline's do.

    Tests on the rows that both versions answered, each candidate less baseline:

    The calibration part of the Brier score (Murphy 1973), free of bias (after Bröcker 2012): rows in 12 bins by
    probability, the squared mean of probability less outcome, less what chance adds. Margin: that of brier, 0.005 by
    default (twice that for more than two classes). A warning beyond it, critical beyond twice of it.
    Overconfidence: the exponent s for which p^s is likeliest (the inverse of the temperature of Guo et al. 2017); the
    loss is how far s is below 1 and below the baseline's. A warning beyond 0.15, critical beyond 0.3: the log-odds
    are 1.4 times what they should be. Underconfidence is no loss here; the first test sees it.
    Bias, of two classes: how far the log-odds must move so that their mean is the true rate (Cox 1958). A warning
    where they moved by more than 0.15 and are off by more, critical beyond 0.3: the odds are a third too high.

    Default: these margins. A test that the rows cannot decide says nothing, unless a loss is shown.
    A failure means that whoever acts on the size of a probability acts wrongly, though ranking and accuracy may be
    the same: a lost calibration step, logits scaled, training for too long, another share of the classes.
    To change it: `metrics: {brier: {max_regression: 0.01}}` for the first test, or
    `severity: {quality.calibration: warning}`.
    """
    if case.task is not Task.PROBABILITY:
        pytest.skip("only probabilities can be calibrated")
    data = compared(case, ("brier",))
    truth = np.asarray(data.paired.truth.values, dtype=np.int64)
    ours, theirs = (_proper(answer) for answer in (data.paired.candidate, data.paired.baseline))
    if ours is None or theirs is None:
        pytest.skip("the answers are no probabilities between 0 and 1 (outliers.range)")
    if len(truth) < FEWEST or len(np.unique(truth)) < 2:  # noqa: PLR2004 - one class tells nothing
        pytest.skip(f"calibration needs labels of two classes and {FEWEST} rows")
    now, before = calibration(truth, ours), calibration(truth, theirs)
    _record(measure, "calibration part of brier", now.miscalibration, before.miscalibration)
    _record(measure, "slope (1 is right, less is overconfident)", now.slope, before.slope)
    tests = [
        calibration_test(now.miscalibration, before.miscalibration, data.margin),
        overconfidence_test(now.slope, before.slope, OVERCONFIDENCE),
    ]
    if now.bias is not None and before.bias is not None:
        _record(measure, "log-odds too low by", now.bias, before.bias)
        tests.append(bias_test(now.bias, before.bias, BIAS))
    told = [each for each in tests if each.p_within <= DECIDED or _shown(each)]
    for each in told:
        measure(each.name, each.loss, margin=each.margin, ci=interval(each, confidence), confidence=confidence)
        test(each)
    if not told:
        pytest.skip(f"{len(truth)} rows are too few to decide whether calibration got worse")


def _record(measure: Callable[..., None], name: str, now: Estimate, before: Estimate) -> None:
    measure(name, now.value, baseline=before.value)


def _shown(found: LossTest) -> bool:
    """Whether there is a loss at all, beyond chance."""
    return found.loss > 0 and found.loss > SHOWN_Z * found.standard_error


def _proper(answer: object) -> np.ndarray | None:
    """Probabilities (n, classes), None where they are outside 0 to 1."""
    values = np.asarray(answer, dtype=np.float64)
    return values if bool(((values >= -ROUNDING) & (values <= 1 + ROUNDING)).all()) else None
