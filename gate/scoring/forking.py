"""The fork server: it imports what every worker needs, once, and forks.

Started as `python -P -m gate.scoring.forking SOCKET_FD IMPORTS WALL_FD`; where IMPORTS is 0 its workers import.
It never touches a model. Each request makes two processes: a guardian, and the worker that it guards. The worker
leads a session of its own. When it ends, or when the gate goes away, the guardian kills whatever the worker started:
orphans become the guardian's children (prctl(2), PR_SET_CHILD_SUBREAPER), sessions of their own or not.

Processes that are forked from one parent run the same model equally fast; processes that start one by one do not.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gate.scoring import worker
from gate.scoring.worker_folder import remove_folder
from gate.scoring.worker_wall import Wall, enter

REQUEST_LIMIT = 128 * 1024
"""No request is longer than this, in bytes."""
HELLO = b"hello"
"""What a worker says first: with it the system tells the gate which process it is."""

_PR_SET_CHILD_SUBREAPER = 36
_KILLING_S = 5.0
_MANY = 8
_DESCRIPTORS = 4


def main(arguments: list[str]) -> None:
    """Import, then fork a worker for each request, until the gate goes away."""
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    wall = worker.read_wall(int(arguments[2]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # guardians are reaped by the system
    if arguments[1] == "1":
        with contextlib.suppress(Exception):  # what is broken says so when the gate greets a worker
            worker.import_libraries()
    gc.collect()
    gc.freeze()
    while True:
        message, fds, _, _ = socket.recv_fds(control, REQUEST_LIMIT, _DESCRIPTORS)
        if not message:
            remove_folder(Path.cwd())
            return
        request = json.loads(message)
        if os.fork() == 0:
            control.close()
            if "modules" in request:
                control = _prepared(request["modules"], fds)
                continue
            _guard(request, fds, wall)
        for fd in fds:
            os.close(fd)


def _prepared(modules: list[str], fds: list[int]) -> socket.socket:
    """Be a fork server of one's own, which has imported more; what is not there is left to the models to miss."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=fds[0])
    control.set_inheritable(False)
    return control


def _guard(request: dict[str, Any], fds: list[int], wall: Wall) -> None:
    """Be the guardian: fork the worker, wait for its end or for the gate's, leave nothing behind, and exit."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    folder = Path(request["folder"])
    folder.mkdir(mode=0o700, exist_ok=True)  # behind some walls the gate's is not to be seen
    pid = os.fork()
    if pid == 0:
        _work(request, fds, wall)
    for fd in fds[:-1]:
        os.close(fd)
    status = socket.socket(fileno=fds[-1])
    code = _wait(pid, status)
    _kill_descendants()
    with contextlib.suppress(OSError):  # the gate may be gone
        status.send(str(code).encode())
    remove_folder(folder)
    os._exit(0)


def _wait(pid: int, status: socket.socket) -> int:
    """The worker's exit code, negative for a signal; it is killed where the gate has closed its end."""
    poller = select.poll()
    poller.register(os.pidfd_open(pid), select.POLLIN)
    poller.register(status, 0)
    poller.poll()
    if any(event & (select.POLLHUP | select.POLLERR) for _, event in poller.poll(0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _kill_descendants() -> None:
    """Kill children until none is left: those of a killed child come here, too.

    Those that multiply are stopped first, all of them: what is stopped makes no more.
    """
    deadline = time.monotonic() + _KILLING_S
    while time.monotonic() < deadline:
        family = _descendants()
        for number in (signal.SIGSTOP, signal.SIGKILL) if len(family) > _MANY else (signal.SIGKILL,):
            for child in family:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, number)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _descendants() -> list[int]:
    """Process ids of children, their children and so on, the eldest first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    found = [*children.get(os.getpid(), ())]
    for pid in found:
        found += children.get(pid, ())
    return found


def _parent(process: Path) -> int:
    """The parent's process id (proc(5): the fourth field of stat, after the name in parentheses)."""
    try:
        return int((process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return -1


def _work(request: dict[str, Any], fds: list[int], wall: Wall) -> None:
    """Be the worker: its own session, folder, environment, output and random state."""
    ask, answer, output, status = fds
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    with socket.socket(fileno=status) as told:
        told.send(HELLO)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    tempfile.tempdir = None
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all workers would draw the same numbers
    enter(wall)
    worker.run(ask, answer, request["memory_mb"], wall)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
