"""Sums without rounding, so that no order of adding matters.

Each float64 is an integer times a power of two. The integers are added exactly: by exponent within a batch, in halves
of 27 bits that float64 adds without rounding up to 2^26 rows, and between batches as Python's integers of any size.

Source: R. Neal, Fast exact summation using small and large superaccumulators, arXiv:1505.05571 (2015).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from gate.evidence.arrays import Floats

_DIGITS = 53
_LOWEST = -1073
"""The exponent of the smallest float64, as frexp gives it."""
_SHIFT = _DIGITS - _LOWEST
_HALF = 26
_SPLIT = float(2**_HALF)
MOST_ROWS = 2**26
"""More rows than this are no batch: a sum of halves could be rounded."""


class ExactSums:
    """The sums of k numbers a row."""

    def __init__(self, width: int) -> None:
        """Start with no rows."""
        self.rows = 0
        self._totals = [0] * width
        self._broken = [0] * width

    def update(self, values: Floats) -> None:
        """Add rows (n, k).

        Raises:
            ValueError: a batch of more than 2^26 rows.
        """
        if len(values) > MOST_ROWS:
            raise ValueError(f"a batch of {len(values):,} rows is too large to be added exactly")
        self.rows += len(values)
        for place in range(len(self._totals)):
            column = np.ascontiguousarray(values[:, place], dtype=np.float64)
            finite = np.isfinite(column)
            if not finite.all():
                self._broken[place] += int((~finite).sum())
                column = column[finite]
            self._totals[place] += _scaled_sum(column)

    def merge(self, other: ExactSums) -> None:
        """Add what another has added."""
        self.rows += other.rows
        self._totals = [one + two for one, two in zip(self._totals, other._totals, strict=True)]
        self._broken = [one + two for one, two in zip(self._broken, other._broken, strict=True)]

    def finish(self) -> list[Fraction | None]:
        """Give the k sums, None where a number was not finite."""
        unit = 1 << _SHIFT
        return [
            None if broken else Fraction(total, unit) for total, broken in zip(self._totals, self._broken, strict=True)
        ]

    def means(self) -> Floats:
        """Give the k means, rounded once; NaN without rows, or where a number was not finite."""
        return np.array([
            float("nan") if total is None or not self.rows else rounded(total / self.rows) for total in self.finish()
        ])  # fmt: skip


def rounded(number: Fraction) -> float:
    """Give the nearest float64, an infinity beyond its range."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _scaled_sum(column: Floats) -> int:
    """The sum of n finite numbers, times 2^1126: an integer."""
    if not len(column):
        return 0
    fractions, exponents = np.frexp(column)
    whole = fractions * 2.0**_DIGITS
    high = np.floor(whole / _SPLIT)
    low = whole - high * _SPLIT
    least = int(exponents.min())
    places = (exponents - least).astype(np.intp)
    total = 0
    for part, shift in ((high, _HALF), (low, 0)):
        by_exponent = np.bincount(places, part)
        for place in np.flatnonzero(by_exponent):
            total += int(by_exponent[place]) << (int(place) + least - _LOWEST + shift)
    return total
