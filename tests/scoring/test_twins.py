"""Rows asked in parts, twice, with columns turned round, without optional values; inputs changed as relations say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gate.domain import Field, Signature
from gate.scoring.changes import ChangeError, changed
from gate.scoring.twins import ask, questions

SIGNATURE = Signature(
    inputs=(
        Field(name="x", type="double"),
        Field(name="extra", type="double", required=False),
        Field(name="count", type="long", required=False),
    ),
    outputs=None,
)
MODES = """
if list(model_input.columns) != ["x", "extra", "count"] and "count" in model_input:
    return model_input.iloc[:, 0]
if "count" not in model_input or model_input["extra"].isna().any():
    raise ValueError("no extra")
return model_input["x"]
"""
INPUTS = pa.table({"x": np.arange(100.0), "extra": np.ones(100), "count": np.arange(100)})


def test_every_question_covers_its_rows():
    """The tables of a question hold the inputs of its rows, in their order."""
    for question in questions(INPUTS.select(["x"]), None, seed=1):
        asked = pa.concat_tables(question.parts)["x"].to_numpy()
        assert np.array_equal(asked, question.rows), question.name


def test_what_the_signature_does_not_say_is_not_asked():
    """No names, no order of columns; nothing optional, nothing left out."""
    assert [question.name for question in questions(INPUTS, None, seed=1)] == ["split", "twice"]


@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_few_rows_are_asked_as_far_as_they_go(rows):
    """No empty table is sent."""
    asked = list(questions(INPUTS.slice(0, rows), SIGNATURE, seed=1))
    assert all(part.num_rows for question in asked for part in question.parts)
    assert bool(asked) is bool(rows)


def test_a_model_that_breaks_a_promise_gives_a_twin_that_says_so(saved, loaded):
    """It reads columns by position, and needs what its signature calls optional; the worker lives on."""
    worker = loaded(saved(MODES))
    twins = {question.name: ask(worker, question) for question in questions(INPUTS, SIGNATURE, seed=1)}
    assert twins["split"].raw.only.to_pylist() == list(twins["split"].rows)
    assert twins["columns"].raw.only.to_pylist() == list(twins["columns"].rows)
    assert (twins["optional"].failure.kind, twins["optional"].failure.text) == ("ValueError", "no extra")
    assert worker.alive


TABLE = pa.table({"sex": ["f", "m", None, "x"], "age": [10, 20, None, 40], "rate": [0.5, 1.0, 2.0, None]})
CHANGES = {
    "values": ({"sex": {"f": "m", "m": "f"}}, {0: "m", 1: "f"}, "sex"),
    "one more": ({"age": "+1"}, {0: 11, 1: 21, 3: 41}, "age"),
    "a tenth more": ({"age": "+10%"}, {0: 11, 1: 22, 3: 44}, "age"),
    "rounded": ({"age": "*1.04"}, {1: 21, 3: 42}, "age"),
    "twice": ({"rate": "*2"}, {0: 1.0, 1: 2.0, 2: 4.0}, "rate"),
    "a constant": ({"sex": "f"}, {1: "f", 3: "f"}, "sex"),
    "keys as YAML reads them": ({"age": {10: 11}}, {0: 11}, "age"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_rows_are_changed_as_a_relation_says(name):
    """Only rows that the change applies to are given; missing values stay."""
    change, expected, column = CHANGES[name]
    rows, table = changed(TABLE, change, seed=0)
    assert dict(zip(rows.tolist(), table[column].to_pylist(), strict=True)) == expected


@pytest.mark.parametrize("change", [{"sex": "+1"}, {"age": 1.5}, {"age": "many"}, {"rate": {0.5: "half"}}])
def test_a_change_that_a_column_cannot_take_says_why(change):
    """Texts have no sum, whole numbers no fractions."""
    with pytest.raises(ChangeError, match=f"the column {next(iter(change))} holds"):
        changed(TABLE, change, seed=0)


def test_at_most_64_rows_are_changed():
    """Of a million rows, too."""
    rows, table = changed(pa.table({"x": np.arange(30_000.0)}), {"x": "+1"}, seed=0)
    assert len(rows) == 64
    assert np.array_equal(table["x"].to_numpy(), rows + 1.0)
