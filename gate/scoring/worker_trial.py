"""Whether a worker can run on an interpreter: it imports what every worker needs, behind the wall, and says what fails.

Started as `python -m gate.scoring.worker_trial WALL_FD`.
"""

from __future__ import annotations

import importlib
import os
import sys

from gate.scoring.worker_wall import Wall, enter

_PARTS = ("worker", "worker_inputs", "worker_answers", "forking")
MARK = "gate cannot run here: "


def main(arguments: list[str]) -> int:
    """Import everything; 1 where that fails."""
    with os.fdopen(int(arguments[0]), encoding="utf-8") as file:
        file.seek(0)
        enter(Wall.of(file.read()))
    try:
        for part in _PARTS:
            importlib.import_module(f"gate.scoring.{part}")
        importlib.import_module("mlflow.pyfunc")
    except BaseException as error:  # noqa: BLE001 - a package may raise anything while it is imported
        sys.stdout.write(f"{MARK}{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
