"""One column of a model's answer as an Arrow array of plain types. Runs in the worker."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

_TIME_UNITS = ("D", "s", "ms", "us", "ns")
_JSON_SCALARS = (str, bool, int, float, np.generic)


class UnsupportedAnswer(Exception):  # noqa: N818 - its name is the failure's kind in the report
    """The model answered something that is no column of values; the text says what came."""

    def __init__(self, what: str) -> None:
        """Say what came."""
        super().__init__(f"the model answered {what}; one value or one row of values for each input row is needed")


def column(values: Any) -> pa.Array:  # noqa: ANN401 - whatever a model puts into a column
    """The values as one Arrow array: not dictionary encoded, no extension type, NaN kept apart from null."""
    try:
        return plain(_column(values))
    except MemoryError:  # Arrow's is an ArrowException as well
        raise
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise UnsupportedAnswer(f"values that are no column ({str(error).splitlines()[0][:150]})") from error


def nested(array: np.ndarray[Any, Any]) -> pa.Array:
    """An array of k dimensions as k - 1 nested fixed-size lists; a masked value is null."""
    flat = column(array.reshape(-1))
    for size in reversed(array.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, int(size))
    return flat


def plain(array: pa.Array) -> pa.Array:
    """The array with storage types only."""
    target = _plain_type(array.type)
    return array if target == array.type else array.cast(target)


def _column(values: Any) -> pa.Array:  # noqa: ANN401 - whatever a model puts into a column
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return _series(pd.Series(values))
    if isinstance(values, np.ndarray):
        return _numpy(values) if values.ndim == 1 else nested(values)
    return _items(list(values))


def _series(series: pd.Series[Any]) -> pa.Array:
    if isinstance(series.dtype, np.dtype):
        return _numpy(series.to_numpy())
    if isinstance(series.dtype, pd.PeriodDtype | pd.IntervalDtype):
        return _items([None if pd.isna(item) else str(item) for item in series])
    if isinstance(series.dtype, pd.SparseDtype):
        return _numpy(np.asarray(series))
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        utc = pa.array(series.dt.tz_convert(None).to_numpy())
        return utc.cast(pa.timestamp(utc.type.unit, "UTC")).cast(pa.timestamp(utc.type.unit, str(series.dt.tz)))
    array = pa.array(series)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _numpy(array: np.ndarray[Any, Any]) -> pa.Array:
    kind = array.dtype.kind
    if kind == "O":
        return _items(array.tolist())
    if kind == "c":
        raise TypeError("complex numbers")
    if kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)  # noqa: PLR2004 - bytes of a float32
    if kind == "M" and np.datetime_data(array.dtype)[0] not in _TIME_UNITS:
        array = array.astype("datetime64[s]")
    return pa.array(array)


def _items(items: list[Any]) -> pa.Array:
    """A list of Python values. Values of several types become text: the column then has the wrong type, and says so."""
    items = [_item(item) for item in items]
    try:
        return _inferred(items)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        if not all(item is None or isinstance(item, _JSON_SCALARS) for item in items):
            raise
    return pa.array([None if item is None else str(item) for item in items], type=pa.string())


def _inferred(items: list[Any]) -> pa.Array:
    """NaN among numbers stays NaN; among text it stands for what is missing. Bytes among text are no text."""
    try:
        array = pa.array(items)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        array = pa.array(items, from_pandas=True)
    array.validate(full=True)
    return array


def _item(item: Any) -> Any:  # noqa: ANN401 - one value of a model's answer
    if isinstance(item, uuid.UUID):
        return str(item)
    if item is pd.NA or item is pd.NaT:
        return None
    if isinstance(item, np.ndarray | pd.Series):
        return item.tolist()
    if isinstance(item, np.generic | str | bytes | int | float) or item is None:
        return item
    if isinstance(item, list | tuple):
        return [_item(inner) for inner in item]
    return np.asarray(item).tolist() if hasattr(item, "__array__") else item


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    if pa.types.is_nested(kind):
        return _plain_nested(kind)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type)
    for is_kind, target in _PLAIN:
        if is_kind(kind):
            return target
    return kind


def _plain_nested(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain_type(kind.value_type), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", _plain_type(kind.key_type)), ("value", _plain_type(kind.item_type))]))
    return pa.list_(_plain_type(kind.value_type))


_PLAIN: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_float16, pa.float32()),
)
