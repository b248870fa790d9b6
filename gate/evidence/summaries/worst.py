"""The worst rows of all: the largest sizes; of equal ones those with the lowest keys, then the lowest numbers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gate.evidence.arrays import Floats, Ints
from gate.evidence.keys import Keys

Names = Callable[[Ints], tuple[Keys, Ints]]
"""Gives the keys and the numbers of the rows at these positions (m,) of a batch, (m,) each."""
Record = Callable[[Ints], Sequence[Any]]
"""Gives what is to be kept of the rows at these positions (m,) of a batch, m things."""


class Worst:
    """Counts the rows of a kind, and keeps the `most` worst of them with whatever is recorded of each."""

    def __init__(self, most: int) -> None:
        """Start with no rows."""
        self.rows = 0
        self._most = most
        self._kept: list[tuple[float, int, int, Any]] = []

    def update(self, sizes: Floats, positions: Ints, names: Names, record: Record) -> None:
        """Add the rows at `positions` (m,) of a batch with their sizes (m,), the larger the worse, none NaN.

        Names and records are asked for the few rows alone that may be kept.
        """
        self.rows += len(positions)
        chosen = self._hopeful(sizes)
        if not len(chosen):
            return
        keys, numbers = names(positions[chosen])
        order = np.lexsort((numbers, keys, -sizes[chosen]))[: self._most]
        records = record(positions[chosen][order])
        found = [
            (float(sizes[chosen[place]]), int(keys[place]), int(numbers[place]), kept)
            for place, kept in zip(order, records, strict=True)
        ]
        self._keep(found)

    def merge(self, other: Worst) -> None:
        """Add what another has added."""
        self.rows += other.rows
        self._keep(other._kept)

    def finish(self) -> tuple[tuple[float, Any], ...]:
        """Give (size, record) of the rows that were kept, worst first."""
        return tuple((size, record) for size, _, _, record in self._kept)

    def _hopeful(self, sizes: Floats) -> Ints:
        """The rows that are no better than the best one kept, when as many as wanted are kept."""
        least = self._kept[-1][0] if len(self._kept) == self._most else -np.inf
        chosen = np.flatnonzero(sizes >= least)
        if len(chosen) > self._most:
            limit = np.partition(sizes[chosen], len(chosen) - self._most)[len(chosen) - self._most]
            chosen = chosen[sizes[chosen] >= limit]
        return chosen.astype(np.int64)

    def _keep(self, found: Sequence[tuple[float, int, int, Any]]) -> None:
        merged = heapq.merge(self._kept, found, key=lambda row: (-row[0], row[1], row[2]))
        self._kept = [row for _, row in zip(range(self._most), merged, strict=False)]
