"""What is watched in every row: holes, values that cannot be, values far off. `classes` and `moved` watch others.

Each watch takes batches, merges with another of its kind, and gives bounds at the end. Its rule is settled before the
first batch, on a sample: no order of the batches changes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from gate.domain import Task
from gate.evidence import outliers
from gate.evidence.arrays import Bools, Floats
from gate.evidence.impossible import Impossible
from gate.evidence.outputs import Output
from gate.evidence.sides import Columns, Labels
from gate.evidence.summaries.faults import Fault, FaultSums, Rows, Span
from gate.evidence.summaries.found import Bound

KEPT = 20
"""How many of the worst rows a watch keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A batch of n rows as it was read; `before` is {} without a baseline."""

    columns: Columns
    before: Columns
    labels: Labels | None
    rows: Rows

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(next(iter(self.columns.values())))


class Watch(Protocol):
    """One thing that is looked for in every row."""

    def update(self, seen: Seen) -> None:
        """Look at a batch."""

    def merge(self, other: Self) -> None:
        """Add what another has seen."""

    def finish(self) -> tuple[Bound, ...]:
        """Give what was found."""


class Holes:
    """Rows without an answer, or with an infinite one, in any column."""

    def __init__(self, check: str, name: str, holes: Callable[[Output], Bools]) -> None:
        """Look for the rows (n,) that `holes` marks in a column."""
        self._check, self._name, self._holes = check, name, holes
        self._faults = FaultSums(KEPT)

    def update(self, seen: Seen) -> None:
        """Look at a batch."""
        found, known = np.zeros(len(seen), dtype=bool), np.zeros(len(seen), dtype=bool)
        for name, output in seen.columns.items():
            found |= self._holes(output)
            known |= self._holes(seen.before[name]) if name in seen.before else False
        self._faults.update(self._name, found.astype(np.float64), seen.rows, known)

    def merge(self, other: Holes) -> None:
        """Add what another has seen."""
        self._faults.merge(other._faults)

    def finish(self) -> tuple[Bound, ...]:
        """Give the rows with holes."""
        fault = self._faults.finish()[self._name]
        return (Bound(check=self._check, name=self._name, value=fault.rows, fault=fault, high=0),)


def infinite(output: Output) -> Bools:
    """Mark the rows (n,) with an infinite number."""
    if output.numbers is None:
        return np.zeros(len(output), dtype=bool)
    return np.asarray(np.isinf(output.numbers).reshape(len(output), -1).any(axis=1))


def missing(output: Output) -> Bools:
    """Mark the rows (n,) with a missing value, anywhere in a vector too."""
    if output.numbers is None:
        return output.null
    return np.asarray(output.null | np.isnan(output.numbers).reshape(len(output), -1).any(axis=1))


class Outside:
    """Numbers of one column outside a range; where it is `derived` the range grows with baseline and labels."""

    def __init__(self, column: str, low: float, high: float, *, main: bool = False, derived: bool = False) -> None:
        """Hold a column against a range. Derived ranges leave room for half the width of what they rest on."""
        self._column, self._low, self._high = column, low, high
        self._main, self._derived = main, derived
        self._faults, self._span, self._reference = FaultSums(KEPT), Span(), Span()

    def update(self, seen: Seen) -> None:
        """Look at a batch."""
        values = numbers_of(seen.columns.get(self._column))
        if values is None:
            return
        self._span.update(values)
        with np.errstate(invalid="ignore"):
            self._faults.update("lowest", self._low - values, seen.rows)
            self._faults.update("highest", values - self._high, seen.rows)
        label = seen.labels.output if self._main and seen.labels is not None else None
        for reference in (seen.before.get(self._column), label) if self._derived else ():
            known = numbers_of(reference)
            if known is not None:
                self._reference.update(known)

    def merge(self, other: Outside) -> None:
        """Add what another has seen."""
        self._faults.merge(other._faults)
        self._span.merge(other._span)
        self._reference.merge(other._reference)

    def finish(self) -> tuple[Bound, ...]:
        """Give both ends, those that have a limit."""
        low, high = self._limits()
        found = self._faults.finish()
        bounds = []
        if math.isfinite(low) and found:
            fault = _beyond(found["lowest"], self._low - low)
            bounds.append(self._bound(f"lowest {self._column}", self._span.low, fault, low=low))
        if math.isfinite(high) and found:
            fault = _beyond(found["highest"], high - self._high)
            bounds.append(self._bound(f"highest {self._column}", self._span.high, fault, high=high))
        return tuple(bounds)

    def _bound(self, name: str, value: float, fault: Fault, **limit: float) -> Bound:
        critical = not self._derived
        return Bound(check="outliers.range", name=name, value=value, fault=fault, critical=critical, **limit)

    def _limits(self) -> tuple[float, float]:
        if not self._derived or self._reference.empty:
            return self._low, self._high
        return outliers.room(np.array([self._reference.low, self._reference.high]), 0.5)


def _beyond(fault: Fault, by: float) -> Fault:
    """The rows that are off by more than what was counted: exact where these are no more than were kept."""
    worst = tuple((size, record) for size, record in fault.worst if size > by)
    return Fault(rows=fault.rows if len(worst) == len(fault.worst) else len(worst), known=0, worst=worst)


class Off:
    """Rows whose answers cannot be."""

    def __init__(self, rule: Impossible, task: Task) -> None:
        """Look for rows that are impossible in one way."""
        self._rule, self._task = rule, task
        self._faults, self._span = FaultSums(KEPT), Span()

    def update(self, seen: Seen) -> None:
        """Look at a batch."""
        off = self._rule.off(seen.columns, self._task)
        if off is None:
            return
        self._faults.update("off", np.where(off > self._rule.allowed, off, 0.0), seen.rows)
        self._span.update(off)

    def merge(self, other: Off) -> None:
        """Add what another has seen."""
        self._faults.merge(other._faults)
        self._span.merge(other._span)

    def finish(self) -> tuple[Bound, ...]:
        """Give the row that is farthest off."""
        found = self._faults.finish()
        name, allowed = self._rule.name, self._rule.allowed
        return tuple(
            Bound(check="outliers.range", name=name, value=self._span.high, fault=fault, high=allowed)
            for fault in found.values()
        )


def numbers_of(output: Output | None) -> Floats | None:
    """Give a column's numbers (n,), None where it has none, or vectors."""
    return None if output is None or output.numbers is None or output.numbers.ndim > 1 else output.numbers
