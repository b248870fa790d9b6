"""Differences between two versions' answers to the same rows: how large, which rows, and whether they do harm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.metrics import METRICS, Metric, Truth, margin
from gate.evidence.outliers import centre_and_scale, worst_first
from gate.evidence.outputs import Kind, Output, common_codes
from gate.evidence.pairing import Paired

FAR = 8.0
"""A row moved far when it did by so many robust deviations of all differences,"""
FLOOR = 0.5
"""and by at least so many robust deviations of the baseline's answers."""
TAIL = 0.75
"""The deviation of the differences is no smaller than this quantile tells."""
TAIL_Z = 1.15
HARM_P = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How far the rows moved: `size` (n,), NaN where a version gave no answer; `unit` is the baseline's deviation."""

    size: Floats
    unit: float
    typical: float
    limit: float
    far: Ints


def sizes(candidate: Output, baseline: Output) -> Floats:
    """Give the size of each row's difference (n,): of numbers and dates |a - b|, of vectors the Euclidean distance.

    Of classes and texts it is 1 where they differ, else 0; NaN where either version gave no finite answer. Vectors
    of different lengths, and columns of different kinds, differ in every row.
    """
    valid = candidate.valid & baseline.valid
    if candidate.numbers is None and baseline.numbers is None:
        (ours, theirs), _ = common_codes(candidate, baseline)
        return np.where(valid, (ours != theirs).astype(np.float64), np.nan)
    if candidate.numbers is None or baseline.numbers is None or candidate.numbers.shape != baseline.numbers.shape:
        return np.where(valid, np.inf, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        away = candidate.numbers - baseline.numbers
        size = np.abs(away) if away.ndim == 1 else np.sqrt((away**2).sum(axis=1))
    return np.where(valid, size, np.nan)


def moves(candidate: Output, baseline: Output, limit: float | None = None) -> Moves:
    """Find the rows that moved farther than the limit, worst first.

    Without a limit a row moved far by more than 8 robust deviations of all differences (their median taken off: a
    common offset is a shift) and by more than half a robust deviation of the baseline's answers. The deviation is
    1.4826 times the median absolute deviation, and at least the 75 % quantile over 1.15: half of the rows
    may be untouched, and a quarter far off, without a say.
    """
    size = sizes(candidate, baseline)
    unit = _unit(baseline)
    if limit is None:
        known = size[np.isfinite(size)]
        limit = _far_limit(known, unit) if len(known) else math.inf
    with np.errstate(invalid="ignore"):
        far = worst_first(size, size > limit)
    typical = float(np.nanmedian(size)) if not np.isnan(size).all() else math.nan
    return Moves(size=size, unit=unit, typical=typical, limit=limit, far=far)


def _far_limit(size: Floats, unit: float) -> float:
    """A median and a quantile of the sizes themselves: honest differences scatter around 0."""
    middle, tail = np.quantile(size, [0.5, TAIL])
    deviation = max(1.4826 * float(middle), float(tail) / TAIL_Z)
    return max(FAR * deviation, FLOOR * unit)


def _unit(baseline: Output) -> float:
    if baseline.numbers is None:
        return 1.0
    numbers = baseline.numbers[baseline.valid]
    if not len(numbers):
        return 1.0
    if numbers.ndim == 1:
        return centre_and_scale(numbers)[1]
    return math.sqrt(float((numbers.std(axis=0) ** 2).sum()))


def rounding(baseline: Output) -> float:
    """Give how much two answers may differ by the rounding of single precision alone."""
    if baseline.kind in {Kind.CLASS, Kind.OTHER} or baseline.numbers is None:
        return 0.0
    numbers = np.abs(baseline.numbers[baseline.valid])
    return 1e-5 * float(numbers.max(initial=0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What the rows that moved do to a metric: the loss that they add to its mean, with the metric's margin."""

    metric: str
    loss: float
    margin: float
    p_value: float

    @property
    def proven(self) -> bool:
        """Whether these rows alone make the metric worse by more than its margin, beyond chance."""
        return self.loss > self.margin and self.p_value <= HARM_P


def harm(metric: Metric, paired: Paired, rows: Ints) -> Harm | None:
    """Ask whether the rows that moved are worse than before; None without a baseline or among fewer than 5 of them.

    The metric must be a mean over rows (mae, accuracy, brier). The p-value is that of Student's one-sided t over the
    moved rows: choosing rows by how far they moved, not by their labels, leaves it fair.
    """
    chosen = np.zeros(int(paired.rows.max()) + 1, dtype=bool)
    chosen[rows[rows < len(chosen)]] = True
    inside = chosen[paired.rows]
    if paired.baseline is None or inside.sum() < 5:  # noqa: PLR2004 - fewer have no distribution
        return None
    from scipy.special import stdtr

    added = (_losses(metric, paired.truth, paired.candidate) - _losses(metric, paired.truth, paired.baseline))[inside]
    error = float(added.std(ddof=1)) / math.sqrt(len(added))
    mean = float(added.mean())
    statistic = mean / error if error > 0 else math.copysign(math.inf, mean) if mean else 0.0
    before = metric.value(paired.truth, paired.baseline) or 0.0
    return Harm(
        metric=metric.name,
        loss=float(added.sum()) / len(inside),
        margin=margin(metric, paired.truth, before),
        p_value=float(stdtr(len(added) - 1, -statistic)) if math.isfinite(statistic) else float(statistic < 0),
    )


def mean_metric(needs: str) -> Metric:
    """Give the metric by which harm is measured: a mean over rows of what the answers are."""
    return METRICS[{"number": "mae", "class": "accuracy", "probability": "brier"}[needs]]


def _losses(metric: Metric, truth: Truth, answer: Array) -> Floats:
    """Each row's part in a mean; the influence is it but for a constant, which cancels with the value."""
    bound = metric.bind(truth, answer)
    part = bound.influence() + bound.value()
    return -part if metric.greater_is_better else part
