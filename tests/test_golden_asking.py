"""Asking a candidate its golden cases: how they become inputs, and how its answers get their names."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gate.domain import Comparison, Failure, Field, GoldenCase, Signature, Snapshot
from gate.errors import UsageError
from gate.evidence.golden import flipped
from gate.golden import ask
from gate.scoring.raw import RawAnswer
from gate.scoring.session import WorkerFailedError
from gate.settings import ModelConfig
from tests.checks.conftest import PLAIN


class Model:
    """Answers what it is told to, and keeps what it was asked. The worker proper is tested in tests/scoring."""

    def __init__(self, shape, answers):
        self.shape, self.answers, self.asked = shape, answers, None

    def put(self, key, inputs):
        self.asked = inputs
        assert key == "golden"

    def predict(self, key):
        if isinstance(self.answers, Failure):
            raise WorkerFailedError(self.answers)
        table = self.answers if isinstance(self.answers, pa.Table) else pa.table({key: self.answers})
        return RawAnswer(shape=self.shape, table=table)


def case(kind, expected, **inputs):
    return GoldenCase(id=f"c{expected}", inputs=inputs or {"x": 1}, kind=kind, expected=expected, notes={})


def asked(model, cases, *, fields=None, config=None):
    """Without evaluation data: the cases are all that there is."""
    signature = Signature(inputs=fields, outputs=None) if fields else None
    snapshot = Snapshot(version=2, **{**PLAIN, "signature": signature})
    comparison = Comparison(candidate=snapshot, baseline=None, baseline_chosen_by=None, data=None)
    return ask(model, comparison, None, cases, ModelConfig.model_validate(config or {}), "golden/m.jsonl")


def agreements(found):
    rows = found.table.to_pylist()
    return [flipped(case, row, found.positive) == "" for case, row in zip(found.cases, rows, strict=True)]


@pytest.mark.parametrize(
    ("shape", "answers", "expected", "config"),
    [
        ("values", [0.9, 0.2], [1, 0], {}),
        ("values", [0.9, 0.2], ["yes", "no"], {}),
        ("values", [0.9, 0.2], ["bad", "good"], {"positive": "bad", "task": "probability"}),
        ("matrix", [[0.1, 0.9], [0.8, 0.2]], ["yes", "no"], {"classes": ["no", "yes"]}),
        ("values", ["yes", "no"], ["yes", "no"], {}),
        ("values", [1, 0], [True, False], {}),
    ],
)
def test_classes_of_every_form(shape, answers, expected, config):
    """A probability of one class, a matrix of them, the classes themselves."""
    cases = [case("class", label) for label in expected]
    assert agreements(asked(Model(shape, answers), cases, config=config)) == [True, True]
    assert agreements(asked(Model(shape, answers[::-1]), cases, config=config)) == [False, False]


def test_inputs_are_cut_to_the_signature_and_typed_by_it():
    """Whole numbers for doubles, texts for dates, and no column that the model does not take."""
    model = Model("values", [2.0])
    fields = (Field(name="x", type="double"), Field(name="day", type="datetime"))
    asked(model, [case("answer", 2.0, x=1, day="2026-01-31T00:00:00", odd="?")], fields=fields)
    assert model.asked.column_names == ["x", "day"]
    assert [str(kind) for kind in model.asked.schema.types] == ["double", "timestamp[us]"]


def test_an_input_that_a_case_lacks_is_missing_there():
    """Cases of different ages need not have the same keys."""
    model = Model("values", [2.0, 3.0])
    asked(model, [case("answer", 2.0, x=1), case("answer", 3.0, x=2, z=5)])
    assert model.asked.to_pydict() == {"x": [1, 2], "z": [None, 5]}


def test_an_input_that_no_case_has_is_no_answer():
    """The check is inconclusive then: the cases have to be completed."""
    fields = (Field(name="x", type="double"), Field(name="new", type="double"))
    failure = asked(Model("values", [2.0]), [case("answer", 2.0)], fields=fields).failure
    assert failure.kind == "MissingColumns"
    assert "new" in failure.text


@pytest.mark.parametrize(
    ("answers", "kind"),
    [(Failure(stage="predict", kind="KeyError", text="'x'"), "KeyError"), ([1.0, 2.0], "WrongRowCount")],
)
def test_a_model_that_fails_is_a_result(answers, kind):
    """Never an exception: it raised, or answered another number of rows."""
    assert asked(Model("values", answers), [case("answer", 2.0)]).failure.kind == kind


def test_one_column_of_two_types_is_refused():
    """The file is the user's: exit 2, with the column."""
    with pytest.raises(UsageError, match="'x'"):
        asked(Model("values", [2.0, 3.0]), [case("answer", 2.0, x=1), case("answer", 3.0, x="many")])
