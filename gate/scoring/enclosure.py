"""A level of isolation, ready to be used: what a command is wrapped in, and what a worker gives up inside."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Self

from gate.scoring import bubblewrap, isolation, surroundings
from gate.scoring.isolation import Attempt, Level
from gate.scoring.python import Python, own
from gate.scoring.worker_wall import Wall

_PROC = (
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version",
    "/proc/filesystems", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/random", "/proc/sys/vm/overcommit_memory",
)  # fmt: skip
"""What of /proc tells of the process itself and of the machine, not of others."""
_RANDOM = ("/dev/urandom", "/dev/random")
_TASKS_OF_OTHERS = 1536
"""How many more processes and threads the user may start elsewhere while a model runs."""
TASKS = 512
"""How many processes and threads a worker may have, with all that it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """How untrusted processes are shut in."""

    attempt: Attempt
    models: Path | None = None
    """The folder with the models, the only one of the gate's that is seen."""
    readable: tuple[Path, ...] = ()
    """What models may read besides (`isolation.readable`)."""
    python: Python = field(default_factory=own)
    """The interpreter of the processes."""
    building: Path | None = None
    """The one folder of the machine that may be changed, with the network open: to build an environment there."""

    @classmethod
    def of(cls, level: Level | str, *, models: Path | None = None, readable: Sequence[Path] = ()) -> Self:
        """Take a level, which must work here.

        Raises:
            ValueError: there is no such level, or it does not work here, or needs to know where the models are.
        """
        known = next((name for name in isolation.LEVELS if name == level), None)
        if known is None:
            raise ValueError(f"no isolation level {level!r}: there are {', '.join(isolation.LEVELS)}")
        attempt = isolation.attempt(known)
        if not attempt.works or (known != "subprocess" and models is None):
            raise ValueError(f"{level}: {attempt.why or 'needs a folder of models'}")
        return cls(attempt=attempt, models=models and models.resolve(), readable=tuple(readable))

    @property
    def level(self) -> Level:
        """The level's name."""
        return self.attempt.level

    @property
    def hides_files(self) -> bool:
        """Whether private folders inside are not those of the machine."""
        return self.level == "bwrap"

    @property
    def siblings(self) -> bool:
        """Whether workers may be forked from one process."""
        return not self.hides_files or self.attempt.apart

    def of_python(self, python: Python) -> Enclosure:
        """Give the same for the processes of another interpreter."""
        return replace(self, python=python)

    def for_building(self, folder: Path, python: Python) -> Enclosure:
        """Give the same for what builds an environment in a folder: no models, the network open."""
        return replace(self, models=None, readable=(), python=python, building=folder)

    def wrapped(self, command: Sequence[str], folder: Path, disk_mb: int) -> tuple[list[str], int | None]:
        """Give what starts the command behind the wall, and a descriptor that it must inherit."""
        if not self.hides_files:
            return list(command), None
        view = bubblewrap.View(read=self._read(), folder=folder, disk_mb=disk_mb, building=self.building)
        return bubblewrap.wrapped(command, view)

    def wall(self) -> Wall:
        """Give what a worker gives up by itself."""
        wall = Wall(calls=self.attempt.calls, tasks=_most_tasks(), network=self.building is not None)
        if self.level == "subprocess" or not self.attempt.abi:
            return wall
        process = ("/proc", "/dev/fd") if self.hides_files else _PROC
        return replace(
            wall,
            files=True,
            read=tuple(map(str, (path for path in self._read() if path != self.models))) + process + _RANDOM,
            listed=tuple(map(str, surroundings.searched())),
            models=str(self.models or ""),
            unlisted=(bubblewrap.SHARED_MEMORY,) if self.hides_files or self.building else (),
            write=(str(self.building),) if self.building else (),
            unix_sockets=self.hides_files,
        )

    def _read(self) -> list[Path]:
        more = (*self.readable, *self.python.readable)
        return [*surroundings.readable(), *more, *([self.models] if self.models else [])]


@cache
def plain() -> Enclosure:
    """Give the weakest level, which works everywhere."""
    return Enclosure.of("subprocess")


@cache
def _most_tasks() -> int | None:
    """A limit on the tasks of this user, where the system heeds one: it leaves root alone (setrlimit(2))."""
    if sys.platform != "linux" or os.getuid() == 0:
        return None
    return tasks_of(os.getuid()) + TASKS + _TASKS_OF_OTHERS


def tasks_of(user: int) -> int:
    """Count processes and threads of a user."""
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == user:
                    count += sum(1 for _ in (entry / "task").iterdir())
            except OSError:
                continue
    return count
