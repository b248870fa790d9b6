"""Real pyfunc models, saved once a session, and real workers that hold them."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from gate.scoring.enclosure import plain
from gate.scoring.fork_server import ForkServer
from gate.scoring.session import Limits, Worker

SOURCE = """
import ctypes, os, signal, sys, time
import mlflow
import numpy as np
import pandas as pd

class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
{load}

    def predict(self, context, model_input, params=None):
{predict}

mlflow.models.set_model(Model())
"""

Saved = Callable[..., Path]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Save a pyfunc model whose `predict` and `load` have these bodies; returns its folder."""

    def save(predict: str = "return model_input['x']", load: str = "pass", signature: object = None) -> Path:
        folder = tmp_path_factory.mktemp("model")
        code = folder / "model_code.py"
        bodies = {"load": textwrap.indent(load, " " * 8), "predict": textwrap.indent(predict, " " * 8)}
        code.write_text(SOURCE.format(**bodies))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import mlflow.pyfunc

            mlflow.pyfunc.save_model(
                folder / "model", python_model=str(code), pip_requirements=["mlflow"], signature=signature
            )
        return folder / "model"

    return save


@pytest.fixture(scope="session")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scikit-learn model with a signature of three doubles: the answer is a + 2 b + 3 c."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=["a", "b", "c"])
    target = frame["a"] + 2 * frame["b"] + 3 * frame["c"]
    folder = tmp_path_factory.mktemp("linear") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.sklearn
        from mlflow.models import infer_signature
        from sklearn.linear_model import LinearRegression

        model = LinearRegression().fit(frame, target)
        mlflow.sklearn.save_model(
            model,
            folder,
            signature=infer_signature(frame, model.predict(frame)),
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
    return folder


@pytest.fixture(scope="session")
def loaded() -> Iterator[Callable[[Path], Worker]]:
    """Load a model into one worker that all honest tests share; a new one where the last has died."""
    workers: list[Worker] = []

    def load(model: Path) -> Worker:
        if not workers or not workers[-1].alive:
            workers.append(Worker.start(Limits(timeout_s=30)))
        workers[-1].load(model)
        return workers[-1]

    yield load
    for worker in workers:
        worker.close()


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """One fork server for all tests that do not kill it."""
    server = ForkServer.start(plain(), 4096)
    yield server
    server.close()


@pytest.fixture
def processes() -> str:
    """How workers come about; a module may ask for "forked" ones, too."""
    return "fresh"


@pytest.fixture
def started(processes: str, fork_server: ForkServer) -> Iterator[Callable[..., Worker]]:
    """Start a worker with a model in it; it is closed after the test."""
    workers: list[Worker] = []

    def start(model: Path, *, timeout_s: float = 30, memory_mb: int = 4096, load: bool = True) -> Worker:
        limits = Limits(timeout_s=timeout_s, memory_mb=memory_mb)
        workers.append(Worker.fork(fork_server, limits) if processes == "forked" else Worker.start(limits))
        if load:
            workers[-1].load(model)
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture
def rows() -> pa.Table:
    """Five rows with one column `x`."""
    return pa.table({"x": [1.0, 2.0, 3.0, 4.0, 5.0]})
