"""Is the candidate worse in a part of the rows? Sums by slice, and tests of each.

What is tested is the difference of the losses of each row (candidate's less baseline's), so that what makes a slice
hard is no loss. All sums can be added up: of bins that are joined, and of parts of the data.

Sources: P. Hall, On the removal of skewness by transformation, J. R. Stat. Soc. B 54 (1992);
S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.metric import Metric, columns
from gate.evidence.pairing import Paired
from gate.evidence.weighing import Mean

POWERS = 5
"""The sums of a slice: rows, the difference to the powers 1 to 4, the baseline's loss."""
UNSEEN = 0.1
"""A tenth of a slice may behave otherwise; n rows miss all of it with probability 0.9^n, so no p_within is lower."""
FARTHEST = 1e70
"""Errors beyond so many times the baseline's are cut: their fourth power would be no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What each of n rows costs: the baseline's loss, and how much more the candidate's is, with the margin.

    `unit` is 0 where the mean of the losses is the metric itself. Of a root mean square it is what the root is
    measured in: the losses are squares then, whose mean over all rows is about 1. `step` is the least that one more
    row can change: 1 for right and wrong, 0 for amounts.
    """

    metric: str
    difference: Floats
    baseline: Floats
    margin: float
    unit: float = 0.0
    step: float = 0.0

    def take(self, rows: Array) -> Losses:
        """Give some rows, by position or by mask."""
        return Losses(
            metric=self.metric,
            difference=self.difference[rows],
            baseline=self.baseline[rows],
            margin=self.margin,
            unit=self.unit,
            step=self.step,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """K slices, tested: arrays (K,) of rows, mean losses, standard errors, margins, and one-sided p-values.

    `p_worse` is against "no loss", `p_beyond` against "at most the margin", `p_critical` against "at most twice the
    margin", `p_within` against "at least four times the margin".
    """

    rows: Floats
    loss: Floats
    error: Floats
    margin: Floats
    baseline: Floats
    p_worse: Floats
    p_beyond: Floats
    p_critical: Floats
    p_within: Floats


def losses_of(metric: Metric, paired: Paired, margin: float) -> Losses:
    """Give what each row costs by rmse, accuracy, exact_match, or the mean of any other loss.

    Of several targets each is measured in the baseline's error. Raises ValueError where there is no baseline.
    """
    if paired.baseline is None:
        raise ValueError("slices compare two versions")
    if metric.name == "rmse":
        return _squares(paired, paired.baseline, margin)
    ours, theirs = (_costs(metric, paired, answer) for answer in (paired.candidate, paired.baseline))
    step = 1.0 if metric.needs in {"class", "text"} else 0.0
    return Losses(metric=metric.name, difference=ours - theirs, baseline=theirs, margin=margin, step=step)


def _costs(metric: Metric, paired: Paired, answer: Array) -> Floats:
    bound = metric.bind(paired.truth, answer)
    if not isinstance(bound, Mean):
        raise TypeError(f"{metric.name} is no mean over rows")
    rows = np.asarray(bound.rows, dtype=np.float64).reshape(len(answer), -1).mean(axis=1)
    return np.asarray(1.0 - rows if metric.greater_is_better else rows)


def _squares(paired: Paired, baseline: Array, margin: float) -> Losses:
    """Squared errors in the baseline's mean squared errors, by target, then their mean (n,)."""
    truth = columns(paired.truth.values)
    theirs = columns(baseline) - truth
    size = np.maximum(np.sqrt(np.mean(np.minimum(np.abs(theirs), 1e150) ** 2, axis=0)), max(margin, 1e-300))
    ours, before = (
        np.mean(np.clip(error / size, -FARTHEST, FARTHEST) ** 2, axis=1)
        for error in (columns(paired.candidate) - truth, theirs)
    )
    unit = float(size.mean())
    return Losses(
        metric="rmse", difference=ours - before, baseline=before, margin=(1 + margin / unit) ** 2 - 1, unit=unit
    )


def sums(codes: Ints, count: int, losses: Losses) -> Floats:
    """Add up each of `count` slices: (count, 6) of the rows, the scaled difference's powers, the baseline's loss.

    `codes` (n,) is each row's slice, -1 for none.
    """
    unit = scale(losses.difference)
    inside = slice(None) if not len(codes) or codes.min() >= 0 else codes >= 0
    code, value = codes[inside], losses.difference[inside] / unit
    parts: list[Floats] = [np.bincount(code, minlength=count).astype(np.float64)]
    power = np.ones_like(value)
    for _ in range(1, POWERS):
        power = power * value
        parts.append(np.asarray(np.bincount(code, power, count), dtype=np.float64))
    parts.append(np.asarray(np.bincount(code, losses.baseline[inside], count), dtype=np.float64))
    return np.column_stack(parts)


def scale(difference: Floats) -> float:
    """Give the root mean square of finite numbers (n,), safe from overflow; 1 where all are 0."""
    largest = float(np.abs(difference).max(initial=0.0))
    if largest == 0 or not np.isfinite(largest):
        return 1.0
    return largest * float(np.sqrt(np.mean((difference / largest) ** 2)))


def judge(added: Floats, losses: Losses, margin: float | None = None) -> Judged:
    """Test each slice from its sums (K, 6), by Student's t after Hall's correction for skewness.

    `losses` are those that were added up. The margin of a slice is that of the metric (or `margin`), and more where
    the baseline's loss is larger there than elsewhere. Two pseudo-rows keep a few equal rows from looking certain.
    """
    from scipy.special import stdtr

    unit = scale(losses.difference)
    rows = np.maximum(added[:, 0], 1.0)
    mean, second, third, fourth = (added[:, power] / rows for power in range(1, POWERS))
    variance = np.maximum(second - mean**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        skewness = _known((third - 3 * mean * second + 2 * mean**3) / variance**1.5)
        kurtosis = _known((fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4) / variance**2)
    step = np.maximum(np.sqrt(variance), losses.step / unit)
    error = np.sqrt(variance / np.maximum(rows - 1, 1.0) + 2 * (step / rows) ** 2)
    freedom = np.maximum(1.0, np.minimum(rows - 1, 2 * rows / np.maximum(kurtosis - 1, 1e-9)))
    allowed = (losses.margin if margin is None else margin) * _size(added, losses)
    tilt = np.clip(skewness / np.sqrt(rows), -3.0, 3.0)

    def studentised(times: float) -> Floats:
        away = mean - times * allowed / unit
        value = np.clip(np.divide(away, error, out=np.sign(away) * 1e6, where=error > 0), -1e6, 1e6)
        return np.asarray(value + tilt * (value**2 / 3 + 1 / 6) + tilt**2 * value**3 / 27)

    return Judged(
        rows=added[:, 0],
        loss=mean * unit,
        error=error * unit,
        margin=allowed,
        baseline=added[:, POWERS] / rows,
        p_worse=np.asarray(stdtr(freedom, -studentised(0))),
        p_beyond=np.asarray(stdtr(freedom, -studentised(1))),
        p_critical=np.asarray(stdtr(freedom, -studentised(2))),
        p_within=np.maximum(stdtr(freedom, studentised(4)), (1 - UNSEEN) ** rows),
    )


def _known(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _size(added: Floats, losses: Losses) -> Floats:
    """How many times the usual margin a slice has (K,): where the baseline's loss is larger there, so often."""
    overall = float(losses.baseline.mean()) if len(losses.baseline) else 0.0
    if overall <= 0 or losses.step:
        return np.ones(len(added))
    return np.asarray(np.maximum(1.0, added[:, POWERS] / np.maximum(added[:, 0], 1.0) / overall))


def in_metric(losses: Losses, found: Judged, place: int) -> tuple[float, float, float]:
    """Give one slice's loss, standard error and margin in the metric's own unit: of squares the roots' difference."""
    loss, error, margin = (float(values[place]) for values in (found.loss, found.error, found.margin))
    if not losses.unit:
        return loss, error, margin
    before = max(0.0, float(found.baseline[place]))
    root = np.sqrt(before)
    slope = max(float(np.sqrt(max(before + loss, 0.0)) + root), 1e-12)
    return losses.unit * loss / slope, losses.unit * error / slope, losses.unit * (np.sqrt(before + margin) - root)


def adjusted(p_values: Floats) -> Floats:
    """Give Holm's adjusted p-values (K,) of one family."""
    order = np.argsort(p_values)
    steps = p_values[order] * (len(p_values) - np.arange(len(p_values)))
    out = np.empty(len(p_values))
    out[order] = np.maximum.accumulate(np.minimum(1.0, steps))
    return out
