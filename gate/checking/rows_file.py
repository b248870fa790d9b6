"""All offending rows of all checks in one Parquet file: what the report shows the first of.

One row for each row that a check names: `check`, `row` (its place in the evaluation data, from 0), `id`, the inputs as
`inputs.<name>`, the answers as `prediction` and `baseline_prediction` (`prediction.<name>` where there are several
columns), the labels as `label`, and what the check says of it as `found.<name>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gate.checking.case import Case
from gate.domain import JsonValue, Offending, Outcome

MARK = b"gate.report"
"""The key of the file's metadata that says which report it belongs to: that report's `started_at`."""
CELLS_FILED = 5_000_000
"""Values of one check at most: fewer rows are filed where a row has many columns."""


def write(case: Case, outcomes: Sequence[Outcome], path: Path, report: str) -> None:
    """Write every row that a check named, a check at a time; `report` is the mark of the report.

    Raises:
        OSError: the file cannot be written.
        pyarrow.ArrowException: a column has a type that Parquet does not know.
    """
    import pyarrow.parquet as pq

    source = _sources(case)
    named = [(outcome.id, part) for outcome in outcomes for part in outcome.offending]
    schema = _schema(source, [part for _, part in named]).with_metadata({MARK: report.encode()})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for check, part in named:
            writer.write_table(_rows(source, check, part, schema))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A row that a sample does not hold: as the report shows it, and under the file's names (one row)."""

    shown: Mapping[str, JsonValue]
    filed: pa.Table

    @property
    def number(self) -> int:
        """The row's number in the set."""
        return int(self.filed.column("row")[0].as_py())


def _sources(case: Case) -> pa.Table:
    """All rows that can be named: those of the case, then those that were kept of all rows, in the bounds' order."""
    kept = [] if case.everything is None else case.everything.records
    return pa.concat_tables([columns_of(case), *(row.filed for row in kept)], promote_options="permissive")


def columns_of(case: Case) -> pa.Table:
    """Give what is known of every row of the evaluation data, under the file's names."""
    data = case.comparison.data
    if data is None:
        raise ValueError("there are no rows: there are no evaluation data")
    numbers = pa.array(np.arange(data.table.num_rows) if data.positions is None else data.positions, pa.int64())
    columns: dict[str, Any] = {"row": numbers, "id": data.table.column(data.id) if data.id else numbers}
    inputs = [name for name in data.table.column_names if name not in {*data.targets, data.id}]
    columns |= {f"inputs.{name}": data.table.column(name) for name in inputs}
    if case.paired and case.answers.table is not None:
        columns |= _named("prediction", case.answers.table)
    if case.baseline_paired and case.baseline_answers is not None and case.baseline_answers.table is not None:
        columns |= _named("baseline_prediction", case.baseline_answers.table)
    if data.targets:
        columns |= _named("label", data.table.select(list(data.targets)))
    return pa.table(columns)


def _named(prefix: str, table: pa.Table) -> dict[str, Any]:
    """One column has the prefix for its name, several have it before theirs."""
    if table.num_columns == 1:
        return {prefix: table.column(0)}
    return {f"{prefix}.{name}": table.column(name) for name in table.column_names}


def _schema(source: pa.Table, parts: Sequence[Offending]) -> pa.Schema:
    found: dict[str, pa.DataType] = {}
    for part in parts:
        for name, values in part.columns.items():
            kind = _values(values).type
            found[name] = kind if found.get(name, kind) == kind else pa.string()
    fields = [pa.field("check", pa.string()), *source.schema]
    return pa.schema([*fields, *(pa.field(f"found.{name}", kind) for name, kind in found.items())])


def _rows(source: pa.Table, check: str, part: Offending, schema: pa.Schema) -> pa.Table:
    positions = part.positions[: max(1, CELLS_FILED // max(1, source.num_columns))]
    taken = source.take(pa.array(positions))
    columns: dict[str, Any] = {"check": pa.array([check] * len(positions))}
    columns |= dict(zip(taken.column_names, taken.columns, strict=True))
    columns |= dict(_found(part.columns, schema, len(positions)))
    return pa.table([columns[field.name] for field in schema], schema=schema)


def _found(columns: Mapping[str, Any], schema: pa.Schema, rows: int) -> Iterator[tuple[str, pa.Array]]:
    """What this check says of its rows; nothing in the columns of other checks."""
    for field in schema:
        name = field.name.removeprefix("found.")
        if name == field.name:
            continue
        if name in columns:
            values = _values(columns[name])[:rows]
            yield field.name, values if values.type == field.type else values.cast(field.type)
        else:
            yield field.name, pa.nulls(rows, field.type)


def _values(values: Any) -> pa.Array:  # noqa: ANN401 - what an author hands over
    """Numbers as float64, truth values as they are, all else as text."""
    array = np.asarray(values if hasattr(values, "dtype") else list(values), dtype=None if _plain(values) else object)
    if array.ndim == 1 and array.dtype.kind in "iuf":
        return pa.array(array.astype(np.float64))
    if array.ndim == 1 and array.dtype.kind == "b":
        return pa.array(array)
    return pa.array([str(value) for value in array], pa.string())


def _plain(values: Any) -> bool:  # noqa: ANN401 - as above
    """Whether NumPy can hold the values without guessing a shape."""
    return hasattr(values, "dtype") or all(isinstance(value, (int, float)) for value in values)


def belongs_to(path: Path, report: str) -> bool:
    """Say whether a file of rows was written with the report that began at this time."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.ParquetFile(path).schema_arrow.metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return bool(metadata.get(MARK) == report.encode())
