"""Why one exact value may be repeated: equal inputs, a saturated answer, a bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from gate.evidence import outliers
from gate.evidence.outputs import Output

from .subject import Case, is_probability, label_column, main_name


def references_of(name: str, columns: Any, before: Any, case: Case) -> tuple[Any, ...]:
    """Give what a column's repeats are held against: the baseline's answers, and the labels where it goes with them."""
    found = [before[name]] if name in before and before[name].numbers is not None else []
    label = label_column(case) if name == main_name(columns, case) and not is_probability(name, case) else None
    found += [label] if label is not None and label.numbers is not None else []
    return tuple(np.asarray(output.numbers)[output.valid] for output in found if output.numbers.ndim == 1)


def explained(value: float, rows: Any, before: Output | None, case: Case) -> bool:
    """Say whether the baseline answers these rows alike, near the value, or their inputs are the same."""
    return _belongs(value, rows, before) or _inputs_repeat(rows, case)


def _belongs(value: float, rows: Any, before: Output | None) -> bool:
    """Whether the baseline answers these rows alike, and near the value."""
    if before is None or before.numbers is None or before.numbers.ndim != 1:
        return False
    return outliers.belongs(value, rows, before.numbers)


def _inputs_repeat(rows: Any, case: Case) -> bool:
    """Whether the rows have so few different inputs that one answer to all of them is right."""
    data = case.comparison.data
    if case.eval_data is None or data is None:
        return False
    inputs = case.eval_data.drop(columns=[name for name in (*data.targets, data.id) if name is not None]).iloc[rows]
    return bool(inputs.astype(str).drop_duplicates().shape[0] <= len(rows) / 3)


def cut(value: float, values: Any, rows: Any, before: Output | None) -> bool:
    """Whether the value is the lowest or highest answer, and most of the baseline's to these rows lie beyond."""
    if before is None or before.numbers is None or before.numbers.ndim != 1:
        return False
    theirs = before.numbers[rows]
    low, high = float(values.min()), float(values.max())
    return (value == low and float((theirs <= value).mean()) > 0.5) or (  # noqa: PLR2004 - most of them
        value == high and float((theirs >= value).mean()) > 0.5  # noqa: PLR2004 - most of them
    )
