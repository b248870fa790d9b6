"""A real MLflow registry for every test that asks for one, without paying six seconds for each."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

from gate.benchmark.generator import offered

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
settings.register_profile("gate", deadline=None)  # machines are noisy: no test is about time
settings.load_profile("gate")
if not offered():  # no load generator for this Python on this machine, and nothing that --served could do
    collect_ignore = [
        "benchmark/test_generator.py", "cli/test_served.py", "test_open_loop_for_real.py", "test_serving_load.py",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def registry_db(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The file of an empty MLflow SQLite registry: built once a session, shared between xdist workers. Copy it."""
    base = tmp_path_factory.getbasetemp()
    folder = base if worker_id == "master" else base.parent
    path = folder / "empty-registry.db"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            unfinished = path.with_suffix(".unfinished")
            _create_schema(unfinished)
            unfinished.rename(path)
    return path


def _create_schema(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        MlflowClient(f"sqlite:///{path}").search_registered_models(max_results=1)


@pytest.fixture
def registry_uri(registry_db: Path, tmp_path: Path) -> str:
    """The address of an empty registry that is this test's own."""
    shutil.copy(registry_db, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Trains small real models and registers them. `folder` is where artifacts go, unless a server keeps them."""

    uri: str
    folder: Path
    client: Any

    def register(self, model: str = "wine", *, slope: float = 2.0, **logged: Any) -> int:
        """Train y = slope * x on 20 rows, log it with all that `logged` names, register it; give the version.

        `logged`: params, metrics, tags, datasets=[(frame, path, context)], signature=False, example=False.
        """
        import mlflow

        with quiet():
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_experiment(experiment_id=self._experiment())
            with mlflow.start_run() as run:
                _log_facts(logged)
                info = _log_model(slope, logged)
            version = mlflow.register_model(info.model_uri, model)
        assert run.info.run_id
        return int(version.version)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name("teaching")
        if found is not None:
            return str(found.experiment_id)
        place = None if self.uri.startswith("http") else (self.folder / "artifacts").as_uri()
        return str(self.client.create_experiment("teaching", artifact_location=place))


class quiet(warnings.catch_warnings):  # noqa: N801 - used like a function
    """MLflow, pandas and SQLAlchemy warn about one another; no test is about that."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")


def _log_facts(logged: dict[str, Any]) -> None:
    import mlflow

    mlflow.log_params(logged.get("params", {"alpha": "0.1"}))
    mlflow.log_metrics(logged.get("metrics", {"rmse": 1.5}))
    mlflow.set_tags(logged.get("tags", {}))
    for frame, path, context in logged.get("datasets", []):
        mlflow.log_input(mlflow.data.from_pandas(frame, source=str(path), name=context), context=context)


def _log_model(slope: float, logged: dict[str, Any]) -> Any:
    import mlflow
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.linear_model import LinearRegression

    inputs = pd.DataFrame({"x": [float(row) for row in range(20)]})
    trained = LinearRegression().fit(inputs, slope * inputs["x"])
    signature = infer_signature(inputs, trained.predict(inputs)) if logged.get("signature", True) else None
    return mlflow.sklearn.log_model(
        trained,
        name="model",
        signature=signature,
        input_example=inputs[:3] if logged.get("example", False) else None,
        pip_requirements=["scikit-learn"],
        serialization_format="cloudpickle",
    )


@pytest.fixture
def teacher(registry_uri: str, tmp_path: Path) -> Teacher:
    """Registers small real models in this test's own registry."""
    return _teacher(registry_uri, tmp_path)


def _teacher(uri: str, folder: Path) -> Teacher:
    with quiet():
        from mlflow import MlflowClient

        return Teacher(uri=uri, folder=folder, client=MlflowClient(uri))


@pytest.fixture
def make_teacher(tmp_path: Path) -> Callable[[str], Teacher]:
    """Give a teacher for another address, a server's for example."""
    return lambda uri: _teacher(uri, tmp_path)
