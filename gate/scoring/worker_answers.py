"""Any answer of a pyfunc model as an Arrow table and the shape that it came in. Runs in the worker.

Shapes: `values` (one a row), `matrix` (two dimensions), `tensor` (more), `nested` (lists in a list), `frame`, `dict`.
What is none of these raises UnsupportedAnswer with words that say what came.
"""

from __future__ import annotations

import datetime as dt
import decimal
import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gate.scoring.worker_columns import UnsupportedAnswer, column, nested

Encoded = tuple[str, pa.Table]

_SCALARS = (str, bytes, bytearray, numbers.Number, np.generic, decimal.Decimal, dt.date, dt.time)
_DENSE_LIMIT_BYTES = 1 << 30
_ROW = (list, tuple, np.ndarray, pd.Series)


def encode(answer: Any, rows: int) -> Encoded:  # noqa: ANN401 - a model may answer anything
    """The shape's name and the table. `rows` is how many were asked: for one row a bare value is an answer."""
    answer = _unwrap(answer)
    if isinstance(answer, _SCALARS):
        if rows != 1:
            raise UnsupportedAnswer(f"a single {type(answer).__name__} for {rows} rows")
        return _values([answer])
    for kinds, form in _FORMS:
        if isinstance(answer, kinds):
            return form(answer)
    raise UnsupportedAnswer(_name(answer))


def _unwrap(answer: Any) -> Any:  # noqa: ANN401 - foreign containers
    """Foreign containers as ones that are known: polars through Arrow, scipy.sparse dense, tensors through NumPy."""
    if isinstance(answer, (*_SCALARS, pd.DataFrame, pd.Series, pd.Index, pa.Table, pa.Array, pa.ChunkedArray)):
        return answer
    if isinstance(answer, pa.RecordBatch):
        return pa.Table.from_batches([answer])
    if callable(getattr(answer, "to_arrow", None)):
        return answer.to_arrow()
    if callable(getattr(answer, "toarray", None)) and hasattr(answer, "nnz"):
        if np.prod(answer.shape, dtype=float) * answer.dtype.itemsize > _DENSE_LIMIT_BYTES:
            raise UnsupportedAnswer(f"a sparse matrix of shape {answer.shape}, too large to be made dense")
        return answer.toarray()
    if hasattr(answer, "__array__") and not isinstance(answer, np.ndarray | pd.api.extensions.ExtensionArray):
        answer = np.asarray(answer)
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        return answer.item()
    return answer


def _array(array: np.ndarray[Any, Any]) -> Encoded:
    if array.dtype.names:
        return _named("frame", [(name, array[name]) for name in array.dtype.names])
    if isinstance(array, np.matrix):
        array = np.asarray(array)
    if array.ndim == 1:
        return _sequence(list(array)) if array.dtype == object else _values(array)
    if 0 in array.shape[1:]:
        raise UnsupportedAnswer(f"an array of shape {array.shape}")
    return "matrix" if array.ndim == 2 else "tensor", _only(nested(array))  # noqa: PLR2004 - two dimensions are a matrix


def _sequence(items: list[Any]) -> Encoded:
    items = [item.model_dump() if hasattr(item, "model_dump") else item for item in items]
    given = [item for item in items if item is not None]
    if given and all(isinstance(item, Mapping) for item in given):
        return _records(items)
    if any(isinstance(item, _ROW) and getattr(item, "ndim", 1) > 0 for item in given):
        return "nested", _only(column(items))
    return _values(items)


def _records(items: list[Mapping[str, Any] | None]) -> Encoded:
    """One mapping a row is a frame; a key that a row lacks is null there."""
    names = list(dict.fromkeys(name for item in items for name in item or ()))
    return _named("frame", [(name, [(item or {}).get(name) for item in items]) for name in names])


def _arrow(table: pa.Table) -> Encoded:
    return _named("frame", [(name, table.column(at)) for at, name in enumerate(table.column_names)])


def _frame(frame: pd.DataFrame) -> Encoded:
    """A frame without names of its own (0, 1, 2 …) is the matrix that it was made of."""
    labels: list[Any] = list(frame.columns)
    names = ["_".join(map(str, label)) if isinstance(label, tuple) else label for label in labels]
    numbered = names == list(range(len(names)))
    if numbered and len(names) == 1:
        return _values(frame.iloc[:, 0])
    if numbered and names and all(pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes):
        return _array(frame.to_numpy())
    return _named("frame", [(name, frame.iloc[:, at]) for at, name in enumerate(names)])


def _dict(answer: Mapping[Any, Any]) -> Encoded:
    """One column a key; single values are repeated along the others, and are one row where there are no others."""
    values = {name: _unwrap(value) for name, value in answer.items()}
    lengths = {len(value) for value in values.values() if not _is_single(value)}
    if len(lengths) > 1:
        raise UnsupportedAnswer(f"a dict whose columns have {' and '.join(map(str, sorted(lengths)))} values")
    rows = lengths.pop() if lengths else 1
    return _named("dict", [(name, [value] * rows if _is_single(value) else value) for name, value in values.items()])


def _is_single(value: Any) -> bool:  # noqa: ANN401 - a value of the model's dict
    return value is None or isinstance(value, _SCALARS)


def _values(values: Iterable[Any]) -> Encoded:
    return "values", _only(column(values))


def _only(array: pa.Array) -> pa.Table:
    return pa.table({"answer": array})


def _named(shape: str, columns: list[tuple[Any, Any]]) -> Encoded:
    """A table of these columns; names become text, and a second column of one name gets a number."""
    if not columns:
        raise UnsupportedAnswer(f"a {shape} without columns")
    table: dict[str, pa.Array] = {}
    for name, values in columns:
        table[_unique(str(name), table)] = column(values)
    lengths = {len(array) for array in table.values()}
    if len(lengths) > 1:
        raise UnsupportedAnswer(f"a {shape} whose columns have {' and '.join(map(str, sorted(lengths)))} values")
    return shape, pa.table(table)


def _unique(name: str, taken: Mapping[str, object]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        candidate, number = f"{name}.{number}", number + 1
    return candidate


def _name(answer: object) -> str:
    kind = type(answer)
    known = kind.__module__ in ("builtins", "__main__")
    return "None" if answer is None else f"a {kind.__name__ if known else f'{kind.__module__}.{kind.__name__}'}"


_FORMS: tuple[tuple[tuple[type, ...], Callable[[Any], Encoded]], ...] = (
    ((pd.DataFrame,), _frame),
    ((Mapping,), _dict),
    ((np.ndarray,), _array),
    ((pd.Series, pd.Index, pd.api.extensions.ExtensionArray, pa.Array, pa.ChunkedArray), _values),
    ((pa.Table,), _arrow),
    ((list, tuple, range), lambda answer: _sequence(list(answer))),
)
