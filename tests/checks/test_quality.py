"""quality.<metric>: margins and limits of gate.yaml, first versions, labels of every type, undefined metrics."""

from __future__ import annotations

import numpy as np
import pytest

from gate.domain import Task

N = 2000
RNG = np.random.default_rng(3)
LABELS = RNG.normal(size=N)
BASELINE = LABELS + RNG.normal(size=N)
WORSE = LABELS + 1.1 * (BASELINE - LABELS)
BETTER = LABELS + 0.8 * (BASELINE - LABELS)


def test_a_tenth_worse_is_rejected(judge):
    """Errors 10 % larger fail by all standard metrics of numbers."""
    found = judge(WORSE, BASELINE, LABELS)
    assert {n: str(found[f"quality.{n}"].status) for n in ("rmse", "mae", "r2")} == dict.fromkeys(
        ("rmse", "mae", "r2"), "failed"
    )


def test_a_margin_of_the_team_beats_the_default(judge):
    """20 % are allowed: 10 % pass."""
    found = judge(WORSE, BASELINE, LABELS, config={"metrics": {"rmse": {"max_regression": "20%"}}})
    assert found["quality.rmse"].status == "passed"


def test_a_margin_can_be_a_number_in_the_metrics_unit(judge):
    """0.001 of rmse are allowed: 10 % fail."""
    found = judge(WORSE, BASELINE, LABELS, config={"metrics": {"rmse": {"max_regression": 0.001}}})
    assert found["quality.rmse"].status == "failed"


@pytest.mark.parametrize(("limits", "status"), [({"min": 0.2}, "passed"), ({"min": 0.9}, "failed")])
@pytest.mark.parametrize("before", [BASELINE, None], ids=["baseline", "first version"])
def test_fixed_limits_hold_with_and_without_a_baseline(judge, limits, status, before):
    """A metric with nothing but a minimum is held against that."""
    found = judge(BETTER, before, LABELS, config={"metrics": {"r2": limits}})
    assert found["quality.r2"].status == status


def test_a_limit_counts_beside_a_margin(judge):
    """Better than the baseline, and still not good enough."""
    found = judge(BETTER, BASELINE, LABELS, config={"metrics": {"rmse": {"max_regression": "2%", "max": 0.1}}})
    assert found["quality.rmse"].status == "failed"
    assert "above the limit of 0.1" in found["quality.rmse"].message


def test_a_first_version_records_its_metrics(judge):
    """Without a limit there is nothing to pass: skipped, with the value."""
    found = judge(BASELINE, None, LABELS)["quality.rmse"]
    expected = float(np.sqrt(np.mean((BASELINE - LABELS) ** 2)))
    assert (found.status, found.measurements[0].value) == ("skipped", pytest.approx(expected))


def test_both_values_and_the_interval_of_the_loss_are_recorded(judge):
    """What a reviewer asks: how good, how good before, how sure."""
    first = judge(BETTER, BASELINE, LABELS)["quality.mae"].measurements[0]
    assert (first.name, first.value < first.baseline, first.confidence) == ("mae", True, 0.99)
    assert first.ci[0] < first.value - first.baseline < first.ci[1]


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 0] * 100),
        np.array([1.0, 0.0] * 100),
        np.array([True, False] * 100),
        ["1", "0"] * 100,
        ["1.0", "0.0"] * 100,
        ["true", "false"] * 100,
    ],
    ids=["integers", "floats", "truth values", "texts", "texts of floats", "words"],
)
def test_labels_of_another_type_are_compared_sensibly(judge, labels):
    """1, 1.0, "1" and True are one class."""
    found = judge(np.array([1, 0] * 100), np.array([1, 0] * 100), labels, task=Task.CLASSIFICATION)
    assert (found["quality.accuracy"].status, found["quality.accuracy"].measurements[0].value) == ("passed", 1.0)


def test_rows_without_a_label_are_left_out(judge):
    """The metric of the others is judged."""
    labels = LABELS.copy()
    labels[::2] = np.nan
    found = judge(BASELINE, BASELINE, labels)["quality.mae"]
    assert found.measurements[0].value == pytest.approx(float(np.abs(BASELINE - LABELS)[1::2].mean()))


@pytest.mark.parametrize(
    ("task", "labels", "answers", "name"),
    [
        (Task.REGRESSION, np.full(50, 3.0), np.arange(50.0), "r2"),
        (Task.PROBABILITY, np.ones(50, dtype=int), np.linspace(0, 1, 50), "roc_auc"),
        (Task.REGRESSION, np.full(50, np.nan), np.arange(50.0), "rmse"),
    ],
)
def test_an_undefined_metric_is_inconclusive_with_the_reason(judge, task, labels, answers, name):
    """It never passes."""
    found = judge(answers, answers, labels, task=task)[f"quality.{name}"]
    assert (found.status, bool(found.message)) == ("inconclusive", True)


def test_a_missing_answer_is_never_right(judge):
    """One NaN among 2,000 makes the metric fail, by the model's fault."""
    answers = BASELINE.copy()
    answers[7] = np.nan
    found = judge(answers, BASELINE, LABELS)["quality.rmse"]
    assert (found.status, "1 of 2000 answers are missing" in found.message) == ("failed", True)


def test_the_positive_class_is_the_configured_one(judge):
    """Precision of "ham" where ham is positive: one of two."""
    answers, labels = ["ham", "ham", "spam", "spam"] * 50, ["ham", "spam", "spam", "spam"] * 50
    config = {"positive": "ham", "metrics": {"precision": {"min": 0.1}}}
    found = judge(answers, None, labels, task=Task.CLASSIFICATION, config=config)
    assert found["quality.precision"].measurements[0].value == pytest.approx(0.5)


def test_columns_of_probabilities_are_matched_by_name(judge):
    """Whatever order the columns have, a class's probability is its own."""
    labels = np.array(["b", "a", "c"] * 60)
    columns = {"proba_c": (labels == "c") * 0.8 + 0.1, "proba_a": (labels == "a") * 0.8 + 0.05}
    columns["proba_b"] = 1 - columns["proba_c"] - columns["proba_a"]
    answers = {"prediction": labels.tolist(), **columns}
    found = judge(answers, answers, labels.tolist(), task=Task.PROBABILITY)
    assert found["quality.roc_auc"].measurements[0].value == 1.0


def test_a_label_without_a_column_of_probabilities_fails(judge):
    """Class d occurs, and the model cannot say it."""
    answers = {"prediction": ["a", "b"] * 40, "proba_a": [0.6, 0.4] * 40, "proba_b": [0.4, 0.6] * 40}
    found = judge(answers, answers, ["a", "b", "b", "d"] * 20, task=Task.PROBABILITY)["quality.brier"]
    assert (found.status, "'d'" in found.message) == ("failed", True)


@pytest.mark.parametrize("rows", [1, 2, 10])
def test_few_rows_are_inconclusive_unless_nothing_changed(judge, rows):
    """Ten rows cannot pass a changed version; the same answers pass on one."""
    changed = judge(WORSE[:rows] + 0.01, BASELINE[:rows], LABELS[:rows])["quality.mae"]
    assert changed.status in {"inconclusive", "failed"}
    assert judge(BASELINE[:rows], BASELINE[:rows], LABELS[:rows])["quality.mae"].status == "passed"


def test_labels_whose_squares_overflow_are_no_fault_of_the_candidate(judge):
    """Labels of 1e302 have no finite rmse with any answer: that is inconclusive."""
    draw = np.random.default_rng(2)
    labels = 1e302 * draw.normal(size=300)
    results = judge(labels * 0.9, labels * 0.8, labels)
    assert results["quality.rmse"].status == "inconclusive"
    assert "too large" in results["quality.rmse"].message
