"""Why one exact value may be repeated where no baseline tells: the labels repeat it, or the inputs are equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from .subject import Case, candidate_columns, is_probability, label_column, main_name


def references_of(name: str, case: Case) -> tuple[Any, ...]:
    """Give the labels where a column's repeats can be held against them: amounts that go with it."""
    main = main_name(candidate_columns(case), case)
    label = label_column(case) if name == main and not is_probability(name, case) else None
    if label is None or label.numbers is None or label.numbers.ndim != 1:
        return ()
    return (np.asarray(label.numbers)[label.valid],)


def inputs_repeat(rows: Any, case: Case) -> bool:
    """Say whether the rows have so few different inputs that one answer to all of them is right."""
    data = case.comparison.data
    if case.eval_data is None or data is None:
        return False
    inputs = case.eval_data.drop(columns=[name for name in (*data.targets, data.id) if name is not None]).iloc[rows]
    return bool(inputs.astype(str).drop_duplicates().shape[0] <= len(rows) / 3)
