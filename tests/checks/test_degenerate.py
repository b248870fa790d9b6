"""outliers.collapsed_class, rounded, clipped, stuck: answers that lost their variety, and honest ones."""

from __future__ import annotations

import numpy as np
import pytest

from gate.domain import Category, Task

N = 1000
RNG = np.random.default_rng(3)
X = RNG.normal(size=N)
NUMBERS = 40 * X + 2 * RNG.normal(size=N)
OTHERS = 40 * X + 2 * RNG.normal(size=N)
CHANCE = 1 / (1 + np.exp(-X))
CLASSES = np.where(X > 1, "rare", np.where(X > 0, "good", "bad"))
OUTLIERS = frozenset({Category.OUTLIERS})
DEGENERATE = ("collapsed_class", "rounded", "clipped", "stuck")


@pytest.fixture
def found(loud):
    """What the four checks say."""
    return lambda *args, **named: {
        name: end for name, end in loud(*args, only=OUTLIERS, **named).items() if name in DEGENERATE
    }


@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "no labels"])
def test_a_class_that_is_no_longer_answered(found, labelled):
    """A sixth of the rows had it: a warning, and critical where the labels say that it was right."""
    lost = np.where(CLASSES == "rare", "good", CLASSES)
    severity = "critical" if labelled else "warning"
    ended = found(lost, CLASSES, CLASSES if labelled else None, task=Task.CLASSIFICATION)
    assert ended == {"collapsed_class": ("failed", severity)}


def test_a_lost_class_is_named(judge):
    """With the rows that had it."""
    lost = np.where(CLASSES == "rare", "good", CLASSES)
    result = judge(lost, CLASSES, task=Task.CLASSIFICATION)["outliers.collapsed_class"]
    assert ("'rare'" in result.message, result.rows_total) == (True, int((CLASSES == "rare").sum()))


def test_a_class_half_as_often_is_not_lost(found):
    """Another threshold, not another model."""
    half = np.where((X > 1) & (np.median(X[X > 1]) > X), "good", CLASSES)
    assert found(half, CLASSES, task=Task.CLASSIFICATION) == {}


ROUNDED = {
    "to integers": (np.round(NUMBERS), OTHERS, Task.REGRESSION),
    "to tens": (np.round(NUMBERS, -1), OTHERS, Task.REGRESSION),
    "to an even grid": (np.round(NUMBERS / 17.3) * 17.3 + 1, OTHERS, Task.REGRESSION),
    "a probability to tenths": (np.round(CHANCE, 1), CHANCE, Task.PROBABILITY),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_coarse_answers_are_a_warning(found, name):
    """Where the baseline's are finer."""
    candidate, baseline, task = ROUNDED[name]
    assert found(candidate, baseline, task=task) == {"rounded": ("failed", "warning")}


FINE = {
    "both rounded": (np.round(NUMBERS), np.round(OTHERS), Task.REGRESSION),
    "six digits": (np.round(NUMBERS, 4), OTHERS, Task.REGRESSION),
    "eight bits": (np.round(NUMBERS / np.ptp(NUMBERS) * 255) * np.ptp(NUMBERS) / 255, OTHERS, Task.REGRESSION),
    "a hundred votes": (np.round(CHANCE, 2), CHANCE, Task.PROBABILITY),
    "cut on one side by a model that answers no more": (np.maximum(NUMBERS, 0), np.maximum(OTHERS, 0), Task.REGRESSION),
}


@pytest.mark.parametrize("name", FINE)
def test_fine_answers_stay_quiet(found, name):
    """Nor is a bound that the baseline has."""
    candidate, baseline, task = FINE[name]
    assert found(candidate, baseline, task=task) == {}


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_cut_tails_are_a_warning_and_no_stuck_value(found, share):
    """Both ends at a quantile."""
    cut = np.clip(NUMBERS, *np.quantile(NUMBERS, [share, 1 - share]))
    assert found(cut, OTHERS) == {"clipped": ("failed", "warning")}


@pytest.mark.parametrize("value", [0.0, 37.0, float(NUMBERS.mean())])
def test_a_value_that_is_stuck_is_critical_wherever_it_lies(found, value):
    """0.5 % of the rows, in the middle of the answers too."""
    stuck = NUMBERS.copy()
    stuck[::200] = value
    assert found(stuck, OTHERS)["stuck"] == ("failed", "critical")


def test_rows_of_probabilities_are_stuck_as_a_whole(found):
    """Single columns of a forest repeat by themselves; whole rows do not."""
    rng = np.random.default_rng(0)
    votes = np.round(rng.dirichlet(np.ones(5), N), 2)
    base = np.clip(votes + 0.01 * rng.normal(size=votes.shape), 0, 1)
    stuck = votes.copy()
    stuck[::100] = [0.2, 0.3, 0.1, 0.2, 0.2]
    tables = [
        {"prediction": p.argmax(axis=1), **{f"proba_{k}": p[:, k] / p.sum(axis=1) for k in range(5)}}
        for p in (stuck, base)
    ]
    assert found(*tables, task=Task.PROBABILITY)["stuck"] == ("failed", "critical")


def test_leaves_that_the_baseline_tells_as_one_are_not_stuck(found):
    """A candidate that answers twelve rows of like inputs alike."""
    order = np.argsort(X)
    leaves = NUMBERS.copy()
    for start in range(0, 240, 12):
        leaves[order[start : start + 12]] = NUMBERS[order[start : start + 12]].mean()
    assert found(leaves, OTHERS) == {}


def test_a_weak_model_whose_baseline_varies_as_little_is_not_constant(loud):
    """Labels on another scale say nothing where the baseline's answers vary: it is what the candidate replaces."""
    answers = np.random.default_rng(5).normal(size=500)
    assert "constant" not in loud(answers + 1e-3, answers, answers * 1e6)
