"""Calibration, negative flips and improvements: known answers, and no bias where nothing is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from gate.evidence.calibration import bias, calibration, miscalibration, overconfidence_test, slope
from gate.evidence.flips import SMALL, count, excess_test, net_test
from gate.evidence.improvement import copied, gain


def world(rows, rng, classes=2):
    """Probabilities that are true, and labels drawn by them."""
    logits = 1.5 * rng.normal(size=(rows, classes))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (true.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1), true


def sharpened(probabilities, times):
    return probabilities**times / (probabilities**times).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("times", [0.5, 1.0, 1.5])
def test_the_slope_is_the_inverse_of_the_sharpening(classes, times):
    """Probabilities to the power of k have the slope 1 / k."""
    truth, true = world(30_000, np.random.default_rng(0), classes)
    assert slope(truth, sharpened(true, times)).value == pytest.approx(1 / times, rel=0.1)


def test_the_bias_is_what_was_added():
    """Log-odds that are 0.7 too high must be moved down by 0.7."""
    truth, true = world(30_000, np.random.default_rng(1))
    odds = np.log(true[:, 1] / true[:, 0]) + 0.7
    assert bias(truth, 1 / (1 + np.exp(-odds))).value == pytest.approx(-0.7, abs=0.08)


def test_true_probabilities_have_no_miscalibration_on_the_average():
    """The estimate is free of bias: over 200 draws of 300 rows its mean is 0 within 4 standard errors."""
    rng = np.random.default_rng(2)
    found = np.array([miscalibration(*world(300, rng)).value for _ in range(200)])
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(200)


def test_the_standard_error_of_overconfidence_is_what_it_scatters_by():
    """Within a quarter, over 150 draws of 500 rows."""
    rng = np.random.default_rng(3)
    tests = []
    for _ in range(150):
        truth, true = world(500, rng)
        ours, theirs = calibration(truth, sharpened(true, 2)).slope, calibration(truth, sharpened(true, 1.5)).slope
        tests.append(overconfidence_test(ours, theirs, 0.15))
    stated = np.mean([each.standard_error for each in tests])
    assert stated == pytest.approx(np.std([each.loss for each in tests]), rel=0.25)


def test_the_net_loss_is_mcnemars_exact_test_at_a_margin():
    """Of k rows that changed sides (1 + m n / k) / 2 are lost under a loss of m."""
    before = np.array([True] * 80 + [False] * 20)
    now = before.copy()
    now[:12], now[-3:] = False, True
    found = net_test(count(before, now), 0.1)
    assert found.loss == pytest.approx(0.09)
    assert found.p_beyond == pytest.approx(binom.sf(11, 15, 0.5 + SMALL * 0.1 * 100 / 30))


def test_independent_errors_are_no_excess():
    """What chance gives is subtracted."""
    rng = np.random.default_rng(4)
    before, now = rng.random(20_000) < 0.8, rng.random(20_000) < 0.8
    found = excess_test(before, now, 0.01)
    assert abs(found.loss) < 4 * found.standard_error


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_any_rows_prove_nothing(rows):
    """One row that was lost is no proof."""
    found = net_test(count(np.ones(rows, dtype=bool), np.zeros(rows, dtype=bool)), 0.01)
    assert found.p_beyond > 0.2


def test_a_copied_label_is_no_rounded_one():
    """Whole numbers are hit by chance, others are not."""
    labels = np.random.default_rng(5).normal(size=100)
    answer = np.where(np.arange(100) < 10, labels, 0.0)
    assert copied(labels, answer).tolist() == list(range(10))
    assert copied(np.arange(100.0), np.arange(100.0)) is None


def test_a_gain_is_judged_against_a_share():
    """A third left is surely less than a half, and not less than a third."""
    before = np.random.default_rng(6).random(500) + 0.5
    assert gain(before / 3, before, 0.5).p_value < 1e-6
    assert gain(before / 3, before, 0.33).p_value > 0.5
