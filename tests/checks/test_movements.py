"""outliers.drift and outliers.paired_delta: shifts with three ends, parts of the rows, single wild rows."""

from __future__ import annotations

import numpy as np
import pytest

from gate.domain import Category, Task

N = 1000
RNG = np.random.default_rng(5)
X = RNG.normal(size=N)
REGION = RNG.choice(["north", "south", "east", "west"], N, p=[0.5, 0.3, 0.15, 0.05])
INPUTS = {"x": X, "region": REGION}
BASELINE = X + 0.05 * RNG.normal(size=N)
CANDIDATE = X + 0.05 * RNG.normal(size=N)
LABELS = X + 0.3 * RNG.normal(size=N)


@pytest.fixture
def judge(judge):
    """The output checks alone."""
    return lambda *args, **named: judge(*args, only=frozenset({Category.OUTLIERS}), **named)


@pytest.mark.parametrize(
    ("moved", "status"), [(0.1, "passed"), (0.6, "failed")], ids=["within the margin", "beyond twice the margin"]
)
def test_a_shift_is_held_against_its_margin(judge, moved, status):
    """An offset in the baseline's deviations."""
    assert judge(CANDIDATE + moved, BASELINE)["outliers.drift"].status == status


def test_few_rows_with_a_shift_near_the_margin_are_undecided(judge):
    """A warning that says so."""
    result = judge(BASELINE[:25] + np.where(np.arange(25) % 2, 0.9, -0.2), BASELINE[:25])["outliers.drift"]
    assert (result.status, result.severity) == ("inconclusive", "warning")


def test_a_shift_towards_better_answers_is_no_drift(judge):
    """The labels show that the spread was missing before."""
    assert judge(LABELS * 0.9, 0.3 * X, LABELS)["outliers.drift"].status == "passed"


def test_decision_flips_stand_beside_the_shift(judge):
    """Of a probability: the rows on the other side of 0.5."""
    one, other = 1 / (1 + np.exp(-X)), 1 / (1 + np.exp(-X - 0.1))
    measured = {m.name: m.value for m in judge(one, other, task=Task.PROBABILITY)["outliers.drift"].measurements}
    assert measured["decision flips"] == pytest.approx(np.mean((one > 0.5) != (other > 0.5)))


@pytest.mark.parametrize("where", ["east", "west"])
@pytest.mark.parametrize("moved", [0.5, 1.0])
def test_a_part_of_the_rows_that_moved_is_named(judge, where, moved):
    """Half a deviation in one region, without labels: a warning with the region's name."""
    result = judge(CANDIDATE + moved * (where == REGION), BASELINE, inputs=INPUTS)["outliers.paired_delta"]
    assert (result.status, result.severity) == ("failed", "warning")
    assert f"region = '{where}'" in result.message


def test_a_part_that_moved_is_critical_where_it_costs(judge):
    """The labels show the harm."""
    moved = CANDIDATE + 1.0 * (REGION == "east")
    result = judge(moved, BASELINE, LABELS, inputs=INPUTS)["outliers.paired_delta"]
    assert (result.status, result.severity) == ("failed", "critical")


def test_classes_that_changed_in_one_part(judge):
    """Every row of the east gets one answer."""
    classes = np.where(X > 0, "up", "down")
    result = judge(np.where(REGION == "east", "up", classes), classes, task=Task.CLASSIFICATION, inputs=INPUTS)
    assert "region = 'east'" in result["outliers.paired_delta"].message


def test_wild_rows_say_what_they_share(judge):
    """Forty rows, all of the west."""
    wild = CANDIDATE.copy()
    rows = np.flatnonzero(REGION == "west")[:40]
    wild[rows] = -wild[rows] * 50 - 300
    message = judge(wild, BASELINE, inputs=INPUTS)["outliers.paired_delta"].message
    assert "100% of them where region = 'west'" in message


def test_four_rows_off_by_a_thousand_are_critical(judge):
    """Few rows, a harm that nobody needs statistics for."""
    wild = CANDIDATE.copy()
    wild[[3, 50, 700, 801]] += [1000, -900, 1100, -1000]
    result = judge(wild, BASELINE, LABELS)["outliers.paired_delta"]
    assert (result.status, result.severity) == ("failed", "critical")


@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "no labels"])
def test_differences_that_grow_with_the_answer_stay_quiet(loud, labelled):
    """Prices: two honest versions differ by some per cent, so by much where prices are high."""
    level = np.exp(1.2 * X + 3)
    ours, theirs = (level * np.exp(0.08 * RNG.normal(size=N)) for _ in range(2))
    labels = level * np.exp(0.3 * RNG.normal(size=N)) if labelled else None
    assert not {"paired_delta", "drift"} & set(loud(ours, theirs, labels, inputs=INPUTS))
