"""Answers with a class that nobody knows, over rows that do not fit in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gate.evidence.outputs import Output
from gate.evidence.summaries.faults import Fault, FaultSums, Rows
from gate.evidence.summaries.found import Bound
from gate.evidence.summaries.watches import KEPT, Seen

STRANGE = 500
"""So many names of unknown classes are told apart, where a sample has no more."""


class UnknownClasses:
    """Answers with a class that neither the settings nor, where these name none, model, labels and baseline know.

    What labels and baseline hold is met on the way, so that a class is counted until somebody turns out to know it.
    Where the `sample` has many strange classes that is given up: what the sample does not know is unknown.
    """

    def __init__(self, column: str, declared: Sequence[Any], known: Sequence[Any], sample: Seen) -> None:
        """Look at a column. Classes that are `declared` are known alone, else `known` and those met on the way."""
        self._column, self._known = column, {class_name(level) for level in (declared or known)}
        self._faults = FaultSums(KEPT)
        if not declared:
            self._meet(sample)
        found = {class_name(level) for level in _levels(sample.columns.get(column))} - self._known
        self._many, self._closed = len(found) > STRANGE, bool(declared) or len(found) > STRANGE

    def update(self, seen: Seen) -> None:
        """Look at a batch."""
        if not self._closed:
            self._meet(seen)
        output = seen.columns.get(self._column)
        if output is None or output.codes is None:
            return
        strange = {code: name for code, name in enumerate(map(class_name, output.levels)) if name not in self._known}
        if self._many:
            self._count("", output, list(strange), seen.rows)
            return
        for code, name in strange.items():
            self._count(name, output, [code], seen.rows)

    def _meet(self, seen: Seen) -> None:
        label = seen.labels.output if seen.labels is not None else None
        for reference in (seen.before.get(self._column), label):
            self._known |= {class_name(level) for level in _levels(reference)}

    def _count(self, name: str, output: Output, codes: list[int], rows: Rows) -> None:
        self._faults.update(name, np.isin(np.asarray(output.codes), codes).astype(np.float64), rows)

    def merge(self, other: UnknownClasses) -> None:
        """Add what another has seen."""
        self._known |= other._known
        self._faults.merge(other._faults)

    def finish(self) -> tuple[Bound, ...]:
        """Give the answers whose class nobody turned out to know."""
        if not self._known:
            return ()
        found = sorted(self._faults.finish().items())
        strange = [fault for name, fault in found if name not in self._known]
        rows = sum(fault.rows for fault in strange)
        fault = Fault(rows=rows, known=0, worst=tuple(row for part in strange for row in part.worst)[:KEPT])
        name = "answers with an unknown class"
        return (Bound(check="outliers.range", name=name, value=rows, fault=fault, high=0),)


def class_name(level: object) -> str:
    """The name of a class, 1, 1.0, "1" and True being the same."""
    text = str(int(level)) if isinstance(level, (bool, np.bool_)) else str(level).strip()
    text = {"true": "1", "false": "0"}.get(text.lower(), text)
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else str(number)


def _levels(output: Output | None) -> Sequence[Any]:
    if output is None:
        return ()
    if output.codes is not None:
        return output.levels
    single = output.numbers is not None and output.numbers.ndim == 1
    return np.unique(np.asarray(output.numbers)[output.valid]).tolist() if single else ()
