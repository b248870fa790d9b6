"""Shift, outliers, moved rows, collapse and stuck values, by arithmetic that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gate.evidence import outliers, paired, shift
from gate.evidence.outputs import read

NUMBERS = arrays(np.float64, st.integers(1, 50), elements=st.integers(-1000, 1000).map(lambda whole: whole / 8))


def test_centre_and_scale_of_one_to_nine():
    """Median 5, median absolute deviation 2."""
    assert outliers.centre_and_scale(np.arange(1.0, 10.0)) == (5.0, pytest.approx(2 * 1.4826))


@settings(max_examples=50, deadline=None)
@given(values=NUMBERS)
def test_the_scale_is_nothing_only_where_all_values_are_equal(values):
    """More than half equal values do not make the scale 0."""
    assert (outliers.centre_and_scale(values)[1] == 0) == (values.std() == 0)


@settings(max_examples=50, deadline=None)
@given(values=NUMBERS, by=st.floats(-1e3, 1e3))
def test_moving_all_answers_is_a_shift_by_as_much(values, by):
    """Wasserstein-1 of a sample and its translation is the translation."""
    assert shift.wasserstein(values + by, values) == pytest.approx(abs(by), abs=1e-6)


def test_an_effect_size_does_not_grow_with_the_rows():
    """Half a standard deviation is half a standard deviation at 500 and at 50,000 rows."""
    for rows in (500, 50_000):
        values = np.random.default_rng(0).normal(size=rows)
        assert shift.number_shift(values + 0.5, values).distance == pytest.approx(0.5, rel=0.06)


def test_the_shift_of_classes_is_the_share_of_rows_that_would_change():
    """Three of ten rows change from 0 to 1."""
    distance, moves = shift.class_shift(np.array([0] * 4 + [1] * 6), np.array([0] * 7 + [1] * 3), 2)
    assert (distance, moves.tolist()) == (pytest.approx(0.3), pytest.approx([-0.3, 0.3]))


def test_a_stuck_value_is_found_with_its_rows():
    """Five rows of a thousand share one value."""
    values = np.random.default_rng(0).normal(size=1000)
    rows = [3, 99, 500, 501, 998]
    values[rows] = 0.25
    found = outliers.stuck(values, (np.random.default_rng(1).normal(size=1000),))
    assert (found.value, found.rows.tolist()) == (0.25, rows)


def test_values_that_repeat_in_the_baseline_are_not_stuck():
    """Equal inputs get equal answers in both versions."""
    baseline = np.random.default_rng(0).normal(size=1000)
    baseline[:8] = 1.0
    candidate = baseline + 0.5
    assert outliers.stuck(candidate, (baseline,)) is None


def test_leaves_of_a_tree_are_not_stuck():
    """Answers that repeat as a rule have no stuck value."""
    values = np.repeat(np.arange(20.0), 50)
    assert outliers.stuck(values, (values,)) is None


@pytest.mark.parametrize(
    ("values", "reference", "lost"),
    [
        (np.full(10, 3.0), np.arange(10.0), 10),
        (np.arange(10.0) * 1e-6, np.arange(10.0), 10),
        (np.arange(10.0), np.arange(10.0), 0),
        (np.full(10, 3.0), np.full(10, 4.0), 0),
        (np.full(10, 3.0), None, 10),
        (np.full(1, 3.0), np.arange(10.0), 0),
        (np.zeros(10, dtype=np.int64), np.array([0] * 7 + [1] * 3), 3),
        (np.zeros((5, 2)), np.eye(5)[:, :2], 5),
    ],
)
def test_collapsed_answers(values, reference, lost):
    """How many rows of the reference vary where the answers do not."""
    assert outliers.collapse(values, reference) == lost


def test_moved_rows_are_listed_worst_first():
    """Two rows moved far beyond what all others do."""
    rng = np.random.default_rng(0)
    baseline = rng.normal(size=500)
    candidate = baseline + 0.01 * rng.normal(size=500)
    candidate[[7, 400]] += [3, 5]
    assert paired.moves(read(candidate), read(baseline)).far.tolist() == [400, 7]


@pytest.mark.parametrize("name", ["numbers", "vectors", "classes"])
def test_equal_answers_have_not_moved(name):
    """No row moved, whatever the kind."""
    column = {
        "numbers": np.arange(9.0),
        "vectors": np.arange(18.0).reshape(9, 2),
        "classes": np.array(list("abcabcabc"), dtype=object),
    }[name]
    found = paired.moves(read(column), read(column.copy()))
    assert (found.far.tolist(), np.nansum(found.size)) == ([], 0)


def test_vectors_of_another_length_differ_in_every_row():
    """There is no distance between them."""
    assert np.isinf(paired.sizes(read(np.zeros((3, 2))), read(np.zeros((3, 4))))).all()


def test_a_missing_answer_has_no_difference():
    """Missing answers are the business of outliers.nulls."""
    assert np.isnan(paired.sizes(read(np.array([np.nan, 1.0])), read(np.array([1.0, 1.0])))).tolist() == [True, False]
