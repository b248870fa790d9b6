"""Percentiles: intervals without a distribution, and tails against each other."""

from __future__ import annotations

import numpy as np
import pytest

from gate.evidence.percentiles import percentile, tail_ratio


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """The 95th percentile of 300 skewed numbers lies in its 99 % interval in about 297 of 300 samples."""
    true = np.exp(1.6448536)
    found = [percentile(np.random.default_rng(seed).lognormal(size=300), 0.95) for seed in range(300)]
    assert sum(each.low <= true <= each.high for each in found) >= 290


@pytest.mark.parametrize(("count", "known"), [(459, False), (700, True)])
def test_few_calls_cannot_tell_an_upper_end_of_the_99th_percentile(count, known):
    """The slowest of 459 calls is not yet slow enough for 99 % on both sides; of 700 one is."""
    found = percentile(np.random.default_rng(0).normal(size=count), 0.99)
    assert (found.high is not None) is known


def test_a_median_of_one_value_has_no_interval():
    """One call says nothing of others."""
    found = percentile(np.array([3.0]), 0.5)
    assert (found.value, found.low, found.high) == (3.0, None, None)


def test_equal_tails_are_equal():
    """The interval of two samples of one distribution holds 1."""
    random = np.random.default_rng(0)
    _, low, high = tail_ratio(random.lognormal(size=320), random.lognormal(size=320), 0.99)
    assert low < 1 < high


def test_a_tail_that_doubled_is_found():
    """A tenth of the calls takes twice as long; the median does not move."""
    calls = np.random.default_rng(0).normal(1.0, 0.02, 320)
    slow = np.where(np.arange(320) % 10 == 0, 2 * calls, calls)
    estimate, low, _ = tail_ratio(slow, calls, 0.999)
    assert estimate == pytest.approx(1.95, abs=0.1)
    assert low > 1.2
