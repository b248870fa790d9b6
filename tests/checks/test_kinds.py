"""quality.<metric> for every kind of answer, through the real engine: seeded damage fails, small noise passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gate.checking.case import MetricAsked
from gate.domain import Category, Task
from gate.evidence.foreign import foreign_metric
from gate.evidence.metrics import standard
from gate.settings import MetricLimits

N = 1000
QUALITY = frozenset({Category.QUALITY})
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(2, N, 4))
WORDS = ("red", "green", "blue", "large", "small")
TEXTS = [" ".join(RNG.choice(WORDS, 4)) for _ in range(N)]
ITEMS = [[f"i{item}" for item in RNG.permutation(20)[:3]] for _ in range(N)]


def asked(case, *names):
    return replace(case, metrics=tuple(MetricAsked(name=name, limits=MetricLimits()) for name in names))


def with_targets(case, columns):
    """The same case with several targets."""
    table = case.comparison.data.table
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    data = replace(case.comparison.data, table=table, target=tuple(columns))
    metrics = tuple(MetricAsked(name=name, limits=None) for name in standard(case.task))
    return replace(case, comparison=replace(case.comparison, data=data), metrics=metrics)


def statuses(results_of, case):
    found = results_of(case, QUALITY)
    return {metric.name: str(found[f"quality.{metric.name}"].status) for metric in case.metrics}


def spoilt(kind, harm):
    """A case of one kind: the baseline has noise of its own, the candidate the same and the harm."""
    labels = NOISE[0]
    near = labels + 0.3 * NOISE[1]
    worse = labels + 0.3 * (1 + harm) * NOISE[1] + 0.003
    width = np.full(N, 0.4)
    lost = [index < harm * N / 2 for index in range(N)]
    shorter = [text[:-3] if index % 10 == 0 else text for index, text in enumerate(TEXTS)]
    ranked = [items[::-1] if index % 10 == 0 else items for index, items in enumerate(ITEMS)]
    return {
        "horizons": (worse, near, labels.tolist(), Task.FORECAST),
        "vectors": (worse, near, labels.tolist(), Task.EMBEDDING),
        "interval": (
            {"yhat": worse[:, 0], "yhat_lower": worse[:, 0] - width * (1 - harm), "yhat_upper": worse[:, 0] + width},
            {"yhat": near[:, 0], "yhat_lower": near[:, 0] - width, "yhat_upper": near[:, 0] + width},
            labels[:, 0],
            Task.FORECAST,
        ),
        "texts": ([("", text)[not gone] for text, gone in zip(shorter, lost, strict=True)], shorter, TEXTS, Task.TEXT),
        "rankings": (
            [(["x"], items)[not gone] for items, gone in zip(ranked, lost, strict=True)],
            ranked,
            ITEMS,
            Task.RANKING,
        ),
    }[kind]


METRICS_OF = {
    "horizons": ("rmse", "mae"),
    "vectors": ("cosine_distance", "mae"),
    "interval": ("rmse", "coverage", "pinball"),
    "texts": ("exact_match", "character_error_rate", "word_error_rate", "rouge_l"),
    "rankings": ("ndcg", "map"),
}


@pytest.mark.parametrize("kind", METRICS_OF)
def test_a_small_change_passes(case_of, results_of, kind):
    """Answers that are as good pass by every metric of their kind."""
    candidate, baseline, labels, task = spoilt(kind, 0.0)
    case = asked(case_of(candidate, baseline, labels, task=task), *METRICS_OF[kind])
    assert set(statuses(results_of, case).values()) == {"passed"}


@pytest.mark.parametrize("kind", METRICS_OF)
def test_damage_fails(case_of, results_of, kind):
    """A third more error, or a sixth of the answers gone, fails by every metric of the kind."""
    candidate, baseline, labels, task = spoilt(kind, 0.33)
    case = asked(case_of(candidate, baseline, labels, task=task), *METRICS_OF[kind])
    assert set(statuses(results_of, case).values()) == {"failed"}


@pytest.mark.parametrize("names", [("a", "b"), ("prediction_0", "prediction_1"), ("left", "right")])
def test_several_targets_are_paired_by_name_or_place(case_of, results_of, names):
    """By the targets' names, by number, else in order."""
    labels, near = NOISE[0][:, :2], (NOISE[0] + 0.3 * NOISE[1])[:, :2]
    answers = dict(zip(names, near.T, strict=True))
    case = with_targets(case_of(answers, answers), {"a": labels[:, 0], "b": labels[:, 1]})
    assert set(statuses(results_of, case).values()) == {"passed"}


def test_targets_in_the_wrong_order_fail(case_of, results_of):
    """The names of the columns say which is which."""
    labels, near = NOISE[0][:, :2], (NOISE[0] + 0.3 * NOISE[1])[:, :2]
    right, wrong = {"a": near[:, 0], "b": near[:, 1]}, {"a": near[:, 1], "b": near[:, 0]}
    case = with_targets(case_of(wrong, right), {"a": labels[:, 0], "b": labels[:, 1]})
    assert set(statuses(results_of, case).values()) == {"failed"}


def test_several_columns_of_classes(case_of, results_of):
    """Labels of two kinds a row: the mean over both."""
    labels = {"colour": list(RNG.choice(WORDS[:3], N)), "size": list(RNG.choice(WORDS[3:], N))}
    answers = {
        name: ["red" if row % 20 == 0 else value for row, value in enumerate(column)] for name, column in labels.items()
    }
    case = with_targets(case_of(answers, answers, task=Task.CLASSIFICATION), labels)
    assert statuses(results_of, case) == {"accuracy": "passed", "f1": "passed"}


def test_a_function_that_raises_fails_alone(case_of, results_of):
    """With the class and the text of what it raised; the other metrics are judged."""
    labels = NOISE[0][:, 0]
    broken = MetricAsked(
        name="m:f", limits=MetricLimits(), metric=foreign_metric("m:f", lambda *_: 1 / 0, "number", better=True)
    )
    case = case_of(labels + 0.1, labels + 0.1, labels)
    found = results_of(replace(case, metrics=(*case.metrics, broken)), QUALITY)
    assert (found["quality.m:f"].status, found["quality.rmse"].status) == ("failed", "passed")
    assert "ZeroDivisionError: division by zero" in found["quality.m:f"].message


def test_labels_of_another_kind_are_no_fault_of_an_embedding(case_of, results_of):
    """Vectors beside a column of classes: nothing that nobody asked for is judged."""
    case = case_of(NOISE[0], NOISE[0] + 0.1, [row % 2 for row in range(N)], task=Task.EMBEDDING)
    assert statuses(results_of, case) == {"cosine_distance": "skipped", "mae": "skipped"}


@pytest.mark.parametrize(("labels", "status"), [(None, "passed"), (["a", "b"] * 500, "skipped")])
def test_without_labels_the_change_of_accuracy_is_bounded(case_of, results_of, labels, status):
    """30 of 1,000 rows differ: accuracy changed by 3 % at most, by 4.5 % with confidence."""
    baseline = ["a", "b"] * 500
    candidate = ["b" if row < 60 else value for row, value in enumerate(baseline)]
    found = results_of(case_of(candidate, baseline, labels, task=Task.CLASSIFICATION), QUALITY)["quality.disagreement"]
    assert found.status == status
    if status == "passed":
        assert found.measurements[0].value == pytest.approx(0.03)
        assert 0.04 < found.measurements[1].value < 0.05


def test_rows_without_a_label_are_counted(case_of, results_of):
    """Half of the labels are missing: the check says so."""
    labels, answers = NOISE[0][:, 0].copy(), NOISE[0][:, 0] + 0.1
    labels[::2] = np.nan
    last = results_of(case_of(answers, answers, labels), QUALITY)["quality.mae"].measurements[-1]
    assert (last.name, last.value) == ("rows left out: no label", N // 2)
