"""Run a script of the demo's project as its author would, with its chatter kept in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gate.errors import GateError

TIMEOUT_S = 600
FOREIGN = ("MLFLOW_", "GIT_")


def run_script(folder: Path, script: str, *arguments: str) -> None:
    """Run `python script arguments` in the folder; what it prints goes to .gate/demo.log there.

    Settings of MLflow and git in this environment are kept away, since they could lead the run to somebody's real
    server. Raises GateError with the script's last line where it fails or takes longer than ten minutes.
    """
    log = folder / ".gate" / "demo.log"
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, script, *arguments]
    with log.open("a", encoding="utf-8") as output:
        try:
            subprocess.run(  # noqa: S603 - the command is this Python and the demo's own script
                command,
                cwd=folder,
                env=_environment(),
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
            )
        except subprocess.SubprocessError as error:
            raise GateError(
                f"The demo's {script} failed: {_last_line(log) or error}.", remedy=f"All that it printed is in {log}."
            ) from error


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip().rstrip(".") for line in reversed(lines) if line.strip()), "")
