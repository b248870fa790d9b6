"""Delta tables, through the package `deltalake`: the rows that the table holds now, written as one Parquet file."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.errors import DataError, UsageError
from gate.registry import stores

if TYPE_CHECKING:
    from deltalake import DeltaTable

SCHEME = "delta"
_LOG = "_delta_log"
_ROWS = 65_536
_HASTE = {"timeout": "4s", "connect_timeout": "3s", "max_retries": "1", "retry_timeout": "8s"}
"""How long a store may take to answer: it is asked once in haste, so that silence is said soon."""


def is_table(path: Path) -> bool:
    """Say whether a local folder is a Delta table."""
    return (path / _LOG).is_dir()


def fetch(address: str, into: Path) -> tuple[Path, str]:
    """Write the present rows of a table into a new Parquet file; give it, and a digest of the table's files.

    The digest is over the list of the data files with their sizes: their names are unique and they never change.

    Raises:
        UsageError: there is no table.
        DataError: it is out of reach, cannot be read, or `deltalake` is not installed.
    """
    stores.within(stores.ANSWER_S, lambda: _opened(address, _HASTE), address)
    into.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="delta-", dir=into)) / "table.parquet"
    try:
        table = _opened(address, {})
        _write(table, path)
        return path, _digest(table)
    except Exception as error:  # noqa: BLE001 - deltalake and its engine raise what they like
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise DataError(
            f"The Delta table {address} cannot be read: {said}.", remedy="Write it as Parquet, and give that."
        ) from None


def _opened(address: str, options: dict[str, str]) -> DeltaTable:
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError
    except ModuleNotFoundError:
        raise DataError(
            f"The Delta table {address} needs the package deltalake.",
            remedy="Install it: pip install 'model-release-gate[delta]'.",
        ) from None
    try:
        return DeltaTable(address, storage_options={**_options(address), **options} or None)
    except TableNotFoundError:
        raise UsageError(f"There is no Delta table at {address}.", remedy="Correct --data or data.path.") from None


def _options(address: str) -> dict[str, str]:
    """Credentials are read from the environment by the package itself; MLflow's name of the server is not."""
    endpoint = stores.s3_endpoint()
    if not address.startswith("s3") or endpoint is None:
        return {}
    plain = {"AWS_ALLOW_HTTP": "true"} if endpoint.startswith("http:") else {}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region, **plain}


def _write(table: DeltaTable, path: Path) -> None:
    """In the order of the files' names, a batch at a time: tables can be larger than memory."""
    import pyarrow.parquet as pq

    dataset: Any = table.to_pyarrow_dataset()
    with pq.ParquetWriter(path, dataset.schema) as writer:
        for batch in dataset.to_batches(batch_size=_ROWS):
            writer.write_batch(batch)


def _digest(table: DeltaTable) -> str:
    import pyarrow as pa

    files: Any = pa.table(table.get_add_actions(flatten=True))
    names, sizes = (files.column(name).to_pylist() for name in ("path", "size_bytes"))
    listed = json.dumps([str(table.metadata().id), sorted(zip(names, sizes, strict=True))])
    return "sha256:" + hashlib.sha256(listed.encode()).hexdigest()
