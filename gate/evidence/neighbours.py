"""Answers far from what similar inputs get: rows that stand out among their nearest neighbours.

A row stands out by its answer, not by its inputs: k nearest neighbours of its inputs answer something else. Where a
baseline answers the same rows, only those count that stand out now and did not before, against those that did and do
not any more: two honest versions are equally often odd.

Source: Local outliers by neighbours follow M. Breunig et al., LOF: identifying density-based local outliers, SIGMOD
2000; the comparison of discordant rows Q. McNemar, Psychometrika 12 (1947).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats, Ints

NEIGHBOURS = 10
BINS = 10
LEVELS = 50
"""A column of more distinct names than this says nothing about who is similar."""
WIDTH = 200
"""No more columns are compared than this: those that tell most of the answers."""
BLOCK = 500
TAIL = 0.9
ODD = 2.0
"""A number is odd at so many times the distance that nine of ten rows keep from their neighbours,"""
ODD_ALONE = 3.0
"""or so many times where no baseline tells honest oddity,"""
CALM = 0.5
"""and calm within this share of that distance."""
WITHIN = 10.0
AGREED = 0.9
"""A class is odd where so many of the neighbours agree on another one, and at most one has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """Rows (n,) whose answer their neighbours would not give, rows that are clearly not odd, how far off each is.

    `elsewhere` (n,) is what the neighbours answer: their median, or their commonest class.
    """

    odd: Bools
    calm: Bools
    size: Floats
    elsewhere: Array


def similar(features: list[Floats | Ints], answers: Array) -> Ints | None:
    """Give the 10 nearest neighbours (n, 10) of each row by its inputs, itself left out.

    `features` are columns (n,): floats, compared in standard deviations, or codes (int64, -1 for missing), which are
    the same or not. Each counts by how much it tells of the answers (n,), numbers or codes: the correlation ratio over
    ten bins (Fisher 1925). None where no column tells anything.
    """
    weighed = [(_weight(column, answers), column) for column in features]
    chosen = sorted((pair for pair in weighed if pair[0] > 0), key=lambda pair: -pair[0])[:WIDTH]
    if not chosen:
        return None
    space = np.column_stack([weight * part for weight, column in chosen for part in _parts(column)]).astype(np.float32)
    return _nearest(space[:, :WIDTH])


def distances(answers: Floats, near: Ints) -> tuple[Floats, Floats]:
    """Give how far numbers (n,) or vectors (n, k) lie from the medians of their neighbours, and these medians."""
    values = answers if answers.ndim > 1 else answers[:, None]
    middle = np.median(values[near], axis=1)
    return np.sqrt(((values - middle) ** 2).sum(axis=1)), middle if answers.ndim > 1 else middle[:, 0]


def far(sizes: tuple[Floats, ...], least: float, times: float = ODD) -> float:
    """Say how far is odd: `times` the 90 % quantile of the distances, of the larger one where there are several."""
    return max(least, *(times * float(np.quantile(size, TAIL)) for size in sizes))


def odd_numbers(size: Floats, elsewhere: Floats, limit: float) -> Oddity:
    """Mark the rows whose distance (n,) is beyond the limit, and those well within it."""
    return Oddity(odd=size > limit, calm=size < CALM * limit, size=size, elsewhere=elsewhere)


def odd_classes(codes: Ints, near: Ints) -> Oddity:
    """Mark the classes (n,) that at most one of ten neighbours has while nine agree on another one."""
    around = np.sort(codes[near], axis=1)
    commonest = around[:, around.shape[1] // 2]
    agreed = (around == commonest[:, None]).mean(axis=1)
    share = (around == codes[:, None]).mean(axis=1)
    return Oddity(
        odd=(agreed >= AGREED) & (commonest != codes), calm=share >= CALM, size=1 - share, elsewhere=commonest
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Rows that became odd, against those that ceased to be: counts, the difference's share, error and p-values.

    `p_beyond` is against "at most `margin` of the rows more", `p_within` against "at least 10 times that": between two
    honest versions more differs than may be proven to be wrong.
    """

    became: int
    ceased: int
    loss: float
    error: float
    margin: float
    p_beyond: float
    p_within: float


def excess(became: int, ceased: int, rows: int, share: float) -> Excess:
    """Compare counts of discordant rows, as Poisson; `share` of the rows, and 5 of them, are tolerated."""
    from scipy.special import ndtr, pdtr, pdtrc

    allowed = max(share * rows, 5.0)
    error = math.sqrt(became + ceased + 1)
    difference = became - ceased
    return Excess(
        became=became,
        ceased=ceased,
        loss=difference / rows,
        error=error / rows,
        margin=allowed / rows,
        p_beyond=max(
            float(pdtrc(became - 1, ceased + allowed)) if became else 1.0, float(ndtr((allowed - difference) / error))
        ),
        p_within=float(pdtr(became, ceased + WITHIN * allowed)),
    )


def _weight(column: Floats | Ints, answers: Array) -> float:
    """The root of the correlation ratio beyond chance: the share of the answers' variance between a column's bins."""
    groups = _groups(column)
    count = int(groups.max()) + 1
    if count < 2:  # noqa: PLR2004 - a column with one value tells nothing
        return 0.0
    scores = _scores(answers)
    total = float(((scores - scores.mean(axis=0)) ** 2).sum())
    if total == 0:
        return 0.0
    size = np.bincount(groups, minlength=count)
    means = np.column_stack([np.bincount(groups, score, count) for score in scores.T]) / np.maximum(size, 1)[:, None]
    between = float((size[:, None] * (means - scores.mean(axis=0)) ** 2).sum()) / total
    return math.sqrt(max(0.0, between - 2 * (count - 1) / len(groups)))


def _groups(column: Floats | Ints) -> Ints:
    if column.dtype.kind != "f":
        return np.asarray(column - column.min(), dtype=np.int64)
    edges = np.unique(np.nanquantile(column, np.arange(1, BINS) / BINS)) if np.isfinite(column).any() else np.zeros(0)
    groups = np.searchsorted(edges, column, side="left")
    return np.where(np.isnan(column), len(edges) + 1, groups).astype(np.int64)


def _scores(answers: Array) -> Floats:
    """Ranks of numbers, indicators of the commonest classes, vectors as they are: (n, d)."""
    if answers.ndim > 1:
        return np.asarray(answers, dtype=np.float64)
    if answers.dtype.kind == "f":
        return np.asarray(answers.argsort(kind="stable").argsort(kind="stable"), dtype=np.float64)[:, None]
    found, counts = np.unique(answers, return_counts=True)
    common = found[np.argsort(-counts, kind="stable")[:8]]
    return np.asarray(answers[:, None] == common[None, :], dtype=np.float64)


def _parts(column: Floats | Ints) -> list[Floats]:
    """A number in standard deviations, at most 4 from the mean; a name as one indicator a level."""
    if column.dtype.kind != "f":
        return [np.asarray(column == level, dtype=np.float64) / math.sqrt(0.5) for level in np.unique(column)]
    known = np.nan_to_num(column, nan=float(np.nanmedian(column)), posinf=0.0, neginf=0.0)
    low, high = np.quantile(known, [0.001, 0.999])
    known = np.clip(known, low, high)
    spread = float(known.std())
    return [np.clip((known - known.mean()) / spread, -4, 4)] if spread > 0 else []


def _nearest(space: Array) -> Ints | None:
    """Brute force in blocks: faster than trees in more than a few dimensions, and never surprising."""
    rows = len(space)
    if rows <= NEIGHBOURS or not space.shape[1]:
        return None
    length = np.einsum("ij,ij->i", space, space)
    near = np.empty((rows, NEIGHBOURS), dtype=np.int64)
    for start in range(0, rows, BLOCK):
        part = space[start : start + BLOCK]
        away = length[None, :] - 2 * part @ space.T
        away[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        near[start : start + BLOCK] = np.argpartition(away, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    return near
