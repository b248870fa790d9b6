"""The gate's end of the pipes to a worker: every wait has a deadline, and ends when the process does."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from gate.scoring.protocol import FrameError, FrameReader, pack

_SLICE_MS = 50
"""How often a silent process is asked whether it still lives: a child of it may hold the pipe open."""

_CHUNK = 1 << 20
_F_SETPIPE_SZ = 1031


class Link:
    """Two pipe ends, read and written without ever blocking past a deadline (seconds of time.monotonic)."""

    def __init__(self, read_fd: int, write_fd: int, *, is_alive: Callable[[], bool], body_limit: int) -> None:
        """Take over both descriptors. Answers longer than `body_limit` bytes are refused."""
        self._read_fd, self._write_fd = read_fd, write_fd
        self._is_alive = is_alive
        self._reader = FrameReader(body_limit)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(read_fd, select.POLLIN)
        self._writable.register(write_fd, select.POLLOUT)
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        _widen(read_fd)
        _widen(write_fd)

    def send(self, header: dict[str, Any], body: bytes | pa.Buffer, deadline: float) -> None:
        """Write one frame. Raises EOFError when the other side has gone, TimeoutError at the deadline."""
        for part in pack(header, body):
            rest = memoryview(part).cast("B")
            while rest:
                rest = rest[self._write(rest, deadline) :]

    def receive(self, deadline: float, seq: int) -> tuple[dict[str, Any], bytes]:
        """Read the frame that answers question `seq`. Raises EOFError, TimeoutError, FrameError."""
        while (frame := self._reader.take()) is None:
            self._wait(self._readable, deadline)
            with contextlib.suppress(BlockingIOError):
                self._reader.feed(self._read())
        if frame[0].get("seq") != seq:
            raise FrameError("an answer out of order")
        return frame

    def exchange(self, token: bytes, deadline: float) -> bytes:
        """Send a few bytes, and read the one that answers them. Raises EOFError, TimeoutError, FrameError."""
        self._write(memoryview(token), deadline)
        self._wait(self._readable, deadline)
        answer = self._read()
        if len(answer) != 1:
            raise FrameError("an answer that nobody asked for")
        return answer

    def tell(self, token: bytes, deadline: float) -> None:
        """Send a few bytes that nobody answers."""
        self._write(memoryview(token), deadline)

    def expect_silence(self) -> None:
        """Raise FrameError where bytes wait that nobody asked for."""
        if not self._reader.empty or any(event & select.POLLIN for _, event in self._readable.poll(0)):
            raise FrameError("an answer that nobody asked for")

    def close(self) -> None:
        """Close both ends."""
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _read(self) -> bytes:
        data = os.read(self._read_fd, _CHUNK)
        if not data:
            raise EOFError
        return data

    def _write(self, data: memoryview, deadline: float) -> int:
        try:
            return os.write(self._write_fd, data)
        except BlockingIOError:
            self._wait(self._writable, deadline)
            return 0
        except BrokenPipeError as error:
            raise EOFError from error

    def _wait(self, poller: select.poll, deadline: float) -> None:
        while not poller.poll(_SLICE_MS):
            if not self._is_alive() and not poller.poll(0):
                raise EOFError
            if time.monotonic() >= deadline:
                raise TimeoutError


def _widen(fd: int) -> None:
    """Ask for a pipe of a megabyte, so that a batch takes a few wake-ups instead of hundreds."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, _F_SETPIPE_SZ, _CHUNK)
