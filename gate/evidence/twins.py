"""Do two answers to the same rows agree: asked again, alone, or in another order?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Bools, Floats, Ints
from gate.evidence.outliers import worst_first
from gate.evidence.outputs import Output
from gate.evidence.paired import sizes

RELATIVE = 1e-5
"""Single precision keeps seven digits; sums in another order lose some."""
SMALL = 0.05
"""Noise is small where its root mean square is below this share of the answers' standard deviation,"""
SMALL_FLIPS = 0.02
"""or below this share of classes differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Which of m rows differ beyond rounding (worst first), by how much (m,), and how large that is relative.

    `relative` is the root mean square of the differences over the answers' standard deviation; of classes the share
    of rows that differ.
    """

    rows: Ints
    size: Floats
    relative: float
    small: bool


def disagreement(first: Output, again: Output, all_answers: Output) -> Disagreement:
    """Compare two answers (m,) to the same rows; `all_answers` (n,) tell how far apart answers usually are."""
    size = sizes(again, first)
    differ = _beyond_rounding(first, again, size, all_answers)
    holes = first.valid != again.valid
    size = np.where(holes, np.inf, size)
    rows = worst_first(np.nan_to_num(size, posinf=np.inf), differ | holes)
    if first.numbers is None or again.numbers is None or holes.any():
        share = len(rows) / max(1, len(size))
        return Disagreement(rows=rows, size=size, relative=share, small=not holes.any() and share <= SMALL_FLIPS)
    known = size[np.isfinite(size)]
    spread = _spread(all_answers)
    noise = float(np.sqrt((known**2).mean())) if len(known) else 0.0
    relative = noise / spread if spread > 0 else float(len(rows) > 0)
    return Disagreement(rows=rows, size=size, relative=relative, small=relative <= SMALL)


def _beyond_rounding(first: Output, again: Output, size: Floats, all_answers: Output) -> Bools:
    if first.numbers is None or again.numbers is None or first.numbers.shape != again.numbers.shape:
        return np.asarray(np.nan_to_num(size, nan=0.0, posinf=1.0) > 0)
    width = (len(first), -1)
    magnitude = np.abs(np.nan_to_num(first.numbers)).reshape(width).max(axis=1)
    allowed = RELATIVE * magnitude + 0.1 * RELATIVE * _spread(all_answers)
    with np.errstate(invalid="ignore"):
        return np.asarray(size > allowed)


def _spread(output: Output) -> float:
    """The standard deviation of the answers; of vectors the root of their columns' summed variances."""
    if output.numbers is None or not output.valid.any():
        return 0.0
    return float(np.sqrt((output.numbers[output.valid].reshape(int(output.valid.sum()), -1).std(axis=0) ** 2).sum()))
