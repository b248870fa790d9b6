"""What a call and a row cost, and latency under load in virtual time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.open_loop import curve, saturation, waits
from gate.evidence.throughput import cost_model, slowdown


@given(st.floats(1e-5, 1e-1), st.floats(1e-8, 1e-4))
def test_costs_are_found_where_they_are_exact(fixed, row):
    """A line is fitted as that line."""
    model = cost_model({size: fixed + row * size for size in (1, 32, 256, 4096)})
    assert model.fixed_s == pytest.approx(fixed, rel=1e-6)
    assert model.row_s == pytest.approx(row, rel=1e-6, abs=1e-12)


def test_costs_are_never_negative():
    """Batches that are cheaper than single rows have no negative cost a row."""
    model = cost_model({1: 0.010, 256: 0.009})
    assert model.fixed_s > 0
    assert model.row_s == 0


def test_one_size_tells_no_costs():
    """Two unknowns need two sizes."""
    assert cost_model({1: 0.01}) is None


def test_ten_per_cent_fewer_rows_take_eleven_per_cent_longer():
    """The two ways to say it."""
    assert slowdown(0.10) == pytest.approx(1 / 9)


def test_a_wait_is_what_the_one_before_left():
    """Lindley by hand: calls of 3 s, arrivals after 2, 2 and 10 s wait 0, 1, 2 and 0 s."""
    assert waits(np.full(4, 3.0), np.array([2.0, 2.0, 10.0, 1.0])).tolist() == [0.0, 1.0, 2.0, 0.0]


def test_latency_under_load_is_what_theory_says():
    """Exponential calls and arrivals (M/M/1): the response is exponential with mean s / (1 - load)."""
    calls = np.random.default_rng(0).exponential(0.01, 20_000)
    for point in curve(calls):
        if point.load <= 0.8:
            assert point.p99_s == pytest.approx(np.log(100) * 0.01 / (1 - point.load), rel=0.15)


def test_the_highest_rate_that_keeps_an_objective_is_what_theory_says():
    """M/M/1: p99 is 0.5 s at the rate 1 / s - ln(100) / 0.5 a second."""
    calls = np.random.default_rng(0).exponential(0.01, 20_000)
    assert saturation(calls, 0.5) == pytest.approx(100 - np.log(100) / 0.5, rel=0.05)


def test_an_objective_that_no_rate_keeps_gives_nothing():
    """A p99 below the calls themselves cannot be had."""
    assert saturation(np.full(100, 0.01), 0.005) == pytest.approx(0.0, abs=0.02)
