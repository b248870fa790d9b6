"""The versions themselves, for checks that ask questions of their own: a process each, started when it is asked first.

The processes that answered the evaluation data are not used: by then one has held the other version too, and a model
may have broken down over questions that were meant to break it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gate import crewing, timing
from gate.answering import why_not_loaded
from gate.authors import ModelFailedError
from gate.benchmark import METHOD
from gate.domain import Comparison, EvaluationData, Failure, Snapshot, Timings
from gate.errors import GateError
from gate.scoring.answers import Naming, name_columns
from gate.scoring.inputs import MissingColumnsError, inputs_for
from gate.scoring.launching import Launcher, Launchers
from gate.scoring.raw import RawAnswer
from gate.scoring.score import BATCH_ROWS, concatenate
from gate.scoring.session import Worker, WorkerFailedError
from gate.settings import Latency, ModelConfig

if TYPE_CHECKING:
    import pyarrow as pa

Side = Literal["candidate", "baseline"]
ASKED = "asked"
"""The key of the rows of a prediction."""
MOST_STAGED, STAGED_BYTES = 500, 32 << 20
"""Calls whose inputs are cut at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a call is asked: rows, and how many of them a call; all of them in their order where it is all of them."""

    key: str
    table: pa.Table
    batch: int
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @property
    def calls(self) -> int:
        """How many calls' inputs are cut at once."""
        call_bytes = max(1, int(self.table.nbytes) * self.batch // int(self.table.num_rows))
        return int(np.clip(STAGED_BYTES // call_bytes, 1, MOST_STAGED))

    def positions(self) -> np.ndarray[Any, Any]:
        """Row numbers of the next calls, int32 of shape (calls * batch,): every row once before any twice."""
        rows = self.table.num_rows
        if rows == self.batch:
            return np.tile(np.arange(rows, dtype=np.int32), self.calls)
        wanted = self.calls * self.batch
        passes = [self.random.permutation(rows) for _ in range(-(-wanted // rows))]
        return np.concatenate(passes)[:wanted].astype(np.int32)


@dataclass(slots=True, kw_only=True)
class LiveVersion:
    """One version in a process of its own. A process that has died is replaced at the next question."""

    side: Side
    snapshot: Snapshot
    data: EvaluationData | None
    naming: Naming
    launcher: Launcher
    stack: ExitStack
    load_s: float = field(default=0.0, init=False)
    _worker: Worker | None = field(default=None, init=False)
    _held: list[Held] = field(default_factory=list, init=False)
    _there: set[str] = field(default_factory=set, init=False)
    """Keys of what the process has."""
    _staged: tuple[int, int] = field(default=(-1, 0), init=False)
    """Which of what is held the next calls are about, and how many of them are left."""

    def predict(self, rows: pa.Table | int) -> pa.Table:
        """Answer rows, under the names of the contract."""
        __tracebackhide__ = True  # in an author's debugger the failure is the model's, not the gate's
        table = self.inputs(rows)
        if isinstance(rows, int):
            _refuse_too_many(rows, table.num_rows)
            table = table.slice(0, rows)
        with self._failing() as worker:
            parts = [_answer(worker, table.slice(at, BATCH_ROWS)) for at in range(0, table.num_rows, BATCH_ROWS)]
            return name_columns(concatenate(parts), self.naming).table

    def hold(self, rows: pa.Table | int) -> int:
        """Load what a call is to be asked."""
        __tracebackhide__ = True
        table = self.inputs(rows)
        if isinstance(rows, int):
            table = _drawn(table)
        key = f"held {len(self._held)}"
        self._held.append(Held(key=key, table=table, batch=rows if isinstance(rows, int) else table.num_rows))
        with self._failing() as worker:
            self._put(worker, self._held[-1])
        return len(self._held) - 1

    def call(self, held: int) -> float:
        """Predict once: wall seconds, by the gate's clock."""
        __tracebackhide__ = True
        asked, (staged, left) = self._held[held], self._staged
        with self._failing() as worker:
            if staged != held or not left or asked.key not in self._there:
                self._put(worker, asked)
                worker.stage(asked.key, asked.positions(), asked.batch)
                left = asked.calls
            seconds = worker.call(1)[1] / 1e9
            self._staged = (held, left - 1)
        return seconds

    def inputs(self, rows: pa.Table | int) -> pa.Table:
        """The inputs of these rows, or of all evaluation rows, in the types that the model takes."""
        data = self.data
        if not isinstance(rows, int):
            empty = EvaluationData(table=rows, source="", digest="", target=None, id=None)
            data = empty if data is None else replace(data, table=rows)
        if data is None:
            raise ValueError("there are no evaluation data: ask rows of your own")
        try:
            return inputs_for(self.snapshot.signature, data).table
        except MissingColumnsError as error:
            failure = Failure(stage="predict", kind="MissingColumns", text=str(error))
            raise ModelFailedError(failure, self.side) from None

    def timed(self, rows: pa.Table | int) -> timing.Side:
        """The version as the benchmark takes it. What was staged here is gone afterwards."""
        inputs = self.inputs(rows)
        with self._failing() as worker:
            artifact = self.snapshot.artifact
            assert artifact is not None  # noqa: S101 - a version without files was never loaded
            return timing.Side(name=self.side, worker=worker, path=artifact.path, inputs=inputs, load_s=self.load_s)

    @contextmanager
    def _failing(self) -> Iterator[Worker]:
        """Give the process. What it is asked ends the staging of calls; `call` alone goes on with it."""
        __tracebackhide__ = True
        self._staged = (-1, 0)
        try:
            yield self._ready()
        except WorkerFailedError as error:
            if error.failure.stage == "start":
                raise GateError(
                    f"A worker process did not start: {error.failure.kind}: {error.failure.text}",
                    remedy="See isolation.memory_mb and the output of `gate doctor`.",
                ) from None
            raise ModelFailedError(error.failure, self.side) from None

    def _ready(self) -> Worker:
        """The process with the model in it."""
        if self._worker is not None and self._worker.alive:
            return self._worker
        if (refused := why_not_loaded(self.snapshot)) is not None:
            raise ModelFailedError(refused, self.side)
        artifact = self.snapshot.artifact
        assert artifact is not None  # noqa: S101 - else it was refused
        worker = self.stack.enter_context(self.launcher.start())
        try:
            self.load_s = worker.load(artifact.path)
        except WorkerFailedError:
            worker.close()
            raise
        self._worker, self._there = worker, set()
        return worker

    def _put(self, worker: Worker, held: Held) -> None:
        if held.key not in self._there:
            worker.put(held.key, held.table)
            self._there.add(held.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVersions:
    """Both versions, and what times them against each other."""

    versions: Mapping[Side, LiveVersion]
    launchers: Launchers
    settings: ModelConfig
    confidence: float

    def version(self, side: Side) -> LiveVersion:
        """Give one of them."""
        return self.versions[side]

    def compare(self, rows: pa.Table | int, how: Latency) -> Timings:
        """Time both in interleaved pairs; a version that fails is tried once more, then it is the result."""
        first = self._compare(rows, how)
        return first if first.failed is None else self._compare(rows, how)

    def _compare(self, rows: pa.Table | int, how: Latency) -> Timings:
        candidate, baseline = self.versions["candidate"], self.versions["baseline"]
        settings = self.settings.model_copy(update={"latency": how})
        try:
            sides = (candidate.timed(rows), baseline.timed(rows))
            bench = timing.bench_of(sides, self.launchers, settings, self.confidence)
            return timing.pairs_alone(bench, seed=bench.seed)
        except crewing.SideFailedError as error:
            return _broken(error.side, str(error), self.launchers)
        except ModelFailedError as error:
            return _broken(error.side, f"{error.failure.kind}: {error.failure.text}", self.launchers)


def live_versions(
    comparison: Comparison,
    naming: Naming,
    settings: ModelConfig,
    confidence: float,
    launchers: Launchers,
    stack: ExitStack,
) -> LiveVersions:
    """Nothing is started yet; what will be ends with the stack."""
    snapshots: dict[Side, Snapshot | None] = {"candidate": comparison.candidate, "baseline": comparison.baseline}
    versions = {
        side: LiveVersion(
            side=side,
            snapshot=snapshot,
            data=comparison.data,
            naming=naming,
            launcher=launchers.of(side),
            stack=stack,
        )
        for side, snapshot in snapshots.items()
        if snapshot is not None
    }
    return LiveVersions(versions=versions, launchers=launchers, settings=settings, confidence=confidence)


def _answer(worker: Worker, rows: pa.Table) -> RawAnswer:
    worker.put(ASKED, rows)
    answer = worker.predict(ASKED)
    if answer.rows != rows.num_rows:
        text = f"The model gave {answer.rows} answers for {rows.num_rows} rows."
        raise WorkerFailedError(Failure(stage="predict", kind="WrongRowCount", text=text))
    return answer


def _drawn(table: pa.Table) -> pa.Table:
    """What a timed process holds of the evaluation rows: all, or a seeded sample."""
    import pyarrow as pa

    most = min(crewing.MOST_ROWS, max(1, crewing.MOST_BYTES * table.num_rows // max(table.nbytes, 1)))
    if table.num_rows <= most:
        return table
    drawn = np.random.default_rng(0).choice(table.num_rows, most, replace=False)
    return table.take(pa.array(np.sort(drawn)))


def _refuse_too_many(asked: int, there: int) -> None:
    if asked > there:
        raise ValueError(f"{asked:,} evaluation rows were asked for, and there are {there:,}")


def _broken(side: str, why: str, launchers: Launchers) -> Timings:
    problem = f"the {side} failed twice while it was timed: {why}"
    return Timings(environment={}, method=METHOD, processes=launchers.processes, failed=side, problem=problem)
