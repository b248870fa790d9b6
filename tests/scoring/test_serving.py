"""A model server that does not come up, and one whose gate goes away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gate.scoring.serving import ModelServer, ServerFailedError, last_error
from gate.scoring.session import Limits

ABANDON = """
import os, sys
from pathlib import Path
from gate.scoring.serving import ModelServer
from gate.scoring.session import Limits
server = ModelServer.start(Path(sys.argv[1]), Limits())
print(server.pid, server._sandbox.folder, flush=True)
os._exit(0)
"""


def test_a_server_that_cannot_load_its_model_says_why(tmp_path):
    """An empty folder: MLflow's own words, with the exit code, and nothing is left running."""
    server = ModelServer.start(tmp_path, Limits())
    with server, pytest.raises(ServerFailedError, match=r"ended itself with exit code 1: .*MLmodel"):
        server.wait(time.monotonic() + 120)
    with pytest.raises(ProcessLookupError):
        os.killpg(server.pid, 0)


def test_a_server_dies_with_the_gate(tmp_path):
    """The gate is gone without a word: the group and its folder are, too."""
    done = subprocess.run(
        [sys.executable, "-c", ABANDON, tmp_path], capture_output=True, text=True, check=True, timeout=60
    )
    pid, folder = done.stdout.split()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(int(pid), 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the server outlived the gate")
    assert not Path(folder).exists()


def test_time_that_ends_is_said(tmp_path):
    """No server comes up within nothing."""
    with ModelServer.start(tmp_path, Limits()) as server, pytest.raises(ServerFailedError, match="did not come up"):
        server.wait(time.monotonic())


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("x\nValueError: no weights\nException: Command 'x' returned non zero return code", "ValueError: no weights"),
        ("mlflow.exceptions.MlflowException: gone\nmore", "mlflow.exceptions.MlflowException: gone"),
        ("killed by somebody", "killed by somebody"),
        ("", ""),
    ],
)
def test_the_reason_is_the_models_error_not_its_echo(output, told):
    """MLflow's last line says only that the command failed."""
    assert last_error(output) == told
