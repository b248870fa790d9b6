"""outliers.conditional: answers that similar inputs do not get."""

from __future__ import annotations

import numpy as np
import pytest

from gate.domain import Category, Task

N = 2000
RNG = np.random.default_rng(6)
X, Z = RNG.normal(size=N), RNG.normal(size=N)
INPUTS = {"x": X, "z": Z, "noise": RNG.normal(size=N), "name": RNG.choice(list("abc"), N)}
SCORE = np.sin(2 * X) + Z
ROWS = RNG.choice(N, 100, replace=False)


@pytest.fixture
def judge(judge):
    """The output checks alone."""
    return lambda *args, **named: judge(*args, only=frozenset({Category.OUTLIERS}), **named)


def numbers(seed):
    return SCORE + 0.1 * np.random.default_rng(seed).normal(size=N)


def classes(seed):
    return np.where(numbers(seed) > 0.3, "yes", "no")


def permuted(answers):
    changed = answers.copy()
    changed[ROWS] = answers[np.roll(ROWS, 1)]
    return changed


def flipped(answers):
    changed = answers.copy()
    changed[ROWS[:40]] = np.where(answers[ROWS[:40]] == "yes", "no", "yes")
    return changed


DEFECTS = {
    "5 % permuted": (permuted(numbers(1)), numbers(2), Task.REGRESSION),
    "2 % flipped": (flipped(classes(1)), classes(2), Task.CLASSIFICATION),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_rows_unlike_their_neighbours_are_a_warning(judge, name):
    """Without labels; the rows are among those that were changed."""
    candidate, baseline, task = DEFECTS[name]
    result = judge(candidate, baseline, task=task, inputs=INPUTS)["outliers.conditional"]
    assert (result.status, result.severity) == ("failed", "warning")
    assert np.mean([row["id"] in set(ROWS) for row in result.rows]) > 0.8


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("make", "task"), [(numbers, Task.REGRESSION), (classes, Task.CLASSIFICATION)])
def test_honest_versions_are_equally_odd(judge, make, task, seed):
    """Another fit of the same model."""
    assert judge(make(seed), make(9), task=task, inputs=INPUTS)["outliers.conditional"].status == "passed"


def test_a_first_version_is_judged_by_itself(judge):
    """Neither baseline nor labels: the rows stand out from an answer that its inputs explain."""
    assert judge(permuted(numbers(1)), inputs=INPUTS)["outliers.conditional"].status == "failed"
    assert judge(numbers(1), inputs=INPUTS)["outliers.conditional"].status == "passed"


def test_inputs_that_tell_nothing_make_no_neighbours(judge):
    """Skipped, and says why."""
    result = judge(numbers(1), numbers(2), inputs={"k": np.ones(N)})["outliers.conditional"]
    assert (result.status, "similar" in result.message) == ("skipped", True)


WEIRD = {
    "all null": {"x": [None] * 60},
    "dates and texts": {"x": np.arange(60).astype("datetime64[D]"), "t": [f"t{i}" for i in range(60)]},
    "huge and tiny": {"x": np.geomspace(1e-300, 1e300, 60)},
    "infinite": {"x": np.where(np.arange(60) % 7, 1.0, np.inf)},
    "vectors": {"x": [[float(i), 1.0] for i in range(60)]},
    "truth values": {"x": np.arange(60) % 2 == 0},
}


@pytest.mark.parametrize("name", WEIRD)
def test_weird_inputs_are_no_error(judge, name):
    """Nothing that a column can hold stops the output checks."""
    values = np.arange(60.0)
    found = judge(values + np.where(values > 50, 40, 0), values, inputs=WEIRD[name])
    assert {i: r.message for i, r in found.items() if r.status == "error"} == {}
