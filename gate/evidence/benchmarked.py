"""The benchmark section of a report: every number of it from what was timed, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gate.domain import (
    Benchmark,
    LatencyResult,
    LoadResult,
    PercentileResult,
    Start,
    StartResult,
    ThroughputResult,
    TimedPairs,
    Timings,
)
from gate.evidence import open_loop
from gate.evidence.latency import process_error, ratio
from gate.evidence.pairs import Sharing, counted, hypotheses, log_ratios, seconds, sides, waits
from gate.evidence.percentiles import percentile
from gate.evidence.throughput import CostModel, cost_model

SIDES = ("baseline", "candidate")
SHARES = (0.5, 0.95, 0.99)
OBJECTIVE_TIMES = 10
"""The p99 that is held to be bearable where nobody says: so many times the baseline's median."""


def sharing_of(timings: Timings, judged_as: str = "latency") -> Sharing:
    """How the error is shared over the scenarios that are judged as one thing."""
    scenarios = [pairs for pairs in timings.pairs if pairs.judged_as == judged_as]
    return Sharing(alpha=1 - timings.confidence, hypotheses=hypotheses(len(scenarios)))


def benchmark_of(timings: Timings, *, load_s: Mapping[str, float | None], raw: str | None) -> Benchmark:
    """Give the benchmark section.

    Args:
        timings: all that was timed.
        load_s: wall seconds that the versions took to load when they were scored.
        raw: the path of the file that holds `timings`.
    """
    shown = sharing_of(timings).confidence
    timed = [pairs for pairs in timings.pairs if pairs.pairs and pairs.judged_as == "latency"]
    latency = tuple(_latency(pairs, timings, shown) for pairs in timed)
    peaks = {side: _peak([start for start in timings.starts if start.side == side]) for side in SIDES}
    return Benchmark(
        environment=timings.environment,
        method=timings.method,
        processes=timings.processes,
        latency=latency,
        throughput=_throughput(timings, timings.p99_s),
        cold_start=tuple(_start(side, timings.starts) for side in SIDES if timings.starts),
        endurance=timings.endurance,
        load_s=load_s,
        peak_rss_bytes=peaks if timings.starts else {},
        notes=timings.notes,
        raw=raw,
    )


def _latency(pairs: TimedPairs, timings: Timings, confidence: float) -> LatencyResult:
    chosen = counted(pairs)
    ratios = {}
    for clock in ("cpu", "wall"):
        x = log_ratios(pairs, clock)[chosen]
        ratios[clock] = ratio(x, confidence, process_error(x, pairs.crew[chosen], timings.processes))
    clock = "wall" if waits(pairs) else "cpu"
    (candidate_cpu, baseline_cpu), (candidate_wall, baseline_wall) = (seconds(pairs, each) for each in ("cpu", "wall"))
    return LatencyResult(
        scenario=pairs.scenario,
        batch_size=pairs.batch_size,
        pairs=pairs.pairs,
        calls_per_block=pairs.calls,
        clock=clock,
        candidate_cpu_s=candidate_cpu,
        baseline_cpu_s=baseline_cpu,
        candidate_wall_s=candidate_wall,
        baseline_wall_s=baseline_wall,
        cpu_ratio=ratios["cpu"].estimate,
        cpu_ratio_ci=(ratios["cpu"].low, ratios["cpu"].high),
        wall_ratio=ratios["wall"].estimate,
        wall_ratio_ci=(ratios["wall"].low, ratios["wall"].high),
        confidence=confidence,
        visible=ratios[clock].high / ratios[clock].estimate - 1,
        harness_s=None if timings.harness_ns is None else timings.harness_ns / 1e9 / pairs.calls,
        percentiles=_percentiles(pairs),
        stopped_by=pairs.stopped_by,
    )


def _percentiles(pairs: TimedPairs) -> tuple[PercentileResult, ...]:
    """By the wall clock: that is what callers wait for."""
    candidate, baseline = sides(pairs, "wall")
    results = []
    for share in SHARES:
        ours, theirs = percentile(candidate, share), percentile(baseline, share)
        results.append(
            PercentileResult(
                share=share,
                candidate_s=ours.value,
                candidate_ci=(ours.low, ours.high),
                baseline_s=theirs.value,
                baseline_ci=(theirs.low, theirs.high),
            )
        )
    return tuple(results)


def costs(timings: Timings) -> dict[str, CostModel | None]:
    """Give what a call and a row cost each version, by CPU time; by wall time where a version mostly waits."""
    timed = [pairs for pairs in timings.pairs if pairs.pairs and pairs.scenario != "sustained"]
    clock = "wall" if any(map(waits, timed)) else "cpu"
    found = {pairs.batch_size: seconds(pairs, clock) for pairs in timed}
    return {
        "candidate": cost_model({size: both[0] for size, both in found.items()}),
        "baseline": cost_model({size: both[1] for size, both in found.items()}),
    }


def _throughput(timings: Timings, p99_s: float | None) -> tuple[ThroughputResult, ...]:
    timed = {pairs.batch_size: pairs for pairs in timings.pairs if pairs.pairs and pairs.scenario != "sustained"}
    if not timed:
        return ()
    models, single = costs(timings), timed.get(1)
    objective = p99_s
    if objective is None and single is not None:
        objective = OBJECTIVE_TIMES * seconds(single, "wall")[1]
    return tuple(_of_one_side(side, timings, timed, (models[side], objective)) for side in SIDES)


def _of_one_side(
    side: str, timings: Timings, timed: Mapping[int, TimedPairs], known: tuple[CostModel | None, float | None]
) -> ThroughputResult:
    model, objective = known
    index = 0 if side == "candidate" else 1
    service = sides(timed[1], "wall")[index] if 1 in timed else None
    rates = {
        str(size): size / seconds(pairs, "wall" if waits(pairs) else "cpu")[index] for size, pairs in timed.items()
    }
    under_load = [] if service is None else open_loop.curve(service)
    return ThroughputResult(
        side=side,
        fixed_s=None if model is None else model.fixed_s,
        row_s=None if model is None else model.row_s,
        rows_per_s=rates,
        rows_per_s_by_threads={str(each.threads): each.rows_per_s for each in timings.concurrency if each.side == side},
        under_load=tuple(
            LoadResult(load=each.load, rate=each.rate, p50_s=each.p50_s, p99_s=each.p99_s) for each in under_load
        ),
        saturation_per_s=None if service is None or objective is None else open_loop.saturation(service, objective),
        p99_objective_s=objective,
    )


def _start(side: str, starts: Sequence[Start]) -> StartResult:
    own = [start for start in starts if start.side == side]
    threads = [start.threads for start in own if start.threads is not None]
    return StartResult(
        side=side,
        starts=len(own),
        load_s=float(np.median([start.load_cpu_s for start in own])),
        first_s=float(np.median([start.first_cpu_s for start in own])),
        second_s=float(np.median([start.second_cpu_s for start in own])),
        wall_s=float(np.median([start.wall_s for start in own])),
        threads=int(np.median(threads)) if threads else None,
    )


def _peak(starts: Sequence[Start]) -> int | None:
    peaks = [start.peak_rss_bytes for start in starts if start.peak_rss_bytes is not None]
    return int(np.median(peaks)) if peaks else None
