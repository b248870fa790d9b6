"""quality.negative_flips, quality.calibration, quality.too_good: defects are said, honest versions are not."""

from __future__ import annotations

import numpy as np
import pytest

from gate.domain import Category, Task

N = 2000
QUALITY = frozenset({Category.QUALITY})


class World:
    """Rows with labels, and honest log-odds and amounts of two versions."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.x = self.rng.normal(size=N)
        self.labels = (2 * self.x + self.rng.logistic(size=N) > 0).astype(np.int64)
        self.before, self.now = (2 * self.x + 0.2 * self.rng.normal(size=N) for _ in range(2))
        self.amounts = self.x + 0.5 * self.rng.normal(size=N)

    def likely(self, score):
        return (score > 0).astype(np.int64)


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


@pytest.fixture
def quality(judge):
    """One check's status and severity; of the metrics, which cost time, only one is judged beside it."""

    def judged(name, *args, task=Task.REGRESSION, **named):
        config = {"metrics": {"mae" if task is Task.REGRESSION else "accuracy": {}}}
        result = judge(*args, only=QUALITY, task=task, config=config, **named)[f"quality.{name}"]
        return str(result.status), str(result.severity), result

    return judged


def test_flipped_answers_warn_where_accuracy_lets_them_pass(quality):
    """2 % of the classes turned: a loss within the margin of accuracy, and yet a warning that lists the rows."""
    world = World()
    before, now = world.likely(world.before), world.likely(world.before)
    turned = world.rng.choice(N, N // 50, replace=False)
    now[turned] = 1 - now[turned]
    status, severity, result = quality("negative_flips", now, before, world.labels, task=Task.CLASSIFICATION)
    assert (status, severity) == ("failed", "warning")
    assert result.rows_total == int(((before == world.labels) & (now != world.labels)).sum())


def test_a_sixth_of_the_answers_flipped_is_rejected(quality):
    """A net loss beyond twice the margin is critical."""
    world = World()
    now = world.likely(world.now)
    now[::6] = 1 - now[::6]
    found = quality("negative_flips", now, world.likely(world.before), world.labels, task=Task.CLASSIFICATION)
    assert found[:2] == ("failed", "critical")


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.PROBABILITY])
@pytest.mark.parametrize("seed", range(2))
def test_an_honest_version_flips_as_often_both_ways(quality, seed, task):
    """Another version of the same quality passes."""
    world = World(seed)
    make = world.likely if task is Task.CLASSIFICATION else sigmoid
    assert quality("negative_flips", make(world.now), make(world.before), world.labels, task=task)[0] == "passed"


def test_errors_that_exclude_each_other_are_more_flips_than_chance(quality):
    """Two versions of one accuracy that are wrong on different rows only: nothing is lost on the whole."""
    world = World()
    now, before = world.labels.copy(), world.labels.copy()
    now[: N * 4 // 10] = 1 - now[: N * 4 // 10]
    before[N * 6 // 10 :] = 1 - before[N * 6 // 10 :]
    found = quality("negative_flips", now, before, world.labels, task=Task.CLASSIFICATION)
    assert found[:2] == ("failed", "critical")
    assert "negative flips beyond chance" in found[2].message


def test_numbers_do_not_flip(quality):
    """Skipped, with the reason."""
    world = World()
    assert quality("negative_flips", world.x, world.x, world.amounts)[0] == "skipped"


@pytest.mark.parametrize("times", [2, 3])
def test_overconfidence_is_rejected(quality, times):
    """Log-odds two and three times too large, the ranking untouched."""
    world = World()
    now = sigmoid(times * world.now)
    found = quality("calibration", now, sigmoid(world.before), world.labels, task=Task.PROBABILITY)
    assert found[:2] == ("failed", "critical")
    assert "overconfidence" in found[2].message


def test_probabilities_that_are_all_too_low_are_rejected(quality):
    """A shift of the log-odds by 1 leaves ranking and slope, and is miscalibrated."""
    world = World()
    now = sigmoid(world.before - 1)
    found = quality("calibration", now, sigmoid(world.before), world.labels, task=Task.PROBABILITY)
    assert found[:2] == ("failed", "critical")
    assert "bias" in found[2].message


@pytest.mark.parametrize("seed", range(3))
def test_an_honest_version_is_as_calibrated(quality, seed):
    """Another version of the same quality passes, as does a better calibrated one."""
    world = World(seed)
    for now, before in ((world.now, world.before), (world.now, 2 * world.before)):
        found = quality("calibration", sigmoid(now), sigmoid(before), world.labels, task=Task.PROBABILITY)
        assert found[0] == "passed"


def test_several_classes_are_calibrated_too(quality):
    """A matrix of three probabilities, sharpened threefold: rejected."""
    rng = np.random.default_rng(4)
    logits = 1.5 * rng.normal(size=(N, 3))
    right = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (right.cumsum(axis=1) > rng.random((N, 1))).argmax(axis=1)
    sharp = right**3 / (right**3).sum(axis=1, keepdims=True)
    as_columns = [{f"proba_{k}": p[:, k] for k in range(3)} | {"prediction": p.argmax(axis=1)} for p in (sharp, right)]
    assert quality("calibration", *as_columns, labels, task=Task.PROBABILITY)[:2] == ("failed", "critical")


ODD = {
    "one class": (np.zeros(N, dtype=int), np.full(N, 0.1)),
    "certain": (np.arange(N) % 2, (np.arange(N) % 2).astype(float)),
    "constant": (np.arange(N) % 2, np.full(N, 0.5)),
    "impossible": (np.arange(N) % 2, np.full(N, 1.5)),
    "ten rows": (np.arange(10) % 2, np.linspace(0.1, 0.9, 10)),
    "one row": (np.array([1]), np.array([0.5])),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_probabilities_raise_nothing(judge, name):
    """Labels and answers that allow no statement are skipped or passed."""
    labels, answers = ODD[name]
    found = judge(
        answers, answers[::-1].copy(), labels, task=Task.PROBABILITY, only=QUALITY, config={"metrics": {"brier": {}}}
    )
    ends = {
        check: str(found[f"quality.{check}"].status)
        for check in ("calibration", "negative_flips", "too_good", "slices")
    }
    assert "error" not in ends.values(), ends


@pytest.mark.parametrize("baseline", [True, False], ids=["baseline", "first version"])
def test_copied_labels_are_said(quality, baseline):
    """A twentieth of the answers is the label to the last bit."""
    world = World()
    now = world.x.copy()
    now[::20] = world.amounts[::20]
    found = quality("too_good", now, world.x + 0.1 if baseline else None, world.amounts)
    assert found[:2] == ("failed", "warning")
    assert found[2].rows_total == N // 20


@pytest.mark.parametrize(("left", "status"), [(0.2, "failed"), (0.7, "passed"), (0.45, "passed")])
def test_an_implausible_improvement_of_numbers_warns(quality, left, status):
    """A fifth of the error left is a leak, 45 % a good day."""
    world = World()
    now = world.amounts + left * (world.x - world.amounts)
    assert quality("too_good", now, world.x, world.amounts)[0] == status


@pytest.mark.parametrize(("wrong", "status"), [(0.02, "failed"), (0.12, "passed")])
def test_an_implausible_improvement_of_classes_warns(quality, wrong, status):
    """A tenth of the wrong answers left is a leak, two thirds are an improvement."""
    world = World()
    now, before = (np.where(world.rng.random(N) < share, 1 - world.labels, world.labels) for share in (wrong, 0.18))
    assert quality("too_good", now, before, world.labels, task=Task.CLASSIFICATION)[0] == status


def test_whole_numbers_are_hit_by_chance(quality):
    """Counts that are answered right are no copies."""
    world = World()
    counts = np.arange(N).astype(float)
    assert quality("too_good", counts, counts + 0.5 * world.rng.normal(size=N), counts)[2].message.startswith("only")
