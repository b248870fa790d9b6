"""Statistics of slices: sums add up, p-values hold where nothing is wrong, what is wrong is found and named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gate.evidence.metrics import METRICS, Truth
from gate.evidence.pairing import Paired
from gate.evidence.slice_search import search
from gate.evidence.slices import Losses, adjusted, in_metric, judge, losses_of, sums
from gate.evidence.slicing import cut, matching


def losses(difference, margin=0.1):
    return Losses(metric="mae", difference=difference, baseline=np.ones(len(difference)), margin=margin)


def inputs(rng, rows, count=3):
    return [cut(f"x{place}", pd.Series(rng.normal(size=rows)), 50) for place in range(count)]


def test_the_loss_of_a_slice_is_the_difference_of_the_roots():
    """In the unit of rmse, as computed by hand."""
    rng = np.random.default_rng(0)
    truth, ours, theirs = (rng.normal(size=500) for _ in range(3))
    paired = Paired(truth=Truth(values=truth), candidate=ours, baseline=theirs, rows=np.arange(500))
    found = losses_of(METRICS["rmse"], paired, 0.02)
    part = np.arange(500) < 200
    added = sums(np.where(part, 0, -1), 1, found)
    roots = [np.sqrt(np.mean((answer - truth)[part] ** 2)) for answer in (ours, theirs)]
    assert in_metric(found, judge(added, found), 0)[0] == pytest.approx(roots[0] - roots[1])


def test_sums_of_parts_add_up():
    """Two halves of the rows give what all of them give, in one unit."""
    rng = np.random.default_rng(1)
    found, codes = losses(rng.normal(size=400)), rng.integers(-1, 3, 400)
    halves = [found.take(slice(None, 200)), found.take(slice(200, None))]
    whole = sums(codes, 3, found)
    rows = sum(sums(part, 3, half)[:, 0] for part, half in zip((codes[:200], codes[200:]), halves, strict=True))
    assert (rows == whole[:, 0]).all()


@pytest.mark.parametrize("shape", ["normal", "skewed", "rare"])
def test_a_loss_at_the_margin_is_proven_no_more_often_than_stated(shape):
    """5 % of 2,000 slices of 100 rows, be the differences skewed or mostly 0."""
    rng = np.random.default_rng(2)
    size = (2000, 100)
    draw = {
        "normal": lambda: rng.normal(size=size),
        "skewed": lambda: rng.exponential(size=size) - 1,
        "rare": lambda: (rng.random(size) < 0.15) * rng.choice([-1, 1], size),
    }[shape]()
    found = losses((draw + 0.1).ravel())
    p_beyond = judge(sums(np.repeat(np.arange(2000), 100), 2000, found), found).p_beyond
    assert np.mean(p_beyond <= 0.05) <= 0.065


def test_the_search_keeps_its_confidence_where_nothing_is_wrong():
    """At a loss of nothing everywhere hardly any of 60 searches finds something at 10 %."""
    rng = np.random.default_rng(3)
    found = [search(inputs(rng, 600), losses(rng.normal(size=600)), rng.random(600), 50) for _ in range(60)]
    assert sum(each.p_beyond <= 0.1 for each in found) <= 6


def test_the_search_names_a_pair_of_inputs():
    """A loss where two inputs are high at once: both are named, and most of the rows."""
    rng = np.random.default_rng(4)
    columns = [rng.normal(size=4000) for _ in range(3)]
    bad = (columns[0] > 0.5) & (columns[1] > 0.5)
    parts = [cut(f"x{place}", pd.Series(values), 50) for place, values in enumerate(columns)]
    found = search(parts, losses(rng.normal(size=4000) + 3 * bad), 0.01 * rng.random(4000) + bad, 50)
    assert found.p_beyond < 1e-6
    assert {"x0", "x1"} <= set(found.name.split())
    assert np.mean(found.inside[bad]) > 0.7


def test_versions_that_differ_everywhere_are_told_from_a_defect():
    """What is lost in one half of an input is gained in the other: no defect, though each half is proven."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=4000)
    parts = [cut("x", pd.Series(values), 50), *inputs(rng, 4000)]
    found = search(parts, losses(rng.normal(size=4000) + np.sign(values)), rng.random(4000), 50)
    assert found.p_beyond > 0.01


def test_no_slice_is_large_enough():
    """Ten rows have no slices of fifty."""
    rng = np.random.default_rng(6)
    assert search(inputs(rng, 10), losses(rng.normal(size=10)), rng.random(10), 50) is None


def test_holm_adjusts_as_by_hand():
    """Steps down from the smallest, never falling."""
    assert adjusted(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])


def test_bins_have_the_names_of_their_edges():
    """Neighbours joined are named by the outer ones, and missing values are apart."""
    found = cut("age", pd.Series([*np.arange(100.0), np.nan]), 10, [20, 60])
    assert found.names == ("age < 20", "20 <= age < 60", "age >= 60", "age is missing")
    assert found.name(0, 1) == "age < 60"


def test_small_levels_are_counted():
    """Of 100,000 categories none is large enough."""
    found = cut("c", pd.Series([f"c{index}" for index in range(100_000)]), 50)
    assert (found.names, found.left_out) == ((), 100_000)


def test_a_condition_makes_one_slice():
    """The rows that meet it."""
    assert matching("old", np.array([True, False])).codes.tolist() == [0, -1]
