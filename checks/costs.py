"""What else a version costs: a call, a row, a start, memory."""

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.benchmarked import costs

STARTS, FEWEST_PEAKS = 5, 3
START_TOLERANCE, LEAST_START_S = 0.25, {"cpu": 0.0, "wall": 0.2}
PEAK_TOLERANCE, PEAK_BYTES = 0.05, 5_000_000
LEAK_BYTES, MANY_CALLS = 5_000_000, 1000


def what_grew(timings):
    """Say whether a call or a row became dearer, which is where to look."""
    models = costs(timings)
    ours, theirs = models["candidate"], models["baseline"]
    if ours is None or theirs is None:
        return "profile predict of both versions on the same rows to see what it is"
    fixed = f"a call costs {ours.fixed_s * 1000:.3g} ms against {theirs.fixed_s * 1000:.3g} ms"
    row = f"a row {ours.row_s * 1e6:.3g} µs against {theirs.row_s * 1e6:.3g} µs"
    more_fixed = ours.fixed_s - theirs.fixed_s
    more_rows = (ours.row_s - theirs.row_s) * 256
    where = "what is done once a call" if more_fixed > more_rows else "what is done for each row"
    return f"{fixed}, {row}: look at {where}"


def measure_costs(timings, measure):
    """Record the fixed cost and the cost of a row of both versions."""
    models = costs(timings)
    ours, theirs = models["candidate"], models["baseline"]
    if ours is None or theirs is None:
        return
    measure("fixed_ms", ours.fixed_s * 1000, unit="ms", baseline=theirs.fixed_s * 1000)
    measure("row_us", ours.row_s * 1e6, unit="µs", baseline=theirs.row_s * 1e6)
    for size in (256, 4096):
        measure(f"rows_per_s_{size}", ours.rows_per_s(size), baseline=theirs.rows_per_s(size))


def paired_starts(timings):
    """Give the starts of candidate and baseline, as many of each."""
    sides = [[start for start in timings.starts if start.side == side] for side in ("candidate", "baseline")]
    count = min(map(len, sides))
    return sides[0][:count], sides[1][:count]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsCompared:
    """How long both versions take to start, in seconds of one clock, and the ratio with its interval."""

    clock: str
    candidate_s: float
    baseline_s: float
    ratio: float
    low: float
    high: float

    @property
    def slower(self):
        """Whether the whole interval lies beyond the tolerance, and the difference is one that people notice."""
        noticed = self.candidate_s - self.baseline_s > LEAST_START_S[self.clock]
        return self.low > 1 + START_TOLERANCE and noticed

    def __str__(self):
        """In words."""
        clock = {"cpu": "of CPU", "wall": "by the wall clock"}[self.clock]
        return (
            f"a start takes {self.candidate_s:.3g} s {clock} against {self.baseline_s:.3g} s ({self.ratio - 1:+.0%}, "
            f"interval {self.low - 1:+.0%} to {self.high - 1:+.0%}), beyond 25 %"
        )


def compared_starts(candidate, baseline, clock, confidence):
    """Compare as many starts of both: the mean of ln(ratio) of those side by side, with Student's interval."""
    from scipy.stats import t

    name = {"cpu": "cpu_s", "wall": "wall_s"}[clock]
    ours, theirs = (np.array([getattr(start, name) for start in side]) for side in (candidate, baseline))
    x = np.log(np.maximum(ours, 1e-9) / np.maximum(theirs, 1e-9))
    mean = float(x.mean())
    half = float(t.isf((1 - confidence) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x)))
    return StartsCompared(
        clock=clock,
        candidate_s=float(np.median(ours)),
        baseline_s=float(np.median(theirs)),
        ratio=math.exp(mean),
        low=math.exp(mean - half),
        high=math.exp(mean + half),
    )


def peak_problem(timings, measure):
    """Say that the peak grew, "" where it did not; record it."""
    ours, theirs = ([start.peak_rss_bytes for start in side] for side in paired_starts(timings))
    if len(ours) < FEWEST_PEAKS or None in (*ours, *theirs):
        return ""
    after, before = float(np.median(ours)), float(np.median(theirs))
    limit = before + max(PEAK_TOLERANCE * before, PEAK_BYTES)
    measure("peak_rss_bytes", after, margin=limit, unit="bytes", baseline=before)
    if after <= limit or min(ours) <= max(theirs):
        return ""
    return f"a process takes {after / 1e6:,.0f} MB at its peak against {before / 1e6:,.0f} MB"


def leak_problem(timings, measure):
    """Say that memory grows with the calls, "" where it does not; record it."""
    runs = {run.side: run for run in timings.endurance if len(run.calls) > 2}  # noqa: PLR2004 - begin, middle, end
    if len(runs) < 2:  # noqa: PLR2004 - both versions
        return ""
    grown = {side: _second_half(run) for side, run in runs.items()}
    calls = runs["candidate"].calls[-1]
    measure("growth_bytes", grown["candidate"], unit="bytes", baseline=grown["baseline"])
    measure("calls", calls, baseline=runs["baseline"].calls[-1])
    if grown["candidate"] <= LEAK_BYTES + 2 * max(0, grown["baseline"]):
        return ""
    return (
        f"memory grows with the calls: the last half of {calls:,} calls added {grown['candidate'] / 1e6:,.1f} MB, "
        f"the baseline's {grown['baseline'] / 1e6:,.1f} MB"
    )


def remark_few_calls(timings, remark):
    """Say that a slow leak would not have shown."""
    calls = min((run.calls[-1] for run in timings.endurance), default=0)
    if calls < MANY_CALLS:
        remark(f"{calls:,} calls of each version fitted into the time budget: a slow leak would not show")


def _second_half(run):
    middle = int(np.argmin(np.abs(np.array(run.calls) - run.calls[-1] / 2)))
    return run.rss_bytes[-1] - run.rss_bytes[middle]


def remark_threads(timings, remark):
    """Say that a version starts more threads than its baseline."""
    ours, theirs = ([start.threads or 0 for start in side] for side in paired_starts(timings))
    if ours and np.median(ours) > np.median(theirs):
        remark(f"a process has {np.median(ours):.0f} threads against {np.median(theirs):.0f}")
