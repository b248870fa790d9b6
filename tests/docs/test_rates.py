"""The bounds and counts behind docs/error-rates.md."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "rates.py"


@pytest.fixture(scope="module")
def rates():
    spec = importlib.util.spec_from_file_location("rates", PAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_in_three_thousand_runs_shows_one_in_a_thousand(rates):
    """The rule of three: with no event in n runs the 95 % bound is about 3 / n."""
    assert 0.00099 < rates.upper(0, 3000) < 0.001


def test_all_of_three_hundred_runs_show_99_in_100(rates):
    """The same from below."""
    assert 0.99 < rates.lower(300, 300) < 0.9901


@pytest.mark.parametrize(("events", "runs", "bound"), [(2, 50, 0.1206), (10, 200, 0.0831)])
def test_the_upper_bound_is_that_of_clopper_and_pearson(rates, events, runs, bound):
    """No more than 5 % of samples at the bound have so few events: the binomial sum says so."""
    from scipy.stats import binom

    found = rates.upper(events, runs)
    assert binom.cdf(events, runs, found) == pytest.approx(0.05)
    assert found == pytest.approx(bound, abs=5e-4)


def test_no_runs_show_nothing(rates):
    """Without runs a rate may be anything."""
    assert (rates.lower(0, 0), rates.upper(0, 0)) == (0, 1)


def test_every_table_can_be_written(rates):
    """Each table of the page has its head, a rule and at least one row."""
    tables = [rates.summary, rates.by_rows, rates.by_world, rates.harmless, rates.defects, rates.checks]
    assert all(len(table().splitlines()) > 2 for table in tables)
