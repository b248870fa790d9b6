"""Inputs changed as a relation of gate.yaml says: a value swapped, a number moved, a column set to a constant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from gate.scoring.score import TWIN_ROWS

SEARCHED = 20_000
"""So many rows, in a seeded sample, are searched for those that a change applies to."""
_MOVE = re.compile(r"\s*([+\-*/])\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(%?)\s*")


class ChangeError(Exception):
    """A change that a column cannot take; the text says why."""


def changed(table: pa.Table, change: Mapping[str, Any], seed: int) -> tuple[np.ndarray[Any, Any], pa.Table]:
    """Give at most 64 rows (int64, shape (m,)) that a change applies to, and these rows of the table, changed.

    A change maps columns to {old value: new value}, to a move ("+1", "-10", "*2", "/2", "+10%"), or to a constant.
    Whole numbers stay whole: a move is rounded.

    Raises:
        ChangeError: a column holds no numbers to move, or cannot hold the new value.
    """
    draw = np.random.default_rng([seed, 2])
    rows = draw.permutation(table.num_rows)[:SEARCHED] if table.num_rows <= SEARCHED else _some(draw, table.num_rows)
    taken = table.take(pa.array(rows))
    differs = np.zeros(len(rows), dtype=bool)
    for name, wanted in change.items():
        before = taken.column(name)
        after = _column(name, before, wanted)
        differs |= np.array([one != other for one, other in zip(before.to_pylist(), after.to_pylist(), strict=True)])
        taken = taken.set_column(taken.column_names.index(name), name, after)
    places = np.flatnonzero(differs)[:TWIN_ROWS]
    return rows[places].astype(np.int64), taken.take(pa.array(places))


def _some(draw: np.random.Generator, total: int) -> np.ndarray[Any, Any]:
    return draw.choice(total, size=SEARCHED, replace=False)


def _column(name: str, column: pa.ChunkedArray, wanted: object) -> pa.Array:
    values = column.to_pylist()
    new = [None if value is None else _value(name, value, wanted) for value in values]
    try:
        if pa.types.is_integer(column.type) and any(isinstance(value, float) for value in new):
            raise pa.ArrowInvalid("fractions are no whole numbers")
        return pa.array(new, type=column.type)
    except (pa.ArrowException, OverflowError) as error:
        raise ChangeError(
            f"the column {name} holds {column.type}, and {wanted!r} makes other values: {error}"
        ) from None


def _value(name: str, value: Any, wanted: object) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(wanted, Mapping):
        texts = {str(old): new for old, new in wanted.items()}
        return wanted.get(value, texts.get(str(value), value)) if _hashable(value) else value
    move = _MOVE.fullmatch(wanted) if isinstance(wanted, str) else None
    if move is None:
        return wanted
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ChangeError(f"the column {name} holds {value!r}, which is no number to change by {wanted!r}")
    return _moved(value, *move.groups())


def _moved(value: float, sign: str, text: str, percent: str) -> float:
    size = float(text) * (abs(value) / 100 if percent else 1)
    if sign in "*/" and percent:
        size = float(text) / 100
    new = {"+": value + size, "-": value - size, "*": value * size, "/": value / size if size else value}[sign]
    return round(new) if isinstance(value, int) else new


def _hashable(value: object) -> bool:
    return not isinstance(value, (list, dict))
