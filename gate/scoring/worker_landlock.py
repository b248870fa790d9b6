"""Landlock through its three system calls: a process gives up files, ports and signals that it does not need.

Imported by the worker: the standard library only. Sources: landlock(7), linux/landlock.h. What a kernel knows goes by
the number of its interface (ABI): 2 moves between folders, 3 truncation, 4 TCP, 5 device controls, 6 signals and
abstract sockets.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

SIGNALS_SINCE = 6
"""The interface that keeps signals within."""

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_TCP_SINCE = 4
_TCP = 0b11
_SCOPES = 0b11

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_FIRST_RIGHTS = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_LATER_RIGHTS = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV


def abi() -> int:
    """Give the number of the kernel's interface, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    with suppress(OSError):
        return _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """What stays open, with all that lies below. What is not there is left out."""

    read: tuple[str, ...] = ()
    """May be read and executed."""
    listed: tuple[str, ...] = ()
    """The names in these folders may be read, not what they hold."""
    write: tuple[str, ...] = ()
    """May be changed, too."""
    unlisted: tuple[str, ...] = ()
    """Files in these folders may be made, read and changed by whoever knows their names."""
    network: bool = False
    """TCP stays open."""


def restrict(paths: Paths) -> None:
    """Keep this thread, and what it starts from now on, to these paths, for good.

    Needs no_new_privs. May be called again, which can only narrow.

    Raises:
        OSError: the kernel refuses.
    """
    known = abi()
    every = _FIRST_RIGHTS
    for since, right in _LATER_RIGHTS:
        every |= right if known >= since else 0
    change = every & ~(_MAKE_CHAR | _MAKE_BLOCK)
    ruleset = _ruleset(every, known, 0 if paths.network else _TCP)
    try:
        _allow(ruleset, paths.read, _EXECUTE | _READ_FILE | _READ_DIR)
        _allow(ruleset, paths.listed, _READ_DIR)
        _allow(ruleset, paths.write, change)
        _allow(ruleset, paths.unlisted, change & ~_READ_DIR)
        _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _ruleset(files: int, known: int, ports: int) -> int:
    """Make a set of rules that allows nothing of what it knows: files, from 4 on TCP, from 6 on what lies outside."""
    parts = [files]
    if known >= _TCP_SINCE:
        parts.append(ports)
    if known >= SIGNALS_SINCE:
        parts.append(_SCOPES)
    attributes = struct.pack(f"={len(parts)}Q", *parts)
    return _call(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))


def _allow(ruleset: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        try:
            found = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # it is not there, or not ours to see
            continue
        _add(ruleset, found, rights)


def _add(ruleset: int, found: int, rights: int) -> None:
    """Add a rule for an open path, and close it."""
    try:
        if not stat.S_ISDIR(os.fstat(found).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, found)
        _call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(found)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
