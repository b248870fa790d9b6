"""Start a command behind a wall, and end it with everything that it started.

The wall of level `subprocess`: an environment of allowed names alone, a private folder for home, temporary files
and the working directory, a session of its own, no inherited descriptors but those named, a process group that is
killed as a whole. A stronger wall is one more entry of WALLS: a function from command to command.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from gate.scoring.capture import Capture
from gate.scoring.protocol import FOLDER_PREFIX

WALLS: Mapping[str, Callable[[list[str], Path], list[str]]] = {"subprocess": lambda command, _folder: command}
"""Isolation level -> what wraps the command, given the private folder."""

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


def environment(folder: Path) -> dict[str, str]:
    """All that an untrusted process sees of the environment; `folder` is its home."""
    kept = {name: value for name, value in os.environ.items() if name in _ALLOWED or name.startswith(_ALLOWED_PREFIXES)}
    nowhere = (folder / "nowhere").as_uri()
    return kept | {
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


class Sandbox:
    """One running command behind a wall."""

    def __init__(self, command: Sequence[str], *, pass_fds: Sequence[int], isolation: str = "subprocess") -> None:
        """Start the command; it inherits `pass_fds` and nothing else."""
        self.folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)).resolve()
        self.isolation = isolation
        self._ended = False
        read_fd, write_fd = os.pipe()
        self.capture = Capture(read_fd)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the gate's own, no shell
                WALLS[isolation](list(command), self.folder),
                stdin=subprocess.DEVNULL,
                stdout=write_fd,
                stderr=write_fd,
                cwd=self.folder,
                env=environment(self.folder),
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        finally:
            os.close(write_fd)

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group and session too."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that killed it."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended by itself within the time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.returncode is not None

    def end(self) -> None:
        """Kill the group and whoever left it, and remove the private folder. Can be called again."""
        if self._ended:
            return
        self._ended = True
        _kill(partial(os.killpg, self.pid, signal.SIGKILL))
        self.wait(_GROUP_GRACE_S)
        kill_strays(self.folder)
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


def remove_folder(folder: Path) -> None:
    """Remove a folder whatever permissions its content was given."""
    for root, names, _ in os.walk(folder):
        for path in (Path(root, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
