"""All rows are asked, in batches, and a few once more in other ways."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gate.domain import Failure
from gate.scoring.raw import RawAnswer
from gate.scoring.score import Scored, concatenate, score
from gate.scoring.session import WorkerFailedError

MODES = """
mode = model_input["mode"].iloc[0]
x = model_input["x"]
if mode == "batch mean":
    return (x - x.mean()).to_numpy()
if mode == "first row":
    return np.full(len(x), x.iloc[0])
if mode == "noise":
    return np.random.random(len(x))
if mode == "three":
    return [1.0, 2.0, 3.0]
if mode == "none alone":
    return [] if len(x) == 1 else x
if mode == "types":
    return x if x.iloc[0] < 5 else [str(value) for value in x]
if mode == "crash later" and x.iloc[0] >= 5:
    raise ValueError("too far")
return x
"""


def inputs(mode: str, rows: int = 100) -> pa.Table:
    return pa.table({"x": np.arange(rows, dtype=float), "mode": [mode] * rows})


@pytest.fixture(scope="module")
def model(saved):
    return saved(MODES)


@pytest.fixture
def scored(model, loaded):
    """Score rows with a model of many faults."""

    def run(mode: str, rows: int = 100, **options) -> Scored:
        return score(loaded(model), inputs(mode, rows), seed=7, **options)

    return run


def differing_twins(scored: Scored) -> set[str]:
    whole = scored.raw.only.to_numpy()
    return {twin.name for twin in scored.twins if not np.allclose(twin.raw.only.to_numpy(), whole[twin.rows])}


def test_every_row_once_and_twins_on_some(scored):
    """Batches are put together in order; an honest model's twins agree."""
    result = scored("honest", batch_rows=30)
    assert result.raw.only.to_pylist() == list(range(100))
    assert [(twin.name, len(twin.rows)) for twin in result.twins] == [("repeated", 30), ("shuffled", 30), ("alone", 15)]
    assert differing_twins(result) == set()
    assert result.failure is None
    assert result.predict_s > 0


def test_at_most_64_and_16_rows(scored):
    """The twins cost little however large the data."""
    assert [len(twin.rows) for twin in scored("honest", rows=1000).twins] == [64, 64, 16]


@pytest.mark.parametrize(
    ("mode", "twins"),
    [
        ("batch mean", {"alone"}),
        ("first row", {"alone", "shuffled"}),
        ("noise", {"alone", "shuffled", "repeated"}),
    ],
)
def test_twins_tell_the_faults_apart(scored, mode, twins):
    """What depends on the batch, on the order, or on chance shows in just those twins."""
    assert differing_twins(scored(mode)) == twins


def test_another_number_of_answers_is_kept(scored):
    """A check judges it: the answer stays as it is, without twins."""
    result = scored("three")
    assert (result.raw.rows, result.twins, result.failure) == (3, (), None)


def test_batches_stop_at_the_first_wrong_count(scored):
    """What follows cannot be matched to rows any more."""
    result = scored("three", batch_rows=30)
    assert (result.raw.rows, result.twins) == (3, ())


def test_wrong_counts_that_add_up_are_a_failure(scored):
    """Three answers for two rows, of three rows in all, are not three right answers."""
    result = scored("three", rows=3, batch_rows=2)
    assert result.failure == Failure(stage="predict", kind="WrongRowCount", text="The model gave 3 answers for 2 rows.")


def test_a_row_alone_without_an_answer_is_a_failure(scored):
    """Failures of twins are failures of the model."""
    assert scored("none alone").failure.kind == "WrongRowCount"


def test_types_that_change_between_batches_become_text(scored):
    """The column then has the wrong type, and a check says so."""
    result = scored("types", rows=10, batch_rows=5)
    assert result.raw.only.type == pa.string()
    assert result.raw.only[9].as_py() == "9.0"


def test_a_failure_is_returned(scored):
    """A model that raises in a later batch has no answers, and the reason."""
    result = scored("crash later", rows=10, batch_rows=5)
    assert result.raw is None
    assert (result.failure.kind, result.failure.text) == ("ValueError", "too far")


def test_vectors_of_changing_length_become_lists():
    """Two batches with matrices of two and three columns are lists of both lengths."""
    two, three = (pa.table({"answer": pa.array([[1.0] * k], pa.list_(pa.float64(), k))}) for k in (2, 3))
    whole = concatenate([RawAnswer(shape="matrix", table=two), RawAnswer(shape="matrix", table=three)])
    assert whole.only.to_pylist() == [[1.0, 1.0], [1.0, 1.0, 1.0]]


def test_a_form_that_changes_is_a_failure():
    """A frame after a list has no common columns."""
    table = pa.table({"answer": [1]})
    with pytest.raises(WorkerFailedError, match="form changed between batches: frame and values"):
        concatenate([RawAnswer(shape="values", table=table), RawAnswer(shape="frame", table=table)])


def test_integers_and_floats_are_floats():
    """A batch that happens to hold whole numbers, or nothing, does not change the type."""
    tables = [pa.table({"answer": values}) for values in ([1], [2.5], pa.nulls(1))]
    assert concatenate([RawAnswer(shape="values", table=table) for table in tables]).only.to_pylist() == [
        1.0,
        2.5,
        None,
    ]
