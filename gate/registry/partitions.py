"""Columns that folders hold: `year=2026/region=eu/part-0.parquet`, as Hive, Spark and pyarrow lay tables out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    import pyarrow as pa

_NULL = "__HIVE_DEFAULT_PARTITION__"

Constants = Mapping[str, int | str | None]
"""The columns that are the same in all rows of one file."""


def partitions(files: Sequence[Path], root: Path) -> dict[Path, Constants]:
    """Give each file's columns by the folders that it lies in; whole numbers where every folder's value is one."""
    found = {file: _of(file, root) for file in files}
    names = dict.fromkeys(name for columns in found.values() for name in columns)
    whole = {name for name in names if all(_is_whole(columns.get(name)) for columns in found.values())}
    return {file: {name: _typed(columns.get(name), name in whole) for name in names} for file, columns in found.items()}


def with_partitions(table: pa.Table, constants: Constants) -> pa.Table:
    """Add a file's columns at the end, save those that the file has itself."""
    import pyarrow as pa

    for name, value in constants.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.repeat(pa.scalar(value, type_of(value)), table.num_rows))
    return table


def type_of(value: int | str | None) -> pa.DataType:
    """Give the type of a column of such values."""
    import pyarrow as pa

    return pa.int64() if isinstance(value, int) else pa.string() if isinstance(value, str) else pa.null()


def _of(file: Path, root: Path) -> dict[str, str | None]:
    if file == root:
        return {}
    pairs = (part.partition("=") for part in file.relative_to(root).parts[:-1] if "=" in part)
    return {name: None if value == _NULL else unquote(value) for name, _, value in pairs if name}


def _is_whole(text: str | None) -> bool:
    if text is None:
        return True
    return text.removeprefix("-").isdecimal() and str(int(text)) == text and len(text) < 19  # noqa: PLR2004 - int64


def _typed(text: str | None, whole: bool) -> int | str | None:  # noqa: FBT001 - a fact about the column
    return int(text) if whole and text is not None else text
