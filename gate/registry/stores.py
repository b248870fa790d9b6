"""Files in object stores and Hadoop, through pyarrow, with credentials from the environment.

S3: AWS_ACCESS_KEY_ID and its like, or the machine's role; AWS_ENDPOINT_URL or MLFLOW_S3_ENDPOINT_URL for other servers.
Google: GOOGLE_APPLICATION_CREDENTIALS. Azure: AZURE_STORAGE_ACCOUNT_KEY, or what its own library finds. HDFS: libhdfs.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from gate.errors import DataError, GateError, UsageError
from gate.registry.tables import kind_of

if TYPE_CHECKING:
    from pyarrow import fs

T = TypeVar("T")

SCHEMES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs")
ANSWER_S = 11.0
"""Seconds within which a store must say what lies there: below the 15 s within which the gate says that it does not."""
_CONNECT_S, _FIND_S, _COPY_S = 3.0, 4.0, 60.0
"""Seconds without a byte: while asking what is there, twice at most; while copying it."""
_FILES_COPIED = 10_000
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BLOCK = 8 * 2**20
_REMEDIES = {
    "s3": "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL, and that it is in reach.",
    "gs": "Check GOOGLE_APPLICATION_CREDENTIALS, and that it is in reach.",
    "abfs": "Check AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_ACCOUNT_KEY, and that it is in reach.",
    "hdfs": "Hadoop's client must be installed here: check HADOOP_HOME and CLASSPATH.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What lies at an address: `files` are (path in the store, path below the address, bytes)."""

    address: str
    files: tuple[tuple[str, str, int], ...]
    is_delta: bool = False

    def copy(self, into: Path) -> Path:
        """Copy the files that the gate reads into a new folder; give the file, or the folder of them.

        Raises:
            DataError: a file cannot be read.
            GateError: there is no space.
        """
        wanted = [file for file in self.files if kind_of(Path(file[1]))]
        if not wanted:
            raise UsageError(f"There are no data at {self.address} that gate reads.", remedy="Correct the address.")
        into.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="data-", dir=into))
        _ensure_space(sum(size for _, _, size in wanted), folder)
        store, _ = _opened(self.address, _COPY_S)
        for source, name, _ in wanted:
            _copy(store, source, folder / name, self.address)
        single = len(self.files) == 1 and "/" not in self.files[0][1] and self.address.endswith(self.files[0][1])
        return folder / self.files[0][1] if single else folder


def find(address: str) -> Stored:
    """Ask a store what lies at an address.

    Raises:
        UsageError: nothing.
        DataError: the store is out of reach, or refuses.
    """
    return within(ANSWER_S, lambda: _find(address), address)


def within(seconds: float, ask: Callable[[], T], address: str) -> T:
    """Ask beside the main thread: drivers and name resolution have time limits of their own, or none.

    Raises:
        DataError: no answer in time, or a fault of the store.
        UsageError: there is nothing.
    """
    answers: list[T] = []
    faults: list[Exception] = []

    def run() -> None:
        try:
            answers.append(ask())
        except Exception as error:  # noqa: BLE001 - told to the caller's thread
            faults.append(error)

    thread = threading.Thread(target=run, name="store", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise _fault(address, f"no answer within {seconds:.0f} s")
    if not faults:
        return answers[0]
    if isinstance(faults[0], GateError):
        raise faults[0]
    if isinstance(faults[0], FileNotFoundError):
        raise _absent(address) from None
    raise _fault(address, str(faults[0])) from faults[0]


def _find(address: str) -> Stored:
    from pyarrow import fs

    store, path = _opened(address, _FIND_S)
    info = store.get_file_info(path)
    if info.type == fs.FileType.NotFound:
        raise _absent(address)
    if info.type == fs.FileType.File:
        return Stored(address=address, files=((path, PurePosixPath(path).name, info.size or 0),))
    listed = store.get_file_info(fs.FileSelector(path, recursive=True))
    root = PurePosixPath(path)
    files = [(str(each.path), str(PurePosixPath(each.path).relative_to(root)), each.size or 0)
             for each in listed if each.type == fs.FileType.File]  # fmt: skip
    if not files:
        raise _absent(address)
    if len(files) > _FILES_COPIED:
        raise DataError(f"{address} has more than {_FILES_COPIED:,} files.", remedy="Give a folder of data alone.")
    is_delta = any(name.startswith("_delta_log/") for _, name, _ in files)
    return Stored(address=address, files=tuple(sorted(files, key=lambda file: file[1])), is_delta=is_delta)


def _opened(address: str, patience_s: float) -> tuple[fs.FileSystem, str]:
    """Give the store of an address, and the path in it."""
    from pyarrow import fs

    parts = urlsplit(address)
    scheme = parts.scheme.lower()
    path = unquote(f"{parts.netloc}{parts.path}").rstrip("/")
    if scheme in {"s3", "s3a"}:
        return fs.S3FileSystem(**s3_options(parts.netloc, patience_s)), path
    if scheme in {"gs", "gcs"}:
        return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=2 * patience_s)), path
    if scheme in {"abfs", "abfss"} and (key := os.environ.get("AZURE_STORAGE_ACCOUNT_KEY")):
        account = (parts.hostname or "").partition(".")[0] if parts.username else os.environ["AZURE_STORAGE_ACCOUNT"]
        container = parts.username or parts.netloc
        return fs.AzureFileSystem(account_name=account, account_key=key), f"{container}{unquote(parts.path)}"
    opened: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(address)
    return opened


def s3_options(bucket: str, patience_s: float) -> dict[str, Any]:
    """Give what the environment says of S3, with time limits."""
    from pyarrow import fs

    options: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        "request_timeout": patience_s,
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=2),
    }
    endpoint = s3_endpoint()
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        at = urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
        options |= {"endpoint_override": f"{at.netloc}{at.path.rstrip('/')}", "scheme": at.scheme}
    elif not region:
        region = fs.resolve_s3_region(bucket)
    return options | ({"region": region} if region else {})


def s3_endpoint() -> str | None:
    """Give the address of an S3 server that is not Amazon's, by AWS's names or MLflow's."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
    return next((value for name in names if (value := os.environ.get(name))), None)


def _copy(store: fs.FileSystem, source: str, target: Path, address: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with store.open_input_stream(source, compression=None) as read, target.open("wb") as write:
            shutil.copyfileobj(read, write, _BLOCK)
    except OSError as error:
        raise _fault(address, str(error)) from None


def _ensure_space(needed: int, folder: Path) -> None:
    if needed > shutil.disk_usage(folder).free:
        raise GateError(
            f"There is no space for {needed:,} bytes of evaluation data in {folder.parent}.",
            remedy="Make room, or set TMPDIR to a larger disk.",
        )


def _absent(address: str) -> UsageError:
    return UsageError(f"The evaluation data {address} do not exist.", remedy="Correct --data or data.path.")


def _fault(address: str, reason: str) -> DataError:
    kind = next((name for name in _REMEDIES if address.lower().startswith(name[:2])), "s3")
    kind = "hdfs" if address.lower().startswith("viewfs") else kind
    said = " ".join(_COLOUR.sub("", reason).split())[:300].rstrip(".")
    return DataError(f"The evaluation data {address} are out of reach: {said}.", remedy=_REMEDIES[kind])
