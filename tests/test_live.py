"""The versions themselves, for what checks ask: when a process is started, and what it is told."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gate.authors import ModelFailedError
from gate.domain import Artifact, Comparison, EvaluationData, Failure, Field, Signature, Snapshot, Task
from gate.errors import GateError
from gate.live import MOST_STAGED, live_versions
from gate.scoring.answers import Naming
from gate.scoring.launching import Launchers
from gate.scoring.raw import RawAnswer
from gate.scoring.session import WorkerFailedError
from gate.settings import ModelConfig

SIGNATURE = Signature(inputs=(Field(name="x", type="double"),), outputs=None)


@dataclass
class Process:
    """A worker whose model answers x, and fails as it is told; it remembers what it was asked."""

    fails: dict = field(default_factory=dict)
    alive: bool = True
    told: list = field(default_factory=list)
    rows: dict = field(default_factory=dict)
    staged: list = field(default_factory=list)

    def load(self, path):  # noqa: ARG002 - the worker's
        self._do("load")
        return 0.5

    def put(self, key, table):
        self.staged = []
        self.rows[key] = table
        self._do("put")

    def predict(self, key):
        self.staged = []
        self._do("predict")
        answers = self.rows[key].select(["x"]).slice(0, self.fails.get("rows"))
        return RawAnswer(shape="values", table=answers)

    def stage(self, key, positions, batch):
        self._do("stage")
        self.staged = list(np.split(self.rows[key].column("x").to_numpy()[positions], len(positions) // batch))

    def call(self, count):
        self._do("call")
        self.last = [self.staged.pop(0) for _ in range(count)]
        return 1_000_000, 2_000_000

    def close(self):
        self.alive = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _do(self, what):
        self.told.append(what)
        if what in self.fails:
            raise WorkerFailedError(Failure(stage=self.fails[what], kind="ValueError", text="no"))


@dataclass
class Launcher:
    """Starts what it was given, then healthy processes."""

    processes: str = "forked"
    given: list = field(default_factory=list)
    started: list = field(default_factory=list)

    def start(self):
        self.started.append(self.given.pop(0) if self.given else Process())
        return self.started[-1]


@pytest.fixture
def live():
    """Ask a version of ten rows, x from 0 to 9; (the candidate, its launcher)."""
    with ExitStack() as stack:

        def make(*given):
            launcher = Launcher(given=list(given))
            table = pa.table({"x": np.arange(10.0), "y": np.zeros(10)})
            data = EvaluationData(table=table, source="s", digest="d", target="y", id=None)
            files = Artifact(path=Path("model"), files=(), digest="d")
            snapshot = Snapshot(
                model="m", version=2, run_id=None, model_id=None, source=None, created_at=None, description="",
                tags={}, aliases=(), legacy_stage=None, run=None, signature=SIGNATURE, requirements=(),
                environment={}, flavors=(), artifact=files,
            )  # fmt: skip
            comparison = Comparison(candidate=snapshot, baseline=None, baseline_chosen_by=None, data=data)
            naming = Naming.of(Task.REGRESSION)
            versions = live_versions(comparison, naming, ModelConfig(), 0.99, Launchers.alike(launcher), stack)
            return versions.version("candidate"), launcher

        yield make


def test_nothing_is_started_before_it_is_asked(live):
    """Most checks ask nothing; then one process answers all."""
    version, launcher = live()
    assert launcher.started == []
    assert version.predict(3).column("prediction").to_pylist() == [0.0, 1.0, 2.0]
    assert version.predict(pa.table({"x": [7], "y": [1]})).column("prediction").to_pylist() == [7.0]
    assert len(launcher.started) == 1
    assert launcher.started[0].rows["asked"].column_names == ["x"]


def test_more_rows_than_there_are_is_the_askers_error(live):
    """Answers must be those of evaluation rows."""
    with pytest.raises(ValueError, match="11 evaluation rows were asked for, and there are 10"):
        live()[0].predict(11)


def test_every_row_is_called_once_before_any_twice(live):
    """However often, and whatever a call takes at once."""
    version, launcher = live()
    held = version.hold(4)
    seen = []
    for _ in range(10):
        assert version.call(held) == 0.002
        seen += [*launcher.started[0].last[0]]
    assert all(sorted(seen[at : at + 10]) == list(range(10)) for at in range(0, 40, 10))


def test_rows_of_ones_own_are_called_in_their_order(live):
    """All of them, each time."""
    version, launcher = live()
    held = version.hold(pa.table({"x": [5.0, 3.0]}))
    for _ in range(3):
        version.call(held)
        assert launcher.started[0].last[0].tolist() == [5.0, 3.0]


def test_inputs_are_cut_when_they_run_out_or_something_else_was_asked(live):
    """A worker that was asked something else has left the staged calls."""
    version, launcher = live()
    first, second = version.hold(1), version.hold(2)
    asked = [first] * (MOST_STAGED + 1) + [second, first]
    for held in asked:
        version.call(held)
    version.predict(1)
    version.call(first)
    assert launcher.started[0].told.count("stage") == 5


def test_what_the_model_raises_is_the_models(live):
    """The process goes on: the next question reaches the same one."""
    version, launcher = live(Process(fails={"predict": "predict"}))
    with pytest.raises(ModelFailedError, match="the candidate failed: ValueError: no"):
        version.predict(1)
    assert version.call(version.hold(1)) == 0.002
    assert len(launcher.started) == 1


def test_a_process_that_died_is_replaced_with_all_that_was_held(live):
    """One check must not take the version away from the others."""
    version, launcher = live()
    held = version.hold(1)
    version.call(held)
    launcher.started[0].alive = False
    assert version.call(held) == 0.002
    assert launcher.started[1].told == ["load", "put", "stage", "call"]


def test_a_version_that_does_not_load_leaves_no_process(live):
    """It fails at each question, and nothing is left of it."""
    version, launcher = live(Process(fails={"load": "load"}), Process(fails={"load": "load"}))
    for _ in range(2):
        with pytest.raises(ModelFailedError):
            version.predict(1)
    assert [process.alive for process in launcher.started] == [False, False]


def test_a_process_that_does_not_start_is_the_gates_fault(live):
    """Never the model's."""
    version, _ = live(Process(fails={"load": "start"}))
    with pytest.raises(GateError, match="did not start"):
        version.predict(1)


def test_a_column_that_rows_lack_is_named(live):
    """As the evaluation data are held to the signature."""
    with pytest.raises(ModelFailedError, match=r"MissingColumns: .* x$"):
        live()[0].predict(pa.table({"z": [1.0]}))


def test_an_answer_too_few_is_a_failure(live):
    """A frame of another length could not be lined up."""
    with pytest.raises(ModelFailedError, match="2 answers for 5 rows"):
        live(Process(fails={"rows": 2}))[0].predict(5)
