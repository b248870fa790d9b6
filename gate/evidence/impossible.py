"""Answers that no model can mean: probabilities that do not sum to 1, intervals that end before they begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gate.domain import Task
from gate.evidence.arrays import Floats
from gate.evidence.forecasts import interval_columns
from gate.evidence.sides import PROBA, Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """One way to be impossible: what it is called, how far off is still rounding, how far off each row is (n,).

    `off` gives None where the answers are of no kind that could be so.
    """

    name: str
    allowed: float
    off: Callable[[Columns, Task], Floats | None]

    def excused(self, baseline: Columns, task: Task) -> bool:
        """Say whether the baseline's answers are so too: callers know it then."""
        known = self.off(baseline, task)
        return known is not None and float(known.max(initial=0.0)) > self.allowed


def _off_one(columns: Columns, task: Task) -> Floats | None:  # noqa: ARG001 - columns named so hold probabilities
    """How far each row's probabilities are from summing to 1 (n,), 0 where one is missing; None without any."""
    parts = [output.numbers for name, output in columns.items() if name.startswith(PROBA)]
    numbers = [part for part in parts if part is not None and part.ndim == 1]
    if len(numbers) < 2 or len(numbers) < len(parts):  # noqa: PLR2004 - one column need not sum to 1
        return None
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(np.abs(np.sum(numbers, axis=0) - 1), nan=0.0, posinf=np.inf))


def _turned(columns: Columns, task: Task) -> Floats | None:
    """How far the lower end of each row's interval lies above the upper one (n,), 0 where it does not."""
    ends = interval_columns(list(columns)) if task is Task.FORECAST else None
    lower, upper = (columns[name].numbers if ends else None for name in ends or ("", ""))
    if lower is None or upper is None or lower.ndim > 1 or upper.ndim > 1:
        return None
    with np.errstate(invalid="ignore"):
        return np.asarray(np.maximum(np.nan_to_num(lower - upper, nan=0.0, posinf=np.inf, neginf=0.0), 0.0))


IMPOSSIBLE = (
    Impossible(name="a row's probabilities sum to 1 but for", allowed=0.01, off=_off_one),
    Impossible(name="an interval ends before it begins by", allowed=0.0, off=_turned),
)
"""Probabilities that were rounded to two digits still sum to 1 within 0.01."""
