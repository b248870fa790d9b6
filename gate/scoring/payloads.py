"""Rows as the JSON that MLflow's model server takes, a request a row.

The forms are MLflow's: `dataframe_split` for frames, `inputs` for tensors and for what a type hint asks for. Where the
signature does not say which it is, the server does: the first form whose first row it answers is the one.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gate.domain import Field, Signature

MOST_ROWS, MOST_BYTES = 200, 32 << 20
"""What is asked of a served version: so many rows, over and over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spec:
    """A tensor's type and shape, as MLflow's TensorSpec has them."""

    type: np.dtype[Any]
    shape: tuple[int, ...]


def forms(table: pa.Table, signature: Signature | None) -> Iterator[list[bytes]]:
    """Give the bodies of the requests, one a row, in each form that may be the right one.

    Raises:
        ValueError: a value has no form in JSON.
    """
    fields = (signature.inputs if signature else None) or ()
    if fields and fields[0].shape is not None:
        yield _tensors(table, fields)
        return
    rows = table.to_pylist()
    names: list[Any] = list(table.column_names)
    positional = bool(fields) and fields[0].name is None and len(fields) == len(names)
    columns = list(range(len(names))) if positional else names
    yield [_body("dataframe_split", {"columns": columns, "data": [list(row.values())]}) for row in rows]
    yield [_body("inputs", [row if len(names) > 1 else row[names[0]]]) for row in rows]


def chosen(table: pa.Table) -> pa.Table:
    """Give the rows that are asked: all, or evenly spread ones where there are more than are held."""
    fitting = max(1, MOST_BYTES * table.num_rows // max(table.nbytes, 1))
    most = min(MOST_ROWS, fitting, table.num_rows)
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, most).astype(np.int64)))


def _tensors(table: pa.Table, fields: tuple[Field, ...]) -> list[bytes]:
    from gate.scoring.worker_inputs import tensor

    def values(column: pa.ChunkedArray, field: Field) -> np.ndarray[Any, Any]:
        return tensor(column, _Spec(type=np.dtype(field.type), shape=field.shape or ()))

    if fields[0].name is None:
        rows = values(table.column(0), fields[0])
        return [_body("inputs", rows[at : at + 1].tolist()) for at in range(len(rows))]
    named = {str(field.name): values(table[field.name], field) for field in fields if field.name in table.column_names}
    return [
        _body("inputs", {name: rows[at : at + 1].tolist() for name, rows in named.items()})
        for at in range(table.num_rows)
    ]


def _body(key: str, value: object) -> bytes:
    try:
        return json.dumps({key: value}, default=_plain).encode()
    except TypeError as error:
        raise ValueError(str(error)) from None


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON takes
    """MLflow reads times in ISO form and bytes in base 64."""
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a value of the type {type(value).__name__} has no form in JSON")
