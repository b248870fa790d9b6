"""Interleaved latency: blocks of calls to A then B, or B then A by a seeded coin, until the evidence suffices.

Timing one version after the other was wrong a third of the time on a shared machine; pairs that lie next to each
other see the same machine. CPU time decides, wall time is recorded beside it.
"""

from __future__ import annotations

import math
import os
import platform
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gate.domain import JsonValue, LatencyPairs, Timings
from gate.evidence.latency import LOOKS, verdict_so_far

Arm = Callable[[str, int], tuple[float, float]]
"""Call one version `calls` times on the inputs known by a key: (CPU seconds, wall seconds) of all calls together."""

METHOD = (
    "interleaved blocks of at least 8 ms in random order, both of a pair on one processor; "
    "CPU time of the worker read by the parent; "
    "Hodges-Lehmann estimate of the ratio with its signed-rank interval; "
    "looks at 20, 40, 80, ... pairs that share the confidence"
)
BLOCK_S = 0.008
WARM_UP_CALLS = 10
MAX_CALLS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way of calling: the key of the inputs in both workers, and how many rows they are."""

    name: str
    batch_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Tolerances as shares (0.02 is 2 %), the confidence of each scenario's answer, the seconds for all together."""

    warn: float
    block: float
    confidence: float
    budget_s: float
    seed: int = 0


Seat = Callable[[float], None]
"""Seat both versions on one processor, drawn by a number in [0, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """Two versions, and how they are seated before each pair.

    Processors differ: one may share its core with a busy neighbour for seconds. Both calls of a pair run on the same
    one, and each pair draws anew.
    """

    candidate: Arm
    baseline: Arm
    seat: Seat = lambda _draw: None


def time_pairs(duel: Duel, scenarios: Sequence[Scenario], plan: Plan) -> Timings:
    """Time all scenarios within one budget; what an early stop leaves over goes to the next scenario."""
    end = time.perf_counter() + plan.budget_s
    coin = random.Random(plan.seed)  # noqa: S311 - a fair coin, no secret
    results = []
    for index, scenario in enumerate(scenarios):
        share_s = (end - time.perf_counter()) / (len(scenarios) - index)
        results.append(_time_scenario(duel, scenario, plan, (share_s, coin)))
    return Timings(environment=_environment(results), method=METHOD, latency=tuple(results))


def _time_scenario(duel: Duel, scenario: Scenario, plan: Plan, limits: tuple[float, random.Random]) -> LatencyPairs:
    share_s, coin = limits
    end = time.perf_counter() + share_s
    calls = _calls_per_block(duel, scenario, end)
    blocks: list[tuple[float, float, float, float]] = []
    stopped_by = "time budget"
    for look in LOOKS:
        while len(blocks) < look and time.perf_counter() < end:
            blocks.append(_pair(duel, scenario.name, calls, coin))
        if len(blocks) < look:
            break
        ratios = np.log([c / b for c, _, b, _ in blocks])
        stopped_by = verdict_so_far(ratios, warn=plan.warn, block=plan.block, confidence=plan.confidence)
        if stopped_by:
            break
        stopped_by = "largest number of pairs"
    columns = np.asarray(blocks, dtype=float).reshape(-1, 4).T / max(calls, 1)
    return LatencyPairs(
        scenario=scenario.name,
        batch_size=scenario.batch_size,
        calls_per_block=calls,
        candidate_cpu_s=columns[0],
        candidate_wall_s=columns[1],
        baseline_cpu_s=columns[2],
        baseline_wall_s=columns[3],
        stopped_by=stopped_by,
    )


def _calls_per_block(duel: Duel, scenario: Scenario, end: float) -> int:
    """Warm both up, then choose so many calls that a block of the faster version lasts at least 8 ms."""
    fastest = math.inf
    for arm in (duel.baseline, duel.candidate):
        if time.perf_counter() >= end:
            return 1
        warm = [arm(scenario.name, 1)[1]]
        while len(warm) < WARM_UP_CALLS and time.perf_counter() < end - 2 * max(warm):
            warm.append(arm(scenario.name, 1)[1])
        fastest = min(fastest, float(np.median(warm)))
    return min(MAX_CALLS, max(1, math.ceil(BLOCK_S / max(fastest, 1e-7))))


def _pair(duel: Duel, key: str, calls: int, coin: random.Random) -> tuple[float, float, float, float]:
    """Candidate CPU and wall, baseline CPU and wall, of one block each on one processor."""
    duel.seat(coin.random())
    if coin.random() < 0.5:  # noqa: PLR2004 - a fair coin
        first = duel.candidate(key, calls)
        second = duel.baseline(key, calls)
        return (*first, *second)
    second = duel.baseline(key, calls)
    first = duel.candidate(key, calls)
    return (*first, *second)


def _environment(results: Sequence[LatencyPairs]) -> dict[str, JsonValue]:
    """What a reader needs to judge the numbers. CPU time over wall time says how contended the machine was."""
    cpu = sum(float(pairs.candidate_cpu_s.sum() + pairs.baseline_cpu_s.sum()) for pairs in results)
    wall = sum(float(pairs.candidate_wall_s.sum() + pairs.baseline_wall_s.sum()) for pairs in results)
    return {
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "machine": platform.machine(),
        "cpu_share_of_wall": round(cpu / wall, 3) if wall else None,
        "threads": 1,
    }
