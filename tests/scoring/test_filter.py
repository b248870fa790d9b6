"""The filter of system calls, run by an interpreter of its own: what it allows, refuses and pretends."""

from __future__ import annotations

import errno
import struct
import subprocess
import sys

import pytest

from gate.scoring.worker_filter import Leaves, program

CLOSED = Leaves(unix_sockets=False, signals=False)
OPEN = Leaves(unix_sockets=True, signals=True)
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW = 0x7FFF0000
NUMBERS = {"x86_64": (101, 62, 41, 53, 56, 112, 44, 0), "aarch64": (117, 129, 198, 199, 220, 157, 206, 63)}
"""Of ptrace, kill, socket, socketpair, clone, setsid, sendto, read."""
ASK = """
import os
from gate.scoring import worker_wall
worker_wall.enter(worker_wall.Wall(calls=True))
for call in (lambda: os.kill(os.getppid(), 0), lambda: os.sched_setaffinity(os.getppid(), {0})):
    try:
        call()
    except PermissionError:
        print("refused")
os.setsid()
os.kill(os.getpid(), 0)
"""


def verdict(leaves: Leaves, machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Run the program on a call as the kernel does: the four instructions that it is made of."""
    words = struct.unpack(
        "<16I", struct.pack("<iIQ6Q", number, architecture or ARCHITECTURE[machine], 0, *(*arguments, *[0] * 6)[:6])
    )
    code = program(leaves, machine, 1234)
    steps = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    at = loaded = 0
    while True:
        kind, yes, no, value = steps[at]
        at += 1
        if kind == 0x20:
            loaded = words[value // 4]
        elif kind == 0x06:
            return value
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[kind]
            at += yes if holds else no


def refused(code: int) -> int:
    return 0x50000 | code


@pytest.mark.parametrize("machine", NUMBERS)
def test_both_machines(machine):
    """The same calls by their numbers on each."""
    ptrace, kill, socket, socketpair, clone, setsid, sendto, read = NUMBERS[machine]
    eperm = refused(errno.EPERM)
    assert verdict(CLOSED, machine, read) == ALLOW
    assert verdict(CLOSED, machine, ptrace) == verdict(OPEN, machine, ptrace) == eperm
    assert verdict(CLOSED, machine, setsid) == refused(0)
    assert verdict(CLOSED, machine, 435) == refused(errno.ENOSYS)
    assert [verdict(CLOSED, machine, kill, pid) for pid in (0, 1234, 1, 0xFFFFFFFF)] == [ALLOW, ALLOW, eperm, eperm]
    assert verdict(OPEN, machine, kill, 1) == ALLOW
    assert [verdict(OPEN, machine, socket, family) for family in (1, 2, 10, 16)] == [ALLOW, eperm, eperm, eperm]
    assert verdict(CLOSED, machine, socket, 1) == eperm
    assert [verdict(CLOSED, machine, socketpair, family) for family in (1, 30)] == [ALLOW, eperm]
    assert [verdict(CLOSED, machine, clone, flags) for flags in (17, 0x10000011)] == [ALLOW, eperm]
    assert [verdict(CLOSED, machine, sendto, 5, 0, 0, flags) for flags in (0, 0x20000000)] == [ALLOW, eperm]


def test_calls_of_another_architecture_are_refused():
    """32-bit calls and x32 have numbers of their own."""
    absent = refused(errno.ENOSYS)
    assert verdict(CLOSED, "x86_64", 0, architecture=0x40000003) == absent
    assert verdict(CLOSED, "x86_64", 0x40000000) == absent
    assert verdict(CLOSED, "aarch64", 63, architecture=0x40000028) == absent


def test_the_numbers_are_this_kernels(tmp_path):
    """A filtered process meets what the table says."""
    done = subprocess.run([sys.executable, "-c", ASK], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused", "refused"]
