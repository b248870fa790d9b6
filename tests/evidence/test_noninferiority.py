"""Three ends of a comparison, and how often they are wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.evidence import noninferiority
from gate.evidence.metrics import METRICS, Truth, margin
from gate.evidence.noninferiority import interval, loss_test

ALPHA = 0.01
RUNS = 400
TOO_OFTEN = 12
"""More than 12 of 400 at a rate of 1 % happen with probability 0.0003."""


def regression(rng, rows, *, margins, kinship=0.9, tails=False):
    """Answers whose true rmse is `margins` times 2 % worse than the baseline's; errors go together."""
    draw = (lambda: rng.standard_t(5, rows)) if tails else (lambda: rng.normal(size=rows))
    shared, own, truth = draw(), draw(), 2 * rng.normal(size=rows)
    error = (1 + 0.02 * margins) * (kinship * shared + math.sqrt(1 - kinship**2) * own)
    return truth, truth + error, truth + shared


def classification(rng, rows, *, margins, margin_size=0.018, discordant=0.1):
    """Codes of two versions, one of them right on `margins` margins of the rows more often."""
    lost, won = (discordant + margins * margin_size) / 2, (discordant - margins * margin_size) / 2
    place = rng.random(rows)
    candidate = np.where((place < lost) | (place > 0.92), 0, 1)
    baseline = np.where(((place >= lost) & (place < lost + won)) | (place > 0.92), 0, 1)
    return np.ones(rows, dtype=np.int64), candidate, baseline


def rates(monkeypatch, metric, make, runs=RUNS):
    """How often a comparison fails, and how often it passes; by influence, which never gives the larger error."""
    monkeypatch.setattr(noninferiority, "BOOTSTRAP_ROWS", 0)
    failed = passed = 0
    for seed in range(runs):
        truth, candidate, baseline = make(np.random.default_rng(seed))
        asked = Truth(values=truth, classes=2 if METRICS[metric].needs == "class" else 0)
        allowed = (
            0.018 if metric == "accuracy" else margin(METRICS[metric], asked, METRICS[metric].value(asked, baseline))
        )
        found = loss_test(METRICS[metric], asked, candidate, baseline, allowed, seed)
        failed += found.p_beyond <= ALPHA
        passed += found.p_within <= ALPHA
    return failed, passed


@pytest.mark.parametrize("rows", [200, 2000])
@pytest.mark.parametrize("tails", [False, True])
def test_a_true_loss_of_one_margin_fails_no_more_often_than_stated(monkeypatch, rows, tails):
    """rmse, with normal and with heavy tails: at most 1 % of the runs fail."""
    failed, _ = rates(monkeypatch, "rmse", lambda rng: regression(rng, rows, margins=1, tails=tails))
    assert failed <= TOO_OFTEN


@pytest.mark.parametrize("rows", [200, 2000])
@pytest.mark.parametrize("tails", [False, True])
def test_a_true_loss_of_two_margins_passes_no_more_often_than_stated(monkeypatch, rows, tails):
    """rmse, with normal and with heavy tails: at most 1 % of the runs pass."""
    _, passed = rates(monkeypatch, "rmse", lambda rng: regression(rng, rows, margins=2, tails=tails))
    assert passed <= TOO_OFTEN


@pytest.mark.parametrize("rows", [200, 2000])
def test_accuracy_keeps_the_stated_rates(monkeypatch, rows):
    """At one margin at most 1 % of the runs fail, at two at most 1 % pass."""
    failed, _ = rates(monkeypatch, "accuracy", lambda rng: classification(rng, rows, margins=1))
    _, passed = rates(monkeypatch, "accuracy", lambda rng: classification(rng, rows, margins=2))
    assert failed <= TOO_OFTEN
    assert passed <= TOO_OFTEN


def test_equal_versions_of_2000_rows_mostly_pass(monkeypatch):
    """No true loss: nearly all runs pass, none fails."""
    failed, passed = rates(monkeypatch, "rmse", lambda rng: regression(rng, 2000, margins=0), runs=200)
    assert (failed, passed > 180) == (0, True)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 40), name=st.sampled_from(["rmse", "mae", "r2", "accuracy", "f1"]), seed=st.integers(0, 99))
def test_equal_answers_pass_with_no_loss(rows, name, seed):
    """The same bytes pass on any number of rows."""
    rng = np.random.default_rng(seed)
    coded = METRICS[name].needs == "class"
    answer = rng.integers(0, 2, rows) if coded else rng.normal(size=rows)
    truth = Truth(values=rng.integers(0, 2, rows), classes=2) if coded else Truth(values=rng.normal(size=rows))
    found = loss_test(METRICS[name], truth, answer, answer.copy(), 0.1, 0)
    assert (found.loss, found.standard_error, found.p_beyond, found.p_within) == (0, 0, 1, 0)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 40), seed=st.integers(0, 99), name=st.sampled_from(["rmse", "mae", "r2"]))
def test_few_rows_never_pass(rows, seed, name):
    """A tenth of the rows could behave otherwise and be missed by 40 rows: they cannot exclude a loss."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows)
    answers = truth + rng.normal(size=rows), truth + rng.normal(size=rows)
    assert loss_test(METRICS[name], Truth(values=truth), *answers, 0.5, 0).p_within > ALPHA


def test_one_row_says_nothing():
    """One row has no spread."""
    found = loss_test(METRICS["rmse"], Truth(values=np.zeros(1)), np.ones(1), np.full(1, 9.0), 0.1, 0)
    assert (found.p_beyond, found.p_within, found.standard_error) == (1, 1, math.inf)


def test_one_differing_row_of_a_hundred_is_no_proof():
    """A single discordant row does not exclude a loss of 2 %."""
    truth = np.ones(100, dtype=np.int64)
    candidate = truth.copy()
    candidate[0] = 0
    found = loss_test(METRICS["accuracy"], Truth(values=truth, classes=2), candidate, truth, 0.01, 0)
    assert found.loss == pytest.approx(0.01)
    assert found.p_beyond > ALPHA
    assert found.p_within > ALPHA
    assert found.needed_rows > 100


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), name=st.sampled_from(["rmse", "r2", "mae"]))
def test_bootstrap_and_influence_agree(seed, name):
    """Standard errors from both ways of getting them differ by less than a fifth at 1,000 rows."""
    truth, candidate, baseline = regression(np.random.default_rng(seed), 1000, margins=1)
    asked = Truth(values=truth)
    ours, theirs = METRICS[name].bind(asked, candidate), METRICS[name].bind(asked, baseline)
    by_influence = (ours.influence() - theirs.influence()).std() / math.sqrt(1000)
    assert noninferiority._bootstrap(ours, theirs, 1000, seed) == pytest.approx(by_influence, rel=0.2)


def test_a_seed_fixes_the_answer():
    """The same seed gives the same numbers, digit by digit."""
    truth, candidate, baseline = regression(np.random.default_rng(0), 300, margins=1)
    tests = [loss_test(METRICS["rmse"], Truth(values=truth), candidate, baseline, 0.02, 7) for _ in range(2)]
    assert tests[0] == tests[1]


def test_an_extreme_is_compared_as_it_is():
    """The largest error has no standard error: beyond the margin it fails, within it passes."""
    truth = Truth(values=np.zeros(3))
    candidate, baseline = np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0])
    assert loss_test(METRICS["max_error"], truth, candidate, baseline, 0.5, 0).p_beyond == 0
    assert loss_test(METRICS["max_error"], truth, candidate, baseline, 1.5, 0).p_within == 0


def test_more_rows_narrow_the_interval():
    """The interval lies around the loss and shrinks with the root of the rows."""
    widths = []
    for rows in (500, 50_000):
        truth, candidate, baseline = regression(np.random.default_rng(1), rows, margins=1)
        found = loss_test(METRICS["rmse"], Truth(values=truth), candidate, baseline, 0.02, 0)
        low, high = interval(found, 0.99)
        assert low < found.loss < high
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.3)


@pytest.mark.parametrize("scale", [1e200, 1e-300])
def test_numbers_of_any_size_are_no_fault_of_the_gate(scale):
    """Errors whose squares overflow or vanish decide nothing, and break nothing."""
    rng = np.random.default_rng(0)
    truth, ours, theirs = scale * rng.normal(size=(3, 60))
    found = loss_test(METRICS["mae"], Truth(values=truth), ours, theirs, 0.01 * scale, 0)
    assert found.p_within > ALPHA


def test_without_a_margin_no_number_of_rows_would_decide():
    """A margin of 0 and no loss to see: nothing to tell."""
    truth, ours, theirs = np.zeros(60), np.r_[1.0, np.zeros(59)], np.r_[0.0, 1.0, np.zeros(58)]
    found = loss_test(METRICS["mae"], Truth(values=truth), ours, theirs, 0.0, 0)
    assert (found.loss, found.needed_rows) == (0, None)


def test_a_share_of_right_rows_fails_by_the_exact_test():
    """8 rows lost and 2 won: beyond no loss at all with McNemar's p of 0.055, not less."""
    truth = np.ones(1000, dtype=np.int64)
    ours, theirs = truth.copy(), truth.copy()
    ours[:8] = 0
    theirs[8:10] = 0
    found = loss_test(METRICS["accuracy"], Truth(values=truth, classes=2), ours, theirs, 0.0, 0)
    assert found.p_beyond >= 0.0546


def test_a_handful_of_rows_of_a_class_never_passes():
    """10 positive rows among 2,000 are 10 rows for recall, and the message says how many would do."""
    rng = np.random.default_rng(0)
    truth = (np.arange(2000) < 10).astype(np.int64)
    ours, theirs = (
        np.where(rng.random(2000) < 0.01, 1 - truth, truth),
        np.where(rng.random(2000) < 0.01, 1 - truth, truth),
    )
    found = loss_test(METRICS["f1"], Truth(values=truth, classes=2, binary=True), ours, theirs, 0.5, 0)
    assert found.p_within > ALPHA
    assert found.needed_rows > 4000


def test_the_same_ranking_passes_on_any_rows():
    """Other scores in the same order change nothing that roc_auc sees."""
    truth = (np.arange(200) % 20 == 0).astype(np.int64)
    scores = np.linspace(0.1, 0.9, 200)
    before, after = np.column_stack([1 - scores, scores]), np.column_stack([1 - scores**2, scores**2])
    found = loss_test(METRICS["roc_auc"], Truth(values=truth, classes=2, binary=True), after, before, 0.03, 0)
    assert found.p_within == 0
