"""What isolation costs: `python -m bench.isolation`.

Workers without any wall and workers at the strongest level that this machine reaches take turns, in one run: a worker
is started, greeted and closed; then single rows are predicted by both, in random order.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from gate.scoring import isolation
from gate.scoring.enclosure import Enclosure
from gate.scoring.isolation import Attempt
from gate.scoring.launching import Launcher
from gate.scoring.session import Limits, Worker

STARTS = 31
PAIRS = 13
CALLS = 150
_LIMITS = Limits(timeout_s=60)
_KEY = "rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The level; seconds that a worker takes longer, start by start; CPU of a prediction beside that without, in %."""

    level: str
    start_s: tuple[float, ...]
    plain_start_s: tuple[float, ...]
    slower_percent: tuple[float, ...]


def measure() -> Cost:
    """Measure both, in one run."""
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as folder, ExitStack() as stack:
        models = Path(folder)
        _save(models / "model")
        level = isolation.reached().level
        walled = stack.enter_context(Launcher.of(_LIMITS, enclosure=Enclosure.of(level, models=models)))
        none = Enclosure(attempt=Attempt(level="subprocess", works=True))
        plain = stack.enter_context(Launcher.of(_LIMITS, enclosure=none))
        starts = [(_start_s(walled), _start_s(plain)) for _ in range(STARTS + 2)][2:]
        slower = tuple(_slower(walled, plain, models / "model") for _ in range(PAIRS))
    return Cost(
        level=level,
        start_s=tuple(ours for ours, _ in starts),
        plain_start_s=tuple(theirs for _, theirs in starts),
        slower_percent=slower,
    )


def _start_s(launcher: Launcher) -> float:
    began = time.perf_counter()
    with launcher.start() as worker:
        worker.ready()
    return time.perf_counter() - began


def _slower(walled: Launcher, plain: Launcher, model: Path) -> float:
    """The median CPU of a prediction behind the wall beside that without, of one process each."""
    with walled.start() as ours, plain.start() as theirs:
        for worker in (ours, theirs):
            _prepare(worker, model)
        spent: dict[Worker, list[int]] = {ours: [], theirs: []}
        for _ in range(CALLS):
            for worker in random.sample((ours, theirs), 2):
                spent[worker].append(worker.call(1)[0])
        return 100 * (statistics.median(spent[ours]) / statistics.median(spent[theirs]) - 1)


def _prepare(worker: Worker, model: Path) -> None:
    worker.load(model)
    worker.put(_KEY, pa.table({"a": np.arange(4.0), "b": np.arange(4.0)}))
    worker.stage(_KEY, np.arange(CALLS + 10) % 4, 1)
    worker.call(10)


def _save(folder: Path) -> None:
    import mlflow.sklearn
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            LinearRegression().fit(frame, frame["a"]),
            folder,
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure())) + "\n")
