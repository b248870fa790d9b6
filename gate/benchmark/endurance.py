"""What many calls do to a process: memory that grows, and rows a second when several threads ask at once."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gate.benchmark.arms import Arm, Crew, processors
from gate.domain import Concurrency, Endurance

CALLS = 1200
"""Enough for a cache, a leak or a slowdown that begins after a thousand calls."""
POINTS = 4
CROWD_BATCH = 256
CROWD_S = 0.4
MOST_THREADS = 4
_STAGED = 50


def endure(crew: Crew, rows: int, end: float) -> tuple[Endurance, ...]:
    """Make up to 1,200 calls of one row to both versions at the same time, and read their memory as they go."""
    crew.seat(frozenset(processors()))
    with ThreadPoolExecutor(2) as pool:
        ours = pool.submit(_endure, "candidate", crew.candidate, rows, end)
        theirs = pool.submit(_endure, "baseline", crew.baseline, rows, end)
        return (ours.result(), theirs.result())


def _endure(side: str, arm: Arm, rows: int, end: float) -> Endurance:
    chance = random.Random(0)  # noqa: S311 - which rows, no secret
    calls, resident, made = [0], [arm.rss_bytes() or 0], 0
    while made < CALLS and time.perf_counter() < end:
        arm.stage(np.asarray(chance.choices(range(rows), k=_STAGED), dtype=np.int32), 1)
        made += _calls(arm, end)
        if made >= len(calls) * CALLS / POINTS:
            calls.append(made)
            resident.append(arm.rss_bytes() or 0)
    if calls[-1] < made:
        calls.append(made)
        resident.append(arm.rss_bytes() or 0)
    return Endurance(side=side, calls=tuple(calls), rss_bytes=tuple(resident))


def _calls(arm: Arm, end: float) -> int:
    for made in range(_STAGED):
        if time.perf_counter() >= end:
            return made
        arm.call(1)
    return _STAGED


def crowds(crew: Crew, rows: int, end: float) -> tuple[Concurrency, ...]:
    """Give the rows a second of both versions with one thread, and with as many as there are processors, up to four."""
    threads = min(MOST_THREADS, len(processors()) or 1)
    if threads == 1:
        return ()
    crew.seat(frozenset(processors()))
    found: list[Concurrency] = []
    for side, arm in (("baseline", crew.baseline), ("candidate", crew.candidate)):
        for wanted in (1, threads):
            if time.perf_counter() + CROWD_S > end:
                return ()
            found.append(_crowd(side, arm, rows, wanted))
    return tuple(found)


def _crowd(side: str, arm: Arm, rows: int, threads: int) -> Concurrency:
    _stage(arm, rows, 1)
    calls = int(np.clip(CROWD_S / max(arm.call(1)[1] / 1e9, 1e-4), threads * 2, 400))
    _stage(arm, rows, calls)
    wall = arm.crowd(threads, calls)
    return Concurrency(side=side, threads=threads, rows_per_s=calls * CROWD_BATCH / max(wall, 1e-9))


def _stage(arm: Arm, rows: int, calls: int) -> None:
    chosen = np.random.default_rng(0).integers(0, rows, calls * CROWD_BATCH, dtype=np.int32)
    arm.stage(chosen, CROWD_BATCH)
