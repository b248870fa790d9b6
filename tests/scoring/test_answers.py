"""Names of the answers' columns, and the task where nobody says it."""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gate.domain import Failure, Field, Signature, Task
from gate.scoring.answers import Naming, infer_task, label_values, name_answers, name_columns
from gate.scoring.raw import RawAnswer
from gate.scoring.score import RawTwin, Scored
from gate.scoring.worker_answers import encode


def raw(answer) -> RawAnswer:
    shape, table = encode(answer, 4)
    return RawAnswer(shape=shape, table=table)


def labels(values):
    return pa.chunked_array([pa.array(values)])


def named(answer, task, **naming):
    result = name_columns(raw(answer), Naming(task=task, **naming))
    return result.table.to_pydict(), result.classes


PROBA = np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875], [0.25, 0.75]])
CATS = ("cat", "dog")


@pytest.mark.parametrize(
    "answer",
    [
        [1, 2],
        np.array([1, 2]),
        pd.Series([1, 2], name="y"),
        pd.DataFrame({"y": [1, 2]}),
        np.array([[1], [2]]),
        [[1], [2]],
    ],
)
@pytest.mark.parametrize("task", [Task.REGRESSION, Task.CLASSIFICATION, Task.PROBABILITY, Task.OTHER])
def test_one_value_a_row_is_the_prediction(answer, task):
    """Lists, arrays, series, frames of one column, matrices of one column."""
    assert named(answer, task) == ({"prediction": [1, 2]}, ())


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.PROBABILITY])
@pytest.mark.parametrize("answer", [PROBA, PROBA.tolist(), pd.DataFrame(PROBA)])
def test_a_matrix_of_probabilities(answer, task):
    """`proba_<class>` in the labels' order, and the most likely class."""
    table, classes = named(answer, task, labels=CATS)
    assert table == {
        "prediction": ["cat", "cat", "dog", "dog"],
        "proba_cat": [0.75, 0.5, 0.125, 0.25],
        "proba_dog": [0.25, 0.5, 0.875, 0.75],
    }
    assert classes == CATS


def test_configured_classes_come_before_labels():
    """`classes:` in gate.yaml orders the columns."""
    table, classes = named(PROBA, Task.CLASSIFICATION, labels=CATS, classes=("dog", "cat"))
    assert classes == ("dog", "cat")
    assert table["prediction"] == ["dog", "dog", "cat", "cat"]


def test_signature_names_come_first():
    """Named outputs are the classes, as the labels' own values, and agree only by position."""
    outputs = (Field(name="1", type="double"), Field(name="0", type="double"))
    result = name_columns(raw(PROBA), Naming(task=Task.PROBABILITY, labels=(0, 1), outputs=outputs))
    assert result.classes == (1, 0)
    assert result.positional


def test_more_probabilities_than_labels_are_numbered():
    """A class that the data do not show leaves no names: positions stand in, and nothing raises."""
    table, classes = named(np.full((2, 3), 1 / 3), Task.CLASSIFICATION, labels=CATS)
    assert classes == (0, 1, 2)
    assert table["prediction"] == [0, 0]


def test_values_outside_0_and_1_stay_what_they_are():
    """A task of probability names the columns; the checks then find the impossible values."""
    table, _ = named(np.array([[1.5, -0.5]]), Task.PROBABILITY, labels=CATS)
    assert table == {"prediction": ["cat"], "proba_cat": [1.5], "proba_dog": [-0.5]}


def test_a_row_with_nan_has_no_most_likely_class():
    """Its prediction is null."""
    table, _ = named(np.array([[nan, 1.0], [0.0, 1.0]]), Task.PROBABILITY, labels=CATS)
    assert table["prediction"] == [None, "dog"]


def test_several_targets_are_numbered():
    """Without names in the signature."""
    assert named(PROBA * 7, Task.REGRESSION)[0].keys() == {"prediction_0", "prediction_1"}


def test_several_targets_by_the_signatures_names():
    """Named outputs give the names, by position."""
    outputs = (Field(name="low", type="double"), Field(name="high", type="double"))
    result = name_columns(raw(np.array([[1.0, 2.0], [3.0, 4.0]])), Naming(task=Task.REGRESSION, outputs=outputs))
    assert result.table.to_pydict() == {"low": [1.0, 3.0], "high": [2.0, 4.0]}
    assert result.positional


def test_a_frames_own_columns():
    """They keep their names, and no prediction is made up."""
    answer = pd.DataFrame({"yhat": [1.0, 2.0], "upper": [3.0, 4.0]})
    assert named(answer, Task.FORECAST) == ({"yhat": [1.0, 2.0], "upper": [3.0, 4.0]}, ())


def test_a_frame_named_like_the_classes():
    """A frame of probabilities under the classes' names."""
    answer = pd.DataFrame(PROBA[:, ::-1], columns=["dog", "cat"])
    table, classes = named(answer, Task.PROBABILITY, labels=CATS)
    assert (list(table), classes) == (["prediction", "proba_cat", "proba_dog"], CATS)
    assert table["prediction"] == ["cat", "cat", "dog", "dog"]


def test_a_frame_with_proba_columns():
    """They mean what they say; classes are the labels' values; a prediction that is there stays."""
    answer = pd.DataFrame({"proba_1": [0.9], "proba_0": [0.1], "prediction": [0], "score": [3.0]})
    assert named(answer, Task.CLASSIFICATION, labels=(0, 1)) == (
        {"proba_1": [0.9], "proba_0": [0.1], "prediction": [0], "score": [3.0]},
        (1, 0),
    )


def test_a_dict():
    """One column a key; a single one is the prediction as well."""
    assert named({"a": [1], "b": [2]}, Task.OTHER)[0] == {"a": [1], "b": [2]}
    assert named({"a": [1]}, Task.REGRESSION)[0] == {"prediction": [1], "a": [1]}


@pytest.mark.parametrize("answer", [PROBA, PROBA.tolist(), list(PROBA)])
def test_vectors(answer):
    """One fixed-size list column."""
    table = name_columns(raw(answer), Naming(task=Task.EMBEDDING)).table
    assert table.schema.types == [pa.list_(pa.float64(), 2)]
    assert table["prediction"].to_pylist() == PROBA.tolist()


def test_ragged_lists_stay_lists():
    """Rows of several lengths have no fixed size."""
    table = name_columns(raw([[1], [2, 3]]), Naming(task=Task.OTHER)).table
    assert table.to_pydict() == {"prediction": [[1], [2, 3]]}


def test_more_dimensions_are_nested():
    """An array of shape (n, 2, 3) is lists of two lists of three."""
    table = name_columns(raw(np.zeros((4, 2, 3))), Naming(task=Task.OTHER)).table
    assert table.schema.types == [pa.list_(pa.list_(pa.float64(), 3), 2)]


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize(
    "answer",
    [
        ["x"] * 4,
        [None] * 4,
        [],
        [[1, 2], [3]],
        [["a", "b"]] * 4,
        [b"x"] * 4,
        np.zeros((4, 2, 2)),
        np.array([["a", "b"]] * 4),
        np.full((4, 3), nan),
        {"proba_a": ["x"] * 4},
        {"proba_a": ["x"], "proba_b": [1]},
        [{"a": 1}] * 4,
        [[None, 1.0]] * 4,
        [[], []],
    ],
)
def test_nonsense_gets_a_table(task, answer):
    """Whatever a candidate answers, naming does not raise: the checks judge it."""
    answered = raw(answer)
    naming = Naming(task=task, labels=CATS, outputs=(Field(name="a", type="double"),))
    assert name_columns(answered, naming).table.num_rows == answered.rows


TEXTS = ["a man rides", "two dogs run", "it rains now", "they all left"]


@pytest.mark.parametrize(
    ("answer", "label", "task"),
    [
        ([1.5, 2.5, 3.0, 4.0], [1.0, 2.5, 3.0, 4.0], Task.REGRESSION),
        ([150, 151, 152, 153], [151, 75, 141, 206], Task.REGRESSION),
        ([5.2, 5.7, 6.1, 5.9], [5, 6, 5, 6], Task.REGRESSION),
        (["cat", "dog", "cat", "cat"], ["cat", "dog", "dog", "cat"], Task.CLASSIFICATION),
        ([0, 1, 1, 0], [0, 1, 0, 1], Task.CLASSIFICATION),
        ([0.0, 1.0, 1.0, 0.0], [0.0, 1.0, None, 1.0], Task.CLASSIFICATION),
        ([True, False, True, True], [True, False, False, True], Task.CLASSIFICATION),
        ([0.2, 0.9, 0.4, 0.5], [0, 1, 0, 1], Task.PROBABILITY),
        ([0.2, 0.9, 0.4, 0.5], [False, True, False, True], Task.PROBABILITY),
        (PROBA, [0, 1, 0, 1], Task.PROBABILITY),
        (PROBA.tolist(), ["cat", "dog", "cat", "dog"], Task.PROBABILITY),
        (PROBA, None, Task.PROBABILITY),
        (PROBA * 5, [1.5, 2.5, 3.5, 4.5], Task.REGRESSION),
        (TEXTS, TEXTS, Task.TEXT),
        (TEXTS, None, Task.TEXT),
        (["a", "b", "a", "b"], None, Task.CLASSIFICATION),
        ([0.2, 0.9, 0.4, 0.5], None, Task.REGRESSION),
        ([[1.0, 2.0], [3.0]], None, Task.EMBEDDING),
        ([[0.5, 2.0]] * 4, None, Task.EMBEDDING),
        (np.full((4, 64), 0.3), None, Task.EMBEDDING),
        (np.full((4, 16), 1.3), [1.5, 2.5, 3.5, 4.5], Task.EMBEDDING),
        (np.full((4, 16), 1.3), None, Task.REGRESSION),
        (np.zeros((4, 2, 2)), None, Task.EMBEDDING),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2]}), None, Task.REGRESSION),
        (pd.DataFrame({"prediction": [1.5, 2.5], "b": [1, 2]}), None, Task.REGRESSION),
        (pd.DataFrame({"proba_a": [0.5], "proba_b": [0.5]}), None, Task.PROBABILITY),
        ([None] * 4, [1.5, 2.5, 3.5, 4.5], Task.REGRESSION),
        ([None] * 4, None, Task.OTHER),
        ([b"x"] * 4, None, Task.OTHER),
        (pd.DataFrame({"yhat": [1.5], "yhat_lower": [1.0], "yhat_upper": [2.0]}), [1.5], Task.FORECAST),
        (pd.DataFrame({"q0.1": [1.5], "q0.5": [2.0], "q0.9": [2.5]}), [1.5], Task.FORECAST),
        (pd.DataFrame({"prediction": [1.5], "lower": [1.0], "upper": [2.0]}), None, Task.FORECAST),
        ([["a", "b"], ["c"]], [["a"], ["b"]], Task.RANKING),
        ([["a", "b"], ["c", "d"]], None, Task.RANKING),
        ([["a", "b"], ["b", "b"]], [["a", "a"], ["b", "b"]], Task.EMBEDDING),
        (pd.DataFrame({"low": [0.5], "high": [0.5]}), ["low"], Task.REGRESSION),
        ([[3, 4], [5, 6]], [[3], [6]], Task.RANKING),
        ([1.5, 2.5, 3.5, 4.5], [[1.0], [2.0], [3.0], [4.0]], Task.REGRESSION),
        (["a", "b", "a", "b"], [{"x": 1}] * 4, Task.CLASSIFICATION),
    ],
)  # fmt: skip
def test_the_task(answer, label, task):
    """Read off labels and answers."""
    assert infer_task(raw(answer), None if label is None else labels(label), None) is task


@pytest.mark.parametrize(
    ("answer", "columns", "task"),
    [
        (np.array([[0.3, 0.7], [0.6, 0.4]]), {"a": [0.3, 0.5], "b": [0.7, 0.5]}, Task.REGRESSION),
        (np.full((4, 64), 0.3), {f"h{place}": [1.5] * 4 for place in range(64)}, Task.REGRESSION),
        (pd.DataFrame({"open": [1.5], "low": [1.0], "high": [2.0]}), {"open": [1.5], "low": [1.5]}, Task.REGRESSION),
        (pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), {"a": ["x", "x"], "b": [1, 1]}, Task.CLASSIFICATION),
        (np.array([[0, 1], [1, 0]] * 4), {"a": [0, 1] * 4, "b": [1, 0] * 4}, Task.CLASSIFICATION),
    ],
)  # fmt: skip
def test_the_task_of_several_targets(answer, columns, task):
    """Amounts, unless every column of labels and answers holds classes; never probabilities or an embedding."""
    assert infer_task(raw(answer), pa.table(columns), None) is task


def test_several_targets_are_no_probabilities():
    """Two columns of classes keep the signature's names."""
    outputs = (Field(name="colour", type="long"), Field(name="size", type="long"))
    naming = Naming.of(
        Task.CLASSIFICATION,
        labels=pa.table({"colour": [0, 1], "size": [1, 0]}),
        signature=Signature(inputs=None, outputs=outputs),
    )
    assert name_columns(raw(np.array([[0, 1], [1, 0]])), naming).table.column_names == ["colour", "size"]


def test_label_values():
    """Sorted distinct labels; whole floats as integers; too many are none."""
    assert label_values(labels([2.0, None, 1.0, 2.0])) == (1, 2)
    assert label_values(labels(["b", "a", "b"])) == ("a", "b")
    assert label_values(labels(list(range(1001)))) == ()
    assert label_values(None) == ()


def test_naming_of_a_signature():
    """Naming.of gathers labels, outputs and configuration."""
    signature = Signature(inputs=None, outputs=(Field(name="y", type="double"),))
    naming = Naming.of(Task.PROBABILITY, labels=labels([1, 0]), signature=signature, positive=1)
    assert (naming.labels, naming.positive, naming.outputs[0].name) == ((0, 1), 1, "y")


def test_answers_of_a_scored_version():
    """Twins are named like the whole, and times and output are kept."""
    twin = RawTwin(name="alone", rows=np.array([1]), raw=raw([2]))
    scored = Scored(raw=raw([1, 2]), twins=(twin,), predict_s=0.5, output="hello")
    answers = name_answers(scored, Naming(task=Task.REGRESSION), load_s=2.0, positional_inputs=True)
    assert answers.table == pa.table({"prediction": [1, 2]})
    assert answers.twins[0].table == pa.table({"prediction": [2]})
    assert (answers.load_s, answers.predict_s, answers.output, answers.positional) == (2.0, 0.5, "hello", True)


def test_answers_of_a_failure():
    """There is no table, and the failure is kept."""
    failure = Failure(stage="predict", kind="Timeout", text="No answer within 1 s.")
    answers = name_answers(Scored(raw=None, failure=failure), Naming(task=Task.REGRESSION))
    assert (answers.table, answers.failure) == (None, failure)
