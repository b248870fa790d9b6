"""How far a distribution of answers moved, as effect sizes that do not depend on the number of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gate.domain import LossTest
from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.outliers import centre_and_scale

GRID = 2001
"""Quantiles that stand for samples of different sizes."""
REPLICATES = 60
RESAMPLED = 2000
"""Rows that are resampled; the error of more follows from the root of their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How the candidate's answers are distributed, in units of the baseline's robust standard deviation.

    `distance` is the mean distance between equal quantiles (Wasserstein-1), `median` the signed move of the median,
    `spread` the ratio of the robust standard deviations (1: as wide as before).
    """

    distance: float
    median: float
    spread: float


def number_shift(candidate: Floats, baseline: Floats) -> Shift:
    """Compare two samples of finite numbers, (n,) and (m,), neither empty.

    Source: C. Villani, Optimal Transport (2009), chapter 6; on a line the distance is that of the quantiles. Where
    the baseline has no spread at all, the unit is the size of its median, or 1.
    """
    centre, scale = centre_and_scale(baseline)
    unit = scale or abs(centre) or 1.0
    other_centre, other_scale = centre_and_scale(candidate)
    return Shift(
        distance=wasserstein(candidate, baseline) / unit,
        median=(other_centre - centre) / unit,
        spread=other_scale / scale if scale else float(other_scale == 0),
    )


def wasserstein(one: Floats, other: Floats) -> float:
    """Give the mean distance between equal quantiles of two samples, in their unit; `inf` where that overflows."""
    if len(one) != len(other):
        levels = (np.arange(GRID) + 0.5) / GRID
        one, other = np.quantile(one, levels), np.quantile(other, levels)
    with np.errstate(over="ignore"):
        return float(np.mean(np.abs(np.sort(one) - np.sort(other))))


def class_shift(candidate: Ints, baseline: Ints, classes: int) -> tuple[float, Floats]:
    """Give the total variation distance of two samples of codes, and each class's move as a share of all rows.

    The distance is the share of rows that would have to change their class: half the sum of the absolute moves.
    """
    shares = [np.bincount(codes, minlength=classes) / max(1, len(codes)) for codes in (candidate, baseline)]
    moves = np.asarray(shares[0] - shares[1])
    return float(np.abs(moves).sum() / 2), moves


def paired_error(candidate: Array, baseline: Array, size: Callable[[Array, Array], float], seed: int = 0) -> float:
    """Give the standard error of an effect size, by drawing rows with replacement; arrays (n, …) of the same rows.

    Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 6.
    """
    draw = np.random.default_rng(seed)
    rows = len(candidate)
    kept = np.sort(draw.choice(rows, RESAMPLED, replace=False)) if rows > RESAMPLED else np.arange(rows)
    ours, theirs = candidate[kept], baseline[kept]
    sizes = np.empty(REPLICATES)
    for index in range(REPLICATES):
        again = draw.integers(0, len(kept), len(kept))
        sizes[index] = size(ours[again], theirs[again])
    known = sizes[np.isfinite(sizes)]
    return float(known.std(ddof=1)) * math.sqrt(len(kept) / rows) if len(known) > 1 else math.inf


def effect_test(name: str, size: float, error: float, margin: float, tried: int = 1) -> LossTest:
    """Hold an effect size with a standard error against a margin, with three ends, by the normal distribution.

    Of an effect that was chosen as the largest of `tried` the proof is shared over all of them (Bonferroni).
    """
    from scipy.special import ndtr

    known = error > 0 and math.isfinite(error)
    above = (size - margin) / error if known else math.copysign(math.inf, size - margin)
    below = (size - 2 * margin) / error if known else math.copysign(math.inf, size - 2 * margin)
    return LossTest(
        name=name,
        loss=size,
        standard_error=error,
        margin=margin,
        p_beyond=min(1.0, tried * float(ndtr(-above))),
        p_within=float(ndtr(below)) if error < math.inf else 1.0,
    )
