"""Interleaved pairs: both versions answer the same rows, one right after the other, until the evidence suffices.

Timing one version after the other was wrong a third of the time on a shared machine; calls that lie next to each
other see the same machine. Pairs are as short as a call allows, since what disturbs them lasts longer: on a busy
machine a hundred pairs of one call say more than ten pairs of ten. Within a segment the versions strictly alternate:
a call after the other version's finds cold caches, one after its own warm ones, and a coin for each pair would mix
the two (docs/decisions/013). Who begins a segment is drawn, then changes in turns. CPU time decides, wall time is
judged beside it.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gate.benchmark.arms import Arm, Crew, OutOfTimeError, Positions, processors
from gate.domain import TimedPairs
from gate.evidence.latency import LOOKS
from gate.evidence.pairs import Finding, Sharing, Tolerances, certain, findings

METHOD = (
    "adjacent pairs of calls on the same rows, strictly alternating, both on one processor, who begins drawn and then "
    "in turns; CPU time of the worker read by the parent, wall time as a second test at 10 %; Hodges-Lehmann estimate "
    "of the ratio with its signed-rank interval, widened by the variance between identical processes; looks at 40, 80, "
    "160, ... pairs share the confidence"
)
TOKEN_S = 0.001
"""Faster calls are timed several at once, so that they last at least this long."""
MOST_CALLS = 50
WARM_UP_CALLS = 10
SEGMENT_PAIRS, SEGMENT_S = 20, 0.5
"""Pairs whose inputs are cut at once, on one seat, and how long they may take together where calls are slow."""
SEGMENT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way of calling: rows a call, and what it is judged by."""

    name: str
    batch_size: int
    tolerances: Tolerances
    judged_as: str = "latency"
    fewest: int = LOOKS[0]
    """Pairs before an answer ends the timing: those of single rows tell about the tail, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The rows that there are and their bytes a row, how the error is shared, when the time is up (perf_counter)."""

    rows: int
    row_bytes: int
    sharing: Sharing
    processes: str
    end: float
    seed: int = 0

    @property
    def left_s(self) -> float:
        """Seconds of the budget that are left."""
        return self.end - time.perf_counter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Crews that live at the same time and take turns, and the numbers of pairs to which they bring each scenario."""

    crews: tuple[Crew, ...]
    looks: tuple[int, ...] = LOOKS
    share: float = 1.0
    """Of the time that is left, what is theirs."""


def time_pairs(relays: Iterable[Relay], scenarios: Sequence[Scenario], plan: Plan) -> tuple[TimedPairs, ...]:
    """Time all scenarios within one budget.

    All are brought to the first look, those that are still open to the second, and so on: what an early answer leaves
    of the budget goes to the others.
    """
    chance = random.Random(plan.seed)  # noqa: S311 - a fair coin, no secret
    tracks = [_Track(scenario=scenario, plan=plan, chance=chance) for scenario in scenarios]
    for relay in relays:
        end = time.perf_counter() + plan.left_s * relay.share
        for track in tracks:
            track.take_over(relay.crews)
        for look in relay.looks:
            open_ = [track for track in tracks if not track.stopped_by]
            for index, track in enumerate(open_):
                track.extend(look, time.perf_counter() + (end - time.perf_counter()) / (len(open_) - index))
        if all(track.stopped_by for track in tracks) or plan.left_s <= 0:
            break
    return tuple(track.result() for track in tracks)


@dataclass(slots=True, kw_only=True)
class _Rows:
    """Hands out rows, every one once before any twice, in an order of its own."""

    count: int
    chance: random.Random
    left: list[int] = field(default_factory=list)
    passes: int = 0

    def draw(self, wanted: int) -> tuple[list[int], bool]:
        """Draw so many rows; whether all of them are drawn for the first time."""
        drawn: list[int] = []
        while len(drawn) < wanted:
            if not self.left:
                self.left = self.chance.sample(range(self.count), self.count)
                self.passes += 1
            missing = wanted - len(drawn)
            drawn += self.left[:missing]
            del self.left[:missing]
        return drawn, self.passes <= 1


@dataclass(slots=True, kw_only=True)
class _Track:
    """One scenario while it is timed."""

    scenario: Scenario
    plan: Plan
    chance: random.Random
    calls: int = 0
    pairs: list[tuple[int, int, int, int, int, bool]] = field(default_factory=list)
    crews: tuple[Crew, ...] = ()
    gone: int = 0
    """How many crews there were before these."""
    rows: list[_Rows] = field(default_factory=list)
    warm_s: list[float] = field(default_factory=list)
    """Seconds a call of those processes that are warm."""
    coin: int = 0
    """Who begins the first segment of the first crew."""
    turn: int = 0
    """How many segments these crews have had."""
    stopped_by: str = ""

    def take_over(self, crews: tuple[Crew, ...]) -> None:
        """Go on with other crews."""
        self.gone += len(self.crews)
        self.crews, self.rows, self.warm_s = crews, [], []
        self.turn, self.coin = 0, self.chance.randrange(2)

    def extend(self, look: int, end: float) -> None:
        """Go on to so many pairs, or until the time is up; then look at what there is."""
        if time.perf_counter() >= end:
            return
        try:
            if not self._calibrated(end):
                return
            while len(self.pairs) < look and time.perf_counter() + self._pair_s() < end:
                self._segment(look - len(self.pairs), end)
        except OutOfTimeError:
            self.stopped_by = "calls are too slow for the time budget"
            return
        if len(self.pairs) >= min(self.scenario.fewest, LOOKS[-1]):
            self.stopped_by = certain(self._found(), self.plan.sharing)
        if not self.stopped_by and len(self.pairs) == LOOKS[-1]:
            self.stopped_by = "largest number of pairs"

    def result(self) -> TimedPairs:
        """Give what was timed."""
        columns = list(zip(*self.pairs, strict=True)) or [()] * 6
        candidate_cpu, candidate_wall, baseline_cpu, baseline_wall, crew = (
            np.asarray(column, dtype=np.int64) for column in columns[:5]
        )
        return TimedPairs(
            scenario=self.scenario.name,
            judged_as=self.scenario.judged_as,
            warn=self.scenario.tolerances.warn,
            block=self.scenario.tolerances.block,
            batch_size=self.scenario.batch_size,
            calls=max(self.calls, 1),
            candidate_cpu_ns=candidate_cpu,
            candidate_wall_ns=candidate_wall,
            baseline_cpu_ns=baseline_cpu,
            baseline_wall_ns=baseline_wall,
            crew=crew,
            unseen=np.asarray(columns[5], dtype=bool),
            stopped_by=self.stopped_by or "time budget",
        )

    def _found(self) -> tuple[Finding, ...]:
        return findings(self.result(), self.plan.processes, self.plan.sharing.confidence)

    def _calibrated(self, end: float) -> bool:
        """Warm all up, the baseline first, then choose how many calls make a token of at least a millisecond.

        Whether that is done: what the time does not suffice for is done the next time.
        """
        if not self.rows:
            self.rows = [_Rows(count=self.plan.rows, chance=random.Random(self.chance.random())) for _ in self.crews]  # noqa: S311 - as above
        arms = [arm for crew in self.crews for arm in (crew.baseline, crew.candidate)]
        while len(self.warm_s) < len(arms):
            if self.warm_s and time.perf_counter() + min(self.warm_s) > self.plan.end:
                raise OutOfTimeError
            if time.perf_counter() >= end:
                return False
            index = len(self.warm_s)
            self.warm_s.append(self._warm(arms[index], self.rows[index // 2], end))
        self.calls = self.calls or min(MOST_CALLS, max(1, math.ceil(TOKEN_S / max(min(self.warm_s), 1e-7))))
        return True

    def _warm(self, arm: Arm, rows: _Rows, end: float) -> float:
        """The median of up to ten calls, in seconds."""
        taken: list[float] = []
        while len(taken) < WARM_UP_CALLS and (not taken or time.perf_counter() + max(taken) < end):
            arm.stage(_positions(rows.draw(self.scenario.batch_size)[0]), self.scenario.batch_size)
            taken.append(arm.call(1)[1] / 1e9)
        return float(np.median(taken))

    def _pair_s(self) -> float:
        """How long a pair may take, by the slowest of the last ones."""
        recent = self.pairs[-SEGMENT_PAIRS:]
        return max((pair[1] + pair[3] for pair in recent), default=0) / 1e9

    def _segment(self, wanted: int, end: float) -> None:
        """Time a few pairs of the crew whose turn it is, the version first whose turn it is."""
        index, round_ = self.turn % len(self.crews), self.turn // len(self.crews)
        self.turn += 1
        crew, rows, batch = self.crews[index], self.rows[index], self.scenario.batch_size
        drawn = [rows.draw(self.calls * batch) for _ in range(self._size(wanted) + 1)]
        staged = _positions([row for each, _ in drawn for row in each])
        candidate_first = (round_ + index + self.coin) % 2 == 0
        arms = (crew.candidate, crew.baseline) if candidate_first else (crew.baseline, crew.candidate)
        for arm in self.chance.sample(arms, 2):
            arm.stage(staged, batch)
        self._take_seat(crew)
        for arm in arms:  # caches are cold on a new seat
            arm.call(self.calls)
        for _, unseen in drawn[1:]:
            if self.pairs and time.perf_counter() + self._pair_s() >= end:
                return
            first, second = (arm.call(self.calls) for arm in arms)
            both = (*first, *second) if candidate_first else (*second, *first)
            self.pairs.append((*both, self.gone + index, unseen or batch > 1))

    def _size(self, wanted: int) -> int:
        """How many pairs a segment has: as many as are wanted, as hold in memory, and do not take long."""
        pair_bytes = self.calls * self.scenario.batch_size * max(self.plan.row_bytes, 1)
        in_memory = max(1, SEGMENT_BYTES // pair_bytes - 1)
        in_time = max(1, int(SEGMENT_S / self._pair_s())) if self.pairs else 2
        return min(wanted, SEGMENT_PAIRS, in_memory, in_time)

    def _take_seat(self, crew: Crew) -> None:
        known = processors()
        if known:
            crew.seat(frozenset({self.chance.choice(known)}))


def _positions(rows: list[int]) -> Positions:
    return np.asarray(rows, dtype=np.int32)
