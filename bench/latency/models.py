"""Models whose speed is known against each other: the same answers, one with more work for each call.

The work is real: a loop of NumPy products, so long that it takes a known share of the time of the model's own answer.
What the share really is was measured in one process, by many short turns of both.
"""

from __future__ import annotations

import json
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

CODE = '''
import json
import time

import mlflow
import numpy as np


class Worked(mlflow.pyfunc.PythonModel):
    """Answers as the model inside does, and does `loops` rounds of other work for each call."""

    def load_context(self, context):
        import cloudpickle

        with open(context.artifacts["model"], "rb") as file:
            self.model = cloudpickle.load(file)
        with open(context.artifacts["work"]) as file:
            work = json.load(file)
        self.loops, self.sleep_s = work["loops"], work["sleep_s"]
        self.matrix = np.eye(24) * 0.5

    def predict(self, context, model_input, params=None):
        answer = self.model.predict(model_input)
        product = self.matrix
        for _ in range(self.loops):
            product = product @ self.matrix
        if self.sleep_s:
            time.sleep(self.sleep_s)
        return answer


mlflow.models.set_model(Worked())
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A fitted model, the rows that it is asked, and where its versions are saved."""

    name: str
    model: Any
    inputs: pa.Table
    folder: Path

    def version(self, name: str, *, loops: int = 0, sleep_s: float = 0.0) -> Path:
        """Save a version that does so much more work for each call; give its folder."""
        import cloudpickle
        import mlflow.pyfunc
        from mlflow.models import infer_signature

        where = self.folder / f"{self.name}-{name}"
        where.mkdir(parents=True)
        (where / "code.py").write_text(CODE)
        (where / "work.json").write_text(json.dumps({"loops": loops, "sleep_s": sleep_s}))
        (where / "model.pkl").write_bytes(cloudpickle.dumps(self.model))
        frame = self.inputs.to_pandas()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlflow.pyfunc.save_model(
                where / "model",
                python_model=str(where / "code.py"),
                artifacts={"model": str(where / "model.pkl"), "work": str(where / "work.json")},
                signature=infer_signature(frame, self.model.predict(frame)),
                pip_requirements=["scikit-learn"],
            )
        return where / "model"


def world(name: str, folder: Path) -> World:
    """Fit a model of this name on scikit-learn's diabetes data: linear, forest or boosted.

    Raises:
        KeyError: there is no such model.
    """
    from sklearn.datasets import load_diabetes

    frame, target = load_diabetes(return_X_y=True, as_frame=True)
    model = _MAKERS[name]().fit(frame, target)
    return World(name=name, model=model, inputs=pa.Table.from_pandas(frame, preserve_index=False), folder=folder)


def _linear() -> Any:  # noqa: ANN401 - scikit-learn's estimators have no common type
    from sklearn.linear_model import ElasticNet
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), ElasticNet(alpha=0.1))


def _forest() -> Any:  # noqa: ANN401 - as above
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=100, random_state=0, n_jobs=1)


def _boosted() -> Any:  # noqa: ANN401 - as above
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(random_state=0)


_MAKERS: dict[str, Callable[[], Any]] = {"linear": _linear, "forest": _forest, "boosted": _boosted}
NAMES = tuple(_MAKERS)


def loops_for(path: Path, rows: pd.DataFrame, share: float) -> int:
    """How many rounds of the other work take this share of the time of one whole answer to these rows."""
    import mlflow.pyfunc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predict = mlflow.pyfunc.load_model(str(path)).predict
    matrix = np.eye(24) * 0.5

    def work(loops: int) -> None:
        product = matrix
        for _ in range(loops):
            product = product @ matrix

    calls, rounds = [], []
    for _ in range(200):
        calls.append(_seconds(lambda: predict(rows)))
        rounds.append(_seconds(lambda: work(100)) / 100)
    return round(share * statistics.median(calls) / statistics.median(rounds))


def _seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began
