"""Look at the file behind a logged dataset, without trusting where the run says that it lies."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from gate.domain import LoggedDataset

if TYPE_CHECKING:
    import pandas as pd

SIZE_CAP_BYTES = 64_000_000
DIGEST_ROWS = 10_000
"""How many rows MLflow's own dataset digest covers."""
_READABLE = (".csv", ".parquet")


class DataFile(NamedTuple):
    """A file that was read: its rows, its SHA-256, and the digest that MLflow would give to its frame."""

    path: Path
    rows: int
    sha256: str
    mlflow_digest: str | None


def local_path(dataset: LoggedDataset, repository: Path | None) -> Path | None:
    """Where the source lies on this machine; None for another scheme. Relative paths start at `repository`."""
    uri = source_uri(dataset.source)
    if not uri or "\0" in uri:
        return None
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    path = Path(unquote(parts.path) if parts.scheme else uri)
    return path if path.is_absolute() else (repository or Path.cwd()) / path


def source_uri(source: str) -> str:
    """Give the address inside MLflow's JSON text of a source; empty where it holds none."""
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        return source
    if isinstance(value, dict):
        value = value.get("uri") or value.get("url") or value.get("path")
    return value if isinstance(value, str) else ""


def read_file(path: Path) -> DataFile | str:
    """Read a CSV or Parquet file; a text says, as the end of a sentence, why that was not possible.

    Only regular files of a known kind and at most 64 MB are opened: the path comes from the registry.
    """
    if path.suffix.lower() not in _READABLE:
        return f"which the gate reads only as {' or '.join(_READABLE)}"
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return "which is not a readable file here"
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        return "which is not a regular file"
    with os.fdopen(descriptor, "rb") as file:
        if facts.st_size > SIZE_CAP_BYTES:
            return f"which is larger ({facts.st_size} bytes) than what is looked into here"
        return _read(path, file)


def _read(path: Path, file: Any) -> DataFile | str:  # noqa: ANN401 - a binary file, as pandas and hashlib take it
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    try:
        rows, head = _parquet(file) if path.suffix.lower() == ".parquet" else _csv(file)
        return DataFile(path, rows, sha256, _mlflow_digest(head, rows))
    except Exception as error:  # noqa: BLE001 - readers raise anything on a broken file; the note says which
        return f"which cannot be read as {path.suffix.lower()} ({type(error).__name__})"


def _csv(file: Any) -> tuple[int, pd.DataFrame]:  # noqa: ANN401 - as above
    import pandas as pd

    frame = pd.read_csv(file)
    return len(frame), frame.head(DIGEST_ROWS)


def _parquet(file: Any) -> tuple[int, pd.DataFrame]:  # noqa: ANN401 - as above
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(file)
    batches: Iterator[pa.RecordBatch] = parquet.iter_batches(batch_size=DIGEST_ROWS)
    first = next(batches, None)
    table = pa.Table.from_batches([first] if first is not None else [], schema=parquet.schema_arrow)
    return parquet.metadata.num_rows, table.to_pandas()


def _mlflow_digest(head: pd.DataFrame, rows: int) -> str | None:
    """Compute MLflow 3's digest of a frame: MD5 over row hashes of its first 10,000 rows, its length, its columns.

    Source: `compute_pandas_digest` in mlflow/data/digest_utils.py.
    """
    import numpy as np
    import pandas as pd

    texts = head.columns[[all(type(value) is str for value in head[name]) for name in head.columns]]
    chosen = texts.union(head.select_dtypes(include=[np.number]).columns)
    digest = hashlib.md5(usedforsecurity=False)
    digest.update(pd.util.hash_pandas_object(head[chosen]).to_numpy().tobytes())
    digest.update(np.int64(rows).tobytes())
    for name in head.columns:
        digest.update(str(name).encode())
    return digest.hexdigest()[:8]
