"""Virtual time against real time: the same model, behind a real `mlflow models serve`, under real open-loop load."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

from gate.benchmark.generator import Load, Target, generate
from gate.evidence import open_loop
from gate.evidence.served import requests_of
from gate.scoring.server_process import HOST
from gate.scoring.serving import INVOCATIONS, ModelServer
from gate.scoring.session import Limits

SERVICE_S = 0.06
LOAD = 0.7
SINGLE, REQUESTS = 30, 250
SHARES = (0.5, 0.99)
ATTEMPTS = 3
"""What else runs on the machine meanwhile is in the tail of one load, hardly in those of three."""
FACTOR = 1.75
"""How far off the median and the 99th percentile may be: machines are noisy."""
MODEL = """
import threading, time
import mlflow
from mlflow.pyfunc import PythonModel

LOCK = threading.Lock()


class Model(PythonModel):
    def predict(self, context, model_input):
        came = time.monotonic_ns()
        with LOCK:
            time.sleep({seconds})
            with open({stamps!r}, "a") as file:
                file.write(f"{{came}} {{time.monotonic_ns()}}\\n")
        return [0.0]


mlflow.models.set_model(Model())
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run, in seconds: what callers saw, and what the model's own clock says that it was busy for each request."""

    due: np.ndarray
    took: np.ndarray
    busy: np.ndarray
    overhead: float
    """What a request takes beside the model, where nobody waits: the median."""

    def real(self, share):
        return float(np.quantile(self.took, share))

    def predicted(self, share):
        return float(np.quantile(open_loop.responses(self.busy, self.due), share)) + self.overhead

    def agrees(self, share):
        return self.predicted(share) / FACTOR < self.real(share) < self.predicted(share) * FACTOR


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """A model that holds a lock for 60 ms a request, under a load of 70 % of what it can do at the most."""
    folder = tmp_path_factory.mktemp("served")
    stamps, source = folder / "stamps", folder / "model.py"
    source.write_text(MODEL.format(seconds=SERVICE_S, stamps=str(stamps)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        mlflow.pyfunc.save_model(str(folder / "model"), python_model=str(source), pip_requirements=["mlflow"])
    with ModelServer.start(folder / "model", Limits()) as server:
        server.wait(time.monotonic() + 150)
        target = Target(port=server.port, path=INVOCATIONS, bodies=[b'{"inputs": [1.0]}'])
        for _ in range(ATTEMPTS):
            found = load_once(target, stamps)
            if all(found.agrees(share) for share in SHARES):
                break
    return found


def load_once(target, stamps):
    """Ask one by one, then under load; the server's own stamps tell how long each request held the lock."""
    runs = []
    for rate, requests in ((None, SINGLE), (LOAD / SERVICE_S, REQUESTS)):
        load = Load(rate=rate, requests=requests, most_s=60, seed=1)
        runs.append(requests_of(generate([target], load, HOST).run, 0))
    single, loaded = runs
    came, left = (np.loadtxt(stamps, dtype=np.int64) / 1e9).T
    alone = slice(-REQUESTS - SINGLE, -REQUESTS)
    free_again = np.maximum(came[-REQUESTS:], left[-REQUESTS - 1 : -1])
    return Measured(
        due=loaded.due_s,
        took=loaded.took_s,
        busy=left[-REQUESTS:] - free_again,
        overhead=float(np.median(single.took_s - (left - came)[alone])),
    )


@pytest.mark.parametrize("share", SHARES)
def test_real_latency_is_what_virtual_time_predicts(measured, share):
    """Lindley's recursion on the service times of the server gives the real median and the real 99th percentile."""
    assert measured.agrees(share), (measured.real(share), measured.predicted(share))


def test_the_queue_is_what_makes_the_tail(measured):
    """Without the recursion the prediction would be off by more than the factor: it would be service and overhead."""
    without = float(np.quantile(measured.busy, 0.5)) + measured.overhead
    assert measured.real(0.99) > 2 * without > FACTOR * without
