"""The methods that people use, on the same versions in the same run: one version timed after the other.

Each has as many seconds as a comparison of the gate takes at the most a scenario. The rules: the mean of the calls more
than 5 % above the other's (`pytest --benchmark-compare-fail=mean:5%`), the fastest call more than 5 % above
(`min:5%`, pytest-benchmark's default column), and a one-sided Mann-Whitney test at 1 %.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from scipy.stats import mannwhitneyu

from bench.latency.live import Question, Seen, seen_of
from gate.benchmark import Crew
from gate.crewing import Bench, started
from gate.evidence.arrays import Floats

SECONDS = 2.5
"""Of each version, one after the other."""
TIMEOUT_S = 300
LIMIT = 1.05
LEVEL = 0.01


def run(bench: Bench, question: Question) -> list[Seen]:
    """Time the baseline, then the candidate, in new processes, for each scenario; what each rule says."""
    found = []
    bench = replace(bench, end=time.perf_counter() + TIMEOUT_S)
    with ExitStack() as stack:
        crew = started(bench, bench.launchers, bench.sides, stack)
        for size in question.settings.latency.batch_sizes:
            began = time.perf_counter()
            baseline, candidate = (_walls(crew, side, size, len(bench.rows)) for side in ("baseline", "candidate"))
            took = time.perf_counter() - began
            for method, ratio, worse in _rules(candidate, baseline):
                state = "block" if worse else "within"
                found.append(seen_of(question, (method, f"batch_{size}", state), (ratio, len(candidate), took)))
    return found


def _walls(crew: Crew, side: str, size: int, rows: int) -> Floats:
    """Wall seconds of single calls, after ten to warm up."""
    arm, random = getattr(crew, side), np.random.default_rng(0)
    walls: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(walls) < 20:  # noqa: PLR2004 - so few tell nothing
        arm.stage(random.integers(0, rows, 10 * size, dtype=np.int32), size)
        walls += [arm.call(1)[1] / 1e9 for _ in range(10)]
    return np.asarray(walls[10:])


def _rules(candidate: Floats, baseline: Floats) -> list[tuple[str, float, bool]]:
    mean, fastest = (float(f(candidate) / f(baseline)) for f in (np.mean, np.min))
    p = float(mannwhitneyu(candidate, baseline, alternative="greater").pvalue)
    median = float(np.median(candidate) / np.median(baseline))
    return [
        ("mean more than 5 % above", mean, mean > LIMIT),
        ("minimum more than 5 % above", fastest, fastest > LIMIT),
        ("Mann-Whitney at 1 %", median, p < LEVEL),
    ]
