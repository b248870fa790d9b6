"""Is an improvement too good to be true? Then the candidate has seen the labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Floats, Ints

CONTINUOUS = 0.5
"""Labels are continuous where at least this share of them is distinct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """How much of the baseline's mean loss is left, and the p-value against "at least `share` of it is"."""

    left: float
    p_value: float


def gain(candidate: Floats, baseline: Floats, share: float) -> Gain:
    """Test whether less than a share of the baseline's loss is left, on the losses (n,), by Student's t."""
    from scipy.special import stdtr

    largest = float(max(candidate.max(initial=0.0), baseline.max(initial=0.0)))
    if not math.isfinite(largest) or largest <= 0 or len(candidate) < 2:  # noqa: PLR2004 - one row has no spread
        return Gain(left=1.0, p_value=1.0)
    ours, theirs = candidate / largest, baseline / largest
    away = ours - share * theirs
    error = float(away.std(ddof=1)) / math.sqrt(len(away))
    mean, before = float(away.mean()), float(theirs.mean())
    p_value = float(stdtr(len(away) - 1, mean / error)) if error > 0 else float(mean >= 0)
    return Gain(left=float(ours.mean()) / before if before > 0 else 1.0, p_value=p_value)


def copied(truth: Array, answer: Array) -> Ints | None:
    """Give the rows whose answer is the label to the last bit; None where labels (n,) repeat, or are whole numbers.

    A model that has not seen a continuous label does not hit it: neither by rounding nor by chance.
    """
    if truth.ndim > 1 or truth.dtype.kind != "f" or not len(truth):
        return None
    whole = bool((truth == np.round(truth)).mean() > CONTINUOUS)
    if whole or len(np.unique(truth)) < CONTINUOUS * len(truth):
        return None
    return np.asarray(np.flatnonzero((truth == answer) & (truth != np.round(truth))), dtype=np.int64)
