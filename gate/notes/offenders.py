"""Offending rows as a table: whole rows, the telling columns first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gate.notes.found import Plain, real
from gate.notes.values import Phrase, Table, Value

COLUMNS_SHOWN = 12
_FIRST = ("id", "label", "baseline_prediction", "prediction", "difference")
_HEADED = frozenset(_FIRST)


def offenders_table(rows: Sequence[Plain]) -> Table:
    """Lay rows out: id, label, both predictions, what the check says of them, then the inputs.

    Inputs have a column each while they fit, else they share the last cell; a column that is empty in every row is
    left out.
    """
    told = [name for name in _names(rows) if name != "inputs"]
    inputs = _names([_inputs(row) for row in rows])
    if len(told) + len(inputs) <= COLUMNS_SHOWN:
        head = [*map(_head, told), *(Phrase("head.column", {"name": name}) for name in inputs)]
        cells = [
            [*(_cell(row.get(name)) for name in told), *(_cell(_inputs(row).get(name)) for name in inputs)]
            for row in rows
        ]
        return Table(head, cells, _numeric(cells, len(head)))
    told = told[: COLUMNS_SHOWN - 1]
    head = [*map(_head, told), Phrase("head.inputs")]
    cells = [[*(_cell(row.get(name)) for name in told), _together(_inputs(row))] for row in rows]
    return Table(head, cells, _numeric(cells, len(head)))


def _names(rows: Sequence[Plain]) -> list[str]:
    """All keys that hold something in some row: the known ones in their order, then the others as they come."""
    seen = dict.fromkeys(name for row in rows for name, value in row.items() if value not in (None, {}))
    return [*(name for name in _FIRST if name in seen), *(name for name in seen if name not in _HEADED)]


def _inputs(row: Plain) -> Mapping[str, Any]:
    inputs = row.get("inputs")
    return inputs if isinstance(inputs, Mapping) else {}


def _head(name: str) -> Phrase:
    return Phrase(f"row.{name}") if name in _HEADED else Phrase("head.column", {"name": name})


def _cell(value: object) -> Value:
    """Whole numbers in a row are mostly names and codes: written as they are, without separators."""
    if value is None or isinstance(value, (float, str)):
        return value
    return str(value) if isinstance(value, (bool, int)) else json.dumps(value, ensure_ascii=False, default=str)


def _together(inputs: Mapping[str, Any]) -> Value:
    return ", ".join(f"{name}={_brief(value)}" for name, value in inputs.items()) or None


def _brief(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(_cell(value))


def _numeric(cells: Sequence[Sequence[Value]], width: int) -> list[bool]:
    return [
        any(isinstance(row[column], float) and real(row[column]) is not None for row in cells)
        for column in range(width)
    ]
