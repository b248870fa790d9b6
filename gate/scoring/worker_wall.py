"""What a worker does to itself before it meets a model: it gives up rights, for good. Imported by the worker.

Each right is given up where the system can: capabilities, files and signals by Landlock, calls by a filter. What a
wall asks for and the system refuses is an error, never a weaker wall.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.scoring import worker_filter, worker_landlock

if TYPE_CHECKING:
    from typing import Self  # Python 3.10, whose environments run this too, has none

_NO_NEW_PRIVILEGES, _DROP_BOUNDING, _AMBIENT, _CLEAR_AMBIENT = 38, 24, 47, 4
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES_VERSION = 0x20080522
_MOST_CAPABILITIES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """What is given up."""

    files: bool = False
    """Files: all but those named below stay closed (Landlock)."""
    calls: bool = False
    """System calls that no model needs (a filter)."""
    read: tuple[str, ...] = ()
    """Files and folders that may be read."""
    listed: tuple[str, ...] = ()
    """Folders whose lists of names may be read."""
    models: str = ""
    """The folder that holds the models; once one is loaded, the others stay closed."""
    unlisted: tuple[str, ...] = ()
    """Folders whose files may be made, and changed by whoever knows their names."""
    write: tuple[str, ...] = ()
    """Folders that may be changed, beside the working directory."""
    network: bool = False
    """Leave the network open: for what fetches packages, never for a model."""
    unix_sockets: bool = False
    """Leave sockets of the kind AF_UNIX: nobody else's are in reach."""
    tasks: int | None = None
    """Processes and threads of this user, all over the machine, beyond which none is added."""

    def text(self) -> str:
        """Give it as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what `text` gave."""
        values: dict[str, Any] = {}
        for name, value in json.loads(text).items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a process could give up: Landlock's interface, 0 for none; whether files and calls were refused then."""

    abi: int
    files: bool
    calls: bool


def enter(wall: Wall) -> None:
    """Give up what the wall says; the working directory stays open for writing. Once, and before there are threads.

    Raises:
        OSError: the system refuses.
    """
    if sys.platform != "linux":
        return
    _drop_capabilities()
    _prctl(_NO_NEW_PRIVILEGES, 1)
    if wall.tasks is not None:
        _lower(resource.RLIMIT_NPROC, wall.tasks)
    if wall.files:
        _close_files(wall, wall.models)
    if wall.calls:
        scoped = wall.files and worker_landlock.abi() >= worker_landlock.SIGNALS_SINCE
        worker_filter.install(
            worker_filter.Leaves(unix_sockets=wall.unix_sockets, signals=scoped, network=wall.network)
        )


def narrow(wall: Wall, model: str) -> Wall:
    """Close the folder of models but for this one; gives the wall that holds from now on.

    Raises:
        OSError: the system refuses.
    """
    if wall.files and wall.models:
        _close_files(wall, model)
    return replace(wall, models="")


def _close_files(wall: Wall, models: str) -> None:
    worker_landlock.restrict(
        worker_landlock.Paths(
            read=(*wall.read, models) if models else wall.read,
            listed=wall.listed,
            write=(str(Path.cwd()), "/dev/null", "/dev/zero", "/dev/full", *wall.write),
            unlisted=wall.unlisted,
            network=wall.network,
        )
    )


def _drop_capabilities() -> None:
    """Keep none, whoever the user is (capabilities(7)); a program that is started gets none either."""
    for capability in range(_MOST_CAPABILITIES):
        with suppress(OSError):  # those that are not known, and all where they may not be dropped
            _prctl(_DROP_BOUNDING, capability)
    with suppress(OSError):
        _prctl(_AMBIENT, _CLEAR_AMBIENT)
    number = _CAPSET.get(os.uname().machine)
    if number is not None:
        header, none = struct.pack("=Ii", _CAPABILITIES_VERSION, 0), bytes(24)
        _checked(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), header, none))


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero))


def _checked(answer: int) -> None:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (allowed, allowed))


def tried(wall: Wall) -> Trial:
    """Give up everything for a trial, and say what is out of reach then."""
    abi = worker_landlock.abi()
    files = calls = False
    with suppress(OSError):
        enter(replace(wall, files=abi > 0))
        files = abi > 0 and _refused(lambda: list(Path("/").iterdir()))
    with suppress(OSError):
        worker_filter.install(worker_filter.Leaves(unix_sockets=False, signals=False))
        calls = _refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close())
    return Trial(abi=abi, files=files, calls=calls)


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    return False
