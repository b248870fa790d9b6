"""Which columns of the data a model gets, and in which types."""

from __future__ import annotations

import datetime as dt
import decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.domain import EvaluationData, Field, Signature
from gate.scoring.casting import cast_column
from gate.scoring.inputs import Inputs, MissingColumnsError, inputs_for


def data(columns, target=None, id_column=None):
    return EvaluationData(table=pa.table(columns), source="test", digest="sha256:0", target=target, id=id_column)


def takes(*fields):
    return Signature(inputs=fields, outputs=None)


def column(name, kind, *, required=True):
    return Field(name=name, type=kind, required=required)


ROWS = data({"row": [1, 2], "a": [1, 2], "b": [3, 4], "y": [5.0, 6.0]}, target="y", id_column="row")


def test_without_a_signature_all_but_target_and_id():
    """A model that names nothing gets every feature column."""
    assert inputs_for(None, ROWS) == Inputs(table=pa.table({"a": [1, 2], "b": [3, 4]}))


def test_columns_by_name_in_the_signatures_order():
    """The signature chooses and orders; an id that it names is an input."""
    inputs = inputs_for(takes(column("b", "long"), column("row", "long")), ROWS)
    assert inputs == Inputs(table=pa.table({"b": [3, 4], "row": [1, 2]}))


def test_an_optional_column_may_be_missing():
    """What is not required is left out."""
    assert inputs_for(takes(column("a", "long"), column("z", "long", required=False)), ROWS).table.column_names == ["a"]


def test_missing_columns_are_named():
    """All of them at once."""
    with pytest.raises(MissingColumnsError) as caught:
        inputs_for(takes(column("a", "long"), column("p", "long"), column("q", "long")), ROWS)
    assert caught.value.columns == ("p", "q")


def test_the_model_never_sees_the_target():
    """A signature that asks for the label does not get it."""
    with pytest.raises(MissingColumnsError) as caught:
        inputs_for(takes(column("a", "long"), column("y", "double")), ROWS)
    assert caught.value.columns == ("y",)


def test_unnamed_columns_by_position():
    """The first columns in order, said to be positional, and cast like named ones."""
    inputs = inputs_for(takes(column(None, "double"), column(None, "double")), ROWS)
    assert inputs == Inputs(table=pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]}), positional=True)


def test_too_few_unnamed_columns():
    """The inputs that have no column are counted."""
    with pytest.raises(MissingColumnsError) as caught:
        inputs_for(takes(*[column(None, "double")] * 3), ROWS)
    assert caught.value.columns == ("input 3",)


def test_one_object_a_row_takes_its_keys():
    """A type hint list[Model] is one unnamed object: its properties are the columns."""
    field = Field(name=None, type="object", detail='{"type": "object", "properties": {"b": {}, "missing": {}}}')
    assert inputs_for(takes(field), ROWS).table.column_names == ["b"]


@pytest.mark.parametrize("shape", [(-1, 2), (-1, -1)])
def test_a_tensor_takes_scalar_columns_side_by_side(shape):
    """Autolog's tensor signature over data with columns: stacked by position, in the tensor's type."""
    inputs = inputs_for(takes(Field(name=None, type="float64", shape=shape)), ROWS)
    assert inputs.positional
    assert inputs.table.schema.types == [pa.list_(pa.float64(), 2)]
    assert inputs.table.to_pydict() == {"input": [[1.0, 3.0], [2.0, 4.0]]}


def test_a_tensor_leaves_out_text_where_that_fits():
    """A comment column does not stop a tensor of two numbers."""
    rows = data({"a": [1.0], "note": ["x"], "b": [2.0]})
    assert inputs_for(takes(Field(name=None, type="float64", shape=(-1, 2))), rows).table.to_pydict() == {
        "input": [[1.0, 2.0]]
    }


def test_a_tensor_of_another_width_is_left_to_mlflow():
    """Three columns for a tensor of two are handed over as they are."""
    rows = data({"a": [1.0], "b": [2.0], "c": [3.0]})
    assert inputs_for(takes(Field(name=None, type="float64", shape=(-1, 2))), rows).table.to_pydict() == {
        "input": [[1.0, 2.0, 3.0]]
    }


def test_a_list_column_is_a_tensor():
    """One column of lists is taken as it is, in the tensor's type, by position of nothing else."""
    rows = data({"image": pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2))})
    inputs = inputs_for(takes(Field(name=None, type="float32", shape=(-1, 2))), rows)
    assert inputs == Inputs(table=pa.table({"image": pa.array([[1, 2], [3, 4]], pa.list_(pa.float32(), 2))}))


def test_named_tensors_by_name():
    """A dict of tensors takes one column a name."""
    rows = data({"x": pa.array([[1, 2]]), "z": [7], "other": ["n"]})
    fields = (Field(name="z", type="float32", shape=(-1, 1)), Field(name="x", type="int32", shape=(-1, 2)))
    table = inputs_for(takes(*fields), rows).table
    assert table == pa.table({"z": pa.array([7], pa.float32()), "x": pa.array([[1, 2]], pa.list_(pa.int32()))})


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pa.array([1, 2]), "double", pa.array([1.0, 2.0])),
        (pa.array([1, None]), "double", pa.array([1.0, None])),
        (pa.array([1, 2]), "float", pa.array([1, 2], pa.float32())),
        (pa.array([0.1, None]), "float", pa.array([0.1, None], pa.float32())),
        (pa.array([True, None]), "double", pa.array([1.0, None])),
        (pa.array([decimal.Decimal("1.5")]), "double", pa.array([1.5])),
        (pa.array([1, 2]), "integer", pa.array([1, 2], pa.int32())),
        (pa.array([1, 2], pa.int8()), "long", pa.array([1, 2])),
        (pa.array([1, 2], pa.uint64()), "long", pa.array([1, 2])),
        (pa.array([1.0, 2.0]), "long", pa.array([1, 2])),
        (pa.array([True, False]), "long", pa.array([1, 0])),
        (pa.array([0, 1]), "boolean", pa.array([False, True])),
        (pa.array([0.0, 1.0]), "boolean", pa.array([False, True])),
        (pa.array(["a"], pa.large_string()), "string", pa.array(["a"])),
        (pa.array(["a", None]).dictionary_encode(), "string", pa.array(["a", None])),
        (pa.array([2139, None]), "string", pa.array(["2139", None])),
        (pa.array([dt.date(2024, 2, 29)]), "string", pa.array(["2024-02-29"])),
        (
            pa.array([dt.date(2024, 2, 29)]),
            "datetime",
            pa.array([dt.datetime.fromisoformat("2024-02-29")], pa.timestamp("us")),
        ),
        (
            pa.array(["2024-02-29T10:00:00"]),
            "datetime",
            pa.array([dt.datetime.fromisoformat("2024-02-29T10:00:00")], pa.timestamp("us")),
        ),
    ],
)
def test_lossless_casts(values, kind, expected):
    """The types of a file do not fail an honest model."""
    assert cast_column(pa.chunked_array([values]), kind) == pa.chunked_array([expected])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([2**53 + 1]), "double"),
        (pa.array([2**24 + 1]), "float"),
        (pa.array([1e300]), "float"),
        (pa.array([2**31]), "integer"),
        (pa.array([2**63], pa.uint64()), "long"),
        (pa.array([1.5]), "long"),
        (pa.array([float("nan")]), "long"),
        (pa.array([1, None]), "integer"),
        (pa.array([1.0, None]), "long"),
        (pa.array(["1"]), "long"),
        (pa.array(["1"]), "double"),
        (pa.array([0, 2]), "boolean"),
        (pa.array([0, None]), "boolean"),
        (pa.array(["true"]), "boolean"),
        (pa.array([1.5]), "string"),
        (pa.array([True]), "string"),
        (pa.array(["not a day"]), "datetime"),
        (pa.array([[1]]), "array"),
        (pa.array([b"x"]), "binary"),
    ],
)
def test_what_would_lose_something_is_left(values, kind):
    """MLflow refuses these in its own words."""
    column = pa.chunked_array([values])
    assert cast_column(column, kind) is column


@given(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.sampled_from(["boolean", "integer", "long", "float", "double", "string", "datetime"]),
)
def test_a_cast_of_integers_keeps_every_value(values, kind):
    """Whatever type comes out, the values are the same numbers."""
    casted = cast_column(pa.chunked_array([pa.array(values, pa.int64())]), kind).to_pylist()
    assert [None if value is None else int(value) for value in casted] == values
