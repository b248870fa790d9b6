"""The ratio of two durations: right on average, certain when it says so, undecided otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gate.evidence.latency import LOOKS, at_each_look, ratio, verdict_so_far

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


def looks(seed, slower):
    """What the looks say in turn: the first thing that is certain, "" where nothing is."""
    x = pairs(seed, slower)
    said = (verdict_so_far(x[:look], warn=0.02, block=0.05, confidence=0.99) for look in LOOKS)
    return next((text for text in said if text), "")


def test_equal_versions_are_hardly_ever_called_slower():
    """Identical code: none of 300 runs over all looks says slower than a tolerance."""
    assert sum("slower" in looks(seed, 0.0) for seed in range(RUNS)) == 0


def test_a_slowdown_of_exactly_a_tolerance_is_called_beyond_it_no_more_often_than_stated():
    """5 % slower, 5 % tolerated: beyond it in at most 1 % of the runs (here at most 8 of 300)."""
    assert sum("beyond the blocking" in looks(seed, 0.05) for seed in range(RUNS)) <= 8


def test_a_slowdown_of_a_fifth_is_found():
    """20 % slower is said in every run."""
    assert sum("beyond the blocking" in looks(seed, 0.2) for seed in range(50)) == 50


def test_a_look_has_a_share_of_the_confidence():
    """All looks together err in one direction as often as the confidence allows."""
    assert (1 - at_each_look(0.99)) / 2 * len(LOOKS) == pytest.approx(0.01)
