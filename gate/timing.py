"""Wires the benchmark to the workers: who is started when, what they hold, and how the time budget is spent."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gate.benchmark import METHOD, Crew, OutOfTimeError, Plan, Relay, Scenario, cold_starts, crowds, endure, time_pairs
from gate.domain import Comparison, JsonValue, Start, TimedPairs, Timings
from gate.evidence.latency import LOOKS
from gate.evidence.pairs import Sharing, Tolerances, hypotheses
from gate.evidence.percentiles import TAIL_PAIRS
from gate.evidence.throughput import SIZES, slowdown
from gate.scoring.launching import Launcher
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
_WORTH = 3
"""Other processes take over where at least so many times their start is left of the time."""
FRESH_CREWS = 8
FRESH_PAIRS = 60
"""Pairs of a scenario in each of eight pairs of fresh processes."""
PAIRS_SHARE = 0.5
"""Of the budget, for the pairs; what they leave goes to the rest."""
SUSTAINED = "sustained"
SUSTAINED_TOLERANCE = 0.10
"""One pair of processes tells no less: identical ones differ by about one per cent."""
SLOW_LOAD_SHARE = 0.25
"""A version that takes longer to load than this share of the budget is not loaded anew for the timing."""


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
            return self.worker.call(count, timeout_s=max(0.05, self.end - time.perf_counter()))

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

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except WorkerFailedError as error:
            if error.failure.kind == "Timeout" and time.perf_counter() >= self.end - 0.1:
                raise OutOfTimeError from None
            raise SideFailedError(self.side, error) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What one timing has: the versions, the rows that they are asked, the settings, when the time is up."""

    sides: tuple[Side, Side]
    rows: Positions
    settings: ModelConfig
    confidence: float
    launcher: Launcher
    began: float
    end: float
    notes: list[str] = field(default_factory=list)
    seed: int = 0
    pairs_share: float = PAIRS_SHARE

    @property
    def pairs_end(self) -> float:
        """When the pairs must be through, on the clock of perf_counter."""
        return self.began + self.pairs_share * self.settings.latency.budget_s

    def plan(self, end: float | None = None) -> Plan:
        """How the pairs are timed, until `end` or their share of the budget is used up."""
        scenarios = len(_latency(self.settings)) + 1
        return Plan(
            rows=len(self.rows),
            row_bytes=self.row_bytes,
            sharing=Sharing(alpha=1 - self.confidence, hypotheses=hypotheses(scenarios)),
            processes=self.launcher.processes,
            end=end or max(self.pairs_end, time.perf_counter()),
            seed=self.seed,
        )

    @property
    def row_bytes(self) -> int:
        """Bytes of one row in Arrow."""
        inputs = self.sides[0].inputs
        return max(1, int(inputs.nbytes) // max(1, int(inputs.num_rows)))


def bench_of(sides: tuple[Side, Side], launcher: Launcher, settings: ModelConfig, confidence: float) -> Bench:
    """Begin: the time budget runs from now on."""
    began = time.perf_counter()
    return Bench(
        sides=sides,
        rows=_chosen(sides[0].inputs),
        settings=settings,
        confidence=confidence,
        launcher=launcher,
        began=began,
        end=began + settings.latency.budget_s,
    )


def pairs_alone(bench: Bench, seed: int) -> Timings:
    """Time the pairs and nothing else, within the whole budget from now on, in an order that the seed draws."""
    now = time.perf_counter()
    again = replace(bench, began=now, end=now + bench.settings.latency.budget_s, seed=seed, pairs_share=1.0)
    with _crews(again) as (relays, _):
        pairs = time_pairs(relays, _latency(again.settings), again.plan())
    return Timings(environment={}, method=METHOD, processes=bench.launcher.processes, pairs=pairs)


def time_versions(
    candidate: Side, baseline: Side, launcher: Launcher, settings: ModelConfig, confidence: float
) -> Timings:
    """Time both versions within `latency.budget_s`; a version that fails is tried once more, then it is the result."""
    bench = bench_of((candidate, baseline), launcher, settings, confidence)
    try:
        return _timed(bench)
    except SideFailedError as first:
        bench.notes.append(f"the {first.side} failed once while it was timed ({first}); the timing began anew")
    try:
        return _timed(bench)
    except SideFailedError as again:
        return Timings(
            environment=_environment((), bench.began),
            method=METHOD,
            processes=launcher.processes,
            failed=again.side,
            problem=f"the {again.side} failed twice while it was timed: {again}",
        )


def _timed(bench: Bench) -> Timings:
    with _crews(bench) as (relays, lasting):
        pairs = time_pairs(relays, _scenarios(bench), bench.plan())
        more = _after_the_pairs(bench, lasting)
    starts = _cold(bench)
    return Timings(
        environment=_environment((*pairs, *more.pairs), bench.began),
        method=METHOD,
        processes=bench.launcher.processes,
        pairs=(*pairs, *more.pairs),
        harness_ns=more.harness_ns,
        starts=starts,
        endurance=more.endurance,
        concurrency=more.concurrency,
        notes=tuple(bench.notes),
    )


def _latency(settings: ModelConfig) -> list[Scenario]:
    """The scenarios of the settings, at the tolerances of the settings."""
    tolerances = Tolerances(warn=settings.latency.warn.value, block=settings.latency.block.value)
    sizes = [(f"batch_{size}", size) for size in settings.latency.batch_sizes]
    named = list(settings.latency.scenarios.items())
    return [
        Scenario(name=name, batch_size=size, tolerances=tolerances, fewest=TAIL_PAIRS if size == 1 else LOOKS[0])
        for name, size in (*sizes, *named)
    ]


def _scenarios(bench: Bench) -> list[Scenario]:
    """Latency's scenarios, and those sizes of throughput's that are not among them."""
    latency = _latency(bench.settings)
    limits = bench.settings.throughput
    tolerances = Tolerances(warn=slowdown(limits.warn.value), block=slowdown(limits.block.value))
    known = {scenario.batch_size for scenario in latency}
    room = bench.launcher.limits.memory_mb * (1 << 20) // 8
    missing = [size for size in SIZES if size not in known and size * bench.row_bytes <= room]
    return latency + [
        Scenario(name=f"batch_{size}", batch_size=size, tolerances=tolerances, judged_as="throughput")
        for size in missing
    ]


@contextmanager
def _crews(bench: Bench) -> Iterator[tuple[Iterator[Relay], list[Crew]]]:
    """The relays, and the crews that still live when these are through."""
    lasting: list[Crew] = []
    with ExitStack() as stack:
        yield _relays(bench, stack, lasting), lasting


def _relays(bench: Bench, stack: ExitStack, lasting: list[Crew]) -> Iterator[Relay]:
    slowest = max(side.load_s for side in bench.sides)
    if slowest > SLOW_LOAD_SHARE * bench.settings.latency.budget_s:
        bench.notes.append(
            f"loading takes {slowest:.3g} s, so the processes that answered the rows were timed, one of each version"
        )
        lasting.append(_crew(bench, {side.name: side.worker for side in bench.sides}))
        yield Relay(crews=tuple(lasting))
    elif bench.launcher.processes == "forked":
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
    prepared = stack.enter_context(bench.launcher.prepared([name for name in candidate if name in shared]))
    for looks in FORKED_LOOKS:
        workers, began = stack.enter_context(ExitStack()), time.perf_counter()
        lasting[:] = [_started(bench, prepared, bench.sides, workers)]
        if _room_for_more(lasting):
            lasting.append(_started(bench, prepared, bench.sides[::-1], workers))
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
        crew = _started(bench, bench.launcher, bench.sides if index % 2 == 0 else bench.sides[::-1], workers)
        lasting[:] = [crew]
        yield Relay(crews=(crew,), looks=(FRESH_PAIRS * (index + 1),), share=1 / (FRESH_CREWS - index))
        if index < FRESH_CREWS - 1:
            workers.close()


def _started(bench: Bench, launcher: Launcher, order: Sequence[Side], stack: ExitStack) -> Crew:
    """Start one process of each version in this order, and load them side by side."""
    from concurrent.futures import ThreadPoolExecutor

    workers = {side.name: stack.enter_context(launcher.start()) for side in order}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda side: _load(side, workers[side.name]), order))
    return _crew(bench, workers)


def _load(side: Side, worker: Worker) -> None:
    try:
        worker.load(side.path)
    except WorkerFailedError as error:
        raise SideFailedError(side.name, error) from None


def _crew(bench: Bench, workers: Mapping[str, Worker]) -> Crew:
    """Put the rows in, and make arms of the workers."""
    import pyarrow as pa

    arms = {}
    for side in bench.sides:
        try:
            workers[side.name].put(ROWS, side.inputs.take(pa.array(bench.rows)).combine_chunks())
        except WorkerFailedError as error:
            raise SideFailedError(side.name, error) from None
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


def _chosen(inputs: pa.Table) -> Positions:
    """The rows that are asked: all, or a seeded sample of what the timed processes hold."""
    fitting = max(1, MOST_BYTES * inputs.num_rows // max(inputs.nbytes, 1))
    most: int = min(MOST_ROWS, fitting, inputs.num_rows)
    if most == inputs.num_rows:
        return np.arange(most, dtype=np.int32)
    drawn = np.random.default_rng(0).choice(inputs.num_rows, most, replace=False)
    return np.sort(drawn).astype(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _More:
    """What was measured after the pairs, on one crew."""

    pairs: tuple[TimedPairs, ...] = ()
    harness_ns: float | None = None
    endurance: tuple = ()  # type: ignore[type-arg] # of Endurance
    concurrency: tuple = ()  # type: ignore[type-arg] # of Concurrency


def _after_the_pairs(bench: Bench, lasting: Sequence[Crew]) -> _More:
    """Measure the harness itself, then many calls, then the pairs after them, then several threads."""
    if not lasting:
        return _More()
    crew, rows = lasting[0], len(bench.rows)
    left = bench.end - time.perf_counter()
    more = _More()
    try:
        more = replace(more, harness_ns=_ping(crew))
        more = replace(more, endurance=endure(crew, rows, time.perf_counter() + 0.25 * left))
        tolerances = Tolerances(warn=SUSTAINED_TOLERANCE, block=SUSTAINED_TOLERANCE)
        scenario = Scenario(name=SUSTAINED, batch_size=1, tolerances=tolerances)
        end = time.perf_counter() + 0.15 * left
        more = replace(more, pairs=time_pairs([Relay(crews=(crew,))], [scenario], bench.plan(end)))
        more = replace(more, concurrency=crowds(crew, rows, time.perf_counter() + 0.1 * left))
    except OutOfTimeError:
        bench.notes.append("the time budget ended during the calls after the pairs")
    return more


def _ping(crew: Crew) -> float:
    """Nanoseconds of CPU that a token without a call costs."""
    nothing = np.zeros(0, dtype=np.int32)
    crew.candidate.stage(nothing, 1)
    return float(np.median([crew.candidate.call(0)[0] for _ in range(50)]))


def _cold(bench: Bench) -> tuple[Start, ...]:
    """Start both versions in new processes that have nothing of the models' libraries yet."""
    from concurrent.futures import ThreadPoolExecutor

    known = {side.name: side for side in bench.sides}

    def start(names: Sequence[str]) -> list[Start]:
        with ExitStack() as stack:
            workers = [stack.enter_context(bench.launcher.start()) for _ in names]
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(lambda name, worker: _cold_start(bench, known[name], worker), names, workers))

    return cold_starts(start, bench.end)


def _cold_start(bench: Bench, side: Side, worker: Worker) -> Start:
    """Load, and answer one row twice; the import of MLflow counts where each process makes it anew."""
    try:
        worker.ready()
        before = (worker.usage().cpu_ns or 0) if bench.launcher.processes == "forked" else 0
        worker.load(side.path)
        loaded = worker.usage().cpu_ns or 0
        worker.put(ROWS, side.inputs.slice(0, 2))
        worker.stage(ROWS, np.arange(min(2, side.inputs.num_rows)).repeat(2)[:2], 1)
        first, second = worker.call(1)[0], worker.call(1)[0]
        usage = worker.usage()
    except WorkerFailedError as error:
        raise SideFailedError(side.name, error) from None
    return Start(
        side=side.name,
        load_cpu_s=(loaded - before) / 1e9,
        first_cpu_s=first / 1e9,
        second_cpu_s=second / 1e9,
        peak_rss_bytes=usage.peak_bytes,
        threads=usage.threads,
    )


def _environment(pairs: Sequence[TimedPairs], began: float) -> dict[str, JsonValue]:
    """What a reader needs to judge the numbers. CPU time over wall time says how contended the machine was."""
    cpu = sum(int(each.candidate_cpu_ns.sum() + each.baseline_cpu_ns.sum()) for each in pairs)
    wall = sum(int(each.candidate_wall_ns.sum() + each.baseline_wall_ns.sum()) for each in pairs)
    return {
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "machine": platform.machine(),
        "cpu_share_of_wall": round(cpu / wall, 3) if wall else None,
        "threads": 1,
        "took_s": round(time.perf_counter() - began, 1),
    }
