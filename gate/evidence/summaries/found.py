"""What was found over all rows of data that do not fit in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gate.evidence.summaries.faults import Fault
from gate.evidence.summaries.losses import Compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A value that a check holds against a limit, and the rows past it.

    `value` is the farthest of all rows; `share` says that the limit is on the share of rows instead, `known` that the
    baseline is past it in the very same rows.
    """

    check: str
    name: str
    value: float
    fault: Fault
    critical: bool = True
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllRows:
    """Both versions' answers to all `rows`, summed.

    `metrics` are by the metric's name, those alone that could be summed; `unfit` says of others why they cannot be
    computed on some row. `kinds` are the columns that change the kind of their values.
    """

    rows: int
    bounds: tuple[Bound, ...] = ()
    metrics: Mapping[str, Compared] = field(default_factory=dict)
    unfit: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()

    @property
    def records(self) -> list[Any]:
        """What was recorded of the worst rows, bound by bound."""
        return [record for bound in self.bounds for _, record in bound.fault.worst]
