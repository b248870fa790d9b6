"""Answers that stand out: far from the rest, outside what was seen before, all alike, or stuck at one value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats, Ints

MAD_TO_DEVIATION = 1.4826
IQR_TO_DEVIATION = 1 / 1.349
CONTINUOUS = 0.5
"""Answers are continuous where at least this share of them is distinct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """One exact value that too many rows share: their positions, and how many the references would explain."""

    value: float
    rows: Ints
    explained: int


def centre_and_scale(values: Floats) -> tuple[float, float]:
    """Give the median and a robust standard deviation of finite numbers (n,).

    The deviation is 1.4826 times the median absolute deviation; where more than half of the values are equal that is
    0, and the interquartile range, then the standard deviation stands in. It is 0 only where all values are equal.

    Source: F. Hampel, J. Am. Stat. Assoc. 69 (1974).
    """
    if not len(values):
        return float("nan"), float("nan")
    centre = float(np.median(values))
    scale = MAD_TO_DEVIATION * float(np.median(np.abs(values - centre)))
    if scale == 0:
        low, high = np.quantile(values, [0.25, 0.75])
        scale = IQR_TO_DEVIATION * float(high - low)
    if scale == 0:
        scale = float(values.std())
    return centre, scale


def distances(values: Floats, centre: float, scale: float) -> Floats:
    """Give how many robust standard deviations each value (n,) lies from the centre; `inf` off a scale of 0."""
    away = np.abs(values - centre)
    if scale > 0:
        return np.asarray(away / scale)
    return np.where(away > 0, np.inf, 0.0)


def room(references: Floats, share: float) -> tuple[float, float]:
    """Give the range of what was seen (n,), widened on each side by a share of its width."""
    low, high = float(references.min()), float(references.max())
    reach = share * (high - low) or share * max(abs(low), abs(high)) or share
    return low - reach, high + reach


def outside(values: Floats, low: float, high: float) -> Ints:
    """Give the positions of values (n,) outside a range, farthest first."""
    beyond = np.maximum(low - values, values - high)
    return worst_first(beyond, beyond > 0)


def worst_first(badness: Floats, chosen: Bools) -> Ints:
    """Give the chosen positions, the worst first; equally bad ones in their order."""
    rows = np.flatnonzero(chosen)
    return np.asarray(rows[np.argsort(-badness[rows], kind="stable")], dtype=np.int64)


def distinct(values: Array) -> int:
    """Count the distinct values."""
    return len(np.unique(values))


def stuck(values: Floats, references: tuple[Floats, ...], share: float | None = None) -> Stuck | None:
    """Find one exact value that far more rows of a continuous answer share than of its references.

    Continuous answers hardly ever repeat but for equal inputs, and these repeat in the baseline too. A value is stuck
    where at least 5 rows and 0.2 % of all have it (or more than `share`, where given), three times as often as the
    answer's fourth commonest value, as the references' values repeat, and as they hold that very value, while the
    other answers are distinct. None where none is.
    """
    levels, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    top = int(counts.argmax())
    count, others = int(counts[top]), len(values) - int(counts[top])
    explained = max((_repeats(reference, float(levels[top])) for reference in references), default=1)
    explained = max(explained, int(np.partition(counts, -4)[-4]) if len(counts) >= 4 else 1)  # noqa: PLR2004 - see the docstring
    if share is not None:
        found = count > share * len(values)
    else:
        needed = max(5, 0.002 * len(values), 3 * explained)
        found = count >= needed and len(levels) - 1 >= CONTINUOUS * others and others > 0
    return Stuck(value=float(levels[top]), rows=np.flatnonzero(inverse == top), explained=explained) if found else None


def _repeats(reference: Floats, value: float) -> int:
    """How often a reference holds the value; of a continuous one, how often its commonest value repeats."""
    if not len(reference):
        return 1
    own = int((reference == value).sum())
    counts = np.unique(reference, return_counts=True)[1]
    return max(own, int(counts.max())) if len(counts) >= CONTINUOUS * len(reference) else max(own, 1)


def collapse(values: Array, reference: Array | None) -> int:
    """Say how many rows of a reference vary where the answers do not: 0 where the answers are no collapse.

    `values` and `reference` are numbers (n,), vectors (n, k) or codes (n,). Answers collapse where all are the same,
    or, of numbers, where their standard deviation is below 1 % of the reference's. Without a reference constant
    answers count as all their rows.
    """
    if len(values) < 2 or not (_same(values) or (reference is not None and narrow(values, reference))):  # noqa: PLR2004 - one answer is always the same
        return 0
    if reference is None:
        return len(values)
    if reference.ndim > 1 or reference.dtype.kind == "f":
        return 0 if _same(reference) else len(reference)
    return len(reference) - int(np.unique(reference, return_counts=True)[1].max(initial=0))


def _same(values: Array) -> bool:
    """Whether all answers are equal but for rounding."""
    if values.dtype.kind != "f":
        return bool((values == values[0]).all())
    return bool((np.ptp(values, axis=0) <= 1e-9 * np.abs(values).max(axis=0)).all()) if len(values) else True


def narrow(values: Array, reference: Array) -> bool:
    """Say whether numbers (n,) vary less than 1 % of what a reference (m,) does, extremes left out on both sides."""
    if values.dtype.kind != "f" or reference.dtype.kind != "f" or values.ndim > 1 or reference.ndim > 1:
        return False
    if not len(reference):
        return False
    wide = min(_spread(reference), float(reference.std()))
    return bool(math.isfinite(wide) and float(values.std()) < 0.01 * wide)


def _spread(values: Floats) -> float:
    """The robust deviation; the plain one where half of the values are the same."""
    deviation = MAD_TO_DEVIATION * float(np.median(np.abs(values - np.median(values))))
    return deviation or float(values.std())
