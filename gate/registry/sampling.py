"""Which rows are judged where not all can be: drawn by what a row holds, so that no order of a file matters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gate.domain import Coverage, EvaluationData

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from gate.evidence.keys import Keys

SEED = 20_260_102
"""Of every draw. Fixed, so that judging again draws the same rows."""


def capped(data: EvaluationData, most: int | None) -> EvaluationData:
    """Keep `most` rows, in the order of the file; all of them where there are no more, or where no cap is set."""
    from gate.evidence.keys import lowest

    if most is None or data.coverage is not None or data.rows <= most:
        return data
    chosen = lowest(keys_of(data.table), most)
    coverage = Coverage.of(total=data.rows, judged=most, sampled=most, seed=SEED)
    return replace(data, table=data.table.take(_arrow(chosen)), positions=chosen, coverage=coverage)


def keys_of(table: pa.Table) -> Keys:
    """Give each row's key (n,), from all its columns."""
    from gate.evidence.keys import row_keys

    return row_keys((_hashable(column) for column in table.columns), table.num_rows, SEED)


def _hashable(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """A column as numbers, or as a fingerprint of each value; a missing value has one of its own."""
    import pyarrow as pa
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_boolean(kind):
        column = column.cast(pa.int8())
    elif kinds.is_temporal(kind) and not kinds.is_interval(kind):
        column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())  # noqa: PLR2004 - date32 and time32
    elif not (kinds.is_integer(kind) or kinds.is_floating(kind)):
        return _fingerprints(column)
    return column.to_numpy() if not column.null_count else _with_nulls(column)


def _with_nulls(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    import numpy as np
    import pyarrow.compute as pc

    numbers: np.ndarray[Any, Any] = pc.fill_null(column, 0).to_numpy().copy()
    missing = pc.is_null(column).to_numpy()
    numbers[missing] = np.nan if numbers.dtype.kind == "f" else np.iinfo(numbers.dtype).min + 1
    return numbers


def _fingerprints(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Texts and bytes as they are, anything else by what it prints."""
    import numpy as np
    import pandas as pd
    import pyarrow.types as kinds

    kind = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    plain = kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind)
    values = column.to_pylist()
    if not plain:
        values = [repr(value) for value in values]
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return np.asarray(pd.util.hash_array(texts, categorize=True))


def _arrow(positions: np.ndarray[Any, Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array(positions)
