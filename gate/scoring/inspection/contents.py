"""What one file is, told by its bytes and never by its name, and what is wrong with it, whatever it is packed in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

from gate.scoring.inspection import archives
from gate.scoring.inspection.arrays import NPY_MAGIC, npy_has_objects, npy_header
from gate.scoring.inspection.budget import UnscannableError
from gate.scoring.inspection.formats import data_format
from gate.scoring.inspection.judge import Tolerance
from gate.scoring.inspection.looks import UNREADABLE, Seen, Wrong, of_pickle
from gate.scoring.inspection.opcodes import NoPickleError
from gate.scoring.inspection.pickles import look_at_pickle
from gate.scoring.inspection.streams import Metered, Source, Stream, TruncatedError

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_CLOSED = {
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"ZF0x": "joblib's old form",
}
_HEAD = 64


class _Inflater(io.RawIOBase):
    """What comes out of a bare zlib stream."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._state, self._rest = file, zlib.decompressobj(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # a buffer of bytes is enough
        while not self._state.eof:
            self._rest = self._rest or self._file.read(1 << 16)
            if not self._rest:
                raise EOFError
            data = self._state.decompress(self._rest, len(buffer))
            self._rest = self._state.unconsumed_tail
            if data:
                buffer[: len(data)] = data
                return len(data)
        return 0


_OPENERS: Mapping[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bz2": bz2.BZ2File,
    "xz": partial(lzma.LZMAFile, format=lzma.FORMAT_XZ),
    "lzma": partial(lzma.LZMAFile, format=lzma.FORMAT_ALONE),
    "zlib": lambda file: io.BufferedReader(_Inflater(file)),
}


def look(source: Source, tolerance: Tolerance) -> Seen:
    """Say what a file is and what is wrong with it. What cannot be read to its end is wrong too."""
    try:
        head = source.head(_HEAD)
        seen = _look(source, head, tolerance)
        if source.nesting == 0 and not head.startswith(ZIP_MAGIC) and _ends_as_zip(source):
            seen = seen.with_more(archives.look(source, tolerance, look))
    except UnscannableError as error:
        return Seen(format=UNREADABLE, wrong=(Wrong(file=source.name, symbol="", what=str(error)),))
    return seen


def _look(source: Source, head: bytes, tolerance: Tolerance) -> Seen:
    if head.startswith(ZIP_MAGIC):
        return archives.look(source, tolerance, look)
    for magic, name in _CLOSED.items():
        if head.startswith(magic):
            raise UnscannableError(f"is packed as {name}, which the gate does not open")
    packed = _compression(source, head)
    if packed is not None:
        return look(source.inside("", _opened(source, packed)), tolerance).packed_in(packed)
    if head.startswith(NPY_MAGIC):
        return _npy(source, tolerance)
    return _plain(source, head, tolerance)


def _compression(source: Source, head: bytes) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"BZh"):
        return "bz2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head.startswith(b"\x5d\x00\x00") and len(head) > 13:  # noqa: PLR2004 - the header of lzma's old form
        return "lzma"
    return "zlib" if _is_zlib(source, head) else None


def _is_zlib(source: Source, head: bytes) -> bool:
    """Text may begin with x too: only what inflates is zlib."""
    if len(head) < 2 or head[0] != 0x78 or (head[0] * 256 + head[1]) % 31:  # noqa: PLR2004 - RFC 1950, section 2.2
        return False
    with source.open() as file:
        try:
            zlib.decompressobj().decompress(file.read(1 << 12), 1 << 16)
        except zlib.error:
            return False
    return True


def _opened(source: Source, packed: str) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        below = source.open()
        return io.BufferedReader(Metered(_OPENERS[packed](below), source.budget, below))

    return opened


def _ends_as_zip(source: Source) -> bool:
    """A zip is read from its end: whatever stands before it does not matter to who opens it as one."""
    with source.open() as file:
        return zipfile.is_zipfile(file)


def _npy(source: Source, tolerance: Tolerance) -> Seen:
    """An array of objects is a pickle behind the header."""
    with source.open() as file:
        try:
            description, length = npy_header(Stream(file))
        except (NoPickleError, TruncatedError):
            raise UnscannableError("begins like an .npy file, and its header cannot be read") from None
    if not npy_has_objects(description):
        return Seen(format="npy")
    return of_pickle(source.name, look_at_pickle(_after(source, length), tolerance), must_be=True)


def _after(source: Source, length: int) -> Source:
    def opened() -> BinaryIO:
        file = source.open()
        Stream(file).skip(length)
        return file

    return Source(name=source.name, open=opened, budget=source.budget, nesting=source.nesting)


def _plain(source: Source, head: bytes, tolerance: Tolerance) -> Seen:
    """Whatever else it looks like: what an unpickler would execute is a pickle."""
    found = look_at_pickle(source, tolerance)
    if found.is_pickle:
        return of_pickle(source.name, found)
    known = data_format(source, head)
    if known is not None:
        return Seen(format=known)
    if found.problem:
        raise UnscannableError(found.problem)
    if source.raw_is_fine:
        return Seen(format="raw")
    raise UnscannableError("is of no format that the gate knows")
