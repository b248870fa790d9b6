"""Arrow rows in the form that a pyfunc model takes. Runs in the worker.

A frame; for a tensor signature an array of its shape, or a dict of them where the inputs have names. Models that want
plain lists get a frame too: MLflow turns it into the list that their type hints ask for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

_COPY_ON_WRITE = not pd.__version__.startswith(("1.", "2."))
"""From pandas 3 on, a shallow copy is as good as a deep one."""


def convert(table: pa.Table, schema: Any) -> Any:  # noqa: ANN401 - MLflow's Schema or None; a frame, an array or a dict
    """The rows as the model takes them, by its signature's input schema."""
    if schema is None or not schema.inputs:
        return table.to_pandas()
    if schema.is_tensor_spec():
        if schema.has_input_names():
            return {
                spec.name: tensor(table[spec.name], spec) for spec in schema.inputs if spec.name in table.schema.names
            }
        return tensor(table.column(0), schema.inputs[0])
    frame = table.to_pandas()
    if not schema.has_input_names() and _is_positional(table, schema):
        frame.columns = pd.RangeIndex(frame.shape[1])
    return frame


def fresh(inputs: Any) -> Any:  # noqa: ANN401 - what `convert` returned, and the same again
    """A copy, so that a model that changes what it is given meets the same rows at the next call."""
    if isinstance(inputs, dict):
        return {name: value.copy() for name, value in inputs.items()}
    if isinstance(inputs, pd.DataFrame):
        return inputs.copy(deep=not _COPY_ON_WRITE)
    return inputs.copy()


def taken(inputs: Any, positions: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401 - what `convert` returned, and the same again
    """The rows at these positions, int32 of shape (m,), as a copy that looks like inputs of its own."""
    if isinstance(inputs, dict):
        return {name: value[positions] for name, value in inputs.items()}
    if isinstance(inputs, pd.DataFrame):
        rows = inputs.take(positions)
        rows.index = pd.RangeIndex(len(rows))
        return rows
    return inputs[positions]


def tensor(column: pa.ChunkedArray, spec: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401 - MLflow's TensorSpec
    """The column as an array of the signature's shape; of its own shape where that does not fit."""
    values = _dense(column.combine_chunks())
    if spec.type.kind in "US" and values.dtype == object:
        values = values.astype(str)
    inner = tuple(int(size) for size in spec.shape[1:])
    if _fits(values, inner):
        return values.reshape((len(values), *inner))
    return values


def _fits(values: np.ndarray[Any, Any], inner: tuple[int, ...]) -> bool:
    size = values.size // max(1, len(values))
    known = math.prod(dim for dim in inner if dim != -1)
    unknown = inner.count(-1)
    if unknown:
        return unknown == 1 and known > 0 and size % known == 0
    return known == size


def _dense(array: pa.Array) -> np.ndarray[Any, Any]:
    """Nested fixed-size lists as one array; lists of one length likewise; other lists as an object array."""
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        array = _fixed(array)
    shape: list[int] = [len(array)]
    while pa.types.is_fixed_size_list(array.type) and array.null_count == 0:
        shape.append(array.type.list_size)
        array = array.flatten()
    values = array.to_numpy(zero_copy_only=False)
    return np.array(values).reshape(shape)


def _fixed(array: pa.Array) -> pa.Array:
    """Variable lists as fixed-size ones where all have one length, at every level."""
    lengths = array.value_lengths().unique()
    if len(lengths) != 1 or not lengths[0].is_valid:
        return array
    inner = array.flatten()
    if pa.types.is_list(inner.type):
        inner = _fixed(inner)
    return pa.FixedSizeListArray.from_arrays(inner, lengths[0].as_py())


def _is_positional(table: pa.Table, schema: Any) -> bool:  # noqa: ANN401 - MLflow's Schema
    """Unnamed inputs that stand for columns, not one object whose keys the columns are."""
    return bool(len(schema.inputs) == table.num_columns)
