"""Which wall this machine can give, found out by trying it, and what would give the next stronger one."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from gate.errors import GateError
from gate.scoring import bubblewrap, cgroups, surroundings, worker_filter, worker_landlock
from gate.scoring.worker_folder import FOLDER_PREFIX, remove_folder
from gate.scoring.worker_wall import Trial, Wall, tried

Level = Literal["subprocess", "landlock", "bwrap"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the weakest to the strongest."""

_TRY_S = 5.0
_DISK_MB = 16
_WORDS = 200
_INSTALLERS = {
    "apt-get": "sudo apt-get install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "apk": "sudo apk add bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of trying a level."""

    level: Level
    works: bool
    abi: int = 0
    """Of Landlock, where it works inside; 0: there is none."""
    calls: bool = False
    """Whether system calls are filtered."""
    why: str = ""
    """Why it does not work."""
    remedy: str = ""
    """The command that would mend that."""

    @property
    def apart(self) -> bool:
        """Whether workers of one fork server can neither see, nor trace, nor signal each other."""
        return self.abi >= worker_landlock.SIGNALS_SINCE or (self.abi > 0 and self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The strongest level that works here, and what is in the way of the stronger ones, the next first."""

    attempt: Attempt
    missing: tuple[Attempt, ...] = ()
    memory: str = "rlimit"
    """How memory is limited: "cgroup" (of all that a worker starts), "rlimit" (of each process)."""

    @property
    def level(self) -> Level:
        """The level's name."""
        return self.attempt.level

    @property
    def facts(self) -> Mapping[str, str]:
        """What is held how, for people."""
        network = {"bwrap": "none", "landlock": "refused"}.get(self.level, "refused" if self.attempt.calls else "open")
        scoped = self.level == "bwrap" or self.attempt.calls or self.attempt.abi >= worker_landlock.SIGNALS_SINCE
        return {
            "files": {"bwrap": "hidden", "landlock": "refused"}.get(self.level, "open"),
            "network": network,
            "signals": "kept within" if scoped else "open",
            "memory": self.memory,
        }


@cache
def reached() -> Reached:
    """Try the levels, the strongest first; takes less than a tenth of a second, once a process."""
    missing: list[Attempt] = []
    for level in reversed(LEVELS):
        found = attempt(level)
        if found.works:
            memory = "cgroup" if cgroups.available() else "rlimit"
            return Reached(attempt=found, missing=tuple(missing[::-1]), memory=memory)
        missing.append(found)
    raise AssertionError("the weakest level works everywhere")


def shortfall(minimum: Level) -> GateError | None:
    """Give the error where this machine does not reach a level, None where it does."""
    found = reached()
    if LEVELS.index(found.level) >= LEVELS.index(minimum):
        return None
    why = next(entry for entry in found.missing if entry.level == minimum)
    return GateError(
        f"This machine isolates models by {found.level} at the most, and isolation.minimum asks for {minimum}: "
        f"{why.why}.",
        remedy=f"{why.remedy} Or set isolation.minimum to {found.level}.".strip(),
    )


@cache
def attempt(level: Level) -> Attempt:
    """Start a trivial command behind the wall of a level, really."""
    if sys.platform != "linux":
        works = level == "subprocess"
        return Attempt(level=level, works=works, why="" if works else "it needs Linux")
    if level == "bwrap":
        return _bwrap()
    if level == "landlock":
        return _landlock(_gives_up())
    return Attempt(level=level, works=True, calls=_gives_up().calls)


def _bwrap() -> Attempt:
    if bubblewrap.installed() is None:
        return Attempt(level="bwrap", works=False, why="bubblewrap is not installed", remedy=_install())
    problem = _starts_inside()
    if problem:
        return Attempt(level="bwrap", works=False, why=f"bubblewrap fails ({problem})", remedy=_allow(problem))
    given_up = _gives_up()
    return Attempt(level="bwrap", works=True, abi=given_up.abi if given_up.files else 0, calls=given_up.calls)


def _landlock(given_up: Trial) -> Attempt:
    if given_up.abi == 0:
        why = "the kernel has no Landlock, or it is switched off"
        remedy = "Take Linux 5.13 or later, started with landlock among the names in lsm=."
    elif not worker_filter.available():
        why, remedy = f"there is no filter of system calls for {os.uname().machine}", ""
    elif not given_up.files or not given_up.calls:
        why, remedy = "Landlock or the filter of system calls is refused here", _IN_CONTAINER if _in_container() else ""
    else:
        return Attempt(level="landlock", works=True, abi=given_up.abi, calls=True)
    return Attempt(level="landlock", works=False, why=why, remedy=remedy)


def _starts_inside() -> str:
    """Start this interpreter in bubblewrap, with all options; give the problem where that fails."""
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)).resolve()
    view = bubblewrap.View(read=surroundings.readable(), folder=folder, disk_mb=_DISK_MB)
    command, fd = bubblewrap.wrapped([sys.executable, "-I", "-S", "-c", "pass"], view)
    try:
        done = subprocess.run(  # noqa: S603 - the gate's own command
            command,
            cwd=folder,
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRY_S,
            check=False,
            pass_fds=(fd,),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"[:_WORDS]
    finally:
        os.close(fd)
        remove_folder(folder)
    if done.returncode == 0:
        return ""
    return " ".join((done.stderr.strip().splitlines() or ["no reason given"])[-1].split())[:_WORDS]


@cache
def _gives_up() -> Trial:
    """Let a forked child give up its rights, which is for good, and tell what it lost."""
    read_fd, write_fd = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads are no concern of this child's
        pid = os.fork()
    if pid == 0:
        try:
            found = tried(Wall(read=tuple(map(str, surroundings.readable()))))
            os.write(write_fd, bytes((found.abi, found.files, found.calls)))
        finally:
            os._exit(0)
    os.close(write_fd)
    try:
        told = os.read(read_fd, 3) if select.select([read_fd], [], [], _TRY_S)[0] else b""
    finally:
        os.close(read_fd)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    abi, files, calls = told or (0, 0, 0)
    return Trial(abi=abi, files=bool(files), calls=bool(calls))


def _install() -> str:
    found = next((command for name, command in _INSTALLERS.items() if shutil.which(name)), "install bubblewrap")
    return f"Install it: {found}."


_IN_CONTAINER = (
    "Start the container with: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined."
)
_SWITCHES = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("user/max_user_namespaces", "0", "15000"),
)
"""Under /proc/sys: what keeps users from having namespaces, and the value that does not."""


def _allow(problem: str) -> str:
    """Give the command that lets bubblewrap work here."""
    if "nknown option" in problem:
        return "Update it: version 0.7 or later is needed."
    for name, bad, good in _SWITCHES:
        if _switch(name) == bad:
            return f"Allow it: sudo sysctl -w {name.replace('/', '.')}={good}."
    if _in_container():
        return _IN_CONTAINER
    return "Try by hand: bwrap --unshare-all --ro-bind / / --proc /proc true."


def _switch(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
