"""Answers of several numbers a row as a matrix, and whether its rows are probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from gate.scoring.casting import numeric
from gate.scoring.raw import RawAnswer

Matrix = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-3
"""How far from 1 the sum of a row of float16 or rounded probabilities may be."""


def matrix_of(raw: RawAnswer) -> Matrix | None:
    """The answer as float64 of shape (rows, k), nulls as NaN; None where rows differ in length or hold no numbers."""
    if raw.shape not in ("matrix", "nested"):
        return None
    lists = fixed_size(raw.only)
    if not pa.types.is_fixed_size_list(lists.type) or not numeric(lists.type.value_type) or lists.null_count:
        return None
    values: Matrix = lists.flatten().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values.reshape(len(lists), lists.type.list_size)


def looks_like_probabilities(matrix: Matrix) -> bool:
    """At least two columns, all within 0 and 1, and every row sums to 1 within rounding."""
    if matrix.shape[0] == 0 or matrix.shape[1] < 2:  # noqa: PLR2004 - one column is no distribution
        return False
    inside = bool(np.all((matrix >= 0) & (matrix <= 1)))
    return inside and bool(np.all(np.abs(matrix.sum(axis=1) - 1) <= _ROUNDING))


def fixed_size(column: pa.ChunkedArray) -> pa.Array:
    """Lists as fixed-size lists where all have one length, at every level; else as they are."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], type=column.type)
    return _fixed(array)


def _fixed(array: pa.Array) -> pa.Array:
    if not pa.types.is_list(array.type) or not len(array) or array.null_count:
        return array
    lengths = array.value_lengths().unique()
    inner = _fixed(array.flatten())
    if len(lengths) != 1 or not lengths[0].as_py():
        return array
    return pa.FixedSizeListArray.from_arrays(inner, lengths[0].as_py())
