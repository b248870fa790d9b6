"""Weird but honest outputs: every check ends with a status and a reason, none is the gate's own fault."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from gate.domain import Category, Task

N = 60
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(N, 4))
ALL = frozenset({Category.OUTLIERS, Category.QUALITY, Category.CONTRACT})

OUTPUTS = {
    "texts": (Task.TEXT, [f"answer {index}" for index in range(N)]),
    "long texts": (Task.TEXT, ["é" * (index + 1) for index in range(N)]),
    "embeddings": (Task.EMBEDDING, VECTORS),
    "several targets": (Task.REGRESSION, {"a": VECTORS[:, 0], "b": VECTORS[:, 1]}),
    "truth values": (Task.CLASSIFICATION, VECTORS[:, 0] > 0),
    "classes of texts": (Task.CLASSIFICATION, [("cat", "dog", "cow")[index % 3] for index in range(N)]),
    "classes with holes": (Task.CLASSIFICATION, [None if index == 3 else "a" for index in range(N)]),
    "whole numbers": (Task.REGRESSION, np.arange(N)),
    "dates": (Task.OTHER, [dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=index) for index in range(N)]),
    "numbers and texts beside": (Task.REGRESSION, {"prediction": VECTORS[:, 0], "reason": ["because"] * N}),
    "nothing but holes": (Task.REGRESSION, [None] * N),
    "huge numbers": (Task.REGRESSION, VECTORS[:, 0] * 1e300),
    "tiny numbers": (Task.REGRESSION, VECTORS[:, 0] * 1e-300),
    "infinite": (Task.REGRESSION, np.where(VECTORS[:, 0] > 0, np.inf, VECTORS[:, 0])),
    "ten rows": (Task.REGRESSION, VECTORS[:10, 0]),
    "two rows": (Task.REGRESSION, VECTORS[:2, 0]),
    "one row": (Task.REGRESSION, VECTORS[:1, 0]),
    "one row of classes": (Task.CLASSIFICATION, ["a"]),
    "many classes": (Task.CLASSIFICATION, [f"c{index}" for index in range(N)]),
    "lists of texts": (Task.OTHER, {"prediction": [["a", "b"]] * N}),
    "uneven lists": (Task.OTHER, {"prediction": [[1.0] * (1 + index % 3) for index in range(N)]}),
    "a probability": (Task.PROBABILITY, 1 / (1 + np.exp(-VECTORS[:, 0]))),
    "one class of probabilities": (Task.PROBABILITY, {"prediction": ["a"] * N, "proba_a": np.ones(N)}),
}


def rows(answers):
    return len(next(iter(answers.values()))) if isinstance(answers, dict) else len(answers)


def labels_for(task, count):
    """Numbers for numbers, else classes."""
    return np.arange(float(count)) if task is Task.REGRESSION else np.arange(count) % 2


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize(("baseline", "labelled"), [("same", True), ("none", False), ("broken", True)])
def test_no_output_is_an_error_of_the_gate(judge, name, baseline, labelled):
    """Any kind of output, against itself, nothing, or a baseline that cannot be scored."""
    task, answers = OUTPUTS[name]
    before = {"same": answers, "none": None, "broken": "broken"}[baseline]
    labels = labels_for(task, rows(answers)) if labelled else None
    found = judge(answers, before, labels, task=task, only=ALL)
    assert {i: r.message for i, r in found.items() if r.status == "error"} == {}
    assert [i for i, r in found.items() if r.status in {"skipped", "inconclusive", "failed"} and not r.message] == []


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_same_answers_never_lose_against_themselves(judge, name):
    """Nothing comparative fails where both versions say the same."""
    task, answers = OUTPUTS[name]
    found = judge(answers, answers, None, task=task)
    compared = ("drift", "paired_delta", "wrong_rows", "stuck", "robust")
    assert [n for n in compared if found[f"outliers.{n}"].status == "failed"] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("texts", "embeddings"), ("embeddings", "texts"), ("whole numbers", "dates"), ("truth values", "classes of texts"),
     ("several targets", "texts"), ("nothing but holes", "whole numbers"), ("whole numbers", "nothing but holes"),
     ("a probability", "one class of probabilities"), ("infinite", "huge numbers"), ("uneven lists", "embeddings"),
     ("lists of texts", "whole numbers"), ("classes of texts", "whole numbers")],
)  # fmt: skip
@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "no labels"])
def test_versions_of_different_kinds_are_no_error(judge, one, other, labelled):
    """A candidate that answers something else entirely is the model's fault, never the gate's."""
    (task, answers), (_, before) = OUTPUTS[one], OUTPUTS[other]
    found = judge(answers, before, labels_for(task, N) if labelled else None, task=task, only=ALL)
    assert {i: r.message for i, r in found.items() if r.status == "error"} == {}


def test_a_baseline_that_cannot_be_scored_is_inconclusive_and_critical(judge):
    """Comparative checks say the remedy; the others still run."""
    found = judge(VECTORS[:, 0], "broken", VECTORS[:, 1])
    for name in ("outliers.drift", "outliers.paired_delta", "outliers.wrong_rows", "quality.rmse"):
        assert (found[name].status, found[name].severity) == ("inconclusive", "critical")
        assert "--baseline none" in found[name].message
    assert found["outliers.nulls"].status == "passed"


def test_a_first_version_is_judged_by_itself(judge):
    """Without a baseline comparative checks are skipped with that reason, the others count."""
    found = judge(VECTORS[:, 0], None, VECTORS[:, 0] + 0.1)
    assert found["outliers.nulls"].status == "passed"
    for name in ("outliers.drift", "outliers.paired_delta", "outliers.wrong_rows", "quality.rmse"):
        assert (found[name].status, "no baseline" in found[name].message) == ("skipped", True)
