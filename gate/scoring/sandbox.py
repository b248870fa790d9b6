"""Start a command behind a wall, and end it with everything that it started.

At every level: an environment of allowed names alone, a private folder for home, temporary files and the working
directory, a session of its own, no inherited descriptors but those named, a process group that is killed as a whole.
What a level adds is told by its `Enclosure`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from gate.scoring.bounds import Bounds
from gate.scoring.capture import Capture
from gate.scoring.enclosure import Enclosure
from gate.scoring.python import Python
from gate.scoring.watching import descendants
from gate.scoring.worker_folder import FOLDER_PREFIX, remove_folder

_ALLOWED = frozenset(
    {
        "CONDA_PREFIX",
        "DYLD_FALLBACK_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "PATH",
        "PYTHONPATH",
        "TZ",
        "VIRTUAL_ENV",
    }
)
_ALLOWED_PREFIXES = ("LC_", "OPENBLAS_", "MKL_", "OMP_", "KMP_")
_THREADS = (
    "LOKY_MAX_CPU_COUNT",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_GROUP_GRACE_S = 5.0
_INSIDE = 3
"""Bubblewrap outside, bubblewrap inside, and the command."""
_INSIDE_S = 2.0
_LOOK_S = 0.005
_BY_SIGNAL = 128
"""Bubblewrap's exit code for a command that a signal killed is this and the signal's number."""


def environment(folder: Path, python: Python) -> dict[str, str]:
    """All that an untrusted process of this Python sees of the environment; `folder` is its home."""
    kept = {name: value for name, value in os.environ.items() if name in _ALLOWED or name.startswith(_ALLOWED_PREFIXES)}
    nowhere = (folder / "nowhere").as_uri()
    alike = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "MPLCONFIGDIR": str(folder),
        "PYTHONUSERBASE": site.getuserbase(),
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "MLFLOW_TRACKING_URI": nowhere,
        "MLFLOW_REGISTRY_URI": nowhere,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        **dict.fromkeys(_THREADS, "1"),
    }
    return python.environ(kept | alike)


class Sandbox:
    """One running command behind a wall."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int],
        enclosure: Enclosure,
        memory_mb: int,
        bounded: bool = True,
    ) -> None:
        """Start the command; it inherits `pass_fds`, and a descriptor with its wall as the last argument.

        `memory_mb` bounds what it writes, and its memory unless `bounded` leaves that to somebody else.
        """
        self.folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)).resolve()
        self.enclosure = enclosure
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None
        self.bounds = Bounds(enclosure, self.folder, memory_mb, self._known) if bounded else None
        read_fd, write_fd = os.pipe()
        self.capture = Capture(read_fd, self.bounds.look if self.bounds else None)
        try:
            with contextlib.ExitStack() as stack:
                wall_fd = stack.enter_context(_handed(enclosure.wall().text()))
                wrapped, options_fd = enclosure.wrapped([*command, str(wall_fd)], self.folder, memory_mb)
                if options_fd is not None:
                    stack.callback(os.close, options_fd)
                self._process = subprocess.Popen(  # noqa: S603 - the command is the gate's own, no shell
                    wrapped,
                    stdin=subprocess.DEVNULL,
                    stdout=write_fd,
                    stderr=write_fd,
                    cwd=self.folder,
                    env=environment(self.folder, enclosure.python),
                    pass_fds=[*pass_fds, wall_fd, *([options_fd] if options_fd is not None else [])],
                    start_new_session=True,
                )
        except BaseException:
            self.end()
            raise
        finally:
            os.close(write_fd)
        self._take()

    def _known(self) -> int | None:
        return self._process.pid if self._process else None

    def _take(self) -> None:
        """Put the process into its bounds, and the one inside the wall, as soon as it is there."""
        if self.bounds is None:
            return
        pids = {self.pid}
        deadline = time.monotonic() + _INSIDE_S
        while self.enclosure.hides_files and len(pids) < _INSIDE and time.monotonic() < deadline:
            pids |= descendants(self.pid)
            time.sleep(_LOOK_S)
        self.bounds.take(sorted(pids))

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group and session too."""
        if self._process is None:
            raise ProcessLookupError("it was not started")
        return self._process.pid

    @property
    def breach(self) -> str:
        """What it went beyond, nothing where it did not."""
        return self.bounds.told if self.bounds else ""

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that killed it."""
        code = self._process.poll() if self._process else 0
        return _BY_SIGNAL - code if self.enclosure.hides_files and code is not None and code > _BY_SIGNAL else code

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended by itself within the time."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        return self.exit_code is not None

    def end(self) -> None:
        """Kill the group and whoever left it, and remove the private folder. Can be called again."""
        if self._ended:
            return
        self._ended = True
        if self._process is not None:
            _kill(partial(os.killpg, self.pid, signal.SIGKILL))
            self.wait(_GROUP_GRACE_S)
            kill_strays(self.folder)
        if self.bounds is not None:
            self.bounds.end()
        self.capture.close()
        remove_folder(self.folder)


def _kill(kill: Callable[[], None]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        kill()


def kill_strays(folder: Path) -> None:
    """Kill whoever made a session of his own and still carries the private folder in his environment (Linux)."""
    for pid in _strays(folder):
        _kill(partial(os.kill, pid, signal.SIGKILL))


def _strays(folder: Path) -> list[int]:
    """Processes that made a session of their own and still carry the private folder in their environment (Linux)."""
    if sys.platform != "linux":
        return []
    mark = f"TMPDIR={folder}".encode()
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and mark in _environ(entry)]


def _environ(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


@contextlib.contextmanager
def _handed(text: str) -> Iterator[int]:
    """A descriptor from which the text can be read: arguments and variables would show it to everybody inside."""
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        file.seek(0)
        yield file.fileno()
