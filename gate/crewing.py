"""Who is timed: the versions, the processes that are started for each, in which order, and what they hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gate.benchmark import Crew, OutOfTimeError, Relay
from gate.domain import Comparison, Start
from gate.evidence.latency import LOOKS
from gate.scoring.launching import Launchers
from gate.scoring.session import Worker, WorkerFailedError
from gate.settings import ModelConfig

if TYPE_CHECKING:
    import pyarrow as pa

    from gate.benchmark.arms import Positions

ROWS = "rows"
"""The key of the evaluation rows in the timed processes."""
MOST_ROWS, MOST_BYTES = 10_000, 128 << 20
"""What the timed processes hold of the evaluation data."""
FORKED_LOOKS = (LOOKS[:3], *((look,) for look in LOOKS[3:]))
"""What each two pairs of forked processes are asked for."""
FRESH_CREWS = 8
FRESH_PAIRS = 60
"""Pairs of a scenario in each of eight pairs of fresh processes."""
PAIRS_SHARE = 0.5
"""Of the budget, for the pairs; what they leave goes to the rest."""
SLOW_LOAD_SHARE = 0.25
"""A version that takes longer to load than this share of the budget is not loaded anew for the timing."""
_SLACK_S = 0.1
_APART = "each version ran in an environment of its own, in processes that were started afresh"
_WORTH = 3
"""Other processes take over where at least so many times their start is left of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version that answered all rows: the worker that did, its artifact, the inputs, the seconds to load it."""

    name: str
    worker: Worker
    path: Path
    inputs: pa.Table
    load_s: float


def sides(
    workers: tuple[Worker, Worker],
    comparison: Comparison,
    inputs: tuple[pa.Table | None, pa.Table | None],
    load_s: Mapping[str, float | None],
) -> tuple[Side, Side] | None:
    """Give both versions, with the inputs that each answered; None where one of them did not answer every row."""
    found = []
    snapshots = (comparison.candidate, comparison.baseline)
    for name, worker, snapshot, table in zip(("candidate", "baseline"), workers, snapshots, inputs, strict=True):
        if snapshot is None or snapshot.artifact is None or table is None or not worker.alive:
            return None
        known = load_s[name] or 0.0
        found.append(Side(name=name, worker=worker, path=snapshot.artifact.path, inputs=table, load_s=known))
    return (found[0], found[1])


class SideFailedError(Exception):
    """A version failed while it was timed."""

    def __init__(self, side: str, error: WorkerFailedError) -> None:
        """Say which one, and how."""
        super().__init__(f"{error.failure.kind}: {error.failure.text}")
        self.side = side
        self.from_outside = error.failure.kind == "Killed" and "SIGKILL" in error.failure.text
        """Whether the system or a person may have killed it, for want of memory, say: that deserves a second try."""


@contextmanager
def failing(side: str, end: float) -> Iterator[None]:
    """Say whose failure it is; one that the end of the time budget made is none.

    Raises:
        OutOfTimeError: the budget ended first.
        SideFailedError: the version failed.
    """
    try:
        yield
    except WorkerFailedError as error:
        if error.failure.kind == "Timeout" and time.perf_counter() >= end - _SLACK_S:
            raise OutOfTimeError from None
        raise SideFailedError(side, error) from None


def _left_s(end: float) -> float:
    return max(_SLACK_S, end - time.perf_counter())


@dataclass(slots=True, kw_only=True)
class WorkerArm:
    """A worker as the benchmark sees it."""

    side: str
    worker: Worker
    end: float

    def stage(self, positions: Positions, batch: int) -> None:
        """Cut the inputs of the next calls."""
        with self._failing():
            self.worker.stage(ROWS, positions, batch)

    def call(self, count: int) -> tuple[int, int]:
        """Make the next calls: (CPU, wall) in nanoseconds; raises OutOfTimeError where the budget ends first."""
        with self._failing():
            return self.worker.call(count, timeout_s=_left_s(self.end))

    def crowd(self, threads: int, calls: int) -> float:
        """Make calls from several threads: wall seconds."""
        with self._failing():
            return self.worker.crowd(threads, calls)

    def seat(self, processors: frozenset[int]) -> None:
        """Run on these processors alone."""
        self.worker.seat(processors)

    def rss_bytes(self) -> int | None:
        """Resident memory now."""
        return self.worker.usage().rss_bytes

    def _failing(self) -> AbstractContextManager[None]:
        return failing(self.side, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What one timing has: the versions, the rows that they are asked, the settings, when the time is up."""

    sides: tuple[Side, Side]
    rows: Positions
    settings: ModelConfig
    confidence: float
    launchers: Launchers
    began: float
    end: float
    notes: list[str] = field(default_factory=list)
    seed: int = 0
    pairs_share: float = PAIRS_SHARE

    @property
    def pairs_end(self) -> float:
        """When the pairs must be through, on the clock of perf_counter."""
        return self.began + self.pairs_share * self.settings.latency.budget_s

    @property
    def row_bytes(self) -> int:
        """Bytes of one row in Arrow."""
        inputs = self.sides[0].inputs
        return max(1, int(inputs.nbytes) // max(1, int(inputs.num_rows)))


def bench_of(sides: tuple[Side, Side], launchers: Launchers, settings: ModelConfig, confidence: float) -> Bench:
    """Begin: the time budget runs from now on."""
    began = time.perf_counter()
    notes = [_APART] if launchers.apart else []
    return Bench(
        sides=sides,
        rows=_chosen(sides[0].inputs),
        settings=settings,
        confidence=confidence,
        launchers=launchers,
        began=began,
        notes=notes,
        end=began + settings.latency.budget_s,
    )


@contextmanager
def crews(bench: Bench) -> Iterator[tuple[Iterator[Relay], list[Crew]]]:
    """The relays, and the crews that still live when these are through."""
    lasting: list[Crew] = []
    with ExitStack() as stack:
        yield _relays(bench, stack, lasting), lasting


def _relays(bench: Bench, stack: ExitStack, lasting: list[Crew]) -> Iterator[Relay]:
    """As many relays as there is time for."""
    try:
        yield from _chosen_relays(bench, stack, lasting)
    except OutOfTimeError:
        bench.notes.append("the time budget ended while processes were started")


def _chosen_relays(bench: Bench, stack: ExitStack, lasting: list[Crew]) -> Iterator[Relay]:
    slowest = max(side.load_s for side in bench.sides)
    if slowest > SLOW_LOAD_SHARE * bench.settings.latency.budget_s:
        bench.notes.append(
            f"loading takes {slowest:.3g} s, so the processes that answered the rows were timed, one of each version"
        )
        lasting.append(_crew(bench, {side.name: side.worker for side in bench.sides}))
        yield Relay(crews=tuple(lasting))
    elif bench.launchers.processes == "forked":
        yield from _forked(bench, stack, lasting)
    else:
        yield from _fresh(bench, stack, lasting)


def _forked(bench: Bench, stack: ExitStack, lasting: list[Crew]) -> Iterator[Relay]:
    """Two crews at a time, forked from one process that has the libraries of both versions.

    The second crew starts in the other order. Where two do not suffice two others take over: more pairs of the same
    processes would only tell more about these.
    """
    candidate, baseline = (side.worker.modules() for side in bench.sides)
    shared = set(baseline)
    both = [name for name in candidate if name in shared]
    prepared = Launchers.alike(stack.enter_context(bench.launchers.candidate.prepared(both)))
    for looks in FORKED_LOOKS:
        workers, began = stack.enter_context(ExitStack()), time.perf_counter()
        lasting[:] = [started(bench, prepared, bench.sides, workers)]
        if _room_for_more(lasting):
            lasting.append(started(bench, prepared, bench.sides[::-1], workers))
        else:
            bench.notes.append("memory did not suffice for a second pair of processes")
        took = time.perf_counter() - began
        yield Relay(crews=tuple(lasting), looks=looks)
        if looks is FORKED_LOOKS[-1] or time.perf_counter() + _WORTH * took > bench.pairs_end:
            return
        workers.close()


def _fresh(bench: Bench, stack: ExitStack, lasting: list[Crew]) -> Iterator[Relay]:
    """Eight crews one after the other, each of new processes, the order of starting strictly in turns."""
    for index in range(FRESH_CREWS):
        workers = stack.enter_context(ExitStack())
        crew = started(bench, bench.launchers, bench.sides if index % 2 == 0 else bench.sides[::-1], workers)
        lasting[:] = [crew]
        yield Relay(crews=(crew,), looks=(FRESH_PAIRS * (index + 1),), share=1 / (FRESH_CREWS - index))
        if index < FRESH_CREWS - 1:
            workers.close()


def started(bench: Bench, launchers: Launchers, order: Sequence[Side], stack: ExitStack) -> Crew:
    """Start one process of each version in this order, and load them side by side."""
    workers = {side.name: stack.enter_context(launchers.of(side.name).start()) for side in order}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda side: _load(side, workers[side.name], bench.end), order))
    return _crew(bench, workers)


def _load(side: Side, worker: Worker, end: float) -> None:
    with failing(side.name, end):
        worker.load(side.path, timeout_s=_left_s(end))


def _crew(bench: Bench, workers: Mapping[str, Worker]) -> Crew:
    """Put the rows in, and make arms of the workers."""
    import pyarrow as pa

    arms = {}
    for side in bench.sides:
        with failing(side.name, bench.end):
            workers[side.name].put(ROWS, side.inputs.take(pa.array(bench.rows)).combine_chunks())
        arms[side.name] = WorkerArm(side=side.name, worker=workers[side.name], end=bench.end)
    return Crew(candidate=arms["candidate"], baseline=arms["baseline"])


def _room_for_more(crews: Sequence[Crew]) -> bool:
    """Whether as much memory as these use is there once more (Linux; elsewhere it is taken for granted)."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return True
    free = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), 0)
    used = sum((arm.rss_bytes() or 0) for crew in crews for arm in (crew.candidate, crew.baseline))
    return used * 1.5 < free


def starter(bench: Bench) -> Callable[[Sequence[str]], list[Start]]:
    """Give what starts versions in the order named, in new processes that have none of the models' libraries yet."""
    known = {side.name: side for side in bench.sides}

    def start(names: Sequence[str]) -> list[Start]:
        with ExitStack() as stack:
            workers = [stack.enter_context(bench.launchers.of(name).start()) for name in names]
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(lambda name, worker: _cold_start(bench, known[name], worker), names, workers))

    return start


def _cold_start(bench: Bench, side: Side, worker: Worker) -> Start:
    """Load, and answer one row twice; the import of MLflow counts where each process makes it anew."""
    with failing(side.name, bench.end):
        worker.ready()
        before, began = worker.usage().cpu_ns or 0, time.perf_counter()
        worker.load(side.path, timeout_s=_left_s(bench.end))
        loaded, load_wall_s = worker.usage().cpu_ns or 0, time.perf_counter() - began
        worker.put(ROWS, side.inputs.slice(0, 2))
        worker.stage(ROWS, np.arange(2) % side.inputs.num_rows, 1)
        first, second = (worker.call(1, timeout_s=_left_s(bench.end)) for _ in range(2))
        usage = worker.usage()
    return Start(
        side=side.name,
        load_cpu_s=(loaded - (before if bench.launchers.processes == "forked" else 0)) / 1e9,
        first_cpu_s=first[0] / 1e9,
        second_cpu_s=second[0] / 1e9,
        wall_s=load_wall_s + first[1] / 1e9,
        peak_rss_bytes=usage.peak_bytes,
        threads=usage.threads,
    )


def _chosen(inputs: pa.Table) -> Positions:
    """The rows that are asked: all, or a seeded sample of what the timed processes hold."""
    fitting = max(1, MOST_BYTES * inputs.num_rows // max(inputs.nbytes, 1))
    most: int = min(MOST_ROWS, fitting, inputs.num_rows)
    if most == inputs.num_rows:
        return np.arange(most, dtype=np.int32)
    drawn = np.random.default_rng(0).choice(inputs.num_rows, most, replace=False)
    return np.sort(drawn).astype(np.int32)
