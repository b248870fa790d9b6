"""Which process this is, so that another one on the same machine can tell that it is gone."""

from __future__ import annotations

import os
import time
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_DEAD = frozenset("ZXx")
_PARTS = 4


def this_process() -> str:
    """Name this process by boot, process namespace, number and start; empty where the system does not tell (macOS).

    A number alone is used again; with the others the name is this process's own for ever.
    """
    try:
        boot, namespace = _BOOT.read_text(encoding="ascii").strip(), os.readlink(_NAMESPACE)  # noqa: PTH115 - no file
    except OSError:
        return ""
    return f"{boot} {namespace} {os.getpid()} {_state(os.getpid())[1]}"


def is_gone(name: str) -> bool:
    """Say whether a process that called itself so is surely gone: it was on this machine, and is no more."""
    ours, theirs = this_process().split(" "), name.split(" ")
    if len(ours) != _PARTS or len(theirs) != _PARTS or ours[:2] != theirs[:2] or not theirs[2].isdigit():
        return False
    try:
        os.kill(int(theirs[2]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        pass  # it is there, and another user's
    state, start = _state(int(theirs[2]))
    return state in _DEAD or (bool(start) and start != theirs[3])


def _state(number: int) -> tuple[str, str]:
    """A process's state and start (proc(5), stat: fields 3 and 22); two empty texts where nobody tells."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return fields[0], fields[19]
    except (OSError, IndexError):
        return "", ""


def elapsed() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps where the system has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
