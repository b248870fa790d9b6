"""Whether an answer is the one that a golden case demands."""

from __future__ import annotations

import pytest

from gate.domain import GoldenCase
from gate.evidence.golden import flipped


def case(kind, expected, tolerance=None):
    return GoldenCase(id="c", inputs={"x": 1}, kind=kind, expected=expected, tolerance=tolerance, notes={})


AGREES = [
    (case("answer", 2.0), {"prediction": 2.0000001}),
    (case("answer", 2.0, 0.5), {"prediction": 2.5}),
    (case("answer", 2), {"only": 2.0}),
    (case("answer", "seven"), {"prediction": "seven"}),
    (case("answer", None), {"prediction": None}),
    (case("answer", [1.0, 2.0], 0.1), {"prediction": [1.05, 2.0]}),
    (case("answer", {"a": 1.0, "b": 2.0}), {"a": 1.0, "b": 2.0, "c": 9.0}),
    (case("class", 1), {"prediction": "1"}),
    (case("class", "1"), {"prediction": 1.0}),
    (case("class", expected=True), {"prediction": 1, "proba_0": 0.1, "proba_1": 0.9}),
    (case("range", [0.0, 1.0]), {"prediction": 1.0}),
    (case("range", [None, 1.0]), {"prediction": -1e9}),
]
FLIPPED = [
    (case("answer", 2.0), {"prediction": 2.001}),
    (case("answer", 2.0, 0.5), {"prediction": 2.6}),
    (case("answer", 2.0, 5.0), {"prediction": float("nan")}),
    (case("answer", 2.0, 5.0), {"prediction": None}),
    (case("answer", "seven"), {"prediction": "Seven"}),
    (case("answer", [1.0, 2.0], 0.1), {"prediction": [1.0, 2.0, 3.0]}),
    (case("answer", [1.0, 2.0], 0.1), {"prediction": [1.0, 2.2]}),
    (case("answer", {"a": 1.0}), {"b": 1.0}),
    (case("class", 1), {"prediction": 0}),
    (case("class", "cat"), {"prediction": None}),
    (case("range", [0.0, 1.0]), {"prediction": 1.1}),
    (case("range", [0.0, None]), {"prediction": "many"}),
    (case("range", [0.0, None]), {"prediction": float("nan")}),
]


@pytest.mark.parametrize(("golden", "answer"), AGREES)
def test_an_answer_that_agrees(golden, answer):
    """Numbers within the tolerance, classes whatever their type, texts as they are."""
    assert flipped(golden, answer) == ""


@pytest.mark.parametrize(("golden", "answer"), FLIPPED)
def test_an_answer_that_does_not(golden, answer):
    """What is no answer never agrees with one."""
    assert flipped(golden, answer) != ""


@pytest.mark.parametrize(("expected", "given", "agrees"), [("yes", 0.5, True), ("yes", 0.4, False), ("no", 0.4, True)])
def test_a_single_probability_is_on_one_side(expected, given, agrees):
    """Of the class that it is about from 0.5 on."""
    assert (flipped(case("class", expected), {"prediction": given}, positive="yes") == "") is agrees
