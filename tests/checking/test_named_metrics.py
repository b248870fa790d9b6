"""A metric is found by the gate's name, MLflow's, scikit-learn's, or as a team's own function."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference

from gate.checking.named_metrics import UnknownMetricError, find, known_names
from gate.domain import Task
from gate.evidence.metrics import METRICS, Truth

RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 3, 80)
ANSWERS = np.where(RNG.random(80) < 0.7, CODES, RNG.integers(0, 3, 80))
NUMBERS = RNG.normal(size=80)
CLOSE = NUMBERS + 0.3 * RNG.normal(size=80)


@pytest.mark.parametrize(("name", "own"), [("rmse", "rmse"), ("mean_absolute_error", "mae"), ("f1_score", "f1")])
def test_the_gates_own_come_first(tmp_path, name, own):
    """By the short name or by scikit-learn's."""
    assert find(name, Task.OTHER, tmp_path) is METRICS[own]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f1_macro", reference.f1_score(CODES, ANSWERS, average="macro")),
        ("matthews_corrcoef", reference.matthews_corrcoef(CODES, ANSWERS)),
        ("cohen_kappa_score", reference.cohen_kappa_score(CODES, ANSWERS)),
        ("zero_one_loss", reference.zero_one_loss(CODES, ANSWERS)),
    ],
)
def test_scikit_learns_scores_of_classes(tmp_path, name, expected):
    """Scorers and functions give scikit-learn's own number; a loss is better low."""
    found = find(name, Task.CLASSIFICATION, tmp_path)
    truth = Truth(values=CODES, classes=3, levels=("a", "b", "c"))
    assert found.value(truth, ANSWERS) == pytest.approx(expected)
    assert found.greater_is_better is not name.endswith("_loss")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("neg_median_absolute_error", -reference.median_absolute_error(NUMBERS, CLOSE)),
        ("explained_variance", reference.explained_variance_score(NUMBERS, CLOSE)),
        ("mean_squared_error", reference.mean_squared_error(NUMBERS, CLOSE)),
    ],
)
def test_scikit_learns_scores_of_numbers(tmp_path, name, expected):
    """Scorers and functions give scikit-learn's own number."""
    found = find(name, Task.REGRESSION, tmp_path)
    assert found.value(Truth(values=NUMBERS), CLOSE) == pytest.approx(expected)


@pytest.mark.parametrize("classes", [2, 3])
def test_scikit_learns_scores_of_probabilities(tmp_path, classes):
    """A scorer that asks for probabilities gets them, of two classes and of more."""
    codes = CODES % classes
    raw = RNG.random((80, classes)) + np.eye(classes)[codes]
    matrix = raw / raw.sum(axis=1, keepdims=True)
    found = find("neg_log_loss", Task.PROBABILITY, tmp_path)
    truth = Truth(values=codes, classes=classes, levels=tuple(range(classes)))
    assert found.value(truth, matrix) == pytest.approx(-reference.log_loss(codes, matrix))


def test_a_function_in_the_folder_of_gate_yaml(tmp_path):
    """Its file may import its neighbours, and say its direction."""
    (tmp_path / "weights.py").write_text("HEAVY = 3\n")
    (tmp_path / "ours.py").write_text(
        "import weights\n\ndef cost(y, p):\n    return float(abs(y - p).mean()) * weights.HEAVY\n\n"
        "cost.greater_is_better = False\n"
    )
    found = find("ours:cost", Task.REGRESSION, tmp_path)
    assert found.value(Truth(values=NUMBERS), CLOSE) == pytest.approx(3 * np.abs(NUMBERS - CLOSE).mean())
    assert (found.greater_is_better, found.directed) == (False, True)


def test_two_folders_may_have_a_module_of_one_name(tmp_path):
    """Each finds its own."""
    values = []
    for place in ("a", "b"):
        folder = tmp_path / place
        folder.mkdir()
        (folder / "mine.py").write_text(f"def f(y, p):\n    return {ord(place)}\n")
        values.append(find("mine:f", Task.REGRESSION, folder).value(Truth(values=NUMBERS), CLOSE))
    assert values == [97, 98]


@pytest.mark.parametrize(("said", "expected"), [(True, True), (False, False), (None, None)])
def test_the_settings_direction_beats_the_functions(tmp_path, said, expected):
    """Where nobody says it, it is read off the labels later."""
    (tmp_path / "plain.py").write_text("def f(y, p):\n    return 1.0\n")
    found = find("plain:f", Task.REGRESSION, tmp_path, said)
    assert (found.greater_is_better if found.directed else None) == expected


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("f1_makro", "there is no metric 'f1_makro'"),
        ("nowhere:f", "ModuleNotFoundError"),
        ("broken:f", "RuntimeError: no licence"),
        ("fine:g", "has no 'g'"),
        ("fine:NUMBER", "is no function"),
        ("train_test_split", "there is no metric"),
    ],
)
def test_an_unknown_metric_says_why(tmp_path, name, why):
    """A wrong name, a missing module, one that raises, no such function."""
    (tmp_path / "broken.py").write_text("raise RuntimeError('no licence')\n")
    (tmp_path / "fine.py").write_text("NUMBER = 3\n")
    with pytest.raises(UnknownMetricError, match=why):
        find(name, Task.CLASSIFICATION, tmp_path)


def test_all_valid_names_can_be_told():
    """The gate's, the aliases and scikit-learn's scorers."""
    assert {"rmse", "mean_absolute_error", "f1_macro"} <= set(known_names())
