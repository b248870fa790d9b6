"""Whatever `predict` returns becomes an Arrow table, or a failure that says what came."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from math import isnan, nan

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from gate.scoring.protocol import to_bytes
from gate.scoring.raw import received
from gate.scoring.worker_answers import encode
from gate.scoring.worker_columns import UnsupportedAnswer


class Tensor:
    """A tensor of another library, as NumPy sees it."""

    def __array__(self, dtype=None, copy=None):
        return np.array([[1.0, 2.0], [3.0, 4.0]])


class Polars:
    """A frame of another library that hands out Arrow."""

    def to_arrow(self):
        return pa.table({"a": pa.array(["x", "y"], pa.string_view()), "b": [1, 2]})


def travelled(answer, rows=2):
    """The answer as the gate receives it."""
    shape, table = encode(answer, rows)
    raw = received(shape, to_bytes(table).to_pybytes())
    return raw.shape, raw.table.to_pydict()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([1, 2], [1, 2]),
        ((1.5, None), [1.5, None]),
        ([1, 2.5], [1, 2.5]),
        (np.array([1, 2], dtype=np.int8), [1, 2]),
        (np.array([0.5, 1], dtype=np.float16), [0.5, 1]),
        (np.array([0.5, 1], dtype=np.longdouble), [0.5, 1]),
        (np.array(["a", None], dtype=object), ["a", None]),
        (np.array(["a", nan], dtype=object), ["a", None]),
        (np.array([True, False]), [True, False]),
        (np.array([b"a", b"b"]), [b"a", b"b"]),
        (np.array([1, 2, 3, 4])[::2], [1, 3]),
        (np.ma.array([1.0, 2.0], mask=[False, True]), [1.0, None]),
        (
            np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[Y]"),
            [dt.datetime.fromisoformat("2020-01-01"), dt.datetime.fromisoformat("2021-01-01")],
        ),
        (pd.Series([1, 2], index=[7, 3]), [1, 2]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series(["a", None], dtype="category"), ["a", None]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (pd.Series(pd.period_range("2020-01", periods=2, freq="M")), ["2020-01", "2020-02"]),
        (pd.Series(pd.arrays.SparseArray([0.0, 2.0])), [0.0, 2.0]),
        (pd.Index(["a", "b"]), ["a", "b"]),
        (pd.array([True, None], dtype="boolean"), [True, None]),
        (pd.DataFrame([[3], [4]]), [3, 4]),
        ([b"\x00", b"\xff"], [b"\x00", b"\xff"]),
        ([decimal.Decimal("1.50"), decimal.Decimal(2)], [decimal.Decimal("1.50"), decimal.Decimal("2.00")]),
        (
            [uuid.UUID(int=1), uuid.UUID(int=2)],
            ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"],
        ),
        ([np.float32(1), np.float64(2)], [1.0, 2.0]),
        (pa.array([1, 2]), [1, 2]),
        (pa.chunked_array([[1], [2]]), [1, 2]),
        (range(2), [0, 1]),
        ([], []),
        ([None, None], [None, None]),
    ],
)
def test_one_value_a_row(answer, expected):
    """Lists, arrays and series of every kind are one column."""
    assert travelled(answer) == ("values", {"answer": expected})


def test_times_keep_their_zone():
    """A time with a zone stays one."""
    _, table = encode(pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"]).tz_localize("Asia/Seoul")), 2)
    assert table.schema.types[0].tz == "Asia/Seoul"


@pytest.mark.parametrize("answer", [np.array([1.0, nan]), [1.0, nan], pd.Series([1.0, nan])])
def test_nan_is_not_null(answer):
    """A NaN among numbers stays a NaN, so that checks can tell the two apart."""
    _, table = travelled(answer)
    assert isnan(table["answer"][1])


def test_mixed_values_become_text():
    """A number here and a text there is a column of text, whose type the checks refuse."""
    assert travelled([1.5, "error"]) == ("values", {"answer": ["1.5", "error"]})


def test_numbers_beyond_64_bits_become_text():
    """No integer is cut."""
    assert travelled([2**70, 1]) == ("values", {"answer": [str(2**70), "1"]})


@pytest.mark.parametrize(
    "answer",
    [
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        np.array([[1.0, 3.0], [2.0, 4.0]]).T,
        np.array([[1.0, 2.0], [3.0, 4.0]], dtype=object),
        scipy.sparse.csr_matrix([[1.0, 2.0], [3.0, 4.0]]),
        pd.DataFrame([[1.0, 2.0], [3.0, 4.0]]),
        Tensor(),
    ],
)
def test_a_matrix(answer):
    """Two dimensions without names, of whatever library, are one column of lists."""
    assert travelled(answer) == ("matrix", {"answer": [[1.0, 2.0], [3.0, 4.0]]})


def test_more_dimensions():
    """An array of shape (2, 2, 1) is nested fixed-size lists."""
    shape, table = encode(np.arange(4.0).reshape(2, 2, 1), 2)
    assert shape == "tensor"
    assert table.schema.types[0] == pa.list_(pa.list_(pa.float64(), 1), 2)
    assert table.to_pydict() == {"answer": [[[0.0], [1.0]], [[2.0], [3.0]]]}


@pytest.mark.parametrize(
    "answer", [[[1, 2], [3]], [np.array([1, 2]), np.array([3])], [pd.Series([1, 2]), pd.Series([3])]]
)
def test_lists_in_a_list(answer):
    """Vectors of any length are one list column."""
    assert travelled(answer) == ("nested", {"answer": [[1, 2], [3]]})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), {"a": [1, 2], "b": ["x", "y"]}),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), {"a": [1, 3], "a.1": [2, 4]}),
        (
            pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
            {"a_1": [1, 3], "a_2": [2, 4]},
        ),
        (pd.DataFrame([[1, "x"], [2, "y"]]), {"0": [1, 2], "1": ["x", "y"]}),
        (np.array([(1, 2.5), (3, 4.5)], dtype=[("a", int), ("b", float)]), {"a": [1, 3], "b": [2.5, 4.5]}),
        ([{"a": 1}, {"a": 2, "b": "x"}], {"a": [1, 2], "b": [None, "x"]}),
        (Polars(), {"a": ["x", "y"], "b": [1, 2]}),
        (pa.RecordBatch.from_pydict({"a": [1, 2]}), {"a": [1, 2]}),
        (pd.DataFrame({"v": [np.array([1.0, 2.0]), np.array([3.0, 4.0])]}), {"v": [[1.0, 2.0], [3.0, 4.0]]}),
    ],
)
def test_a_frame(answer, expected):
    """Named columns keep their names; a name that appears twice gets a number."""
    assert travelled(answer) == ("frame", expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"a": [1, 2], "b": np.array([0.5, 1.5])}, {"a": [1, 2], "b": [0.5, 1.5]}),
        ({"a": [1, 2], "model": "v3"}, {"a": [1, 2], "model": ["v3", "v3"]}),
        ({"a": np.eye(2)}, {"a": [[1.0, 0.0], [0.0, 1.0]]}),
        ({"a": 1, "b": None}, {"a": [1], "b": [None]}),
    ],
)
def test_a_dict(answer, expected):
    """One column a key; a single value stands on every row."""
    assert travelled(answer) == ("dict", expected)


@pytest.mark.parametrize("answer", [3.5, np.float32(3.5), np.array(3.5)])
def test_a_bare_value_answers_one_row(answer):
    """A model that squeezes its answer for one row has answered it; for two rows it has not."""
    assert travelled(answer, rows=1) == ("values", {"answer": [3.5]})
    with pytest.raises(UnsupportedAnswer, match=r"a single float(32)? for 2 rows"):
        encode(answer, 2)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (None, "None"),
        ((value for value in "ab"), "a generator"),
        (object(), "a object"),
        ({1, 2}, "a set"),
        ("yes", "a single str for 2 rows"),
        (np.ones(2, dtype=complex), r"values that are no column \(complex numbers\)"),
        (np.ones((2, 0)), r"an array of shape \(2, 0\)"),
        ([object(), object()], r"values that are no column \(.*object"),
        ({"a": [1, 2], "b": [1]}, "a dict whose columns have 1 and 2 values"),
        ({}, "a dict without columns"),
        (pd.DataFrame(index=[0, 1]), "a frame without columns"),
        (scipy.sparse.csr_matrix((100_000, 100_000)), "a sparse matrix of shape"),
    ],
)
def test_what_is_no_answer(answer, what):
    """The failure names what came."""
    with pytest.raises(UnsupportedAnswer, match=f"^the model answered {what}"):
        encode(answer, 2)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_any_json_like_answer_travels_or_is_refused(answer):
    """Nothing that a model can build of plain values breaks the encoder or the guard."""
    try:
        shape, table = encode(answer, 3)
    except UnsupportedAnswer:
        return
    received(shape, to_bytes(table).to_pybytes())
