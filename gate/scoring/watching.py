"""Watches what no limit of the system holds: processes that multiply, and folders that fill the disk."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.2
_MEGABYTE = 1 << 20
_NUMBER_OF_PARENT, _NUMBER_OF_THREADS = 1, 17
"""Of the fields after the name in /proc/PID/stat."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks at a process and its folder, cheaply while little changes on the machine."""

    pid: Callable[[], int | None]
    """The process, once there is one."""
    folder: Path
    tasks: int | None
    """Processes and threads that are allowed; None: somebody else sees to it."""
    disk_mb: int | None
    """MiB that may be written; None: somebody else sees to it."""
    _before: int = -1
    _free: int = -1
    _next: float = 0.0

    def breach(self) -> str:
        """Say what is beyond its limit, nothing where all is well."""
        now = time.monotonic()
        if now < self._next:
            return ""
        self._next = now + EVERY_S
        return self._many() or self._full()

    def _many(self) -> str:
        """Count where the machine has many more tasks than before; meanwhile the whole group stands still."""
        pid, running = self.pid(), tasks_running()
        if self._before < 0 or pid is None:
            self._before = running
        if self.tasks is None or pid is None or running - self._before <= self.tasks:
            return ""
        signal_group(pid, signal.SIGSTOP)
        if tasks_below(pid) > self.tasks:
            return f"It started more than {self.tasks} processes and threads."
        signal_group(pid, signal.SIGCONT)
        self._before = running
        return ""

    def _full(self) -> str:
        """Add up the folder only where the disk has lost as much as is allowed."""
        if self.disk_mb is None:
            return ""
        try:
            found = os.statvfs(self.folder)
        except OSError:
            return ""
        free = found.f_bavail * found.f_frsize
        self._free = max(self._free, free)
        if self._free - free < self.disk_mb * _MEGABYTE or size_of(self.folder) < self.disk_mb * _MEGABYTE:
            return ""
        return f"It wrote more than {self.disk_mb} MB to its folder."


def tasks_running() -> int:
    """Give the number of processes and threads of the machine, 0 where it is not told (proc(5), loadavg)."""
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 0


def tasks_below(pid: int) -> int:
    """Count the threads of a process and of all its descendants."""
    family = {pid, *descendants(_guardian(pid))}
    return sum(threads for child, _, threads in _table() if child in family)


def descendants(pid: int) -> set[int]:
    """Give the process ids of children, their children and so on."""
    children: dict[int, list[int]] = {}
    for child, parent, _ in _table():
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        new = set(children.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def stop(pid: int) -> None:
    """Kill a process and its group, at a stroke."""
    signal_group(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to all of a group, where there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def size_of(folder: Path) -> int:
    """Add up the bytes on disk of what lies in a folder."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(root, name).lstat().st_blocks * 512
    return total


def _guardian(pid: int) -> int:
    """Whoever inherits a worker's orphans: its parent, unless that is this process."""
    parent = next((parent for child, parent, _ in _table() if child == pid), pid)
    return pid if parent in (0, 1, os.getpid()) else parent


def _table() -> Iterator[tuple[int, int, int]]:
    """Process id, parent and number of threads of every process (proc(5), stat: the fields after the name)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                yield int(entry.name), int(fields[_NUMBER_OF_PARENT]), int(fields[_NUMBER_OF_THREADS])
