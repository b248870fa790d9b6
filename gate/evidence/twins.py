"""Do two answers to the same rows agree, but for rounding?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats
from gate.evidence.outputs import common_codes, read

if TYPE_CHECKING:
    import pandas as pd

RELATIVE = 1e-5
"""Single precision keeps 7 digits; sums in another order lose one or two of them."""
ABSOLUTE = 1e-6
"""Of the answers' spread: the rounding of a difference near 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Which of m rows differ (m,), and by how much (m,) in standard deviations of all answers; infinite for classes."""

    differs: Bools
    size: Floats
    columns_differ: bool = False


def disagreement(first: pd.DataFrame, second: pd.DataFrame, answers: pd.DataFrame) -> Disagreement:
    """Compare two frames of m rows column by column; `answers` are all answers, whose spread is the yardstick."""
    rows = len(first)
    if list(first.columns) != list(second.columns):
        return Disagreement(differs=np.ones(rows, bool), size=np.full(rows, np.inf), columns_differ=True)
    size = np.zeros(rows)
    for name in first.columns:
        yardstick = read(answers[name].to_numpy()).numbers
        size = np.maximum(size, _sizes(first[name].to_numpy(), second[name].to_numpy(), yardstick))
    return Disagreement(differs=size > 0, size=size)


def _sizes(first: Array, second: Array, yardstick: Floats | None) -> Floats:
    """Give how far each row is off, 0 within rounding."""
    ours, theirs = read(first), read(second)
    if (ours.codes is None) != (theirs.codes is None):
        return np.full(len(first), np.inf)
    if ours.numbers is None or theirs.numbers is None:
        (left, right), _ = common_codes(ours, theirs)
        return np.where(left == right, 0.0, np.inf)
    if ours.numbers.shape != theirs.numbers.shape:
        return np.full(len(first), np.inf)
    spread = float(np.nanstd(_finite(yardstick))) if yardstick is not None else 0.0
    agree = np.isclose(ours.numbers, theirs.numbers, rtol=RELATIVE, atol=ABSOLUTE * spread, equal_nan=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.abs(ours.numbers - theirs.numbers) / spread
    gap = np.where(agree, 0.0, np.nan_to_num(gap, nan=np.inf, posinf=np.inf))
    return np.asarray(gap if gap.ndim == 1 else gap.max(axis=1))


def _finite(values: Floats) -> Floats:
    """The finite ones; a single 0 where there are none."""
    kept = values[np.isfinite(values)]
    return kept if kept.size else np.zeros(1)
