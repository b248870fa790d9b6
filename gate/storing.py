"""Where reports lie on this machine, and how they are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gate.config import Config
from gate.domain import Outcome, Report, Served, Timings
from gate.errors import GateError
from gate.report import canonical

if TYPE_CHECKING:
    from gate.checking.case import Case
    from gate.registry import Registry

FOLDER = ".gate"
REPORT = "report.json"
ROWS = "rows.parquet"
BENCHMARK = "benchmark.json"


def connect(config: Config) -> Registry:
    """Connect to the registry of the settings.

    Raises:
        RegistryError: it is out of reach.
    """
    from gate import registry

    return registry.connect(config.file.tracking_uri, config.file.registry_uri)


def report_folder(out: Path | None, config: Config, model: str, version: int) -> Path:
    """Give the folder of a report: the one that was asked for, else `.gate/<model slug>/v<N>/`."""
    if out is not None:
        return out.absolute()
    from gate.notes.files import slug

    return config.root / FOLDER / slug(model) / f"v{version}"


def newest_report(config: Config, model: str) -> Path | None:
    """Give the report on a model that was written last on this machine, None where there is none."""
    found = report_folder(None, config, model, 0).parent.glob(f"v*/{REPORT}")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def ensure_writable(folder: Path) -> None:
    """Try to write, before an hour of work is spent on a report that cannot be kept.

    Raises:
        GateError: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from None


def write_report(report: Report, folder: Path) -> Path:
    """Write report.json whole or not at all.

    Raises:
        GateError: no space, or the folder cannot be written.
    """
    return write_whole(folder / REPORT, canonical(report).encode())


def lies_in(folder: Path, name: str) -> bool:
    """Say whether a name that a report gives is that of a file in its folder: no path, no link out of it."""
    path = folder / name
    return Path(name).name == name and path.is_file() and not path.is_symlink()


def remove(*paths: Path) -> None:
    """Remove files that may be there.

    Raises:
        GateError: one cannot be removed.
    """
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(path.parent, error) from None


def write_whole(path: Path, text: bytes) -> Path:
    """Write a file whole or not at all.

    Raises:
        GateError: no space, or the folder cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path.parent, error) from None
    return path


def write_rows(case: Case, outcomes: Sequence[Outcome], folder: Path, report: str) -> Path | None:
    """Write all offending rows beside the report that began at this time; give the file, None where there are none.

    Raises:
        GateError: no space, or the folder cannot be written.
    """
    import pyarrow as pa

    from gate.checking import rows_file

    path, unfinished = folder / ROWS, folder / f".{ROWS}.unfinished"
    try:
        path.unlink(missing_ok=True)
        if case.comparison.data is None or not any(outcome.offending for outcome in outcomes):
            return None
        rows_file.write(case, outcomes, unfinished, report)
        return unfinished.replace(path)
    except pa.ArrowException:  # a type that Parquet does not know: the report has the first rows all the same
        return None
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def rows_of(report: Report, folder: Path) -> Path | None:
    """Give the file of offending rows of a report in a folder, None where there is none or it is of another."""
    from gate.checking import rows_file

    path = folder / ROWS
    return path if lies_in(folder, ROWS) and rows_file.belongs_to(path, report.started_at) else None


def write_raw(timings: Timings | None, folder: Path) -> str | None:
    """Write the raw pairs beside the report; give the file's name, None where nothing was timed."""
    from gate.benchmark import raw

    if timings is None or not timings.pairs:
        return None
    try:
        return raw.write(timings, folder).name
    except OSError as error:
        raise _unwritable(folder, error) from None


def write_served(served: Served, folder: Path) -> str | None:
    """Write every request to served versions beside the report; give the file's name, None where there was none."""
    from gate.benchmark import served_raw

    if not served.runs:
        return None
    try:
        return served_raw.write(served, folder).name
    except OSError as error:
        raise _unwritable(folder, error) from None


def keep_record(room: Path, folder: Path) -> Path | None:
    """Put pytest-benchmark's record of the run beside the report; give the file, None where nothing was timed.

    Raises:
        GateError: no space, or the folder cannot be written.
    """
    record, path, unfinished = room / BENCHMARK, folder / BENCHMARK, folder / f".{BENCHMARK}.unfinished"
    try:
        path.unlink(missing_ok=True)
        if not record.is_file() or not record.stat().st_size:
            return None
        shutil.copyfile(record, unfinished)
        return unfinished.replace(path)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> GateError:
    if error.errno == errno.ENOSPC:
        return GateError(
            f"There is no space left for {folder}.", remedy="Free some, or name another folder with --out."
        )
    return GateError(f"{folder} cannot be written: {error.strerror}.", remedy="Name another folder with --out.")
