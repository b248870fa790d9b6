"""The strongest wall: a command in namespaces of its own, on a file system of the few things that it needs.

Bubblewrap makes it, without privileges where the system lets users have namespaces. Source: bwrap(1).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate.scoring.surroundings import root_links

PROGRAM = "bwrap"
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a mount of the sandbox's own
_MEGABYTE = 1 << 20
_NAMESPACES = ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the inside is made of: paths that can be read, the one private folder, and MiB for what is written.

    Where something is `building`, that folder of the machine may be changed too, and the network is the machine's.
    """

    read: Sequence[Path]
    folder: Path
    disk_mb: int
    building: Path | None = None


def installed() -> str | None:
    """Give the path of the program, None where there is none."""
    return shutil.which(PROGRAM)


def wrapped(command: Sequence[str], view: View) -> tuple[list[str], int]:
    """Give the command that starts a command inside, and a descriptor that it must inherit.

    The options go through the descriptor: inside, they would be read in /proc/1/cmdline.
    """
    options = b"".join(os.fsencode(option) + b"\0" for option in _options(view))
    with tempfile.TemporaryFile() as file:
        file.write(options)
        file.flush()
        read_fd = os.dup(file.fileno())
    os.lseek(read_fd, 0, os.SEEK_SET)
    return [installed() or PROGRAM, "--args", str(read_fd), "--", *command], read_fd


def _options(view: View) -> list[str]:
    size = ("--size", str(view.disk_mb * _MEGABYTE))
    network = ["--share-net"] if view.building else []
    options = [*_NAMESPACES, *network, "--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", SHARED_MEMORY]
    for link in root_links():
        options += ["--symlink", str(link.readlink()), str(link)]
    for _, steps in sorted([*_readable(view.read), *_changed(view), _temporary(view, size)]):
        options += steps
    options += ["--perms", "0700", "--dir", str(view.folder), "--chdir", str(view.folder)]
    return [*options, "--remount-ro", "/dev", "--remount-ro", "/"]


def _readable(paths: Iterable[Path]) -> Iterable[tuple[str, tuple[str, ...]]]:
    return ((str(path), ("--ro-bind-try", str(path), str(path))) for path in paths)


def _changed(view: View) -> Iterable[tuple[str, tuple[str, ...]]]:
    return ((str(path), ("--bind", str(path), str(path))) for path in (view.building,) if path)


def _temporary(view: View, size: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    """An empty folder for temporary files hides that of the machine; its parts that are readable come after it."""
    place = str(view.folder.parent)
    return place, (*size, "--perms", "0755", "--tmpfs", place)
