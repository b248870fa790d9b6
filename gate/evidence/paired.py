"""Differences between two versions' answers to the same rows: how large, which rows, and whether they do harm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.metrics import METRICS, Metric, Truth, margin
from gate.evidence.outliers import centre_and_scale, worst_first
from gate.evidence.outputs import Output, common_codes
from gate.evidence.pairing import Paired

FAR = 8.0
"""A row moved far when it did by so many robust deviations of all differences,"""
FLOOR = 0.5
"""and by at least so many robust deviations of the baseline's answers."""
TAIL = 0.75
"""The deviation of the differences is no smaller than this quantile tells."""
TAIL_Z = 1.15
FEW = 3
FEW_SHARE = 0.001
HARM_P = 0.0001
"""A hundredth of the usual 1 %: what is left of it for each of some tests on each of some looks."""
LOCAL_ROWS = 50
LOCAL_PARTS = 20
LOCAL_LIMIT = 5.0
"""Where answers are of one size their differences may scatter so many times as widely as everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How far the rows moved: `size` (n,), NaN where a version gave no answer, and the median of it.

    `far` are the rows that moved farther than `limit` (of the baseline's usual answers), worst first; `wild` says
    whether they are more than a few stragglers.
    """

    size: Floats
    typical: float
    limit: float
    far: Ints
    wild: bool


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


def moves(candidate: Output, baseline: Output, limit: float | None = None, floor: float | None = None) -> Moves:
    """Find the rows that moved farther than the limit, worst first.

    Without a limit a row moved far by more than 8 robust deviations of all differences and by more than half a robust
    deviation of the baseline's answers; where the baseline's answer lies z > 1 such deviations from their median, z
    times as far, since large answers differ more. The deviation of the differences is 1.4826 times their median size,
    at least the 75 % quantile over 1.15: half of the rows may be untouched, and a quarter far off, without a say.
    With a `floor` that is the least distance, instead of half a deviation, and z is left out: for bounded answers.
    Three such rows and a thousandth of all are wild, or a single one that moved twice as far.
    """
    size = sizes(candidate, baseline)
    typical = float(np.nanmedian(size)) if not np.isnan(size).all() else math.nan
    with np.errstate(invalid="ignore"):
        if limit is not None:
            far = worst_first(size, size > limit)
            return Moves(size=size, typical=typical, limit=limit, far=far, wild=bool(len(far)))
        relative, unit = _relative(size, baseline) if floor is None else _bounded(size, baseline, floor)
        known = relative[np.isfinite(relative)]
        limit = _far_limit(known, unit) if len(known) else math.inf
        far = worst_first(relative, relative > limit)
        wild = len(far) >= max(FEW, FEW_SHARE * len(size)) or bool((relative > 2 * limit).any())
    return Moves(size=size, typical=typical, limit=limit, far=far, wild=wild)


def _relative(size: Floats, baseline: Output) -> tuple[Floats, float]:
    """Sizes (n,) over how far out the baseline's answers lie, at least 1; and the baseline's robust deviation."""
    if baseline.numbers is None or not baseline.valid.any():
        return size, 1.0
    if baseline.numbers.ndim > 1:
        spread = baseline.numbers[baseline.valid].std(axis=0)
        return size, math.sqrt(float(spread @ spread))
    centre, unit = centre_and_scale(baseline.numbers[baseline.valid])
    if unit == 0:
        return size, unit
    outer = np.maximum(np.abs(baseline.numbers - centre) / unit, _local(size, baseline.numbers))
    return np.asarray(size / np.maximum(1.0, outer)), unit


def _bounded(size: Floats, baseline: Output, floor: float) -> tuple[Floats, float]:
    """The same for answers that cannot lie far out: only where differences scatter more, more is allowed."""
    single = baseline.numbers is not None and baseline.numbers.ndim == 1
    wider = _local(size, np.asarray(baseline.numbers)) if single else np.ones(len(size))
    return np.asarray(size / np.maximum(1.0, wider)), floor / FLOOR


def _local(size: Floats, answers: Floats) -> Floats:
    """How much wider sizes (n,) scatter among the rows with the nearest answers than among all, at most 5 times."""
    wider = np.ones(len(size))
    known = np.flatnonzero(np.isfinite(size) & np.isfinite(answers))
    parts = min(LOCAL_PARTS, len(known) // LOCAL_ROWS)
    everywhere = _deviation(size[known]) if parts > 1 else 0.0
    if everywhere > 0:
        for rows in np.array_split(known[np.argsort(answers[known], kind="stable")], parts):
            wider[rows] = min(LOCAL_LIMIT, _deviation(size[rows]) / everywhere)
    return wider


def _far_limit(size: Floats, unit: float) -> float:
    """Give the limit from a median and a quantile of the sizes themselves: honest differences scatter around 0."""
    return max(FAR * _deviation(size), FLOOR * unit)


def _deviation(size: Floats) -> float:
    """The deviation of differences around 0, from the median and a quantile of their sizes (m,)."""
    middle, tail = np.quantile(size, [0.5, TAIL])
    return max(1.4826 * float(middle), float(tail) / TAIL_Z)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What some rows do to a metric: the loss that they add to its mean over all rows, with the metric's margin.

    `p_value` is against "no more than the margin is lost by such rows", `p_worse` against "these rows are no worse".
    """

    metric: str
    loss: float
    margin: float
    p_value: float
    p_worse: float

    @property
    def proven(self) -> bool:
        """Whether these rows alone make the metric worse by more than its margin, beyond chance."""
        return self.loss > self.margin and self.p_value <= HARM_P

    @property
    def none(self) -> bool:
        """Whether the labels give no reason to call these rows worse than they were, or next to nothing is lost."""
        return self.p_worse > 0.01 or self.loss < self.margin / 4  # noqa: PLR2004 - one in a hundred honest ones


def harm(metric: Metric, paired: Paired, rows: Ints) -> Harm | None:
    """Ask whether the rows that moved are worse than before; None without a baseline or without such rows.

    The metric must be a mean over rows (mae, accuracy, brier). Choosing rows by how far they moved, not by their
    labels, leaves the tests fair. `p_worse` is Student's one-sided t over the rows; for fewer than 5 it is 1 where one
    of them is better, else NaN. `p_value`
    takes their number as chance, too: sums of losses like these are close to a multiple of a Poisson variable with the
    same mean and variance, so four rows that lose a thousandfold are proof, and a hundred that lose a little. What the
    rows gain is set against it at its upper 99 % bound.
    """
    chosen = np.zeros(int(paired.rows.max(initial=-1)) + 1, dtype=bool)
    chosen[rows[rows < len(chosen)]] = True
    inside = chosen[paired.rows]
    if paired.baseline is None or not inside.any():
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        added = _losses(metric, paired.truth, paired.candidate) - _losses(metric, paired.truth, paired.baseline)
    added = np.nan_to_num(added[inside], nan=0.0)
    allowed = margin(metric, paired.truth, metric.value(paired.truth, paired.baseline) or 0.0)
    return Harm(
        metric=metric.name,
        loss=float(added.sum()) / len(inside),
        margin=allowed,
        p_value=_p_beyond(added, allowed * len(inside)),
        p_worse=_p_worse(added),
    )


def _p_beyond(added: Floats, allowed: float) -> float:
    """The compound Poisson tail: as many losses of the usual size, were no more than `allowed` to be expected."""
    from scipy.special import gammainc

    unit = float(np.abs(added).max(initial=0.0))
    worse, better = added[added > 0] / (unit or 1.0), added[added < 0] / (unit or 1.0)
    if not len(worse) or not math.isfinite(unit):
        return 1.0
    lost, squares = float(worse.sum()), float(worse @ worse)
    gained = -float(better.sum()) + 2.33 * math.sqrt(float(better @ better))
    return float(gammainc(lost**2 / squares, (allowed / unit + gained) * lost / squares))


def _p_worse(added: Floats) -> float:
    from scipy.special import stdtr

    if len(added) < 5:  # noqa: PLR2004 - fewer have no distribution
        return 1.0 if bool((added < 0).any()) else math.nan
    unit = float(np.abs(added).max()) or 1.0
    mean, error = float((added / unit).mean()), float((added / unit).std(ddof=1)) / math.sqrt(len(added))
    if error > 0:
        return float(stdtr(len(added) - 1, -mean / error))
    return 0.5 if mean == 0 else float(mean < 0)


def mean_metric(needs: str) -> Metric:
    """Give the metric by which harm is measured: a mean over rows of what the answers are."""
    return METRICS[{"number": "mae", "class": "accuracy", "probability": "brier"}[needs]]


def _losses(metric: Metric, truth: Truth, answer: Array) -> Floats:
    """Each row's part in a mean; the influence is it but for a constant, which cancels with the value."""
    bound = metric.bind(truth, answer)
    part = bound.influence() + bound.value()
    return -part if metric.greater_is_better else part
