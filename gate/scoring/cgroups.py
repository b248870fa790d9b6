"""Control groups: memory and processes of a worker, with all that it starts, are bounded where the gate may make one.

Both versions of the interface are known (cgroups(7)): version 1, with a hierarchy for memory and one for processes,
and version 2, with one for all, where the groups above hand on what they control.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

_PREFIX = "gate-"
_ENDING_S = 2.0
_FILES = {
    "v1": {"memory": "memory.limit_in_bytes", "pids": "pids.max", "told": "memory.oom_control"},
    "v2": {"memory": "memory.max", "pids": "pids.max", "told": "memory.events"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group below which the gate may make its own, and what is controlled there."""

    path: Path
    version: str
    controls: tuple[str, ...]


class Cgroup:
    """A group for one worker, in each hierarchy that controls something. End it."""

    def __init__(self, places: tuple[Place, ...], *, memory_bytes: int, tasks: int) -> None:
        """Make it, empty, with its limits.

        Raises:
            OSError: the system refuses.
        """
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        self._parts = tuple((place, place.path / name) for place in places)
        limits = {"memory": memory_bytes, "pids": tasks}
        try:
            for place, folder in self._parts:
                folder.mkdir()
                for control in place.controls:
                    _write(folder / _FILES[place.version][control], limits[control])
                if "memory" in place.controls and place.version == "v2":
                    with suppress(OSError):
                        _write(folder / "memory.swap.max", 0)
        except OSError:
            self.end()
            raise

    @classmethod
    def of(cls, *, memory_bytes: int, tasks: int) -> Self | None:
        """Make one where that works here, None elsewhere."""
        try:
            return cls(places(), memory_bytes=memory_bytes, tasks=tasks) if available() else None
        except OSError:
            return None

    def add(self, pid: int) -> bool:
        """Put a process in, with what it starts from now on; say whether it is in all parts."""
        try:
            for _, folder in self._parts:
                _write(folder / "cgroup.procs", pid)
        except OSError:
            return False
        return True

    @property
    def out_of_memory(self) -> bool:
        """Whether the system killed somebody in it because memory ran out."""
        for place, folder in self._parts:
            if "memory" in place.controls:
                with suppress(OSError):
                    lines = (folder / _FILES[place.version]["told"]).read_text(encoding="ascii").splitlines()
                    told = dict(line.split(maxsplit=1) for line in lines)
                    return int(told.get("oom_kill", 0)) > 0
        return False

    def end(self) -> None:
        """Kill whoever is in it, and remove it. Can be called again."""
        deadline = time.monotonic() + _ENDING_S
        for _, folder in self._parts:
            while folder.exists() and not _removed(folder) and time.monotonic() < deadline:
                _kill(folder)
                time.sleep(0.002)


@cache
def available() -> bool:
    """Whether a group can be made here and a process be put into it, found out by doing that."""
    if not places():
        return False
    _sweep()
    try:
        group = Cgroup(places(), memory_bytes=64 << 20, tasks=16)
    except OSError:
        return False
    try:
        with subprocess.Popen(["sleep", "10"], stdin=subprocess.DEVNULL) as child:  # noqa: S607 - any will do
            try:
                return group.add(child.pid)
            finally:
                child.kill()
    except OSError:
        return False
    finally:
        group.end()


@cache
def places() -> tuple[Place, ...]:
    """Where groups may be made: all that limit memory and processes here, or none."""
    found: dict[str, Place] = {}
    for place in _candidates():
        for control in place.controls:
            found.setdefault(control, place)
    if set(found) != {"memory", "pids"}:
        return ()
    return tuple(dict.fromkeys(found.values()))


def _candidates() -> Iterator[Place]:
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    paths = {names: path for _, names, path in (line.split(":", 2) for line in own)}
    for line in mounts:
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split(maxsplit=2)
        if kind == "cgroup":
            yield from _first_version(Path(mount), root, options.split(","), paths)
        elif kind == "cgroup2":
            yield from _second_version(Path(mount), _below(mount, root, paths.get("", "/")))


def _first_version(mount: Path, root: str, options: list[str], paths: dict[str, str]) -> Iterator[Place]:
    for control in ("memory", "pids"):
        if control in options:
            own = next((path for names, path in paths.items() if control in names.split(",")), "/")
            folder = _below(str(mount), root, own)
            if os.access(folder, os.W_OK):
                yield Place(path=folder, version="v1", controls=(control,))


def _second_version(mount: Path, folder: Path) -> Iterator[Place]:
    """The nearest group above whose members are groups: those with processes of their own hand nothing on."""
    for above in (folder, *folder.parents):
        with suppress(OSError):
            handed = (above / "cgroup.subtree_control").read_text(encoding="ascii").split()
            if {"memory", "pids"} <= set(handed) and os.access(above, os.W_OK):
                yield Place(path=above, version="v2", controls=("memory", "pids"))
                return
        if above == mount:
            return


def _below(mount: str, root: str, path: str) -> Path:
    """Where a group lies under a mount that shows a part of the hierarchy."""
    return Path(mount, path.removeprefix(root).lstrip("/"))


def _write(path: Path, value: int) -> None:
    with path.open("w", encoding="ascii") as file:
        file.write(str(value))


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _kill(folder: Path) -> None:
    """Kill whoever is in a group; version 2 does it at a stroke."""
    with suppress(OSError):
        _write(folder / "cgroup.kill", 1)
        return
    with suppress(OSError):
        for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)


def _sweep() -> None:
    """Remove what a gate that was killed left behind."""
    for place in places():
        for folder in place.path.glob(f"{_PREFIX}*-*"):
            pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
            if pid.isdigit() and not Path("/proc", pid).exists():
                _removed(folder)
