"""A filter of system calls, as a classic BPF program of our own: what no model needs is refused.

Imported by the worker: the standard library only. Known for x86-64 and 64-bit ARM; elsewhere there is none. Source:
seccomp(2), linux/seccomp.h, linux/bpf_common.h; the numbers are those of the kernel's tables.

A program reads the call's number and its arguments and ends in a verdict. It refuses with an error, and never kills:
libraries that only try something go on. What it looks at, in this order:

- calls of a foreign architecture (32-bit, x32) are refused, since their numbers mean something else;
- calls that reach out of the process, or into the kernel's own affairs: refused;
- calls that leave the process group: they do nothing;
- calls whose target is a process: taken for the process itself, and refused for others;
- new namespaces, sockets, connections: refused, unless the wall leaves some.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass

_X86, _ARM = "x86_64", "aarch64"
_ARCHITECTURES = {_X86: 0xC000003E, _ARM: 0xC00000B7}
"""AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 (linux/audit.h)."""
_X32_BIT = 0x40000000

_REFUSED: Mapping[str, tuple[int, int | None]] = {
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    # the kernel itself
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "acct": (163, 89), "syslog": (103, 116), "personality": (135, 92), "vhangup": (153, 58), "iopl": (172, None),
    "ioperm": (173, None), "modify_ldt": (154, None),
    # the machine's clock and name
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162),
    # memory and queues that are shared by number or by name
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193),
    "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip
"""Call -> its numbers on x86-64 and on ARM. The error is EPERM."""

_ABSENT = {"clone3": (435, 435), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
           "io_uring_register": (427, 427)}  # fmt: skip
"""Calls that seem not to exist (ENOSYS): libraries then take the older ones, whose arguments a filter can see."""

_PRETENDED = {"setsid": (112, 157), "setpgid": (109, 154)}
"""Calls that seem to succeed and do nothing: whatever a model starts stays in its group, and dies at a stroke."""

_OWN = {
    "prlimit64": (302, 261, 0), "sched_setaffinity": (203, 122, 0), "sched_setscheduler": (144, 119, 0),
    "sched_setparam": (142, 118, 0), "sched_setattr": (314, 274, 0), "setpriority": (141, 140, 1),
    "ioprio_set": (251, 30, 1), "move_pages": (279, 239, 0), "migrate_pages": (256, 238, 0),
}  # fmt: skip
"""Call -> its numbers, and which argument names a process: this one alone, or 0, is taken."""

_SIGNALS = {
    "kill": (62, 129, 0), "tkill": (200, 130, 0), "tgkill": (234, 131, 0), "rt_sigqueueinfo": (129, 138, 0),
    "rt_tgsigqueueinfo": (297, 240, 0),
}  # fmt: skip
"""The same for signals, where Landlock does not keep them within."""
_PIDFD_SIGNAL = (424, 424)

_CLONE, _SOCKET, _SOCKETPAIR, _CONNECT = (56, 220), (41, 198), (53, 199), (42, 203)
_SENDING = ((44, 206, 3), (46, 211, 2), (307, 269, 3))
"""sendto, sendmsg, sendmmsg, and which argument has the flags."""
_FAST_OPEN = 0x20000000
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h)."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_SET_FILTER = 1
_SPECULATION_STAYS = 4
"""SECCOMP_FILTER_FLAG_SPEC_ALLOW: without it older kernels slow down everything that the process computes."""
_SECCOMP = (317, 277)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """What the filter leaves: sockets of the system's own kind (AF_UNIX), signals to others (Landlock scopes them)."""

    unix_sockets: bool
    signals: bool
    network: bool = False
    """All sockets: for what fetches packages."""


def available() -> bool:
    """Whether there is a filter for this machine. The kernel may refuse it all the same."""
    return sys.platform == "linux" and sys.maxsize > 1 << 32 and platform.machine() in _ARCHITECTURES


def install(leaves: Leaves) -> None:
    """Filter the calls of this process, and of what it starts, for good. Needs no_new_privs, and no other threads yet.

    Raises:
        OSError: the kernel refuses.
    """
    code = program(leaves, platform.machine(), os.getpid())
    held = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(_SECCOMP[platform.machine() == _ARM])
    if libc.syscall(number, ctypes.c_uint(_SET_FILTER), ctypes.c_uint(_SPECULATION_STAYS), described) < 0:
        code_ = ctypes.get_errno()
        raise OSError(code_, os.strerror(code_))


def program(leaves: Leaves, machine: str, pid: int) -> bytes:
    """Give the filter for a process: 8 bytes an instruction."""
    arm = int(machine == _ARM)
    steps = [
        *_test(_ARCHITECTURE_AT, _EQUAL, _ARCHITECTURES[machine], _refuse(errno.ENOSYS), unless=True),
        _step(_LOAD, _NUMBER_AT),
        *([] if arm else [_step(_AT_LEAST, _X32_BIT, 0, 1), _refuse(errno.ENOSYS)]),
    ]
    for numbers, code in ((_refused(leaves), errno.EPERM), (_ABSENT.values(), errno.ENOSYS), (_PRETENDED.values(), 0)):
        for pair in numbers:
            steps += _on(pair[arm], [_refuse(code)])
    for known in [*_OWN.values(), *([] if leaves.signals else _SIGNALS.values())]:
        steps += _on(known[arm], _own(known[2], pid))
    steps += _on(_CLONE[arm], _unless_bits(0, _NEW_NAMESPACES))
    for family in () if leaves.network else (_SOCKET, _SOCKETPAIR):
        steps += _on(family[arm], _only_unix())
    for sending in _SENDING:
        steps += _on(sending[arm], _unless_bits(sending[2], _FAST_OPEN))
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _refused(leaves: Leaves) -> list[tuple[int, int | None]]:
    refused: list[tuple[int, int | None]] = [*_REFUSED.values()]
    if not leaves.signals:
        refused.append(_PIDFD_SIGNAL)
    if not leaves.unix_sockets and not leaves.network:
        refused += [_SOCKET, _CONNECT]
    return refused


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    """One instruction: struct sock_filter."""
    return struct.pack("=HBBI", code, yes, no, value & 0xFFFFFFFF)


def _refuse(code: int) -> bytes:
    return _step(_RETURN, _ERROR | code)


def _test(at: int, kind: int, value: int, then: bytes, *, unless: bool = False) -> list[bytes]:
    """Load a word, and take one more instruction where it fits (or where it does not)."""
    return [_step(_LOAD, at), _step(kind, value, *((1, 0) if unless else (0, 1))), then]


def _on(number: int | None, steps: list[bytes]) -> list[bytes]:
    """Take these steps, which end in a verdict, where the call has this number; it is loaded."""
    return [] if number is None else [_step(_EQUAL, number, 0, len(steps)), *steps]


def _argument(index: int) -> int:
    """Where the low half of an argument lies; both machines store it first."""
    return _ARGUMENTS_AT + 8 * index


def _own(index: int, pid: int) -> list[bytes]:
    """Allow 0 and the process itself."""
    return [
        _step(_LOAD, _argument(index)),
        _step(_EQUAL, 0, 2, 0),
        _step(_EQUAL, pid, 1, 0),
        _refuse(errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _unless_bits(index: int, bits: int) -> list[bytes]:
    return [
        *_test(_argument(index), _ANY_BIT, bits, _refuse(errno.EPERM)),
        _step(_RETURN, _ALLOW),
    ]


def _only_unix() -> list[bytes]:
    return [
        *_test(_argument(0), _EQUAL, socket.AF_UNIX, _refuse(errno.EPERM), unless=True),
        _step(_RETURN, _ALLOW),
    ]
