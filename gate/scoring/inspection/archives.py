"""Zip files: skops, PyTorch and NumPy keep models in them; others are looked into entry by entry."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, cast

from gate.scoring.inspection import skops
from gate.scoring.inspection.budget import UnscannableError
from gate.scoring.inspection.judge import Tolerance
from gate.scoring.inspection.looks import SKOPS, Seen, Wrong, of_pickle
from gate.scoring.inspection.pickles import look_at_pickle
from gate.scoring.inspection.streams import Metered, Source

Look = Callable[[Source, Tolerance], Seen]
PYTORCH = "pytorch"
_RAW = {
    PYTORCH: re.compile(r"(^|/)(data|tensors|constants)/\d+$|(^|/)(byteorder|version|\.data/serialization_id)$"),
    SKOPS: re.compile(r"\.bin$"),
}
"""Entries that are read as numbers and bytes."""
_ENCRYPTED = 0x1
_MOST_IN_MEMORY = 512 * 2**20
_BROKEN = (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError)


def look(source: Source, tolerance: Tolerance, look_at: Look) -> Seen:
    """Look at every entry of a zip, whatever the names say; entries of one name are all looked at.

    Raises:
        UnscannableError: it cannot be opened, or is far too large.
    """
    with _seekable(source) as file:
        try:
            archive = zipfile.ZipFile(file)
        except _BROKEN:
            raise UnscannableError("is a zip file that cannot be opened") from None
        with archive:
            return _look(source, archive, tolerance, look_at)


def _look(source: Source, archive: zipfile.ZipFile, tolerance: Tolerance, look_at: Look) -> Seen:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _refuse_bombs(source, entries)
    kind = _kind({entry.filename for entry in entries})
    inside = []
    for entry in entries:
        raw = kind in _RAW and bool(_RAW[kind].search(entry.filename))
        inner = source.inside(entry.filename, partial(_open_entry, source, archive, entry), raw_is_fine=raw)
        inside.append(_entry(inner, kind, tolerance, look_at))
    return Seen(format=kind, wrong=tuple(_twice(source, entries)), inside=tuple(inside))


def _seekable(source: Source) -> BinaryIO:
    """A zip is read from its end: one that is inside of something is unpacked into memory."""
    file = source.open()
    if file.seekable():
        return file
    with file:
        data = file.read(_MOST_IN_MEMORY + 1)
    if len(data) > _MOST_IN_MEMORY:
        raise UnscannableError(f"is a zip file of more than {_MOST_IN_MEMORY:,} bytes inside of another file")
    return io.BytesIO(data)


def _twice(source: Source, entries: list[zipfile.ZipInfo]) -> Iterator[Wrong]:
    seen: set[str] = set()
    for entry in entries:
        if entry.filename in seen:
            what = "is there twice, so that readers may differ in which one they read"
            yield Wrong(file=source.name, symbol=entry.filename, what=what)
        seen.add(entry.filename)


def _refuse_bombs(source: Source, entries: list[zipfile.ZipInfo]) -> None:
    """What a zip says of its own size is believed where it is too much; else every byte is counted anyhow."""
    source.budget.take_entries(len(entries))
    if sum(entry.file_size for entry in entries) > source.budget.unpacked:
        raise UnscannableError("is a zip file that unpacks to far too much")


def _kind(names: set[str]) -> str:
    if "schema.json" in names:
        return SKOPS
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return PYTORCH
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"


def _entry(inner: Source, kind: str, tolerance: Tolerance, look_at: Look) -> Seen:
    name = inner.name.rpartition("!")[2]
    if kind == SKOPS and name == "schema.json":
        return skops.look(inner, tolerance)
    if kind == PYTORCH and name.endswith(".pkl"):
        return of_pickle(inner.name, look_at_pickle(inner, tolerance, persistent=True), must_be=True)
    return look_at(inner, tolerance) if inner.head(1) else Seen(format="empty")


def _open_entry(source: Source, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    if entry.flag_bits & _ENCRYPTED:
        raise UnscannableError("is a zip file with encrypted entries")
    try:
        opened = archive.open(entry)
    except (*_BROKEN, RuntimeError):
        raise UnscannableError("is a zip file with an entry that cannot be opened") from None
    return cast("BinaryIO", io.BufferedReader(Metered(cast("BinaryIO", opened), source.budget)))
