"""Rankings are scored as scikit-learn scores them, whatever form they have."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.domain import Task
from gate.evidence.metrics import METRICS
from gate.evidence.outputs import read
from gate.evidence.pairing import Labels, Unfit, pair


def objects(rows):
    out = np.empty(len(rows), dtype=object)
    out[:] = [np.array(row) for row in rows]
    return read(out)


def scored(name, labels, answers):
    found = pair(
        METRICS[name], Labels(output=objects(labels), task=Task.RANKING), {"prediction": objects(answers)}, None
    )
    return found if isinstance(found, Unfit) else METRICS[name].value(found.truth, found.candidate)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_scores_with_ties_are_scikit_learns(seed):
    """A score for each item, relevances as labels; equal scores share their gains."""
    rng = np.random.default_rng(seed)
    relevance = rng.integers(0, 4, (30, 6))
    relevance[:, 0] = 2
    scores = np.round(rng.random((30, 6)), 1) + 0.05
    assert scored("ndcg", relevance.tolist(), scores.tolist()) == pytest.approx(reference.ndcg_score(relevance, scores))


@pytest.mark.parametrize(
    ("labels", "answers", "average_precision"),
    [
        ([["a", "b"]], [["a", "b", "c"]], 1.0),
        ([["a", "b"]], [["c", "a", "b"]], (1 / 2 + 2 / 3) / 2),
        ([["a", "b"]], [["a", "a", "a"]], 1 / 2),
        ([["a"], ["b"]], [["a"], ["a"]], 1 / 2),
        ([[1, 2]], [[2, 9, 1]], (1 + 2 / 3) / 2),
    ],
)
def test_average_precision_of_lists(labels, answers, average_precision):
    """Precision at each relevant item, over all that are relevant; an item counts once."""
    assert scored("map", labels, answers) == pytest.approx(average_precision)


def test_a_row_with_nothing_relevant_is_left_out():
    """It has no best order."""
    assert scored("ndcg", [["a"], []], [["a"], ["a"]]) == 1.0


def test_one_relevant_item_a_row_may_be_a_plain_label():
    """The item that was bought."""
    found = pair(
        METRICS["map"],
        Labels(output=read(np.array(["a", "b"], dtype=object)), task=Task.RANKING),
        {"prediction": objects([["a", "b"], ["a", "b"]])},
        None,
    )
    assert METRICS["map"].value(found.truth, found.candidate) == pytest.approx(0.75)
