"""The ratio of two durations: right on average, certain when it says so, undecided otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gate.domain import TimedPairs
from gate.evidence.latency import FEWEST, LOOKS, PROCESS_SD, SHARES, ShiftTest, at_each_look, process_error, ratio
from gate.evidence.pairs import Sharing, certain, findings

RUNS = 300


def pairs(seed, slower, count=640, noise=0.1):
    """Logarithms of heavy-tailed ratios around a true slowdown."""
    return math.log1p(slower) + noise * np.random.default_rng(seed).standard_t(4, count)


def test_the_estimate_is_the_median_of_pairwise_means():
    """Of 0, 1 and 5 the means of all pairs are 0, 0.5, 1, 2.5, 3 and 5; their median is 1.75."""
    assert ratio(np.array([0.0, 1.0, 5.0]), 0.5).estimate == pytest.approx(math.exp(1.75))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """At 95 %, about 285 of 300 intervals of 40 pairs hold the true ratio."""
    held = sum(found.low <= 1.05 <= found.high for found in (ratio(pairs(s, 0.05, 40), 0.95) for s in range(RUNS)))
    assert 270 <= held <= 297


def test_few_pairs_give_no_bounds():
    """Three pairs say nothing at 99 %."""
    found = ratio(np.array([0.1, 0.2, 0.3]), 0.99)
    assert (found.low, found.high) == (0.0, math.inf)


def timed(x):
    """Pairs whose CPU and wall times have these logarithms of ratios, from two crews in turns."""
    baseline = np.full(len(x), 4e6)
    candidate = (baseline * np.exp(x)).astype(np.int64)
    baseline = baseline.astype(np.int64)
    return TimedPairs(
        scenario="batch_1",
        judged_as="latency",
        warn=0.02,
        block=0.05,
        batch_size=1,
        calls=1,
        candidate_cpu_ns=candidate,
        baseline_cpu_ns=baseline,
        candidate_wall_ns=candidate,
        baseline_wall_ns=baseline,
        crew=np.arange(len(x)) // 20 % 2,
        unseen=np.ones(len(x), dtype=bool),
    )


SHARING = Sharing(alpha=0.01, hypotheses=2)


def looks(seed, slower):
    """What the looks say in turn: the first thing that is certain, "" where nothing is."""
    x = pairs(seed, slower, LOOKS[-2])
    said = (certain(findings(timed(x[:look]), "forked", SHARING.confidence), SHARING) for look in LOOKS[:-1])
    return next((text for text in said if text), "")


def test_equal_versions_are_hardly_ever_called_slower():
    """Identical code: none of 100 runs over all looks says slower than a tolerance."""
    assert sum("slower" in looks(seed, 0.0) for seed in range(100)) == 0


def test_a_slowdown_of_exactly_a_tolerance_is_called_beyond_it_no_more_often_than_stated():
    """5 % slower, 5 % tolerated: beyond it in at most 1 % of the runs (here at most 4 of 100)."""
    assert sum("beyond the blocking" in looks(seed, 0.05) for seed in range(100)) <= 4


def test_a_slowdown_of_a_fifth_is_found():
    """20 % slower is said in every run."""
    assert sum("beyond the blocking" in looks(seed, 0.2) for seed in range(50)) == 50


def test_a_look_has_a_share_of_the_confidence():
    """All looks and the end of the budget together err in one direction as often as the confidence allows."""
    assert (1 - at_each_look(0.99)) / 2 * SHARES == pytest.approx(0.01)


def test_a_p_value_is_small_as_often_as_it_says():
    """At a slowdown of exactly the tolerance, p is below 5 % in about 5 % of the runs."""
    small = sum(ShiftTest.of(pairs(seed, 0.05, 40)).beyond(0.05) < 0.05 for seed in range(RUNS))
    assert 4 <= small <= 28


def test_the_processes_error_makes_a_test_less_sure():
    """What only this pair of processes shows is no proof: 3 % beyond 2 %, with 1 % between processes."""
    x = pairs(0, 0.03, 640, noise=0.02)
    alone, with_processes = ShiftTest.of(x).beyond(0.02), ShiftTest.of(x, 0.01).beyond(0.02)
    assert alone < 1e-6
    assert with_processes > 0.1


def test_slower_and_not_slower_are_never_both_proven():
    """Whatever the noise, one of the two p-values is at least a half."""
    for seed in range(50):
        test = ShiftTest.of(pairs(seed, 0.02, 30), 0.005)
        assert max(test.beyond(0.02), test.within(0.02)) >= 0.5


def test_too_few_pairs_prove_nothing():
    """Five signed ranks cannot be small enough."""
    assert ShiftTest.of(np.full(FEWEST - 1, 3.0)).beyond(0.02) == 1.0


def test_the_interval_is_as_wide_as_pairs_and_processes_together():
    """The two errors add in quadrature."""
    x = pairs(1, 0.0, 640)
    narrow, wide = ratio(x, 0.99), ratio(x, 0.99, 0.01)
    half = math.log(narrow.high / narrow.estimate)
    assert math.log(wide.high / wide.estimate) == pytest.approx(math.hypot(half, 2.5758 * 0.01), rel=1e-3)


def test_more_processes_tell_more():
    """The error falls with the root of their number; unequal shares count as fewer."""
    known = PROCESS_SD["forked"]
    assert process_error(np.zeros(40), np.repeat([0, 1], 20), "forked") == pytest.approx(known / math.sqrt(2))
    assert process_error(np.zeros(40), np.repeat([0, 1], [30, 10]), "forked") > known / math.sqrt(2)


def test_processes_that_differ_more_than_is_known_count_as_they_are():
    """From four pairs of processes on what they show is believed where it is larger."""
    x = np.repeat([-0.1, 0.1, -0.1, 0.1], 10)
    assert process_error(x, np.repeat(range(4), 10), "forked") == pytest.approx(
        np.std([-0.1, 0.1, -0.1, 0.1], ddof=1) / 2
    )
