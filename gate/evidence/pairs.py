"""What one scenario's pairs say: which clock counts, which pairs, how much slower, whether that is enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.domain import TimedPairs
from gate.evidence.arrays import Bools, Floats
from gate.evidence.latency import SHARES, Ratio, ShiftTest, at_each_look, process_error, ratio

IDLE_SHARE = 0.5
"""Below this share of CPU in wall time the work is elsewhere (a GPU, a remote call, sleep): wall time alone counts."""
WALL_TOLERANCE = 0.10
"""Wall time is noisier, and is never judged more strictly than this."""
KEPT_SHARE = 0.7
"""Repeated rows answered in less than this share of the time of new ones: the answers were kept."""
_FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """Shares: 0.02 is 2 %. Slower beyond `warn` is a warning, beyond `block` critical."""

    warn: float
    block: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """One-sided errors: `alpha` of the whole check, shared over `hypotheses` to fail; each passes at alpha alone."""

    alpha: float
    hypotheses: int

    @property
    def to_fail(self) -> float:
        """The error of one look at one hypothesis."""
        return self.alpha / SHARES / self.hypotheses

    @property
    def to_pass(self) -> float:
        """The error of one look."""
        return self.alpha / SHARES

    @property
    def confidence(self) -> float:
        """Of the two-sided interval that is shown."""
        return at_each_look(1 - self.alpha / self.hypotheses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One scenario by one clock ("cpu" or "wall"). The p-values are one-sided, of one look.

    `visible` is the smallest slowdown that could have been seen.
    """

    scenario: str
    clock: str
    tolerances: Tolerances
    pairs: int
    ratio: Ratio
    p_warn: float
    p_block: float
    p_within_warn: float
    p_within_block: float

    @property
    def name(self) -> tuple[str, str]:
        """The hypothesis: scenario and clock."""
        return (self.scenario, self.clock)

    @property
    def visible(self) -> float:
        """The smallest slowdown, as a share, that could have been told from none."""
        return self.ratio.high / self.ratio.estimate - 1


def hypotheses(scenarios: int) -> int:
    """Count what is tested of so many scenarios: two clocks, and one tail."""
    return 2 * scenarios + 1


def findings(pairs: TimedPairs, processes: str, confidence: float) -> tuple[Finding, ...]:
    """Judge a scenario by CPU time and, as a second test, by wall time; by wall time alone where the work is elsewhere.

    Empty where there is no pair. `confidence` is that of the intervals.
    """
    if pairs.pairs == 0:
        return ()
    chosen = counted(pairs)
    tolerances = Tolerances(warn=pairs.warn, block=pairs.block)
    slack = Tolerances(warn=max(tolerances.warn, WALL_TOLERANCE), block=max(tolerances.block, WALL_TOLERANCE))
    wall = _finding(pairs, "wall", slack, (chosen, processes, confidence))
    if waits(pairs):
        return (wall,)
    return (_finding(pairs, "cpu", tolerances, (chosen, processes, confidence)), wall)


def _finding(pairs: TimedPairs, clock: str, tolerances: Tolerances, how: tuple[Bools, str, float]) -> Finding:
    chosen, processes, confidence = how
    x = log_ratios(pairs, clock)[chosen]
    error = process_error(x, pairs.crew[chosen], processes)
    test = ShiftTest.of(x, error)
    return Finding(
        scenario=pairs.scenario,
        clock=clock,
        tolerances=tolerances,
        pairs=len(x),
        ratio=ratio(x, confidence, error),
        p_warn=test.beyond(tolerances.warn),
        p_block=test.beyond(tolerances.block),
        p_within_warn=test.within(tolerances.warn),
        p_within_block=test.within(tolerances.block),
    )


def log_ratios(pairs: TimedPairs, clock: str) -> Floats:
    """Give ln(candidate / baseline) of each pair by one clock, shape (pairs,)."""
    candidate, baseline = sides(pairs, clock)
    return np.asarray(np.log(candidate / baseline))


def sides(pairs: TimedPairs, clock: str) -> tuple[Floats, Floats]:
    """Give the seconds a call of candidate and baseline, each of shape (pairs,)."""
    both = (
        (pairs.candidate_cpu_ns, pairs.baseline_cpu_ns)
        if clock == "cpu"
        else (pairs.candidate_wall_ns, pairs.baseline_wall_ns)
    )
    candidate, baseline = (np.maximum(each, 1) / 1e9 / max(pairs.calls, 1) for each in both)
    return candidate, baseline


def waits(pairs: TimedPairs) -> bool:
    """Say whether one of the versions mostly waits."""
    return any(
        cpu.sum() < IDLE_SHARE * wall.sum()
        for cpu, wall in (
            (pairs.candidate_cpu_ns, pairs.candidate_wall_ns),
            (pairs.baseline_cpu_ns, pairs.baseline_wall_ns),
        )
    )


def kept_share(pairs: TimedPairs) -> dict[str, float]:
    """Give the time of repeated rows as a share of that of new ones, a version; 1 where there are too few of either."""
    new, again = pairs.unseen, ~pairs.unseen
    known = min(int(new.sum()), int(again.sum())) >= _FEW // 2
    shares = {}
    for side, times in zip(("candidate", "baseline"), sides(pairs, "wall"), strict=True):
        shares[side] = float(np.median(times[again]) / np.median(times[new])) if known else 1.0
    return shares


def counted(pairs: TimedPairs) -> Bools:
    """Choose the pairs that count: all, or those of new rows where a version keeps its answers to old ones."""
    keeps = any(share < KEPT_SHARE for share in kept_share(pairs).values())
    return pairs.unseen if keeps and pairs.unseen.sum() >= _FEW else np.ones(pairs.pairs, dtype=bool)


def certain(found: tuple[Finding, ...], sharing: Sharing) -> str:
    """Say what is certain about a scenario by now, "" while nothing is."""
    if any(each.p_block <= sharing.to_fail for each in found):
        return "slower beyond the blocking tolerance"
    if found and all(each.p_within_warn <= sharing.to_pass for each in found):
        return "within the warning tolerance"
    warned = any(each.p_warn <= sharing.to_fail for each in found)
    if warned and all(each.p_within_block <= sharing.to_pass for each in found):
        return "slower beyond the warning tolerance, within the blocking one"
    return ""


def seconds(pairs: TimedPairs, clock: str) -> tuple[float, float]:
    """Give the median seconds a call of candidate and baseline; NaN where there is no pair."""
    if pairs.pairs == 0:
        return math.nan, math.nan
    candidate, baseline = sides(pairs, clock)
    return float(np.median(candidate)), float(np.median(baseline))
