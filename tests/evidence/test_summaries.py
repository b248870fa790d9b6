"""Summaries give the same result whatever the batches, their order and the tree of merges."""

import math
from dataclasses import astuple
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.domain import Task
from gate.evidence.keys import row_keys
from gate.evidence.metric import Truth
from gate.evidence.metrics import METRICS
from gate.evidence.noninferiority import loss_test, summarised_test
from gate.evidence.summaries.areas import AreaSums
from gate.evidence.summaries.confusion import ConfusionSums
from gate.evidence.summaries.exact import ExactSums
from gate.evidence.summaries.faults import FaultSums, Rows, Span
from gate.evidence.summaries.losses import LargestSums, LossSums, reading_of
from gate.evidence.summaries.moments import PowerSums

ROWS = 400
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


def split(draw, rows):
    """Batches of a permutation of the rows."""
    cuts = np.unique(draw.integers(1, rows, size=draw.integers(0, 8)))
    return np.split(draw.permutation(rows), cuts)


def summed(make, update, batches, draw):
    """Add each batch to a summary of its own, then merge them in a random tree."""
    parts = []
    for batch in batches:
        part = make()
        update(part, batch)
        parts.append(part)
    while len(parts) > 1:
        one = parts.pop(int(draw.integers(len(parts))))
        parts[int(draw.integers(len(parts)))].merge(one)
    return parts[0].finish()


def every_way(make, update, rows=ROWS, ways=12):
    """The distinct results of many splits, orders and trees."""
    draw = np.random.default_rng(0)
    return {repr(summed(make, update, split(draw, rows), draw)) for _ in range(ways)}


@given(st.lists(FINITE, max_size=50), st.randoms())
def test_sums_are_exact_in_any_order(numbers, random):
    """The sum is the one of the fractions that the numbers are."""
    shuffled = random.sample(numbers, len(numbers))
    sums = ExactSums(1)
    for half in (shuffled[::2], shuffled[1::2]):
        sums.update(np.array(half, dtype=float)[:, None])
    assert sums.finish() == [sum(map(Fraction, numbers), Fraction(0))]


def test_a_sum_with_an_infinite_number_is_none():
    """What is not finite is not added, and said."""
    sums = ExactSums(2)
    sums.update(np.array([[1.0, np.inf], [2.0, 1.0]]))
    assert sums.finish() == [3, None]


def test_moments_are_those_of_all_numbers():
    """Mean, variance, skewness, kurtosis agree with NumPy's, far from 0 too."""
    values = np.random.default_rng(0).gamma(2.0, size=2_000) + 100
    sums = PowerSums(2.0)
    sums.update(values)
    found, centred = sums.finish(), values - values.mean()
    spread = (centred**2).mean()
    expected = (values.mean(), values.var(ddof=1), (centred**3).mean() / spread**1.5, (centred**4).mean() / spread**2)
    assert astuple(found)[1:5] == pytest.approx(expected, rel=1e-3)


def bound_case(name):
    """Labels and two versions' answers for a metric."""
    draw, metric = np.random.default_rng(1), METRICS[name]
    if metric.needs == "number":
        truth = draw.normal(size=ROWS)
        return metric, Truth(values=truth), tuple(truth + draw.normal(size=ROWS) * size for size in (0.6, 0.5))
    if metric.needs == "class":
        truth = draw.integers(0, 3, ROWS)
        answers = tuple(np.where(draw.random(ROWS) < share, draw.integers(0, 3, ROWS), truth) for share in (0.2, 0.15))
        return metric, Truth(values=truth, classes=3, levels=("a", "b", "c")), answers
    truth = draw.integers(0, 2, ROWS)
    scores = [1 / (1 + np.exp(-(2 * truth - 1 + draw.normal(size=ROWS) * size))) for size in (1.5, 1.3)]
    return metric, Truth(values=truth, classes=2), tuple(np.column_stack([1 - score, score]) for score in scores)


def summary_of(metric, truth, answers):
    """How the metric is summarised, learnt on these rows, and how rows are added."""
    ours, theirs = (metric.bind(truth, answer) for answer in answers)
    if metric.exact:
        return LargestSums, lambda sums, rows: sums.update(bound_on(metric, truth, answers, rows), cut(answers, rows))
    if metric.name in {"roc_auc", "pr_auc"}:
        curve = metric.name.removesuffix("_auc")
        return (
            lambda: AreaSums(curve, truth.values, answers, (1,)),
            lambda sums, rows: sums.update(truth.values[rows], cut(answers, rows)),
        )
    if metric.name in {"f1", "precision", "recall", "balanced_accuracy"}:
        return (
            lambda: ConfusionSums(ours, truth.levels),
            lambda sums, rows: sums.update(truth.levels, (truth.values[rows], *cut(answers, rows))),
        )
    reading = reading_of(ours, theirs)
    return (
        lambda: LossSums(reading, 1.0),
        lambda sums, rows: sums.update(bound_on(metric, truth, answers, rows), cut(answers, rows)),
    )


def cut(answers, rows):
    return tuple(answer[rows] for answer in answers)


def bound_on(metric, truth, answers, rows):
    part = Truth(values=truth.values[rows], classes=truth.classes, levels=truth.levels)
    return tuple(metric.bind(part, answer) for answer in cut(answers, rows))


SUMMARISED = (
    "rmse", "mae", "mape", "r2", "max_error", "accuracy", "balanced_accuracy", "f1", "precision", "recall",
    "roc_auc", "pr_auc", "log_loss", "brier",
)  # fmt: skip


@pytest.mark.parametrize("name", SUMMARISED)
def test_a_metric_is_the_same_in_any_split_order_and_tree(name):
    """To the last bit."""
    make, update = summary_of(*bound_case(name))
    assert len(every_way(make, update)) == 1


@pytest.mark.parametrize("name", SUMMARISED)
def test_a_summarised_metric_has_the_value_of_all_rows(name):
    """Both versions' values are those of the metric itself."""
    metric, truth, answers = bound_case(name)
    make, update = summary_of(metric, truth, answers)
    found = summed(make, update, [np.arange(ROWS)], np.random.default_rng(0))
    expected = [metric.value(truth, answer) for answer in answers]
    assert [found.candidate, found.baseline] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", [name for name in SUMMARISED if name != "max_error"])
def test_a_summarised_loss_has_the_error_of_the_bootstrap(name):
    """The standard error agrees with that of a paired bootstrap of the same rows."""
    metric, truth, answers = bound_case(name)
    make, update = summary_of(metric, truth, answers)
    found = summed(make, update, [np.arange(ROWS)], np.random.default_rng(0))
    test = summarised_test(metric, found, 0.01)
    known = loss_test(metric, truth, *answers, 0.01, 0)
    assert test.standard_error == pytest.approx(known.standard_error, rel=0.15)
    assert test.loss == pytest.approx(known.loss, rel=1e-9)


def test_a_class_that_the_sample_did_not_hold_is_counted():
    """Codes are told apart by what they stand for, not by their numbers in a batch."""
    metric, truth, answers = bound_case("f1")
    sums = ConfusionSums(metric.bind(truth, answers[0]), truth.levels)
    sums.update(("a", "b"), (np.array([0, 1]), np.array([0, 1]), np.array([0, 1])))
    sums.update(("b", "z"), (np.array([0, 1]), np.array([0, 0]), np.array([0, 1])))
    found = sums.finish()
    assert (found.rows, found.baseline) == (4, 1.0)
    assert found.candidate < 1


def test_the_worst_rows_are_the_same_in_any_split_order_and_tree():
    """Rows of equal size are told apart by their keys."""
    draw = np.random.default_rng(3)
    sizes, known = draw.integers(0, 4, ROWS).astype(float), draw.random(ROWS) < 0.5
    keys = row_keys([np.arange(ROWS)], ROWS, 0)

    def update(sums, rows):
        batch = Rows(
            names=lambda places: (keys[rows[places]], rows[places]),
            record=lambda places: rows[places].tolist(),
        )
        sums.update("far", sizes[rows], batch, known[rows])

    found = every_way(lambda: FaultSums(20), update)
    assert len(found) == 1
    assert f"rows={int((sizes > 0).sum())}, known={int(((sizes > 0) & known).sum())}" in found.pop()


def test_a_span_leaves_out_what_is_not_finite():
    """NaN and infinities have a check of their own."""
    span = Span()
    span.update(np.array([np.nan, 2.0, np.inf, -1.0]))
    assert (span.low, span.high, Span().empty) == (-1.0, 2.0, True)


@settings(max_examples=30)
@given(st.lists(FINITE | st.just(math.nan), min_size=1, max_size=20))
def test_keys_depend_on_the_row_alone(numbers):
    """A row's key is the same among other rows."""
    values = np.array(numbers)
    together = row_keys([values], len(values), 7)
    alone = [row_keys([values[[place]]], 1, 7)[0] for place in range(len(values))]
    assert together.tolist() == alone


def test_the_task_of_a_sum_is_named():
    """Tasks whose metrics are all summarised: the standard ones of numbers, classes and probabilities."""
    from gate.evidence.metrics import standard

    named = {name for task in (Task.REGRESSION, Task.CLASSIFICATION, Task.PROBABILITY) for name in standard(task)}
    assert named <= set(SUMMARISED)
