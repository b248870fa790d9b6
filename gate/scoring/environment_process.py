"""Runs what builds an environment, one command after the other, behind its wall.

Started as `python -P -m gate.scoring.environment_process MEMORY_MB COMMANDS WALL_FD`, where COMMANDS is a JSON list.
It ends with 10 and the number of the command that failed.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys

from gate.scoring.worker_wall import Wall, enter

FIRST = 10
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Give up what is not needed, and run the commands."""
    memory_mb, commands, wall_fd = arguments
    with os.fdopen(int(wall_fd), encoding="utf-8") as file:
        file.seek(0)
        wall = Wall.of(file.read())
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory_mb) << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _die_with_the_gate()
    enter(wall)
    for number, command in enumerate(json.loads(commands)):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, preexec_fn=_die_with_the_gate)  # noqa: S603 - the gate's own commands, and one thread
        if done.returncode:
            return FIRST + number
    return 0


def _die_with_the_gate() -> None:
    """End when the process that started this one does (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
