"""Seeded defects are found at 2,000 rows, with and without labels; harmless changes stay quiet."""

from __future__ import annotations

import numpy as np
import pytest

from gate.domain import Task

N = 2000
FAILED = ("failed", "critical")
KINDS = ("numbers", "probability", "matrix", "classes")


class World:
    """Rows with what two honest versions answer to them, in one kind of output."""

    def __init__(self, kind, seed=0):
        self.rng = np.random.default_rng(seed)
        self.kind = kind
        self.x = self.rng.normal(size=N)
        noise = self.rng.logistic(size=N)
        self.labels = 3 * self.x + noise if kind == "numbers" else (2 * self.x + noise > 0).astype(np.int64)
        self.task = {"numbers": Task.REGRESSION, "classes": Task.CLASSIFICATION}.get(kind, Task.PROBABILITY)
        self.baseline = self.answers(1.95 * self.x + 0.03 * self.rng.normal(size=N))
        self.candidate = self.answers(2 * self.x + 0.03 * self.rng.normal(size=N))

    def answers(self, score):
        positive = 1 / (1 + np.exp(-score))
        return {
            "numbers": {"prediction": 1.5 * score},
            "probability": {"prediction": positive},
            "matrix": {"prediction": (positive > 0.5).astype(int), "proba_0": 1 - positive, "proba_1": positive},
            "classes": {"prediction": (positive > 0.5).astype(int)},
        }[self.kind]

    def changed(self, rows, value):
        """The candidate with a value in some rows of its numbers, the others untouched."""
        columns = {name: np.array(column, dtype=float) for name, column in self.candidate.items()}
        for name, column in columns.items():
            if name != "prediction" or len(columns) == 1:
                column[rows] = value
        return columns

    def reordered(self, order):
        return {name: np.asarray(column)[order] for name, column in self.candidate.items()}

    def judge(self, loud, candidate, *, labels):
        return loud(candidate, self.baseline, self.labels if labels else None, task=self.task)


SOME = np.arange(0, N, 200)
ORDERS = {
    "shuffled": np.random.default_rng(9).permutation(N),
    "shifted by one": np.roll(np.arange(N), 1),
    "reversed": np.arange(N)[::-1],
}


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", KINDS)
def test_answers_on_wrong_rows(loud, kind, order, labels):
    """All rows in another order are rejected, whatever the kind."""
    world = World(kind)
    assert world.judge(loud, world.reordered(ORDERS[order]), labels=labels)["wrong_rows"] == FAILED


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize("kind", ["numbers", "probability", "matrix"])
def test_one_row_in_two_hundred_without_an_answer(loud, kind, labels):
    """0.5 % NaN is rejected."""
    world = World(kind)
    assert world.judge(loud, world.changed(SOME, np.nan), labels=labels)["nulls"] == FAILED


def test_one_class_in_two_hundred_missing(loud):
    """0.5 % None among classes is rejected."""
    world = World("classes")
    answers = [None if index in set(SOME) else int(value) for index, value in enumerate(world.candidate["prediction"])]
    assert world.judge(loud, answers, labels=True)["nulls"] == FAILED


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize("kind", ["numbers", "probability", "matrix"])
@pytest.mark.parametrize("value", [0.5, 0.123])
def test_one_row_in_two_hundred_stuck(loud, kind, value, labels):
    """0.5 % of the rows with one exact value are rejected."""
    world = World(kind)
    assert world.judge(loud, world.changed(SOME, value), labels=labels)["stuck"] == FAILED


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_constant(loud, kind, labels):
    """One answer to all rows is rejected."""
    world = World(kind)
    constant = {name: np.full(N, column[0]) for name, column in world.candidate.items()}
    assert world.judge(loud, constant, labels=labels)["constant"] == FAILED


@pytest.mark.parametrize("kind", ["probability", "matrix"])
def test_impossible_probabilities(loud, kind):
    """Probabilities above 1 are rejected."""
    world = World(kind)
    assert world.judge(loud, world.changed(SOME, 1.2), labels=False)["range"] == FAILED


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "no labels"])
def test_numbers_far_outside_what_was_seen(loud, labels):
    """0.5 % at a million are out of range, outliers and far from the baseline; with labels they are rejected."""
    found = World("numbers").judge(loud, World("numbers").changed(SOME, 1e6 + SOME), labels=labels)
    assert {"range", "robust", "paired_delta"} <= set(found)
    assert found["range"] == ("failed", "warning")
    if labels:
        assert found["paired_delta"] == FAILED


def test_infinity(loud):
    """One infinite number is rejected."""
    world = World("numbers")
    assert world.judge(loud, world.changed([5], np.inf), labels=False)["finite"] == FAILED


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "no labels"])
def test_a_shifted_slice(loud, labels):
    """A sixth of the rows moved by two thirds of a deviation: their metric suffers, or at least they are listed."""
    world = World("numbers")
    moved = world.candidate["prediction"] + np.where(world.x > 1, 2.0, 0.0)
    found = world.judge(loud, moved, labels=labels)
    assert found["paired_delta"] == ("failed", "critical" if labels else "warning")
    assert ("quality.rmse" in found) is labels


def test_half_of_the_rows_shifted_is_drift(loud):
    """Where half of the rows moved there is no majority to stand out from: the distribution tells."""
    world = World("numbers")
    moved = world.candidate["prediction"] + np.where(world.x > 0, 3.0, 0.0)
    assert world.judge(loud, moved, labels=False)["drift"] == ("failed", "warning")


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_harmless_changes_stay_quiet(loud, kind, labels, seed):
    """The same bytes, single precision and a version fitted to slightly other data raise nothing at all."""
    world = World(kind, seed)
    rounded = {name: np.asarray(np.asarray(c, dtype=np.float32), dtype=float) for name, c in world.baseline.items()}
    if kind in {"classes", "matrix"}:
        rounded["prediction"] = world.baseline["prediction"]
    for answers in (world.baseline, rounded, world.candidate):
        assert world.judge(loud, answers, labels=labels) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_genuine_improvement_stays_quiet(loud, kind):
    """A baseline that sees half of what matters, a candidate that sees it all."""
    world = World(kind)
    hidden = world.rng.normal(size=N)
    score = 2 * world.x + 2 * hidden
    labels = 1.5 * score + world.rng.logistic(size=N) if kind == "numbers" else (score + world.rng.logistic(size=N) > 0)
    assert loud(world.answers(score), world.baseline, labels, task=world.task) == {}


@pytest.mark.parametrize("value", ["", "I cannot help with that."])
def test_a_text_that_is_given_to_many_is_stuck(loud, value):
    """Ten of 2,000 rows get one text where the baseline answers each of them otherwise."""
    before = [f"the answer to question {row}" for row in range(N)]
    after = [value if row % 200 == 7 else f"an answer to question {row}" for row in range(N)]
    assert loud(after, before, task=Task.TEXT)["stuck"] == FAILED


def test_texts_that_repeat_in_both_versions_are_not_stuck(loud):
    """A common answer of the baseline may be common."""
    before = ["no idea" if row % 20 == 7 else f"the answer to question {row}" for row in range(N)]
    assert "stuck" not in loud([text.replace("the", "an") for text in before], before, task=Task.TEXT)


def test_an_interval_that_ends_before_it_begins_is_impossible(loud):
    """Twenty forecasts have their bounds exchanged; the baseline has none such."""
    middle = np.random.default_rng(3).normal(size=N)
    before = {"prediction": middle, "lower": middle - 1, "upper": middle + 1}
    turned = np.arange(N) % 100 == 3
    after = before | {"lower": middle - 1 + 2 * turned, "upper": middle + 1 - 2 * turned}
    assert loud(after, before, task=Task.FORECAST)["range"] == FAILED
    assert "range" not in loud(before, before, task=Task.FORECAST)
