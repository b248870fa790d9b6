"""Evaluation data that do not fit in memory: Parquet files, read in batches, and a sample of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.domain import Coverage, EvaluationData
from gate.errors import DataError
from gate.registry.columns import Columns, ensure_columns
from gate.registry.partitions import Constants, partitions, with_partitions
from gate.registry.sampling import SEED, keys_of
from gate.registry.tables import data_files, digest_of_files, kind_of, usable_columns
from gate.registry.tree import ArtifactFaultError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from gate.evidence.keys import Keys

IN_MEMORY_ROWS = 1_000_000
"""So many rows are still held in memory,"""
IN_MEMORY_BYTES = 256 * 2**20
"""where they take no more than this there."""
SAMPLE_ROWS = 200_000
"""The sample on which everything is judged that needs all rows at once."""
SAMPLE_BYTES = 128 * 2**20
READ_ROWS = 65_536
READ_BYTES = 32 * 2**20
"""What is read at once while the sample is drawn, whichever is less."""
TEXT_BYTES = 32
"""A guess at what a text or a list takes, where the file does not say."""
_PARQUET = (".parquet", ".pq")
_BUFFER = 2**20
_WHOLE = 2**64


@dataclass(frozen=True, kw_only=True)
class ParquetRows:
    """The rows of Parquet files, in the order of their names. With a `cut` those whose keys lie below it alone."""

    path: Path
    files: tuple[Path, ...]
    cut: int = _WHOLE

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of all files together, without pandas' unnamed index.

        Raises:
            DataError: the files do not fit together.
        """
        import pyarrow as pa

        try:
            schemas = [
                with_partitions(_opened(file).schema_arrow.remove_metadata().empty_table(), columns).schema
                for file, columns in self.partitions.items()
            ]
            merged = pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"The files in {self.path} do not fit together: {reason}.") from None
        return pa.schema([merged.field(name) for name in usable_columns(merged.names, self.path)])

    @cached_property
    def partitions(self) -> Mapping[Path, Constants]:
        """The columns of each file that the names of its folders hold."""
        return partitions(self.files, self.path)

    @cached_property
    def total(self) -> int:
        """The number of rows in the files."""
        return sum(_opened(file).metadata.num_rows for file in self.files)

    @property
    def bytes_a_row(self) -> int:
        """What a row takes in memory, about."""
        widths = [getattr(kind, "bit_width", 0) // 8 if _is_fixed(kind) else TEXT_BYTES for kind in self.schema.types]
        stored = sum(_stored_bytes(file) for file in self.files) // max(1, self.total)
        return max(1, sum(widths), stored if TEXT_BYTES in widths else 0)

    def batches(self, rows: int) -> Iterator[tuple[pa.Table, np.ndarray[Any, Any]]]:
        """Give all rows in batches, each with its rows' numbers.

        Raises:
            DataError: a file cannot be read.
        """
        import numpy as np
        import pyarrow as pa

        first = 0
        for table in self._tables(rows):
            numbers = np.arange(first, first + table.num_rows, dtype=np.int64)
            first += table.num_rows
            if self.cut < _WHOLE:
                chosen = np.flatnonzero(keys_of(table) < np.uint64(self.cut))
                table, numbers = table.take(pa.array(chosen)), numbers[chosen]  # noqa: PLW2901 - the rows that are judged
            if table.num_rows:
                yield table, numbers

    def _tables(self, rows: int) -> Iterator[pa.Table]:
        import pyarrow as pa

        try:
            for file in self.files:
                for batch in _opened(file).iter_batches(rows, columns=_present(file, self.schema), use_threads=False):
                    table = with_partitions(pa.Table.from_batches([batch]), self.partitions[file])
                    yield _as(self.schema, table)
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"The evaluation data {self.path} cannot be read: {reason}.") from None


def read_large(path: Path, columns: Columns) -> EvaluationData | None:
    """Read a sample of evaluation data that do not fit in memory; None where they fit, or are no Parquet.

    Raises:
        UsageError: a named column does not exist.
        DataError: the data cannot be read.
    """
    rows = large_rows(path)
    return None if rows is None else sampled(rows, columns, str(path))


def large_rows(path: Path) -> ParquetRows | None:
    """Give the rows of a path that are too many for memory; None where they fit, or are no Parquet.

    Raises:
        UsageError: there is no file of a kind that the gate reads.
        DataError: the data cannot be read.
    """
    if not path.exists():
        return None
    files = data_files(path)
    if any(kind_of(file) not in _PARQUET for file in files):
        return None
    rows = ParquetRows(path=path, files=files)
    return rows if rows.total > _fitting(rows, IN_MEMORY_ROWS, IN_MEMORY_BYTES) else None


def sampled(rows: ParquetRows, columns: Columns, source: str) -> EvaluationData:
    """Draw a sample, in the order of the rows' keys, with all rows as a stream beside it.

    With a cap (`max_rows`) that fits in memory, that many rows are drawn in the files' order, and there is no stream.

    Raises:
        UsageError: a named column does not exist.
        DataError: the data cannot be read.
    """
    ensure_columns(rows.schema.names, columns, source)
    data = EvaluationData(
        table=rows.schema.empty_table(),
        source=source,
        digest=_digest(rows.path, rows.files),
        target=columns.target,
        id=columns.id,
        slices=tuple(columns.slices),
    )
    most, total, fitting = columns.max_rows, rows.total, _fitting(rows, IN_MEMORY_ROWS, IN_MEMORY_BYTES)
    if most is not None and most <= fitting:
        return _drawn(data, rows, most, sort_by_key=False)
    judged = total if most is None else min(total, most)
    if judged < total:
        rows = replace(rows, cut=_cut(judged, total))
    sample = _drawn(data, rows, _fitting(rows, SAMPLE_ROWS, SAMPLE_BYTES), sort_by_key=True)
    return replace(sample, stream=rows)


def _fitting(rows: ParquetRows, most: int, most_bytes: int) -> int:
    return max(1, min(most, most_bytes // rows.bytes_a_row))


def _cut(wanted: int, total: int) -> int:
    """The key below which about so many rows lie, and hardly ever more: four standard deviations fewer."""
    share = max(1.0, wanted - 4 * wanted**0.5) / total
    return min(_WHOLE - 1, int(share * _WHOLE))


def _drawn(data: EvaluationData, rows: ParquetRows, wanted: int, *, sort_by_key: bool) -> EvaluationData:
    """The rows with the lowest keys, and how many there are of which they were drawn."""
    import numpy as np
    import pyarrow as pa

    from gate.evidence.keys import lowest

    kept = _Lowest(wanted=wanted)
    seen = 0
    for table, numbers in rows.batches(_fitting(rows, READ_ROWS, READ_BYTES)):
        seen += len(numbers)
        kept.add(table, numbers)
    table, keys, numbers = kept.parts()
    order = np.lexsort((numbers, keys))[:wanted] if sort_by_key else lowest(keys, wanted)
    coverage = Coverage.of(total=rows.total, judged=seen if sort_by_key else len(order), sampled=len(order), seed=SEED)
    return replace(data, table=table.take(pa.array(order)), positions=numbers[order], coverage=coverage)


class _Lowest:
    """The rows with the lowest keys so far, and at most as many more again."""

    def __init__(self, *, wanted: int) -> None:
        self._wanted, self._held = wanted, 0
        self._limit: np.uint64 | None = None
        self._parts: list[tuple[pa.Table, Keys, np.ndarray[Any, Any]]] = []

    def add(self, table: pa.Table, numbers: np.ndarray[Any, Any]) -> None:
        """Look at a batch."""
        import numpy as np
        import pyarrow as pa

        keys = keys_of(table)
        chosen = np.arange(len(keys)) if self._limit is None else np.flatnonzero(keys <= self._limit)
        if not len(chosen):
            return
        self._parts.append((table.take(pa.array(chosen)), keys[chosen], numbers[chosen]))
        self._held += len(chosen)
        if self._held > 2 * self._wanted + READ_ROWS:
            self._shrink()

    def parts(self) -> tuple[pa.Table, Keys, np.ndarray[Any, Any]]:
        """Give what is held as one."""
        import numpy as np
        import pyarrow as pa

        tables, keys, numbers = zip(*self._parts, strict=True)
        return pa.concat_tables(tables).combine_chunks(), np.concatenate(keys), np.concatenate(numbers)

    def _shrink(self) -> None:
        import pyarrow as pa

        from gate.evidence.keys import lowest

        table, keys, numbers = self.parts()
        chosen = lowest(keys, self._wanted)
        self._parts = [(table.take(pa.array(chosen)), keys[chosen], numbers[chosen])]
        self._limit, self._held = keys[chosen].max(), len(chosen)


def _opened(file: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A file, read in small pieces. Not mapped: what was read would count as memory until the system wants it back."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file, memory_map=False, buffer_size=_BUFFER, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"The evaluation data {file} cannot be read: {reason}.") from None


def _present(file: Path, schema: pa.Schema) -> list[str]:
    names = set(_opened(file).schema_arrow.names)
    return [name for name in schema.names if name in names]


def _as(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """The columns of all files, in their types; what a file does not have is null."""
    import pyarrow as pa

    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.chunked_array([pa.nulls(table.num_rows, field.type)])
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _is_fixed(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_primitive(kind) or kinds.is_fixed_size_binary(kind) or kinds.is_decimal(kind))


def _stored_bytes(file: Path) -> int:
    """What the columns of a file take when they are unpacked."""
    metadata = _opened(file).metadata
    return sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))


def _digest(path: Path, files: tuple[Path, ...]) -> str:
    try:
        return digest_of_files(path, files)
    except (ArtifactFaultError, OSError) as error:
        raise DataError(f"The evaluation data {path} cannot be read: {error}.") from None
