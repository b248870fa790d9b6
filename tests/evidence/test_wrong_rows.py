"""Answers on wrong rows are found in every order, and honest models are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.evidence.assignment import Evidence, align, class_scores, commonest, misplaced, rank_scores, reorder, rule

N = 2000


def versions(seed, kinship):
    """Two versions' numbers that agree by row as far as their kinship says."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=N)
    return [kinship * shared + np.sqrt(1 - kinship**2) * rng.normal(size=N) for _ in range(2)]


def found(candidate, baseline, *, alike=True):
    return rule(
        Evidence(
            versions=align(rank_scores(candidate), rank_scores(baseline)),
            alike=alike,
            moved=int(misplaced(candidate, baseline).sum()),
        )
    ).ends


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), lag=st.integers(1, N - 1), backwards=st.booleans())
def test_every_rotation_of_a_retrained_model_is_found(seed, lag, backwards):
    """Shifted by any number of rows, forwards or in reverse, the rows are told apart, and how is said."""
    candidate, baseline = versions(seed, 0.98)
    mixed = candidate[reorder(N, lag, backwards=backwards)]
    assert found(mixed, baseline) == "failed"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_every_shuffle_of_a_retrained_model_is_found(seed):
    """All rows shuffled: distributed alike, agreeing by chance."""
    candidate, baseline = versions(seed, 0.95)
    assert found(np.random.default_rng(seed).permutation(candidate), baseline) == "failed"


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), kinship=st.floats(0.45, 1.0))
def test_honest_versions_are_left_alone(seed, kinship):
    """Versions that agree by row as little as 0.2 pass."""
    candidate, baseline = versions(seed, kinship)
    assert found(candidate, baseline) == "passed"


def test_a_shift_in_a_series_whose_neighbours_are_alike_is_found():
    """Autocorrelated answers agree with their neighbours; a shift by one still fits better elsewhere."""
    rng = np.random.default_rng(0)
    series = np.cumsum(rng.normal(size=N))
    candidate, baseline = series + 0.001 * rng.normal(size=N), series + 0.001 * rng.normal(size=N)
    assert found(np.roll(candidate, 1), baseline) == "failed"
    assert found(candidate, baseline) == "passed"


def test_two_swapped_rows_of_the_same_values_are_proof():
    """The same set of values in another order does not happen by chance."""
    baseline = np.random.default_rng(0).normal(size=N)
    candidate = baseline.copy()
    candidate[[3, 7]] = candidate[[7, 3]]
    assert np.flatnonzero(misplaced(candidate, baseline)).tolist() == [3, 7]


def test_rounding_is_no_other_row():
    """Single precision changes values, not rows."""
    baseline = np.random.default_rng(0).normal(size=N)
    assert not misplaced(baseline.astype(np.float32).astype(float), baseline).any()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), classes=st.integers(2, 6))
def test_shuffled_classes_are_found(seed, classes):
    """Classes agree by chance after a shuffle, and far beyond it before."""
    rng = np.random.default_rng(seed)
    baseline = rng.integers(0, classes, N)
    candidate = np.where(rng.random(N) < 0.9, baseline, rng.integers(0, classes, N))
    columns = commonest(baseline)
    for answers, expected in ((candidate, "passed"), (rng.permutation(candidate), "failed")):
        versions_ = align(class_scores(answers, columns), class_scores(baseline, columns))
        assert rule(Evidence(versions=versions_, alike=True)).ends == expected


def test_the_chance_deviation_is_that_over_permutations():
    """The closed formula equals the deviation over 3,000 shuffles."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 300), rng.choice(4, 300, p=[0.7, 0.1, 0.1, 0.1])
    ours, theirs = (class_scores(code, np.arange(4)) for code in codes)
    size = np.sqrt((ours**2).sum() * (theirs**2).sum())
    shuffled = [float((ours * theirs[rng.permutation(300)]).sum()) / size for _ in range(3000)]
    assert align(ours, theirs).chance == pytest.approx(np.std(shuffled), rel=0.06)


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 19])
def test_few_rows_cannot_tell(rows):
    """Unrelated answers to a handful of rows are neither right nor wrong."""
    rng = np.random.default_rng(rows)
    assert found(rng.normal(size=rows), np.sort(rng.normal(size=rows))) in {"inconclusive", "passed"}


def test_a_baseline_that_hardly_varies_cannot_tell():
    """Where nearly all answers are the same, rows cannot be told apart."""
    baseline = np.zeros(N)
    baseline[:3] = 1
    assert found(np.random.default_rng(0).normal(size=N), baseline) == "skipped"


def with_labels(candidate, baseline, labels):
    truth = rank_scores(labels)
    return rule(
        Evidence(
            versions=align(rank_scores(candidate), rank_scores(baseline)),
            alike=True,
            candidate_labels=align(rank_scores(candidate), truth, search=False),
            baseline_labels=align(rank_scores(baseline), truth, search=False),
        )
    )


def test_a_better_model_that_agrees_with_nothing_before_is_left_alone():
    """The baseline is noise, the candidate goes with the labels: no wrong rows."""
    rng = np.random.default_rng(0)
    labels = rng.normal(size=N)
    assert with_labels(labels + 0.3 * rng.normal(size=N), rng.normal(size=N), labels).ends == "passed"


def test_labels_expose_answers_on_wrong_rows():
    """The baseline goes with the labels, the candidate as shuffled answers do."""
    rng = np.random.default_rng(0)
    labels = rng.normal(size=N)
    baseline = labels + rng.normal(size=N)
    assert with_labels(rng.permutation(baseline * 1.1), baseline, labels).ends == "failed"


def test_two_models_without_skill_are_a_warning_at_most():
    """Neither goes with the labels: nothing can be told, and nothing is lost."""
    rng = np.random.default_rng(0)
    ruling = with_labels(rng.normal(size=N), rng.normal(size=N), rng.normal(size=N))
    assert (ruling.ends, ruling.warning) == ("inconclusive", True)
