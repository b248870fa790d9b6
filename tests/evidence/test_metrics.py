"""The metrics are scikit-learn's and MLflow's numbers, and say when they are not defined."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.domain import Task
from gate.evidence.metrics import ALIASES, METRICS, Truth, find, margin, standard

SEEDS = st.integers(0, 10_000)


def numbers(seed, targets=1):
    rng = np.random.default_rng(seed)
    shape = (60,) if targets == 1 else (60, targets)
    truth = rng.normal(size=shape) * 3 + 1
    return truth, truth + rng.normal(size=shape)


def codes(seed, classes):
    rng = np.random.default_rng(seed)
    truth = np.append(np.arange(classes), rng.integers(0, classes, 60))
    return truth, np.where(rng.random(len(truth)) < 0.7, truth, rng.integers(0, classes, len(truth)))


def probabilities(seed, classes):
    rng = np.random.default_rng(seed)
    truth, _ = codes(seed, classes)
    raw = np.round(rng.random((len(truth), classes)) + np.eye(classes)[truth], 1) + 0.1  # rounded: ties in the ranking
    return truth, raw / raw.sum(axis=1, keepdims=True)


def ranked(seed):
    rng = np.random.default_rng(seed)
    return np.ones((60, 2)), np.array([rng.permutation([1.0, 1.0, 0.0, 0.0]) for _ in range(60)])


def bounds(seed):
    truth, answer = numbers(seed)
    return truth, np.column_stack([answer - 0.5, answer + 0.5])


@pytest.mark.parametrize("targets", [1, 3])
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_errors_are_scikit_learns(targets, seed):
    """rmse, mae, mape and r2 of one and of several targets equal scikit-learn's uniform averages."""
    truth, answer = numbers(seed, targets)
    expected = {
        "rmse": reference.root_mean_squared_error(truth, answer),
        "mae": reference.mean_absolute_error(truth, answer),
        "mape": reference.mean_absolute_percentage_error(truth, answer),
        "r2": reference.r2_score(truth, answer),
    }
    found = {name: METRICS[name].value(Truth(values=truth), answer) for name in expected}
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_largest_error_is_scikit_learns():
    """max_error is the largest absolute error of any row."""
    truth, answer = numbers(1)
    assert METRICS["max_error"].value(Truth(values=truth), answer) == reference.max_error(truth, answer)


@pytest.mark.parametrize("classes", [2, 5])
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_class_metrics_are_scikit_learns(classes, seed):
    """Of two classes the positive one is judged, of more the mean over all."""
    truth, answer = codes(seed, classes)
    how = {"average": "binary" if classes == 2 else "macro", "zero_division": 0.0}
    expected = {
        "accuracy": reference.accuracy_score(truth, answer),
        "exact_match": reference.accuracy_score(truth, answer),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, answer),
        "precision": reference.precision_score(truth, answer, **how),
        "recall": reference.recall_score(truth, answer, **how),
        "f1": reference.f1_score(truth, answer, **how),
    }
    asked = Truth(values=truth, classes=classes)
    assert {name: METRICS[name].value(asked, answer) for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("classes", [2, 4])
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_probability_metrics_are_scikit_learns(classes, seed):
    """Ranking (ties included), log loss and Brier score; more than two classes one against the rest."""
    truth, answer = probabilities(seed, classes)
    one_hot = np.eye(classes)[truth]
    scores = answer[:, 1] if classes == 2 else answer
    expected = {
        "roc_auc": reference.roc_auc_score(truth, scores, multi_class="ovr"),
        "pr_auc": reference.average_precision_score(truth if classes == 2 else one_hot, scores),
        "log_loss": reference.log_loss(truth, answer),
        "brier": reference.brier_score_loss(truth, scores),
    }
    asked = Truth(values=truth, classes=classes)
    assert {name: METRICS[name].value(asked, answer) for name in expected} == pytest.approx(expected, rel=1e-10)


@pytest.mark.filterwarnings("ignore")
def test_numbers_are_those_of_mlflows_evaluation(registry_db, tmp_path, monkeypatch):
    """The standard regression metrics equal what mlflow.models.evaluate computes from the same static predictions."""
    import shutil

    import mlflow
    import pandas as pd

    shutil.copy(registry_db, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    truth, answer = numbers(3)
    frame = pd.DataFrame({"prediction": answer, "target": truth})
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    try:
        monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
        mlflow.set_experiment("numbers")
        with mlflow.start_run():
            found = mlflow.models.evaluate(
                data=frame, predictions="prediction", targets="target", model_type="regressor"
            ).metrics
    finally:
        mlflow.set_tracking_uri(None)
    theirs = {
        "rmse": "root_mean_squared_error",
        "mae": "mean_absolute_error",
        "mape": "mean_absolute_percentage_error",
        "r2": "r2_score",
        "max_error": "max_error",
    }
    ours = {name: METRICS[name].value(Truth(values=truth), answer) for name in theirs}
    assert ours == pytest.approx({name: found[key] for name, key in theirs.items()}, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, name=st.sampled_from(sorted(set(METRICS) - {"max_error"})), classes=st.sampled_from([2, 3]))
def test_influence_is_the_derivative_by_a_rows_weight(seed, name, classes):
    """Weighing one row a little more moves the metric by its influence: what standard errors are made from."""
    make = {
        "number": lambda: numbers(seed, 3 if name == "cosine_distance" else 1),
        "class": lambda: codes(seed, classes),
        "text": lambda: codes(seed, classes),
        "ranking": lambda: ranked(seed),
        "quantile": lambda: bounds(seed),
        "interval": lambda: bounds(seed),
    }
    truth, answer = make.get(METRICS[name].needs, lambda: probabilities(seed, classes))()
    levels = (0.1, 0.9) if METRICS[name].needs == "quantile" else ("red", "red and green", "blue")
    bound = METRICS[name].bind(Truth(values=truth, classes=classes, levels=levels), answer)
    rows, step, row = len(truth), 1e-4, seed % len(truth)
    more, less = np.ones(rows), np.ones(rows)
    more[row] += step
    less[row] -= step
    slope = (bound.value(more) - bound.value(less)) / (2 * step) * rows
    assert bound.influence()[row] == pytest.approx(slope, rel=1e-3, abs=1e-5)
    assert bound.influence().mean() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("name", "why"), [("r2", "all labels are equal"), ("roc_auc", "one class only")])
def test_an_undefined_metric_has_no_value_but_a_reason(name, why):
    """Equal labels define neither r2 nor a ranking."""
    asked = Truth(values=np.zeros(5, dtype=np.int64), classes=2)
    answer = np.full((5, 2), 0.5) if name == "roc_auc" else np.arange(5.0)
    assert METRICS[name].value(asked, answer) is None
    assert why in METRICS[name].undefined(asked)


def test_the_margin_of_an_error_near_nothing_is_a_share_of_the_labels_deviation():
    """Errors of 5e-14 and 9e-14 are equal: the floor is 0.5 % of the labels' standard deviation."""
    truth = Truth(values=np.array([0.0, 2.0]))
    assert margin(METRICS["rmse"], truth, 5e-14) == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("name", "rows", "positive", "expected"),
    [
        ("f1", 2000, 1000, 0.8 / np.sqrt(1000)),
        ("f1", 2000, 100, 0.8 / np.sqrt(100)),
        ("f1", 200_000, 10_000, 0.01 / np.sqrt(0.05)),
        ("f1", 2000, 10, 0.1),
        ("roc_auc", 2000, 100, 0.035),
        ("f1", 200_000, 100_000, 0.02),
    ],
)
def test_a_score_of_few_rows_has_a_wider_margin(name, rows, positive, expected):
    """The fewer rows of its class, the wider; never beyond 0.1."""
    truth = Truth(values=(np.arange(rows) < positive).astype(np.int64), classes=2, binary=True)
    assert margin(METRICS[name], truth, 0.5) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "before", "expected"),
    [("rmse", 5.0, 0.1), ("accuracy", 0.9, 0.018), ("accuracy", 0.1, 0.01), ("r2", 0.1, 0.02), ("r2", -5.0, 0.1)],
)
def test_the_default_margin_is_two_per_cent_with_a_floor(name, before, expected):
    """2 % of the baseline's size, at least the metric's floor."""
    truth = Truth(values=np.arange(1000) % 2, classes=2)
    assert margin(METRICS[name], truth, before) == pytest.approx(expected)


def test_few_rows_widen_the_margin_of_a_score_to_one_row():
    """Accuracy over 20 rows moves in steps of 0.05."""
    assert margin(METRICS["accuracy"], Truth(values=np.zeros(20), classes=2), 0.5) == pytest.approx(0.05)


@pytest.mark.parametrize("task", Task)
def test_standard_metrics_exist(task):
    """Every standard metric is in the table, and is one of the task's."""
    assert all(task in METRICS[name].tasks for name in standard(task, ("q0.1", "q0.9")))


@pytest.mark.parametrize(
    ("columns", "more"),
    [(("prediction",), ()), (("q0.1", "q0.9"), ("pinball",)), (("y", "lower", "upper"), ("coverage",))],
)
def test_a_forecast_with_an_interval_is_also_held_to_it(columns, more):
    """An interval that is wrong while its middle is right is seen."""
    assert standard(Task.FORECAST, columns) == ("rmse", "mae", *more)


@pytest.mark.parametrize(("alias", "name"), sorted(ALIASES.items()))
def test_the_names_of_mlflow_and_scikit_learn_are_known(alias, name):
    """`mean_absolute_error` is mae."""
    assert find(alias) is METRICS[name]


def test_class_metrics_of_several_targets_are_averaged():
    """Two columns of labels: the mean of the two scores."""
    (one, first), (two, second) = codes(1, 3), codes(2, 3)
    both = Truth(values=np.column_stack([one, two]), classes=3)
    alone = [METRICS["f1"].value(Truth(values=y, classes=3), p) for y, p in ((one, first), (two, second))]
    assert METRICS["f1"].value(both, np.column_stack([first, second])) == pytest.approx(np.mean(alone))


def test_the_quantile_loss_is_scikit_learns():
    """Pinball is the mean over the quantiles that are answered."""
    truth, answer = bounds(4)
    expected = [reference.mean_pinball_loss(truth, answer[:, place], alpha=(0.1, 0.9)[place]) for place in (0, 1)]
    asked = Truth(values=truth, levels=(0.1, 0.9))
    assert METRICS["pinball"].value(asked, answer) == pytest.approx(np.mean(expected))


def test_coverage_is_the_share_inside_the_interval():
    """Two of four labels lie between the bounds, the bounds included."""
    answer = np.array([[0.0, 1.0]] * 4)
    assert METRICS["coverage"].value(Truth(values=np.array([-1.0, 0.0, 1.0, 2.0])), answer) == 0.5


def test_the_cosine_distance_is_scikit_learns():
    """The mean over rows; a vector of noughts is as far as a right angle."""
    rng = np.random.default_rng(0)
    truth, answer = rng.normal(size=(2, 20, 4))
    expected = np.diag(reference.pairwise.cosine_distances(truth, answer)).mean()
    assert METRICS["cosine_distance"].value(Truth(values=truth), answer) == pytest.approx(expected)
    assert METRICS["cosine_distance"].value(Truth(values=truth), np.zeros((20, 4))) == 1.0
