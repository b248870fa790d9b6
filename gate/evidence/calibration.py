"""Do probabilities mean what they say? The calibration part of the Brier score, and confidence as a slope.

Sources: A. Murphy, A new vector partition of the probability score, J. Appl. Meteorol. 12 (1973);
J. Bröcker, Estimating reliability and resolution of probability forecasts through decomposition of the empirical
score, Climate Dynamics 39 (2012), for the bias; C. Guo et al., On calibration of modern neural networks, ICML 2017,
for the temperature, whose inverse is the slope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.domain import LossTest
from gate.evidence.arrays import Array, Floats, Ints

BINS = 12
FEWEST = 10
"""Rows in a bin."""
LEAST = 1e-3
"""Probabilities below count as this one: a forest's honest 0 is no statement about the ninth digit."""
SLOPES = (0.05, 20.0)
STEPS, NEWTON = 40, 3
ROUGH = 20_000
TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with each row's influence on it (n,), and what the variance has beyond these."""

    value: float
    influence: Floats
    extra: float = 0.0


def miscalibration(truth: Ints, probabilities: Array) -> Estimate:
    """Give the mean squared distance of probabilities (n, classes) from what happens in rows alike, free of bias.

    Of each class the rows are cut into up to 12 equal bins by its probability; a bin's squared mean residual less
    what chance adds to it is averaged. Of two classes the second counts, of more their sum.
    """
    classes = probabilities.shape[1]
    sides = (1,) if classes == 2 else range(classes)  # noqa: PLR2004 - two classes
    parts = [_of_class(truth == side, probabilities[:, side]) for side in sides]
    return Estimate(
        value=sum(part.value for part in parts),
        influence=np.sum([part.influence for part in parts], axis=0),
        extra=sum(part.extra for part in parts),
    )


def _of_class(hit: Array, probability: Floats) -> Estimate:
    rows = len(hit)
    bins = max(1, min(BINS, rows // FEWEST))
    order = np.argsort(probability, kind="stable")
    bin_of = np.empty(rows, dtype=np.int64)
    bin_of[order] = np.arange(rows) * bins // rows
    residual = probability - hit
    count, total, squares = (np.bincount(bin_of, weight, bins) for weight in (None, residual, residual**2))
    pairs = np.maximum(count - 1, 1.0)
    mean, spread = total / count, np.maximum(squares - total**2 / count, 0.0) / pairs
    part = (total**2 - squares) / pairs
    influence = 2 * residual * mean[bin_of] - mean[bin_of] ** 2
    return Estimate(
        value=float(part.sum()) / rows,
        influence=np.asarray(influence - influence.mean()),
        extra=float((2 * spread**2).sum()) / rows**2,
    )


def slope(truth: Ints, probabilities: Array) -> Estimate:
    """Give the exponent s for which p^s, made to sum to 1, is likeliest: below 1 the answers are overconfident.

    The inverse of the temperature of Guo et al. 2017, at least 0.05 and at most 20: bisection of the score on at most
    20,000 rows, then Newton's steps on all.
    """
    logs = np.log(np.clip(probabilities, LEAST, 1.0))
    logs -= logs.mean(axis=1, keepdims=True)
    chosen = logs[np.arange(len(truth)), truth]
    some = slice(None, None, max(1, len(truth) // ROUGH))
    low, high = SLOPES
    for _ in range(STEPS):
        middle = (low * high) ** 0.5
        short = float(chosen[some].mean() - _expected(logs[some], middle)[0].mean()) > 0
        low, high = (middle, high) if short else (low, middle)
    value = (low * high) ** 0.5
    for _ in range(NEWTON if len(truth) > ROUGH else 0):
        wanted, spread = _expected(logs, value)
        step = float(chosen.mean() - wanted.mean()) / max(float(spread.mean()), TINY)
        value = min(SLOPES[1], max(SLOPES[0], value + step))
    wanted, spread = _expected(logs, value)
    return Estimate(value=value, influence=np.asarray((chosen - wanted) / max(float(spread.mean()), TINY)))


def _expected(logs: Floats, exponent: float) -> tuple[Floats, Floats]:
    """Mean and variance of the log probabilities of each row (n,), drawn by these probabilities to the exponent."""
    if logs.shape[1] == 2:  # noqa: PLR2004 - two classes: their logs are opposite, and it goes ten times faster
        part = np.tanh(exponent * logs[:, 1])
        mean = logs[:, 1] * part
        return mean, logs[:, 1] ** 2 - mean**2
    scaled = exponent * logs
    weight = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = (weight * logs).sum(axis=1)
    return mean, (weight * logs**2).sum(axis=1) - mean**2


def bias(truth: Ints, probability: Array) -> Estimate:
    """Give by how much the log-odds of the positive class (n,) must be moved so that their mean is the true rate.

    0 where the answers are right on the whole; 0.7 where twice as many odds are to be had (D. Cox, Two further
    applications of a model for binary regression, Biometrika 45 (1958)). Found as the slope is.
    """
    hit = truth == 1
    clipped = np.clip(np.asarray(probability, dtype=np.float64), LEAST, 1 - LEAST)
    odds = np.log(clipped / (1 - clipped))
    some = slice(None, None, max(1, len(truth) // ROUGH))
    low, high = -SLOPES[1], SLOPES[1]
    for _ in range(STEPS):
        middle = (low + high) / 2
        short = float(_sigmoid(odds[some] + middle).mean()) < float(hit[some].mean())
        low, high = (middle, high) if short else (low, middle)
    value = (low + high) / 2
    for _ in range(NEWTON if len(truth) > ROUGH else 0):
        likely = _sigmoid(odds + value)
        step = float(hit.mean() - likely.mean()) / max(float((likely * (1 - likely)).mean()), TINY)
        value = min(SLOPES[1], max(-SLOPES[1], value + step))
    likely = _sigmoid(odds + value)
    information = max(float((likely * (1 - likely)).mean()), TINY)
    return Estimate(value=value, influence=np.asarray((hit - likely) / information))


def _sigmoid(odds: Floats) -> Floats:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * odds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How probabilities (n, classes) are off: on the average, by confidence, and (of two classes) on the whole."""

    miscalibration: Estimate
    slope: Estimate
    bias: Estimate | None


def calibration(truth: Ints, probabilities: Array) -> Calibration:
    """Estimate all that there is to say of one version's probabilities (n, classes)."""
    two = probabilities.shape[1] == 2  # noqa: PLR2004 - two classes
    return Calibration(
        miscalibration=miscalibration(truth, probabilities),
        slope=slope(truth, probabilities),
        bias=bias(truth, probabilities[:, 1]) if two else None,
    )


def calibration_test(ours: Estimate, theirs: Estimate, margin: float) -> LossTest:
    """Test how much more the candidate's probabilities are off than the baseline's."""
    influence = ours.influence - theirs.influence
    variance = _variance(influence) + ours.extra + theirs.extra
    return _tested("calibration part of the brier score", ours.value - theirs.value, variance, margin, len(influence))


def overconfidence_test(ours: Estimate, theirs: Estimate, margin: float) -> LossTest:
    """Test how much more overconfident the candidate is: how far its slope is below 1 and below the baseline's."""
    loss = min(1.0, theirs.value) - min(1.0, ours.value)
    influence = ours.influence - (theirs.influence if theirs.value < 1 else 0.0)
    return _tested("overconfidence (1 - slope)", loss, _variance(influence), margin, len(influence))


def bias_test(ours: Estimate, theirs: Estimate, margin: float) -> LossTest:
    """Test how much farther the candidate's log-odds (of two classes) are off on the whole than the baseline's.

    How far both are apart is known well, how far either is off is not. So two things must be proven at once: that the
    log-odds moved by more than the margin, and that they are off by more than it, to the side to which they moved.
    """
    moved = ours.value - theirs.value
    loss = abs(ours.value) - abs(theirs.value)
    off, side = abs(ours.value), np.sign(moved) == np.sign(ours.value)
    apart, alone = (max(_variance(part) ** 0.5, TINY) for part in (ours.influence - theirs.influence, ours.influence))

    def above(limit: float) -> float:
        if loss <= limit or not side:
            return 1.0
        return max(_normal((limit - abs(moved)) / apart), _normal((limit - off) / alone))

    return LossTest(
        name="bias of the log-odds",
        loss=loss,
        standard_error=alone,
        margin=margin,
        p_beyond=above(margin),
        p_critical=above(2 * margin),
        p_within=max(_normal((abs(moved) - 4 * margin) / apart), 0.9 ** len(ours.influence)),
    )


def _normal(statistic: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(statistic))


def _variance(influence: Floats) -> float:
    """The variance of a mean of influences (n,)."""
    centred = influence - influence.mean()
    return float(centred @ centred) / len(influence) ** 2


def _tested(name: str, loss: float, variance: float, margin: float, rows: int) -> LossTest:
    """Three ends by the normal distribution; critical beyond twice the margin, passed within four times of it."""
    error = float(np.sqrt(variance))
    reach = max(error, TINY)
    return LossTest(
        name=name,
        loss=loss,
        standard_error=error,
        margin=margin,
        p_beyond=_normal((margin - loss) / reach),
        p_critical=_normal((2 * margin - loss) / reach),
        p_within=max(_normal((loss - 4 * margin) / reach), 0.9**rows),
    )
