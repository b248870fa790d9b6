"""Times both versions within one budget: the pairs first, then many calls, several threads, cold starts."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gate.benchmark import (
    METHOD,
    STARTS,
    Crew,
    OutOfTimeError,
    Plan,
    Relay,
    Scenario,
    cold_starts,
    crowds,
    endure,
    time_pairs,
)
from gate.crewing import Bench, Side, SideFailedError, bench_of, crews, sides, starter
from gate.domain import Concurrency, Endurance, JsonValue, Start, TimedPairs, Timings
from gate.evidence.latency import LOOKS
from gate.evidence.pairs import Sharing, Tolerances, hypotheses, seconds
from gate.evidence.percentiles import TAIL_PAIRS
from gate.evidence.throughput import SIZES, slowdown
from gate.scoring.launching import Launchers
from gate.settings import ModelConfig

__all__ = ["Bench", "Side", "bench_of", "pairs_alone", "sides", "time_versions"]

RETRY_SHARE = 0.85
"""Of the budget, for the pairs of a second try."""
FEWEST_CALLS = 100
"""Of one row: with fewer in what is left of the budget many calls are not tried."""
SUSTAINED = "sustained"
SUSTAINED_TOLERANCE = 0.10
"""One pair of processes tells no less: identical ones differ by about one per cent."""


def pairs_alone(bench: Bench, seed: int) -> Timings:
    """Time the pairs and nothing else, within the whole budget from now on, in an order that the seed draws."""
    now = time.perf_counter()
    again = replace(bench, began=now, end=now + bench.settings.latency.budget_s, seed=seed, pairs_share=1.0)
    with crews(again) as (relays, _):
        pairs = time_pairs(relays, _latency(again.settings), _plan(again))
    return Timings(
        environment={}, method=METHOD, confidence=bench.confidence, processes=bench.launchers.processes, pairs=pairs
    )


def time_versions(
    candidate: Side, baseline: Side, launchers: Launchers, settings: ModelConfig, confidence: float
) -> Timings:
    """Time both versions within `latency.budget_s`.

    A version that breaks down is the result; one that was killed from outside is tried once more.
    """
    bench = bench_of((candidate, baseline), launchers, settings, confidence)
    try:
        return _timed(bench)
    except SideFailedError as failed:
        if not failed.from_outside:
            return _broken(bench, failed)
        bench.notes.append(f"the {failed.side} was killed while it was timed; the timing began anew")
    try:
        return _timed(replace(bench, pairs_share=RETRY_SHARE))
    except SideFailedError as again:
        return _broken(bench, again)


def _broken(bench: Bench, failed: SideFailedError) -> Timings:
    return Timings(
        environment=_environment((), bench.began),
        method=METHOD,
        processes=bench.launchers.processes,
        failed=failed.side,
        problem=f"the {failed.side} broke down while it was timed: {failed}",
    )


def _timed(bench: Bench) -> Timings:
    with crews(bench) as (relays, lasting):
        pairs = time_pairs(relays, _scenarios(bench), _plan(bench))
        call_s = _call_s(pairs)
        more = _after_the_pairs(bench, lasting, call_s)
    starts = _starts(bench, call_s)
    return Timings(
        environment=_environment((*pairs, *more.pairs), bench.began),
        method=METHOD,
        confidence=bench.confidence,
        p99_s=bench.settings.latency.p99_s,
        processes=bench.launchers.processes,
        pairs=(*pairs, *more.pairs),
        harness_ns=more.harness_ns,
        starts=starts,
        endurance=more.endurance,
        concurrency=more.concurrency,
        notes=tuple(bench.notes),
    )


def _call_s(pairs: Sequence[TimedPairs]) -> float:
    """Wall seconds of a call of the slower version in the fastest scenario; infinite where none was timed."""
    return min((max(seconds(each, "wall")) for each in pairs if each.pairs), default=math.inf)


def _plan(bench: Bench, end: float | None = None) -> Plan:
    """How the pairs are timed, until `end` or their share of the budget is used up."""
    scenarios = len(_latency(bench.settings)) + 1
    return Plan(
        rows=len(bench.rows),
        row_bytes=bench.row_bytes,
        sharing=Sharing(alpha=1 - bench.confidence, hypotheses=hypotheses(scenarios)),
        processes=bench.launchers.processes,
        end=end or max(bench.pairs_end, time.perf_counter()),
        seed=bench.seed,
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
    room = bench.launchers.limits.memory_mb * (1 << 20) // 8
    missing = [size for size in SIZES if size not in known and size * bench.row_bytes <= room]
    return latency + [
        Scenario(name=f"batch_{size}", batch_size=size, tolerances=tolerances, judged_as="throughput")
        for size in missing
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _More:
    """What was measured after the pairs, on one crew."""

    pairs: tuple[TimedPairs, ...] = ()
    harness_ns: float | None = None
    endurance: tuple[Endurance, ...] = ()
    concurrency: tuple[Concurrency, ...] = ()


def _after_the_pairs(bench: Bench, lasting: Sequence[Crew], call_s: float) -> _More:
    """Measure the harness itself, then many calls, then the pairs after them, then several threads."""
    left = bench.end - time.perf_counter()
    if not lasting or FEWEST_CALLS * call_s > left:
        bench.notes.append("calls are too slow for the time budget: nothing is known of many of them")
        return _More()
    crew, rows, more = lasting[0], len(bench.rows), _More()
    try:
        more = replace(more, harness_ns=_ping(crew))
        more = replace(more, endurance=endure(crew, rows, time.perf_counter() + 0.25 * left))
        tolerances = Tolerances(warn=SUSTAINED_TOLERANCE, block=SUSTAINED_TOLERANCE)
        scenario = Scenario(name=SUSTAINED, batch_size=1, tolerances=tolerances)
        end = time.perf_counter() + 0.15 * left
        more = replace(more, pairs=time_pairs([Relay(crews=(crew,))], [scenario], _plan(bench, end)))
        more = replace(more, concurrency=crowds(crew, rows, time.perf_counter() + 0.1 * left))
    except OutOfTimeError:
        bench.notes.append("the time budget ended during the calls after the pairs")
    return more


def _starts(bench: Bench, call_s: float) -> tuple[Start, ...]:
    """Cold starts, where as many as are judged fit into what is left of the time."""
    slowest = max(side.load_s for side in bench.sides) + 2 * call_s
    if STARTS * slowest > 2 * (bench.end - time.perf_counter()):
        bench.notes.append("too little of the time budget was left for five cold starts")
        return ()
    return cold_starts(starter(bench), bench.end)


def _ping(crew: Crew) -> float:
    """Nanoseconds of CPU that a token without a call costs."""
    nothing = np.zeros(0, dtype=np.int32)
    crew.candidate.stage(nothing, 1)
    return float(np.median([crew.candidate.call(0)[0] for _ in range(50)]))


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
