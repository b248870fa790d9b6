"""Parts of the rows that an input names: one value of a column, or a range of it. Where did the answers move?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Bools, Floats, Ints
from gate.evidence.outliers import MAD_TO_DEVIATION
from gate.evidence.outputs import Output

RANGES = 10
LEVELS = 50
FEW = 20
SHARE = 0.01
"""A cell has at least 20 rows and a hundredth of all; at most half of them, else the others are the cell."""
QUIET = 2.0
"""A cell moved where it did by twice the robust deviation that the other rows' differences have."""
MEDIAN_ERROR = 1.2533
"""A median's standard error is so many times the mean's (normal rows)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """What one input column divides n rows into: `codes` (n,) is each row's cell, `names` what a cell is called."""

    codes: Ints
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What rows have in common: `share` of them lie in a cell, that holds `expected` of all rows."""

    cell: str
    share: float
    expected: float

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.share:.0%} of them where {self.cell}, {self.share / self.expected:.1f} times its share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The cell whose rows moved most: by how much farther than the others, its error, and the margin; its rows."""

    cell: str
    size: float
    error: float
    margin: float
    rows: Ints
    tried: int


def cells_of(name: str, output: Output) -> Cells | None:
    """Divide the rows by one input: into its values where these are few, numbers into ten ranges of equal size.

    None where it has too many names, or nothing but one value.
    """
    if output.codes is not None:
        return _named(name, output)
    if output.numbers is None or output.numbers.ndim > 1:
        return None
    known = output.numbers[np.isfinite(output.numbers)]
    levels = np.unique(known[:1000])
    if len(levels) <= RANGES and len(np.unique(known)) <= RANGES:
        codes = np.searchsorted(levels, output.numbers) if len(levels) else np.zeros(len(output), dtype=np.int64)
        names = tuple(f"{name} = {level:.6g}" for level in np.unique(known))
    else:
        edges = np.unique(np.quantile(known, np.arange(1, RANGES) / RANGES))
        codes = np.searchsorted(edges, output.numbers, side="right")
        names = _ranges(name, edges)
    codes = np.where(np.isfinite(output.numbers), codes, len(names)).astype(np.int64)
    return Cells(codes=codes, names=(*names, f"{name} is missing"))


def _ranges(name: str, edges: Floats) -> tuple[str, ...]:
    inner = [f"{low:.4g} <= {name} < {high:.4g}" for low, high in itertools.pairwise(edges)]
    return (f"{name} < {edges[0]:.4g}", *inner, f"{name} >= {edges[-1]:.4g}")


def _named(name: str, output: Output) -> Cells | None:
    if len(output.levels) > LEVELS:
        return None
    names = tuple(f"{name} = {str(level)[:40]!r}" for level in output.levels)
    codes = np.where(np.asarray(output.codes) < 0, len(names), np.asarray(output.codes))
    return Cells(codes=codes.astype(np.int64), names=(*names, f"{name} is missing"))


def shared_by(rows: Ints, columns: Sequence[Cells], total: int) -> Shared | None:
    """Say what rows (m,) of `total` have in common: the cell that holds at least half of them, and twice its share.

    It must be beyond chance: p < 0.001 by the binomial distribution, shared over all cells (Bonferroni).
    """
    if len(rows) < 5:  # noqa: PLR2004 - fewer have something in common by chance
        return None
    from scipy.special import bdtrc

    best: tuple[float, Shared] | None = None
    tried = sum(len(column.names) for column in columns)
    for column in columns:
        inside = np.bincount(column.codes[rows], minlength=len(column.names))
        expected = np.bincount(column.codes, minlength=len(column.names)) / total
        for cell in np.flatnonzero((inside >= 0.5 * len(rows)) & (inside >= 2 * expected * len(rows))):
            p_value = float(bdtrc(int(inside[cell]) - 1, len(rows), float(expected[cell]))) * tried
            if p_value < 0.001 and (best is None or p_value < best[0]):  # noqa: PLR2004 - see the docstring
                share = float(inside[cell]) / len(rows)
                best = (p_value, Shared(cell=column.names[cell], share=share, expected=float(expected[cell])))
    return best[1] if best else None


def shifted(difference: Floats, columns: Sequence[Cells], least: float) -> Moved | None:
    """Find the cell whose differences (n,) lie farthest from those of all other rows, by their medians.

    NaN is left out. The margin is `least`, and twice the robust deviation of the differences of the other rows: where
    two versions differ everywhere, a cell must differ much more. None where no cell has enough rows.
    """
    found = [_moved(name, difference, rows, least) for name, rows in _large(columns, np.isfinite(difference))]
    known = [moved for moved in found if moved is not None]
    if not known:
        return None
    worst = max(known, key=lambda moved: moved.size / moved.margin)
    return Moved(
        cell=worst.cell, size=worst.size, error=worst.error, margin=worst.margin, rows=worst.rows, tried=len(known)
    )


def _large(columns: Sequence[Cells], known: Bools) -> Iterator[tuple[str, Bools]]:
    """The cells with enough rows, and not more than half of all."""
    total = int(known.sum())
    for column in columns:
        counts = np.bincount(column.codes[known], minlength=len(column.names))
        for cell in np.flatnonzero((counts >= max(FEW, SHARE * total)) & (counts <= 0.5 * total)):
            yield column.names[cell], (column.codes == cell) & known


def _moved(name: str, difference: Floats, inside: Bools, least: float) -> Moved | None:
    here, there = difference[inside], difference[~inside & np.isfinite(difference)]
    centre = float(np.median(there))
    size = abs(float(np.median(here)) - centre)
    margin = max(least, QUIET * MAD_TO_DEVIATION * float(np.median(np.abs(there - centre))))
    spread = MAD_TO_DEVIATION * float(np.median(np.abs(here - np.median(here))))
    if margin <= 0:
        return None
    error = MEDIAN_ERROR * spread / math.sqrt(len(here))
    return Moved(cell=name, size=size, error=error, margin=margin, rows=np.flatnonzero(inside), tried=1)
