"""Tables from files: Parquet, CSV, Feather or Arrow, JSON lines, or a folder of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.domain import ArtifactFile
from gate.errors import DataError, UsageError
from gate.registry.partitions import partitions, with_partitions
from gate.registry.tree import ArtifactFaultError, digest_of, sha256_of

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".pq", ".csv", ".tsv", ".feather", ".arrow", ".ipc", ".jsonl", ".ndjson", ".json")
_PACKED = (".gz", ".bz2", ".zst")
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_CSV_BLOCK = 64 * 2**20
_FILES_READ = 10_000


def read_table(path: Path) -> tuple[pa.Table, str]:
    """Read a file or a folder of files, in the order of their names, and the digest of their bytes.

    The digest is `sha256:` over the file's bytes; of a folder, over the list of (path, size, sha256).

    Raises:
        UsageError: there is nothing at the path, or no file of a kind that the gate reads.
        DataError: it cannot be read, or holds no row or no column.
    """
    if not path.exists():
        raise UsageError(f"The evaluation data {path} do not exist.", remedy="Give them with --data or in gate.yaml.")
    try:
        files = data_files(path)
        columns = partitions(files, path)
        table = _joined([with_partitions(_read_file(file), columns[file]) for file in files], path)
        digest = digest_of_files(path, files)
    except OSError as error:
        raise DataError(f"The evaluation data {path} cannot be read: {error.strerror or error}.") from None
    except ArtifactFaultError as error:
        raise DataError(f"The evaluation data {path} cannot be read: {error}.") from None
    return _usable(table, path), digest


def kind_of(path: Path) -> str | None:
    """Give the suffix that says how a file is read, None for one that the gate does not read."""
    names = [suffix.lower() for suffix in path.suffixes[-2:]]
    if names and names[-1] in _PACKED:
        names.pop()
    return names[-1] if names and names[-1] in SUFFIXES else None


def data_files(path: Path) -> tuple[Path, ...]:
    """Give the files of a path that the gate reads, in the order of their names.

    Raises:
        UsageError: there is no file of a kind that the gate reads.
        DataError: there are too many.
    """
    found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    found = [file for file in found if kind_of(file) and not _hidden(file, path)]
    if not found and path.is_dir() and not any(path.iterdir()):
        raise DataError(
            f"The folder of evaluation data {path} is empty.", remedy="Write the data there, or name others."
        )
    if not found:
        raise UsageError(
            f"The evaluation data {path} are of no kind that gate reads.",
            remedy=f"It reads {', '.join(SUFFIXES)}, CSV and JSON lines also with .gz, or a folder of them.",
        )
    if len(found) > _FILES_READ:
        raise DataError(
            f"The folder {path} has more than {_FILES_READ:,} files.", remedy="Give a folder of data alone."
        )
    return tuple(found)


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(root).parts)


def digest_of_files(path: Path, files: tuple[Path, ...]) -> str:
    """Give `sha256:` over the bytes of a file, or over a folder's list of (path, size, sha256)."""
    if path.is_file():
        return f"sha256:{sha256_of(path.resolve())[1]}"
    hashed = ((file.relative_to(path).as_posix(), *sha256_of(file.resolve())) for file in files)
    return digest_of(ArtifactFile(path=name, size=size, sha256=sha256) for name, size, sha256 in hashed)


def _read_file(path: Path) -> pa.Table:
    import pyarrow as pa

    readers: dict[str, Callable[[Path], pa.Table]] = {
        ".parquet": _read_parquet,
        ".pq": _read_parquet,
        ".csv": _read_csv,
        ".tsv": _read_csv,
        ".feather": _read_arrow,
        ".arrow": _read_arrow,
        ".ipc": _read_arrow,
    }
    if not path.stat().st_size:
        raise DataError(f"The evaluation data {path} are empty: no byte in the file.")
    try:
        return readers.get(kind_of(path) or "", _read_json)(path)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"The evaluation data {path} cannot be read: {reason}.",
            remedy="Check the file, and that its suffix is right.",
        ) from None


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path).read()


def _read_csv(path: Path) -> pa.Table:
    """Read by Arrow; where it guesses a column's type wrong from its first rows, by pandas."""
    import pyarrow as pa
    from pyarrow import csv

    delimiter = "\t" if kind_of(path) == ".tsv" else ","
    try:
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(block_size=_CSV_BLOCK),
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        )
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        import pandas as pd

        frame = pd.read_csv(path, sep=delimiter, low_memory=False)
        return pa.Table.from_pandas(frame, preserve_index=False)


def _read_arrow(path: Path) -> pa.Table:
    """Read Feather and Arrow's file format, or its stream format."""
    import pyarrow as pa
    from pyarrow import feather

    try:
        return feather.read_table(path)
    except pa.ArrowInvalid:
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            return reader.read_all()


def _read_json(path: Path) -> pa.Table:
    """Read JSON lines, or one JSON list of objects, or pandas' split orientation."""
    import pyarrow as pa
    from pyarrow import json as lines

    try:
        table = lines.read_json(path)
        split = table.num_rows == 1 and {"columns", "data"} <= set(table.column_names) <= {"columns", "index", "data"}
        return _read_json_document(path) if split else table
    except pa.ArrowInvalid:
        if kind_of(path) != ".json" or path.suffix.lower() != ".json":
            raise
        return _read_json_document(path)


def _read_json_document(path: Path) -> pa.Table:
    import json

    import pyarrow as pa

    content: Any = json.loads(path.read_bytes())
    if isinstance(content, dict) and {"columns", "data"} <= content.keys():
        content = [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise DataError(f"The evaluation data {path} are no list of JSON objects.")
    return pa.Table.from_pylist(content)


def _joined(tables: list[pa.Table], path: Path) -> pa.Table:
    import pyarrow as pa

    try:
        return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"The files in {path} do not fit together: {reason}.") from None


def usable_columns(names: Sequence[str], path: Path) -> list[str]:
    """Leave pandas' unnamed index out.

    Raises:
        DataError: two columns have one name.
    """
    kept = [name for name in names if not _PANDAS_INDEX.fullmatch(name)]
    twice = sorted({name for name in kept if kept.count(name) > 1})
    if twice:
        raise DataError(f"The evaluation data {path} have the column {twice[0]!r} twice.", remedy="Rename one of them.")
    return kept


def _usable(table: pa.Table, path: Path) -> pa.Table:
    """Leave pandas' unnamed index out; refuse what nothing can be judged on."""
    table = table.select(usable_columns(table.column_names, path))
    if not table.num_rows or not table.num_columns:
        raise DataError(
            f"The evaluation data {path} are empty: {table.num_rows} rows, {table.num_columns} columns.",
            remedy="Give data with at least one row.",
        )
    return table.replace_schema_metadata(None)
