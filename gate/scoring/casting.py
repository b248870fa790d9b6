"""Casts that lose nothing, so that the types of a CSV file do not fail an honest model.

Every function returns its column unchanged where a cast would lose something: MLflow's schema enforcement then
judges it in its own words. `double` to `float` counts as lossless: a file cannot say which of the two it meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

Cast = Callable[[pa.ChunkedArray], pa.ChunkedArray]

_EXACT_INTEGERS = {pa.float32(): 2**24, pa.float64(): 2**53}


def numeric(kind: pa.DataType) -> bool:
    """A number or a truth value."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def cast_column(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """The column as MLflow's type of this name, where that loses nothing."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    cast = _CASTS.get(kind)
    return cast(column) if cast and column.type != _PLAIN.get(kind) else column


def cast_tensor(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """The column, or the values of its lists, as NumPy's type of this name, where that loses nothing."""
    if pa.types.is_fixed_size_list(column.type) or pa.types.is_list(column.type):
        return _cast_list(column, kind)
    target = _numpy_type(kind)
    if target is None or column.type == target or not numeric(column.type):
        return column
    if pa.types.is_boolean(target):
        return _to_boolean(column)
    return _to_float(column, target) if pa.types.is_floating(target) else _to_integer(column, target)


def _cast_list(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    if array.null_count or not len(array):
        return column
    values = cast_tensor(pa.chunked_array([array.flatten()]), kind).combine_chunks()
    if pa.types.is_fixed_size_list(array.type):
        return pa.chunked_array([pa.FixedSizeListArray.from_arrays(values, array.type.list_size)])
    offsets = pc.subtract(array.offsets, array.offsets[0])
    return pa.chunked_array([pa.ListArray.from_arrays(offsets, values)])


def _numpy_type(kind: str) -> pa.DataType | None:
    import numpy as np

    try:
        target = pa.from_numpy_dtype(np.dtype(kind))
    except (TypeError, pa.ArrowException):
        return None
    return target if numeric(target) else None


def _to_float(column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8()).cast(target)
    if pa.types.is_integer(kind):
        exact = _EXACT_INTEGERS.get(target, 0)
        return column.cast(target, safe=False) if _within(column, -exact, exact) else column
    if pa.types.is_decimal(kind):
        return _if_equal(column, column.cast(target, safe=False))
    if not pa.types.is_floating(kind):
        return column
    casted = column.cast(target, safe=False)
    return casted if _infinite(casted) == _infinite(column) else column


def _to_integer(column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    """Whole numbers without a null: pandas has no integer column with nulls, nor has MLflow."""
    if column.null_count:
        return column
    if pa.types.is_boolean(column.type):
        return column.cast(target)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return column
    try:
        return column.cast(target)
    except pa.ArrowInvalid:
        return column


def _to_boolean(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not numeric(column.type):
        return column
    return column.cast(pa.bool_()) if set(pc.unique(column).to_pylist()) <= {0, 1} else column


def _to_string(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Integers and dates as the text that the file had; not floats or times, whose text is not known."""
    kind = column.type
    known = pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_large_string(kind)
    return column.cast(pa.string()) if known or pa.types.is_null(kind) else column


def _to_datetime(column: pa.ChunkedArray) -> pa.ChunkedArray:
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if not (text or pa.types.is_date(column.type)):
        return column
    try:
        return column.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return column


def _within(column: pa.ChunkedArray, low: int, high: int) -> bool:
    extremes = pc.min_max(column).as_py()
    return extremes["min"] is None or (low <= extremes["min"] and extremes["max"] <= high)


def _infinite(column: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.is_inf(column)).as_py() or 0)


def _if_equal(column: pa.ChunkedArray, casted: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cast where it returns to the same decimals."""
    try:
        return casted if casted.cast(column.type).equals(column) else column
    except pa.ArrowInvalid:
        return column


_PLAIN: Mapping[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
}
_CASTS: Mapping[str, Cast] = {
    "boolean": _to_boolean,
    "integer": lambda column: _to_integer(column, pa.int32()),
    "long": lambda column: _to_integer(column, pa.int64()),
    "float": lambda column: _to_float(column, pa.float32()),
    "double": lambda column: _to_float(column, pa.float64()),
    "string": _to_string,
    "datetime": _to_datetime,
}
