"""Bounds of one worker with all that it starts: by a control group where there is one, else by looking at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from gate.scoring.cgroups import Cgroup
from gate.scoring.enclosure import TASKS, Enclosure
from gate.scoring.watching import Watch, stop

_MEGABYTE = 1 << 20
_BUILDING_MB = 20 << 10
"""What an environment may take on the disk, with what was fetched for it."""


class Bounds:
    """What holds a worker's memory, processes and disk, and tells which of them it went beyond."""

    def __init__(self, enclosure: Enclosure, folder: Path, memory_mb: int, pid: Callable[[], int | None]) -> None:
        """Make a control group where that works here; `pid` tells the process once there is one."""
        self._memory_mb = memory_mb
        self._group = Cgroup.of(memory_bytes=memory_mb * _MEGABYTE, tasks=TASKS)
        self._pid = pid
        self._breach = ""
        self._watch = Watch(
            pid=pid,
            folder=enclosure.building or folder,
            tasks=None if self._group else TASKS,
            disk_mb=_disk_mb(enclosure, memory_mb),
        )

    def take(self, pids: Iterable[int]) -> None:
        """Bound these processes from now on, before they do anything of the model's."""
        for pid in pids:
            if self._group is not None and not self._group.add(pid):
                self._watch.tasks = TASKS

    def look(self) -> None:
        """Stop the worker where it is beyond a bound. Called several times a second, by a thread of its own."""
        with suppress(OSError):
            self._breach = self._breach or self._watch.breach()
        pid = self._pid()
        if self._breach and pid is not None:
            stop(pid)

    @property
    def told(self) -> str:
        """Say what it went beyond, nothing where it did not."""
        if not self._breach and self._group is not None and self._group.out_of_memory:
            self._breach = (
                f"With all that it started, it took more than the {self._memory_mb} MB of isolation.memory_mb."
            )
        return self._breach

    def end(self) -> None:
        """Kill whoever is left, and remove the group. Can be called again."""
        _ = self.told  # the group is gone in a moment
        if self._group is not None:
            self._group.end()


def _disk_mb(enclosure: Enclosure, memory_mb: int) -> int | None:
    """Give MiB that may be written to the folder that is watched, None where the wall sees to it."""
    if enclosure.building:
        return _BUILDING_MB
    return None if enclosure.hides_files else memory_mb
