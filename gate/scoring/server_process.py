"""MLflow's own model server on a leash: `python -P -m gate.scoring.server_process ALIVE_FD MEMORY_MB MODEL PORT`.

It is started behind a wall, runs `mlflow models serve` below it within the worker's limits, and kills the whole group
once the gate is gone. It holds no model itself.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

from gate.scoring import worker

HOST = "127.0.0.1"


def main(arguments: list[str]) -> int:
    """Serve until somebody ends it; the exit code is the server's."""
    alive_fd, memory_mb, model, port = int(arguments[0]), int(arguments[1]), arguments[2], int(arguments[3])
    worker.limit(memory_mb)
    _open_as_many_connections_as_allowed()
    os.set_inheritable(alive_fd, False)  # noqa: FBT003 - the standard library's own signature
    leash = threading.Thread(target=worker.die_with_the_gate, args=(alive_fd, Path.cwd()), daemon=True)
    leash.start()
    command = ["models", "serve", f"--model-uri={model}", "--env-manager=local", f"--host={HOST}", f"--port={port}"]
    return subprocess.call(  # noqa: S603 - the gate's own command, no shell
        [sys.executable, "-P", "-m", "mlflow", *command, "--workers=1"],
        env={**os.environ, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))},
    )


def _open_as_many_connections_as_allowed() -> None:
    """An open loop does not wait: a slow server holds many connections at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
