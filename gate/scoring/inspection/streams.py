"""Bytes to look at: a file, or what comes out of a container, opened as often as it is asked for."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from gate.scoring.inspection.budget import MAX_NESTING, Budget, UnscannableError

_CHUNK = 1 << 20
_MAX_LINE = 1 << 20


class TruncatedError(Exception):
    """The bytes end too early."""


class Readable(Protocol):
    """The part of a file that is used."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to so many bytes."""

    def readline(self, size: int = -1, /) -> bytes:
        """Read up to and with the next newline."""


class Stream:
    """Bytes in order, from the start or from where a reader stands."""

    def __init__(self, raw: Readable) -> None:
        """Read from an open file."""
        self._raw = raw

    def take(self, count: int) -> bytes:
        """Read exactly so many bytes.

        Raises:
            TruncatedError: there are fewer.
        """
        data = self._raw.read(count)
        if len(data) < count:
            raise TruncatedError
        return data

    def line(self) -> bytes:
        """Read a line without its last byte, which at the end of the file need be no newline: as unpicklers do.

        Raises:
            TruncatedError: nothing is left.
        """
        data = self._raw.readline(_MAX_LINE)
        if not data:
            raise TruncatedError
        if len(data) == _MAX_LINE:
            raise UnscannableError("has a line of more than a million bytes")
        return data[:-1]

    def skip(self, count: int) -> None:
        """Pass over so many bytes, without holding them.

        Raises:
            TruncatedError: there are fewer.
        """
        while count > 0:
            data = self._raw.read(min(count, _CHUNK))
            if not data:
                raise TruncatedError
            count -= len(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something to look at: what people call it, how to open it, how many containers it is in."""

    name: str
    open: Callable[[], BinaryIO]
    budget: Budget
    nesting: int = 0
    raw_is_fine: bool = False
    """Bytes of no known format are expected here: an entry that only a format's own reader reads, as numbers."""

    def head(self, count: int) -> bytes:
        """Give the first bytes."""
        with self.open() as file:
            return file.read(count)

    def inside(self, name: str, opened: Callable[[], BinaryIO], *, raw_is_fine: bool = False) -> Source:
        """Give something inside this source.

        Raises:
            UnscannableError: containers are in one another too deep.
        """
        if self.nesting >= MAX_NESTING:
            raise UnscannableError(f"has containers in containers, more than {MAX_NESTING} deep")
        return Source(
            name=f"{self.name}!{name}" if name else self.name,
            open=opened,
            budget=self.budget,
            nesting=self.nesting + 1,
            raw_is_fine=raw_is_fine,
        )


class Metered(io.RawIOBase):
    """What comes out of a decompressor, counted against the budget."""

    def __init__(self, unpacked: BinaryIO, budget: Budget, below: BinaryIO | None = None) -> None:
        """Count what is read; `below` is closed with it."""
        self._unpacked, self._budget, self._below = unpacked, budget, below

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # a buffer of bytes is enough
        """Read into a buffer; broken data are unscannable."""
        try:
            data = self._unpacked.read(len(buffer))
        except UnscannableError:
            raise
        except Exception as error:  # noqa: BLE001 - decompressors raise all kinds: zlib.error, LZMAError, OSError, EOFError
            raise UnscannableError(f"cannot be unpacked ({type(error).__name__})") from None
        self._budget.take_unpacked(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close both files."""
        self._unpacked.close()
        if self._below is not None:
            self._below.close()
        super().close()
