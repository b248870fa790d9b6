"""The inputs of the evaluation rows, as the checks look at them: by column, without target and id."""

from __future__ import annotations

from typing import Any

import numpy as np

from gate.evidence.arrays import Array, Ints
from gate.evidence.cells import Cells, cells_of
from gate.evidence.outputs import Output

from .subject import Case, column

COLUMNS = 200
"""Of wider inputs the first so many are looked at."""
LEVELS = 50


def input_columns(case: Case, rows: Ints | None = None) -> dict[str, Output]:
    """Read the inputs of all rows, or of some; columns of vectors are left out."""
    data, frame = case.comparison.data, case.eval_data
    if data is None or frame is None:
        return {}
    names = [name for name in frame.columns if name not in {*data.targets, data.id}][:COLUMNS]
    taken = frame if rows is None else frame.iloc[rows]
    read = {str(name): column(taken[name]) for name in names}
    return {name: output for name, output in read.items() if output.numbers is None or output.numbers.ndim == 1}


def cells(case: Case, rows: Ints | None = None) -> list[Cells]:
    """Divide the rows by each input column."""
    found = [cells_of(name, output) for name, output in input_columns(case, rows).items()]
    return [cell for cell in found if cell is not None]


def features(case: Case, rows: Ints | None = None) -> list[Array]:
    """Give the inputs as numbers or codes, without those that hardly repeat a name; vectors as their components."""
    found: list[Any] = []
    for output in input_columns(case, rows).values():
        if output.numbers is not None:
            found.append(np.where(np.isfinite(output.numbers), output.numbers, np.nan))
        elif len(output.levels) <= LEVELS:
            found.append(np.asarray(output.codes))
    return found + _components(case, rows)


def _components(case: Case, rows: Ints | None) -> list[Array]:
    """The components of vectors (pixels, embeddings), the first of them."""
    data, frame = case.comparison.data, case.eval_data
    if data is None or frame is None:
        return []
    taken = frame if rows is None else frame.iloc[rows]
    parts: list[Array] = []
    for name in taken.columns:
        if name in {*data.targets, data.id} or taken[name].dtype != object:
            continue
        output = column(taken[name])
        if output.numbers is not None and output.numbers.ndim > 1:
            parts += list(np.where(np.isfinite(output.numbers), output.numbers, np.nan).T[:COLUMNS])
    return parts[:COLUMNS]
