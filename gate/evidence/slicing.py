"""Cuts columns into slices: levels, bins of numbers and moments, rows that meet a condition; what is missing apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gate.evidence.arrays import Array, Bools, Floats, Ints

FEW_LEVELS = 12
"""Numbers with no more distinct values are levels: they are not cut into bins."""
MOST_LEVELS = 50
"""The largest levels of one column that are looked at."""
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Slices of n rows that do not overlap.

    `codes` (n,) is each row's slice, -1 for none; `names` are the slices' names. Where there are `edges` the first
    len(edges) + 1 slices are bins of a number or a moment between these, in order, and neighbours may be joined.
    `left_out` counts the levels that are too small, or too many, to look at.
    """

    column: str
    codes: Ints
    names: tuple[str, ...]
    edges: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def bins(self) -> int:
        """How many slices are neighbouring bins."""
        return len(self.edges) + 1 if self.edges else 0

    def name(self, first: int, last: int) -> str:
        """Name one slice, or a run of neighbouring bins."""
        return self.names[first] if first == last else _between(self.column, self.edges, first, last)

    def take(self, rows: Array) -> Partition:
        """Give some rows, by position or by mask."""
        return Partition(column=self.column, codes=self.codes[rows], names=self.names, edges=self.edges)


def cut(column: str, values: pd.Series, least: int, bins: int | Sequence[float] | None = None) -> Partition:
    """Cut a column into slices; those of levels have at least `least` rows.

    `bins` is a number of quantile bins, or their inner edges; without it a column of many numbers gets up to 10
    bins, as many as the rows allow, and any other its levels. Never raises, whatever the column holds.
    """
    missing = np.asarray(values.isna(), dtype=bool)
    numbers, moments = _numbers(values)
    if numbers is None:
        return _levels(column, values, missing, least)
    known = numbers[~missing]
    distinct = len(np.unique(known[:10_000])) if bins is None else FEW_LEVELS + 1
    if distinct <= FEW_LEVELS and len(np.unique(known)) <= FEW_LEVELS:
        return _levels(column, values, missing, least)
    edges = _edges(known, min(10, max(2, len(values) // max(1, least))) if bins is None else bins)
    return _binned(column, numbers, missing, edges, moments=moments)


def matching(name: str, mask: Bools) -> Partition:
    """Make one slice of the rows that a mask (n,) marks."""
    return Partition(column=name, codes=np.where(mask, 0, -1).astype(np.int64), names=(name,))


def _numbers(values: pd.Series) -> tuple[Floats | None, bool]:
    """Numbers as they are, moments in seconds since 1970 (and whether they are moments); else None."""
    kind = getattr(values.dtype, "kind", "O")
    try:
        if kind in "iuf" and not isinstance(values.dtype, pd.CategoricalDtype):
            return values.to_numpy(dtype=np.float64, na_value=np.nan), False
        if kind in "mM":
            return _seconds(values), kind == "M"
        if kind == "O" and pd.api.types.infer_dtype(values, skipna=True) in {"date", "datetime"}:
            return _seconds(pd.to_datetime(values, utc=True)), True
        if kind == "O" and pd.api.types.infer_dtype(values, skipna=True) in {"decimal", "mixed-integer-float"}:
            return pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan), False
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        return None, False
    return None, False


def _seconds(values: pd.Series) -> Floats:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    moments = values.to_numpy()
    seconds = moments.astype(f"{moments.dtype.kind}8[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(moments), np.nan, seconds)


def _edges(known: Floats, bins: int | Sequence[float]) -> Floats:
    """The inner edges: given ones in order, or quantiles that are values themselves."""
    if not isinstance(bins, int):
        return np.unique(np.asarray(bins, dtype=np.float64))
    if not len(known) or bins < 2:  # noqa: PLR2004 - one bin has no inner edge
        return np.array([])
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="higher"))
    return np.asarray(edges[np.isfinite(edges) & (edges > known.min())])


def _binned(column: str, numbers: Floats, missing: Bools, edges: Floats, *, moments: bool) -> Partition:
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int64)
    written = _moments(edges) if moments else tuple(f"{edge:.6g}" for edge in edges)
    bins = len(edges) + 1
    names = [_between(column, written, place, place) for place in range(bins)]
    codes[missing] = bins
    return Partition(
        column=column,
        codes=codes,
        names=(*names, *([f"{column} is missing"] if missing.any() else [])),
        edges=written,
    )


def _between(column: str, edges: Sequence[str], first: int, last: int) -> str:
    """Name a run of bins by its outer edges."""
    low = edges[first - 1] if first > 0 else None
    high = edges[last] if last < len(edges) else None
    if low is None:
        return f"{column} < {high}" if high is not None else f"{column} has a value"
    return f"{column} >= {low}" if high is None else f"{low} <= {column} < {high}"


def _moments(edges: Floats) -> tuple[str, ...]:
    return tuple(str(np.datetime64(round(edge * 1e6), "us").astype("M8[s]")) for edge in edges)


def _levels(column: str, values: pd.Series, missing: Bools, least: int) -> Partition:
    """The largest levels with at least `least` rows, and what is missing."""
    try:
        codes, levels = pd.factorize(values)
    except (TypeError, ValueError):
        codes, levels = pd.factorize(values.map(repr, na_action="ignore"))
    codes = np.where(missing, -1, codes).astype(np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    order = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    kept = order[counts[order] >= least]
    table = np.full(len(levels) + 1, -1, dtype=np.int64)
    table[kept] = np.arange(len(kept))
    codes = table[codes]
    names = [f"{column} = {_short(levels[place])}" for place in kept]
    if missing.any():
        codes[missing] = len(names)
        names.append(f"{column} is missing")
    seen = int((counts > 0).sum())
    return Partition(column=column, codes=codes, names=tuple(names), left_out=seen - len(kept))


def _short(level: Any) -> str:  # noqa: ANN401 - whatever a column holds
    text = " ".join(str(level).split())
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
