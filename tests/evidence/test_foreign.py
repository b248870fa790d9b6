"""Functions of which nothing is known: their standard errors, their direction, what they may do wrong."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from gate.domain import Task
from gate.evidence import foreign
from gate.evidence.foreign import MetricRaisedError, foreign_metric, jackknife, needs_of, orient
from gate.evidence.metrics import METRICS, Truth
from gate.evidence.noninferiority import loss_test


def squared(truth, answer):
    return math.sqrt(float(np.mean((truth - answer) ** 2)))


def world(rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    truth, shared, own = rng.normal(size=(3, rows))
    return Truth(values=truth), truth + 0.9 * shared + 0.4 * own, truth + shared


@pytest.mark.parametrize("cap", [50_000, 1000])
def test_a_function_gets_the_standard_error_of_its_formula(monkeypatch, cap):
    """The jackknife of rmse as a function agrees with rmse's influence, on all rows and on a part of them."""
    monkeypatch.setattr(foreign, "ROWS_AT_MOST", cap)
    truth, ours, theirs = world()
    found = loss_test(foreign_metric("f", squared, "number", better=False), truth, ours, theirs, 0.02, 0)
    known = loss_test(METRICS["rmse"], truth, ours, theirs, 0.02, 0)
    assert found.loss == pytest.approx(known.loss)
    assert found.standard_error == pytest.approx(known.standard_error, rel=0.35)


def test_a_slow_function_is_asked_fewer_rows(monkeypatch):
    """Where time would run out, the jackknife takes no more rows than it must."""
    monkeypatch.setattr(foreign, "SECONDS", 0.0)
    sizes = []
    metric = foreign_metric("f", lambda y, p: sizes.append(len(y)) or squared(y, p), "number", better=False)
    truth, ours, theirs = world(5000)
    jackknife(metric.bind(truth, ours), metric.bind(truth, theirs), 5000, 0)
    assert sorted(set(sizes))[-2:] == [foreign.ROWS_AT_LEAST, 5000]


@pytest.mark.parametrize(
    ("function", "better"),
    [
        (squared, False),
        (lambda y, p: -squared(y, p), True),
        (lambda y, p: float(np.corrcoef(y, p)[0, 1]), True),
    ],
    ids=["error", "negative error", "correlation"],
)
def test_the_direction_is_read_off_right_answers(function, better):
    """Right answers are better than those of other rows."""
    truth, _, _ = world(200)
    assert orient(foreign_metric("f", function, "number", better=None), truth).greater_is_better is better


@pytest.mark.parametrize(("name", "better"), [("m:total_cost", False), ("m:profit", True)])
def test_where_that_does_not_tell_the_name_does(name, better):
    """A constant says nothing of its direction."""
    truth, _, _ = world(50)
    assert orient(foreign_metric(name, lambda *_: 1.0, "number", better=None), truth).greater_is_better is better


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda *_: None, "TypeError"),
        (lambda *_: sys.exit(3), "SystemExit"),
    ],
    ids=["raises", "no number", "exits"],
)
def test_what_a_function_raises_is_said(function, said):
    """Its class and its text, never a traceback."""
    truth, ours, _ = world(10)
    with pytest.raises(MetricRaisedError, match=said):
        foreign_metric("f", function, "number", better=True).value(truth, ours)


def test_a_function_may_spoil_what_it_is_given():
    """It gets copies."""
    truth, ours, _ = world(10)

    def spoil(y, p):
        y[:] = p[:] = 0
        return 0.0

    before = truth.values.copy()
    foreign_metric("f", spoil, "number", better=True).value(truth, ours)
    assert (truth.values == before).all()


def test_classes_are_given_by_their_names():
    """A cost matrix by name needs names."""
    truth = Truth(values=np.array([0, 1, 1]), classes=2, levels=("ham", "spam"))
    seen = []
    metric = foreign_metric("f", lambda y, p: seen.extend([*y, *p]) or 1.0, "class", better=True)
    metric.value(truth, np.array([1, 1, 0]))
    assert seen == ["ham", "spam", "spam", "spam", "spam", "ham"]


def test_too_few_groups_decide_nothing():
    """A function that is defined on hardly any part of the rows has no known error."""
    truth, ours, theirs = world(300)
    metric = foreign_metric("f", lambda y, p: squared(y, p) if len(y) == 300 else math.nan, "number", better=False)
    found = loss_test(metric, truth, ours, theirs, 0.02, 0)
    assert (found.p_beyond, found.p_within) == (1, 1)


@pytest.mark.parametrize("task", Task)
def test_every_task_says_what_a_function_gets(task):
    """One of the forms that pairing knows."""
    assert needs_of(task) in {"number", "class", "probability", "text"}
