"""Rows as requests, read back by MLflow's own server code."""

from __future__ import annotations

import decimal
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gate.domain import Field, Signature
from gate.scoring.payloads import MOST_ROWS, chosen, forms
from gate.scoring.worker_inputs import convert

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's server code warns about its own type hints


def signature(*fields):
    return Signature(inputs=fields, outputs=None)


def parsed(body, schema):
    """What MLflow's server hands to the model."""
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    return infer_and_parse_data(json.loads(body), schema)


def test_a_frame_arrives_as_the_worker_gives_it():
    """Numbers, texts, truth values, times, bytes and nulls, by the signature's types."""
    from mlflow.types import ColSpec, DataType, Schema

    kinds = {"a": "double", "n": "long", "t": "string", "b": "boolean", "w": "datetime", "raw": "binary"}
    table = pa.table(
        {
            "a": [1.5, None],
            "n": pa.array([7, -1], pa.int64()),
            "t": ["x", "é"],
            "b": [True, False],
            "w": pa.array(np.array(["2026-01-02T03:04", "2026-01-02"], "datetime64[ns]")),
            "raw": [b"\x00\xff", b""],
        }
    )
    schema = Schema([ColSpec(DataType[kind], name) for name, kind in kinds.items()])
    bodies = next(forms(table, signature(*(Field(name=name, type=kind) for name, kind in kinds.items()))))
    expected = convert(table, schema)
    for row, body in enumerate(bodies):
        one = expected[row : row + 1].reset_index(drop=True)
        pd.testing.assert_frame_equal(parsed(body, schema), one, check_dtype=False)


def test_unnamed_columns_arrive_by_position():
    """The columns' names in the file say nothing to such a model."""
    from mlflow.types import ColSpec, DataType, Schema

    table = pa.table({"p": [1.0], "q": [2.0]})
    body = next(forms(table, signature(Field(name=None, type="double"), Field(name=None, type="double"))))[0]
    frame = parsed(body, Schema([ColSpec(DataType.double), ColSpec(DataType.double)]))
    assert list(frame.columns) == [0, 1]


@pytest.mark.parametrize("name", [None, "image"])
def test_a_tensor_arrives_in_its_shape(name):
    """Flat lists of six become 2 x 3, named or not."""
    from mlflow.types import Schema, TensorSpec

    flat = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(12, dtype=np.float32)), 6)
    schema = Schema([TensorSpec(np.dtype("float32"), (-1, 2, 3), name)])
    field = Field(name=name, type="float32", shape=(-1, 2, 3))
    bodies = next(forms(pa.table({"image": flat}), signature(field)))
    found = parsed(bodies[1], schema)
    array = found["image"] if name else found
    assert np.array_equal(array, np.arange(6, 12, dtype=np.float32).reshape(1, 2, 3))
    assert array.dtype == np.float32


def test_what_a_type_hint_asks_for_is_the_second_form():
    """A frame first; then a list of values, or of records where there are several columns."""
    texts, records = pa.table({"question": ["why"]}), pa.table({"a": [1], "b": [decimal.Decimal("2.5")]})
    assert [json.loads(form[0]) for form in forms(texts, None)][1] == {"inputs": ["why"]}
    assert [json.loads(form[0]) for form in forms(records, None)][1] == {"inputs": [{"a": 1, "b": 2.5}]}


def test_many_rows_are_thinned_evenly():
    """First and last are among them."""
    rows = chosen(pa.table({"x": np.arange(10_000)}))["x"].to_pylist()
    assert (len(rows), rows[0], rows[-1]) == (MOST_ROWS, 0, 9_999)
