"""Interleaved pairs, on arms whose speed is known."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from gate.benchmark import Crew, OutOfTimeError, Plan, Relay, Scenario, raw, time_pairs
from gate.domain import Timings
from gate.evidence.pairs import Sharing, Tolerances

TOLERANCES = Tolerances(warn=0.02, block=0.05)
ONE = [Scenario(name="batch_1", batch_size=1, tolerances=TOLERANCES)]


def plan(budget_s=20.0, rows=1000, seed=1):
    return Plan(
        rows=rows,
        row_bytes=8,
        sharing=Sharing(alpha=0.01, hypotheses=2),
        processes="forked",
        end=time.perf_counter() + budget_s,
        seed=seed,
    )


class Arm:
    """A version whose calls cost a known time, with noise; it takes no real time."""

    def __init__(self, name, log, seconds=0.002, noise=0.01, seed=0, cost=None):
        self.name, self.log, self.seconds, self.noise, self.cost = name, log, seconds, noise, cost
        self.random = np.random.default_rng(seed)
        self.staged, self.seats = [], []

    def stage(self, positions, batch):
        assert len(positions) % batch == 0
        self.staged = [positions[at : at + batch] for at in range(0, len(positions), batch)][::-1]

    def call(self, count):
        rows = [self.staged.pop() for _ in range(count)]
        self.log.append((self.name, tuple(int(row) for each in rows for row in each)))
        seconds = count * self.seconds * float(np.exp(self.random.normal(0, self.noise)))
        if self.cost:
            seconds *= np.mean([self.cost(int(row)) for each in rows for row in each])
        return int(seconds * 1e9), int(seconds * 1e9)

    def seat(self, processors):
        self.seats.append(processors)


def crew(ratio=1.0, noise=0.01, cost=None, seconds=0.002):
    log = []
    candidate = Arm("candidate", log, seconds * ratio, noise, 1, cost)
    return Crew(candidate=candidate, baseline=Arm("baseline", log, seconds, noise, 2)), log


def timed(crews, scenarios=ONE, how=None):
    return time_pairs([Relay(crews=tuple(crews))], scenarios, how or plan())


ENDS = {1.0: "within the warning tolerance", 1.2: "slower beyond the blocking tolerance"}


@pytest.mark.parametrize("ratio", ENDS)
def test_it_stops_as_soon_as_the_answer_is_certain(ratio):
    """At the first look, where the noise is small."""
    (pairs,) = timed([crew(ratio)[0], crew(ratio)[0]])
    assert (pairs.pairs, pairs.stopped_by) == (40, ENDS[ratio])


def test_more_pairs_are_asked_of_single_rows_that_tell_about_the_tail():
    """A scenario may ask for more pairs than the answer needs."""
    scenario = Scenario(name="batch_1", batch_size=1, tolerances=TOLERANCES, fewest=160)
    (pairs,) = timed([crew()[0], crew()[0]], [scenario])
    assert pairs.pairs == 160


def test_both_versions_answer_the_same_rows():
    """The difference between two rows is no difference between two versions."""
    both, log = crew()
    timed([both], [Scenario(name="batch_3", batch_size=3, tolerances=TOLERANCES)])
    ours, theirs = ([rows for name, rows in log if name == side] for side in ("candidate", "baseline"))
    assert len(ours) > 40
    assert ours[20:] == theirs[20:]


def test_the_versions_strictly_alternate_within_a_segment():
    """A call after one's own finds warm caches: neither version ever has two in a row."""
    both, log = crew(noise=0.5)
    timed([both])
    names = [name for name, _ in log[20:]]
    twice = sum(first == second for first, second in itertools.pairwise(names))
    assert twice < len(names) / 20


def test_who_begins_changes_in_turns():
    """Neither version always goes first."""
    both, log = crew(noise=0.5)
    timed([both])
    segments = len(both.candidate.seats)
    assert segments >= 4
    names = [name for name, _ in log[20:]]
    starts = names[:: (len(names) // segments) or 1]
    assert 0.3 < starts.count("candidate") / len(starts) < 0.7


def test_the_crews_take_turns():
    """Each pair of processes gives as many pairs as the other."""
    (pairs,) = timed([crew()[0], crew()[0]])
    assert np.bincount(pairs.crew).tolist() == [20, 20]


def test_other_crews_go_on_where_the_first_end():
    """A relay goes on to its own looks, and the pairs say whose they are."""
    relays = [Relay(crews=(crew(noise=0.3)[0],), looks=(40,)), Relay(crews=(crew(noise=0.3)[0],), looks=(80,))]
    (pairs,) = time_pairs(relays, ONE, plan())
    assert np.bincount(pairs.crew).tolist() == [40, 40]


def test_every_row_is_asked_once_before_any_is_asked_twice():
    """Rows that were asked before are known as such: a version may keep its answers."""
    (pairs,) = timed([crew(noise=0.5)[0]], how=plan(rows=100))
    assert pairs.unseen[:40].all()
    assert not pairs.unseen[120:].any()


def test_fast_calls_are_timed_together():
    """So many that they last a millisecond; each number is that of all of them."""
    (pairs,) = timed([crew(seconds=0.0001)[0]])
    assert pairs.calls >= 10
    assert np.median(pairs.baseline_cpu_ns) == pytest.approx(0.0001e9 * pairs.calls, rel=0.05)


def test_the_budget_holds_for_calls_that_last_long():
    """What could not be timed is said, and never an error."""

    class Slow(Arm):
        def call(self, count):
            time.sleep(0.3)
            return super().call(count)

    slow = Crew(candidate=Slow("candidate", [], 0.3), baseline=Slow("baseline", [], 0.3))
    scenarios = [Scenario(name=f"batch_{size}", batch_size=size, tolerances=TOLERANCES) for size in (1, 2, 3)]
    began = time.perf_counter()
    found = timed([slow], scenarios, plan(budget_s=1.0))
    assert time.perf_counter() - began < 4
    assert {pairs.stopped_by for pairs in found} <= {"time budget", "calls are too slow for the time budget"}


def test_a_call_that_outlasts_the_budget_ends_its_scenario():
    """It is given up, with the reason."""

    class Endless(Arm):
        def call(self, _count):
            raise OutOfTimeError

    (pairs,) = timed([Crew(candidate=Endless("candidate", []), baseline=Arm("baseline", []))])
    assert (pairs.pairs, pairs.stopped_by) == (0, "calls are too slow for the time budget")


def test_everything_that_was_timed_can_be_read_back(tmp_path):
    """In full precision, from the same bytes each time."""
    pairs = timed([crew(1.1)[0]])
    timings = Timings(environment={"cores": 2}, method="m", pairs=pairs)
    path = raw.write(timings, tmp_path)
    again = raw.read(path)
    assert again.pairs[0].candidate_cpu_ns.tolist() == pairs[0].candidate_cpu_ns.tolist()
    assert again.pairs[0].unseen.tolist() == pairs[0].unseen.tolist()
    first = path.read_bytes()
    assert raw.write(again, tmp_path).read_bytes() == first
