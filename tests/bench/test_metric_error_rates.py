"""A fixed part of the simulation of all metrics: verdicts are wrong no more often than is stated."""

from __future__ import annotations

import pytest

from bench.metric_error_rates import EXEMPT, harm_of, rates, too_often, worlds
from gate.evidence.metrics import METRICS

RUNS = 250
FAST = (
    "rmse, heavy", "mae, normal", "coverage", "accuracy, 50% positive", "f1, 50% positive", "recall, 5% positive",
    "brier, 50% positive",
)  # fmt: skip


@pytest.mark.parametrize("rows", [200, 2000])
@pytest.mark.parametrize("name", FAST)
def test_verdicts_are_wrong_no_more_often_than_stated(name, rows):
    """A true loss of one margin hardly ever fails, one of two margins hardly ever passes."""
    found = rates(name, rows, RUNS)
    assert not too_often(found.failed, RUNS)
    assert not too_often(found.passed, RUNS)


def test_the_simulation_has_every_metric():
    """Only the extreme, which is compared as it is, has no error rate."""
    assert {world.metric.name for world in worlds().values()} >= set(METRICS) - EXEMPT


def test_a_true_loss_is_what_was_asked_for():
    """The candidate's loss over the whole population is exact."""
    world = worlds()["f1, 50% positive"]
    assert world.loss(harm_of("f1", world, 0.03)) == pytest.approx(0.03, abs=1e-4)


@pytest.mark.parametrize(("count", "often"), [(2, False), (8, False), (12, True)])
def test_chance_is_told_from_a_broken_rate(count, often):
    """1 % of 250 is 2.5: 8 may be chance, 12 is not."""
    assert too_often(count, 250) is often
