"""MLflow's own model server on a leash, as a process behind a wall.

It is what `mlflow models serve` runs: MLflow's application in uvicorn, one process. It is given the port to listen on,
and kills the whole group once the gate is gone. Started as
`python -P -m gate.scoring.server_process ALIVE_FD PORT_FD MEMORY_MB MODEL WALL_FD`.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path

from gate.scoring import worker
from gate.scoring.worker_wall import enter

HOST = "127.0.0.1"
GO = b"."
"""What the gate says once the process is within its bounds."""


def main(arguments: list[str]) -> int:
    """Serve until somebody ends it."""
    alive_fd, port_fd, memory_mb, wall_fd = (int(arguments[at]) for at in (0, 1, 2, 4))
    wall = worker.read_wall(wall_fd)
    if os.read(alive_fd, 1) != GO:
        return 1
    worker.limit(memory_mb)
    _open_as_many_connections_as_allowed()
    for fd in (alive_fd, port_fd):
        os.set_inheritable(fd, False)  # noqa: FBT003 - the standard library's own signature
    enter(replace(wall, unix_sockets=False))  # nor connections: what it listens on leads to the machine's network
    leash = threading.Thread(target=worker.die_with_the_gate, args=(alive_fd, Path.cwd()), daemon=True)
    leash.start()
    with socket.socket(fileno=port_fd) as listener:
        return 0 if _serve(arguments[3], listener) else 1


def _serve(model: str, listener: socket.socket) -> bool:
    """Run MLflow's application, which takes the model from a variable as it is imported; whether it came up."""
    import uvicorn
    from mlflow.pyfunc import scoring_server

    _, environment = scoring_server.get_cmd(model)
    os.environ.update(environment)
    server = uvicorn.Server(uvicorn.Config("mlflow.pyfunc.scoring_server.app:app"))
    server.run(sockets=[listener])
    return server.started


def _open_as_many_connections_as_allowed() -> None:
    """An open loop does not wait: a slow server holds many connections at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
