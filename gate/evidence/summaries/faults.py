"""Rows that are off in one way, over rows that do not fit in memory: how many, how far, and which are worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gate.evidence.arrays import Bools, Floats
from gate.evidence.summaries.worst import Names, Record, Worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How many rows are off, how many of these in the baseline too; what was recorded of the worst, worst first."""

    rows: int
    known: int
    worst: tuple[tuple[float, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How a batch names its rows, and what it records of them."""

    names: Names
    record: Record


class FaultSums:
    """Counts rows that are off in several ways, each by its name."""

    def __init__(self, most: int) -> None:
        """Start with no rows; of each way the `most` worst are kept."""
        self._most = most
        self._worst: dict[str, Worst] = {}
        self._known: dict[str, int] = {}

    def update(self, name: str, sizes: Floats, rows: Rows, known: Bools | None = None) -> None:
        """Add a batch: how far each row is off (n,), 0 or NaN where it is not; and those known to be off before."""
        with np.errstate(invalid="ignore"):
            places = np.flatnonzero(sizes > 0).astype(np.int64)
        self._worst.setdefault(name, Worst(self._most)).update(sizes[places], places, rows.names, rows.record)
        self._known[name] = self._known.get(name, 0) + (0 if known is None else int(known[places].sum()))

    def merge(self, other: FaultSums) -> None:
        """Add what another has added."""
        for name, worst in other._worst.items():
            self._worst.setdefault(name, Worst(self._most)).merge(worst)
            self._known[name] = self._known.get(name, 0) + other._known[name]

    def finish(self) -> Mapping[str, Fault]:
        """Give what was found, by name."""
        return {
            name: Fault(rows=worst.rows, known=self._known[name], worst=worst.finish())
            for name, worst in self._worst.items()
        }


class Span:
    """The smallest and the largest finite number of all."""

    def __init__(self) -> None:
        """Start with no numbers."""
        self.low, self.high = math.inf, -math.inf

    def update(self, values: Floats) -> None:
        """Add numbers (n,)."""
        finite = values[np.isfinite(values)]
        self.low = min(self.low, float(finite.min(initial=math.inf)))
        self.high = max(self.high, float(finite.max(initial=-math.inf)))

    def merge(self, other: Span) -> None:
        """Add what another has added."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    @property
    def empty(self) -> bool:
        """Whether there was no number."""
        return self.low > self.high
