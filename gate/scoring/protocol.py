"""Frames between the gate and a worker: lengths, a small JSON header, an Arrow stream. Never pickle.

A frame is 4 bytes of header length and 8 bytes of body length (big endian), the header (a JSON object in UTF-8),
and the body (an Arrow IPC stream, or nothing). The gate asks, the worker answers: every answer repeats the
question's `seq`. Imported by the worker: the standard library and pyarrow only.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

import pyarrow as pa

HEADER_LIMIT = 64 * 1024
"""No header is longer than this, in bytes."""

LEAVE = 255
FAILED = 128
"""After `stage` two bytes ask: 0 to 254 calls, or LEAVE to take frames again, and a number below FAILED. One byte
answers: that number, which a model that says by itself that it is done does not know, plus FAILED where it raised."""

_PREFIX = struct.Struct(">IQ")
_CHUNK = 1 << 20


class FrameError(Exception):
    """The other side broke the protocol; the text says how."""


class FrameReader:
    """Cuts bytes as they come into frames; trusts no length above its limits."""

    def __init__(self, body_limit: int) -> None:
        """Take bodies of at most `body_limit` bytes."""
        self._body_limit = body_limit
        self._buffer = bytearray()
        self._sizes: tuple[int, int] | None = None

    @property
    def empty(self) -> bool:
        """No byte of a frame is waiting."""
        return not self._buffer

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    def take(self) -> tuple[dict[str, Any], bytes] | None:
        """The next whole frame, or None where bytes are missing. Raises FrameError."""
        if self._sizes is None:
            if len(self._buffer) < _PREFIX.size:
                return None
            self._sizes = self._check(*_PREFIX.unpack_from(self._buffer))
        start, end = _PREFIX.size + self._sizes[0], _PREFIX.size + sum(self._sizes)
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            header, body = bytes(view[_PREFIX.size : start]), bytes(view[start:end])
        del self._buffer[:end]
        self._sizes = None
        return _header(header), body

    def _check(self, header: int, body: int) -> tuple[int, int]:
        if header > HEADER_LIMIT:
            raise FrameError(f"a header of {header} bytes, at most {HEADER_LIMIT} are taken")
        if body > self._body_limit:
            raise FrameError(f"an answer of {body} bytes, at most {self._body_limit} are taken")
        return header, body


class Channel:
    """The worker's end: reads and writes whole frames, and waits as long as it takes."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """Use two pipe ends that were inherited."""
        self._read_fd, self._write_fd = read_fd, write_fd
        self._reader = FrameReader(body_limit=1 << 62)

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """The next frame. Raises EOFError when the gate has gone."""
        while (frame := self._reader.take()) is None:
            data = os.read(self._read_fd, _CHUNK)
            if not data:
                raise EOFError
            self._reader.feed(data)
        return frame

    def send(self, header: dict[str, Any], body: bytes | pa.Buffer = b"") -> None:
        """Write one frame."""
        for part in pack(header, body):
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(self._write_fd, rest) :]


def pack(header: dict[str, Any], body: bytes | pa.Buffer = b"") -> tuple[bytes, ...] | tuple[bytes, bytes | pa.Buffer]:
    """The parts of a frame, to be written one after the other. Raises FrameError on a header over the limit."""
    text = json.dumps(header).encode()
    if len(text) > HEADER_LIMIT:
        raise FrameError(f"a header of {len(text)} bytes, at most {HEADER_LIMIT} are taken")
    size = memoryview(body).nbytes
    head = _PREFIX.pack(len(text), size) + text
    return (head, body) if size else (head,)


def to_bytes(table: pa.Table) -> pa.Buffer:
    """The table as an Arrow stream, not compressed."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=None)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError("a header that is no JSON") from error
    if not isinstance(header, dict):
        raise FrameError("a header that is no JSON object")
    return header
