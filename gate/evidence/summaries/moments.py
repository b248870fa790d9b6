"""Mean, deviation, skewness and kurtosis of one number a row, from exact power sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gate.evidence.arrays import Floats
from gate.evidence.summaries.exact import ExactSums, rounded

_POWERS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Of n numbers: `variance` over n - 1, `largest` the largest absolute value; NaN where they are not defined."""

    rows: int
    mean: float
    variance: float
    skewness: float
    kurtosis: float
    largest: float


class PowerSums:
    """Sums of the first four powers of one number a row, each divided by `scale` so that powers stay in range.

    The sums are exact, the powers are not: numbers should scatter around 0, as influences do.
    """

    def __init__(self, scale: float = 1.0) -> None:
        """Start with no rows; `scale` is the size that numbers usually have."""
        self._scale = scale if math.isfinite(scale) and scale > 0 else 1.0
        self._sums = ExactSums(len(_POWERS))
        self._largest = 0.0

    def update(self, values: Floats) -> None:
        """Add numbers (n,)."""
        scaled = values / self._scale
        square = scaled * scaled
        with np.errstate(over="ignore", invalid="ignore"):
            self._sums.update(np.column_stack([scaled, square, square * scaled, square * square]))
        self._largest = max(self._largest, float(np.abs(values).max(initial=0.0)))

    def merge(self, other: PowerSums) -> None:
        """Add what another has added, by the same scale."""
        self._sums.merge(other._sums)
        self._largest = max(self._largest, other._largest)

    def finish(self) -> Moments:
        """Give the moments; the differences of powers are taken before anything is rounded."""
        rows, sums = self._sums.rows, self._sums.finish()
        known = [total for total in sums if total is not None]
        if not rows or len(known) < len(sums):
            return Moments(rows=rows, mean=math.nan, variance=math.nan, skewness=math.nan, kurtosis=math.nan,
                           largest=self._largest)  # fmt: skip
        raw = [total / rows for total in known]
        second, third, fourth = (np.float64(rounded(moment)) for moment in _central(raw))
        with np.errstate(over="ignore", invalid="ignore"):
            return Moments(
                rows=rows,
                mean=float(np.float64(rounded(raw[0])) * self._scale),
                variance=float(second * rows / max(1, rows - 1) * self._scale * self._scale),
                skewness=float(third / second**1.5) if second > 0 else 0.0,
                kurtosis=float(fourth / second**2) if second > 0 else 0.0,
                largest=self._largest,
            )


def _central(raw: list[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """The second to fourth moments about the mean, from those about 0."""
    one, two, three, four = raw
    return (
        two - one**2,
        three - 3 * one * two + 2 * one**3,
        four - 4 * one * three + 6 * one**2 * two - 3 * one**4,
    )
