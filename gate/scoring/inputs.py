"""The columns of the evaluation data that a model takes, in the types that its signature names.

Columns are chosen by name; unnamed inputs and tensors take them by position. The model never sees the target.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from gate.domain import EvaluationData, Field, Signature
from gate.scoring.casting import cast_column, cast_tensor, numeric

_WHOLE_ROW = ("object", "map", "any")


class MissingColumnsError(Exception):
    """The model needs columns that the evaluation data do not have, or that hold the target."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Carry the columns' names."""
        self.columns = tuple(columns)
        super().__init__(f"the model needs columns that the evaluation data do not offer: {', '.join(self.columns)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the worker is given: one row for each row of the data. `positional`: agreement is by position only."""

    table: pa.Table
    positional: bool = False


def inputs_for(signature: Signature | None, data: EvaluationData) -> Inputs:
    """Choose and cast the inputs. Lossless casts only: what else MLflow would refuse, it refuses in its own words.

    Raises:
        MissingColumnsError: a required input has no column.
    """
    offered = data.table.drop_columns([name for name in data.targets if name in data.table.column_names])
    features = offered.drop_columns([data.id]) if data.id in offered.column_names else offered
    fields = (signature.inputs if signature else None) or ()
    if not fields:
        return Inputs(table=features)
    if all(field.name is not None for field in fields):
        return _by_name(fields, offered)
    if fields[0].shape is not None:
        return _tensor(fields[0], features)
    return _by_position(fields, features)


def _by_name(fields: Sequence[Field], offered: pa.Table) -> Inputs:
    names = set(offered.column_names)
    missing = [str(field.name) for field in fields if field.required and field.name not in names]
    if missing:
        raise MissingColumnsError(missing)
    chosen = [field for field in fields if field.name in names]
    columns = {str(field.name): _cast(offered.column(field.name), field) for field in chosen}
    return Inputs(table=pa.table(columns) if columns else offered)


def _by_position(fields: Sequence[Field], features: pa.Table) -> Inputs:
    if len(fields) == 1 and fields[0].type in _WHOLE_ROW:
        return _whole_row(fields[0], features)
    if features.num_columns < len(fields):
        raise MissingColumnsError([f"input {place}" for place in range(features.num_columns + 1, len(fields) + 1)])
    chosen = features.select(list(range(len(fields))))
    columns = [_cast(column, field) for column, field in zip(chosen.columns, fields, strict=True)]
    return Inputs(table=pa.table(columns, names=chosen.column_names), positional=features.num_columns > 1)


def _whole_row(field: Field, features: pa.Table) -> Inputs:
    """One unnamed object a row: its keys are the columns. Keys that the data lack are the model's to miss."""
    keys = [key for key in _keys(field.detail) if key in features.column_names]
    return Inputs(table=features.select(keys) if keys else features)


def _keys(detail: str | None) -> list[str]:
    try:
        properties = json.loads(detail or "{}").get("properties", {})
    except (ValueError, AttributeError):
        return []
    return list(properties) if isinstance(properties, dict) else []


def _tensor(field: Field, features: pa.Table) -> Inputs:
    """One array: the only column where there is one, else all feature columns side by side."""
    columns = features.columns
    inner = (field.shape or ())[1:]
    if len(columns) == 1:
        return Inputs(table=pa.table({features.column_names[0]: cast_tensor(columns[0], field.type)}))
    if -1 not in inner and len(columns) != math.prod(inner):
        numbers = [column for column in columns if numeric(column.type)]
        columns = numbers if len(numbers) == math.prod(inner) else columns
    if not columns:
        raise MissingColumnsError(["input 1"])
    return Inputs(table=pa.table({"input": _side_by_side(columns, field.type)}), positional=True)


def _side_by_side(columns: Sequence[pa.ChunkedArray], kind: str) -> pa.Array:
    """The columns as one column of fixed-size lists, row by row."""
    import numpy as np

    casted = [cast_tensor(column, kind) for column in columns]
    rows = np.column_stack([column.to_numpy() for column in casted])
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), len(columns))


def _cast(column: pa.ChunkedArray, field: Field) -> pa.ChunkedArray:
    return cast_tensor(column, field.type) if field.shape is not None else cast_column(column, field.type)
