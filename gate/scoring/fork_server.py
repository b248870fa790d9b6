"""The gate's end of a fork server: asks for workers, learns their process ids and how they ended (Linux)."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from gate.scoring.bounds import Bounds
from gate.scoring.capture import Capture
from gate.scoring.enclosure import Enclosure
from gate.scoring.sandbox import Sandbox, environment, kill_strays
from gate.scoring.worker_folder import FOLDER_PREFIX, remove_folder

AVAILABLE = sys.platform == "linux"
"""Whether workers can be forked here: elsewhere system libraries do not survive it, or nobody tells who ended."""

_CREDENTIALS = struct.Struct("3i")
_HELLO = b"hello"
_END_S = 10.0


class ForkServer:
    """A process that has imported the libraries and forks workers. Use it from one thread at a time."""

    def __init__(self, sandbox: Sandbox, control: socket.socket, *, first: bool = True) -> None:
        """Talk to a process that was started. `ForkServer.start` starts one; it is the first of its kind."""
        self._sandbox, self._control, self._first = sandbox, control, first

    @classmethod
    def start(cls, enclosure: Enclosure, memory_mb: int, *, imports: bool = True) -> Self:
        """Start the process and return at once; its imports, if it shall have any, go on meanwhile."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = enclosure.python.command("gate.scoring.forking", str(theirs.fileno()), str(int(imports)))
        with theirs:
            sandbox = Sandbox(
                command, pass_fds=(theirs.fileno(),), enclosure=enclosure, memory_mb=memory_mb, bounded=False
            )
            return cls(sandbox, ours)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._sandbox.exit_code is None

    def fork(self, ask_fd: int, answer_fd: int, memory_mb: int) -> Forked:
        """Ask for a worker on these two pipe ends, and return at once.

        Raises:
            OSError: the process is gone.
        """
        return Forked(self._control, (ask_fd, answer_fd), memory_mb, self._sandbox.enclosure)

    def fork_once(self, ask_fd: int, answer_fd: int, memory_mb: int) -> Forked:
        """Ask for the only worker of this process, which ends with it.

        Raises:
            OSError: the process is gone.
        """
        try:
            return Forked(self._control, (ask_fd, answer_fd), memory_mb, self._sandbox.enclosure, after=self.close)
        except BaseException:
            self.close()
            raise

    def prepared(self, modules: Sequence[str]) -> Self:
        """A fork server like this one that imports these modules first; ends with this one. Returns at once.

        Raises:
            OSError: the process is gone.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            names = json.dumps({"modules": list(modules)}).encode()
            socket.send_fds(self._control, [names], [theirs.fileno()])
        return type(self)(self._sandbox, ours, first=False)

    def close(self) -> None:
        """End the process; the first one with whoever still carries its mark. Can be called again."""
        self._control.close()
        if self._first:
            self._sandbox.end()


class Forked:
    """A worker process that was forked. Looks like a `Sandbox` to whoever holds it."""

    def __init__(
        self,
        control: socket.socket,
        fds: tuple[int, int],
        memory_mb: int,
        enclosure: Enclosure,
        *,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Send the request; the process comes as soon as the server has its imports. `after` is called at the end."""
        self.folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)).resolve()
        self.enclosure = enclosure
        self._after = after
        self._pid: int | None = None
        self._code: int | None = None
        self._alone = False
        """Whether the guardian went away without a word: then nobody has cleared up."""
        self._ended = False
        self.bounds = Bounds(enclosure, self.folder, memory_mb, lambda: self._pid)
        read_fd, write_fd = os.pipe()
        self.capture = Capture(read_fd, self.bounds.look)
        self._status, status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._status.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        request = {
            "folder": str(self.folder),
            "environment": environment(self.folder, enclosure.python),
            "memory_mb": memory_mb,
        }
        try:
            socket.send_fds(control, [json.dumps(request).encode()], [*fds, write_fd, status.fileno()])
        except BaseException:
            self._status.close()
            self.bounds.end()
            remove_folder(self.folder)
            raise
        finally:
            os.close(write_fd)
            status.close()

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group and session too; waits until there is one.

        Raises:
            ProcessLookupError: there is none, and none will come.
        """
        while self._pid is None and self._code is None:
            self._hear(None)
        if self._pid is None:
            raise ProcessLookupError("the fork server ended before it made this worker")
        return self._pid

    @property
    def breach(self) -> str:
        """What it went beyond, nothing where it did not."""
        return self.bounds.told

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that killed it."""
        while self._code is None and self._hear(0):
            pass
        return self._code

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended by itself within the time."""
        deadline = time.monotonic() + timeout_s
        while self.exit_code is None and (left := deadline - time.monotonic()) > 0:
            self._hear(left)
        return self._code is not None

    def end(self) -> None:
        """Kill it with everything that it started, and remove the private folder. Can be called again."""
        if self._ended:
            return
        self._ended = True
        if (self.exit_code is None or self._alone) and self._pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
            self.wait(_END_S)
        if self._alone:
            kill_strays(self.folder)
        self._status.close()  # a guardian that still waits takes this as its order
        self.bounds.end()
        self.capture.close()
        remove_folder(self.folder)
        self._after()

    def _hear(self, timeout_s: float | None) -> bool:
        """Take one message of the worker or its guardian; say whether there was one."""
        readable, _, _ = select.select([self._status], [], [], timeout_s)
        if not readable:
            return False
        data, extra, _, _ = self._status.recvmsg(64, socket.CMSG_SPACE(_CREDENTIALS.size))
        if not data:  # nobody is left to tell: the guardian was killed, or never was
            self._code, self._alone = -signal.SIGKILL, True
        elif data == _HELLO:
            self._pid = self._pid or _CREDENTIALS.unpack(extra[0][2][: _CREDENTIALS.size])[0]
            self.bounds.take([self._pid])
        else:
            self._code = int(data)
        return True
