"""What an untrusted process prints: drained in a thread, capped, and cleaned before anybody reads it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import termios
import threading
import time
from collections.abc import Callable

HEAD_BYTES = TAIL_BYTES = 8 * 1024
"""How much is kept of the beginning and of the end."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_POLL_MS = 200
_SETTLE_S = 0.1


def clean(text: str) -> str:
    """The text without terminal escapes, control characters and bidirectional overrides; newlines and tabs stay."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def one_line(text: str, limit: int = 500) -> str:
    """The text on one line, cleaned, at most `limit` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class Capture:
    """Drains a pipe until it ends or `close` is called, and keeps the head and the tail."""

    def __init__(self, read_fd: int, meanwhile: Callable[[], None] | None = None) -> None:
        """Start draining; the descriptor is closed at the end. `meanwhile` is called several times a second."""
        self._fd, self._meanwhile = read_fd, meanwhile
        self._head, self._tail, self._dropped = bytearray(), bytearray(), 0
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._drain, name="gate-capture", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What was printed so far, cleaned."""
        self._settle()
        with self._lock:
            head, tail, dropped = bytes(self._head), bytes(self._tail), self._dropped
        middle = f"\n[… {dropped} bytes left out …]\n".encode() if dropped else b""
        return clean((head + middle + tail).decode(errors="replace")).strip()

    def tail(self, limit: int = 2000) -> str:
        """The end of what was printed, cleaned, at most `limit` characters."""
        return self.text()[-limit:]

    def close(self) -> None:
        """Stop draining, after what is in the pipe now."""
        self._settle()
        self._closing = True
        self._thread.join()

    def _drain(self) -> None:
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        try:
            while not self._closing:
                if self._meanwhile is not None:
                    self._meanwhile()
                if poller.poll(_POLL_MS) and not self._take():
                    return
        finally:
            with self._lock:
                os.close(self._fd)
                self._fd = -1

    def _take(self) -> bool:
        with self._lock:
            data = os.read(self._fd, 1 << 16)
            room = max(0, HEAD_BYTES - len(self._head))
            self._head += data[:room]
            self._tail += data[room:]
            if over := max(0, len(self._tail) - TAIL_BYTES):
                del self._tail[:over]
                self._dropped += over
        return bool(data)

    def _settle(self) -> None:
        """Give the thread a moment to read what the process has printed already."""
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            with self._lock, contextlib.suppress(OSError):
                if self._fd < 0 or not _waiting(self._fd):
                    return
            time.sleep(0.002)


def _waiting(fd: int) -> int:
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0])
