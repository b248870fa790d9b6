"""Answers that lie far from the baseline's, over rows that do not fit in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.summaries.faults import FaultSums, Span
from gate.evidence.summaries.found import Bound
from gate.evidence.summaries.watches import KEPT, Seen, numbers_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far an answer may lie from the baseline's.

    A baseline's answer z `unit`s from the `centre` may be off z times as far as the `limit`; a unit of infinity leaves
    that out. With `excused`, rows that come closer to their label are never off.
    """

    limit: float
    centre: float = 0.0
    unit: float = math.inf
    excused: bool = False


class Moved:
    """Numbers of one column that lie far from the baseline's."""

    def __init__(self, column: str, reach: Reach) -> None:
        """Hold a column's differences against a limit."""
        self._column, self._reach = column, reach
        self._faults, self._span = FaultSums(KEPT), Span()

    def update(self, seen: Seen) -> None:
        """Look at a batch."""
        ours, theirs = numbers_of(seen.columns.get(self._column)), numbers_of(seen.before.get(self._column))
        if ours is None or theirs is None:
            return
        label = numbers_of(seen.labels.output) if self._reach.excused and seen.labels is not None else None
        with np.errstate(invalid="ignore", over="ignore"):
            size = np.abs(ours - theirs)
            far = size / np.maximum(1.0, np.abs(theirs - self._reach.centre) / self._reach.unit) > self._reach.limit
            if label is not None:
                far &= ~(np.abs(ours - label) <= np.abs(theirs - label))
            self._faults.update("far", np.where(far, size, 0.0), seen.rows)
        self._span.update(size)

    def merge(self, other: Moved) -> None:
        """Add what another has seen."""
        self._faults.merge(other._faults)
        self._span.merge(other._span)

    def finish(self) -> tuple[Bound, ...]:
        """Give the row that moved farthest."""
        name = f"{self._column}: largest difference"
        return tuple(
            Bound(
                check="outliers.paired_delta", name=name, value=self._span.high, fault=fault, critical=False,
                high=self._reach.limit,
            )
            for fault in self._faults.finish().values()
        )  # fmt: skip
