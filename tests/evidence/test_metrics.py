"""The metrics are scikit-learn's and MLflow's numbers, and say when they are not defined."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.domain import Task
from gate.evidence.metrics import METRICS, Truth, margin, standard

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
    make = {"number": lambda: numbers(seed), "class": lambda: codes(seed, classes)}
    truth, answer = make.get(METRICS[name].needs, lambda: probabilities(seed, classes))()
    bound = METRICS[name].bind(Truth(values=truth, classes=classes), answer)
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
    """Errors of 5e-14 and 9e-14 are equal: the floor is 0.1 % of the labels' standard deviation."""
    truth = Truth(values=np.array([0.0, 2.0]))
    assert margin(METRICS["rmse"], truth, 5e-14) == pytest.approx(0.001)


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
    """Every standard metric is in the table."""
    assert set(standard(task)) <= set(METRICS)
