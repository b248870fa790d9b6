"""Interleaved pairs, on arms whose speed is known."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from gate.benchmark import Duel, Plan, Scenario, raw, time_pairs

PLAN = Plan(warn=0.02, block=0.05, confidence=0.99, budget_s=20, seed=1)
ONE = [Scenario(name="batch_1", batch_size=1)]


class Arm:
    """A version whose calls cost a known time, with noise; it takes no real time."""

    def __init__(self, seconds, log, name, noise=0.01, seed=0):
        self.seconds, self.log, self.name, self.noise = seconds, log, name, noise
        self.random = np.random.default_rng(seed)

    def __call__(self, _key, calls):
        self.log.append(self.name)
        cost = calls * self.seconds * float(np.exp(self.random.normal(0, self.noise)))
        return cost, cost


def arms(ratio, noise=0.01):
    log = []
    return Arm(0.002 * ratio, log, "candidate", noise, 1), Arm(0.002, log, "baseline", noise, 2), log


ENDS = {1.0: "within the warning tolerance", 1.2: "slower beyond the blocking tolerance"}


@pytest.mark.parametrize("ratio", ENDS)
def test_it_stops_as_soon_as_the_answer_is_certain(ratio):
    """At the first look, where the noise is small."""
    candidate, baseline, _ = arms(ratio)
    (pairs,) = time_pairs(Duel(candidate=candidate, baseline=baseline), ONE, PLAN).latency
    assert (len(pairs.candidate_cpu_s), pairs.stopped_by) == (20, ENDS[ratio])


def test_the_order_within_pairs_is_random():
    """Neither version always goes first."""
    candidate, baseline, log = arms(1.0, noise=0.5)
    time_pairs(Duel(candidate=candidate, baseline=baseline), ONE, PLAN)
    firsts = log[20::2]
    assert 0.35 < firsts.count("candidate") / len(firsts) < 0.65


def test_a_block_is_long_enough_to_be_timed():
    """At least 8 ms."""
    candidate, baseline, _ = arms(1.0)
    (pairs,) = time_pairs(Duel(candidate=candidate, baseline=baseline), ONE, PLAN).latency
    assert pairs.calls_per_block * 0.002 >= 0.0078
    assert np.median(pairs.baseline_cpu_s) == pytest.approx(0.002, rel=0.05)


def test_the_budget_holds_for_calls_that_last_longer():
    """What could not be timed is said, and never an error."""
    import time

    def slow(_key, _calls):
        time.sleep(0.3)
        return 0.3, 0.3

    began = time.perf_counter()
    timings = time_pairs(
        Duel(candidate=slow, baseline=slow), ONE * 3, Plan(warn=0.02, block=0.05, confidence=0.99, budget_s=1.0)
    )
    assert time.perf_counter() - began < 4
    assert [pairs.stopped_by for pairs in timings.latency] == ["time budget"] * 3


def test_every_number_can_be_recomputed_from_the_raw_pairs(tmp_path):
    """They lie beside the report, compressed, in full precision, the same bytes each time."""
    candidate, baseline, _ = arms(1.1)
    timings = time_pairs(Duel(candidate=candidate, baseline=baseline), ONE, PLAN)
    path = raw.write(timings, tmp_path)
    rows = list(csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines()))
    assert [float(row["candidate_cpu_s"]) for row in rows] == timings.latency[0].candidate_cpu_s.tolist()
    first = path.read_bytes()
    assert raw.write(timings, tmp_path).read_bytes() == first
