"""Without any setting: the data that runs logged, then the input example."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gate.domain import Artifact, Snapshot
from gate.errors import UsageError
from gate.registry import Columns, logged_data, snapshot
from gate.registry.example import read_example
from gate.registry.tree import read_tree
from tests.conftest import quiet


@pytest.fixture
def frames(tmp_path):
    """Write a small labelled data file; give (frame, path)."""

    def write(name: str, first: float = 1.0):
        frame = pd.DataFrame({"row_id": ["a", "b"], "x": [first, 2.0], "price": [2.0, 4.0]})
        frame.to_csv(tmp_path / name, index=False)
        return frame, tmp_path / name

    return write


def taken(registry, tmp_path, candidate=1, baseline=None, columns=None):
    snaps = [snapshot(registry, "wine", n, tmp_path / "work") if n else None for n in (candidate, baseline)]
    return logged_data(registry, snaps[0], snaps[1], tmp_path / "work", columns)


def test_evaluation_data_first(registry, teacher, frames, tmp_path):
    """What was logged for evaluation comes before what was trained on; label and id are inferred, and said so."""
    train, test = frames("train.csv", 7.0), frames("test.csv")
    teacher.register(datasets=[(*train, "train"), (*test, "testing")])
    data = taken(registry, tmp_path).data
    assert data.table["x"].to_pylist() == [1.0, 2.0]
    assert (data.target, data.id) == ("price", "row_id")
    assert data.digest == f"sha256:{hashlib.sha256(test[1].read_bytes()).hexdigest()}"
    assert "evaluation data of run" in data.source
    assert "target 'price' inferred" in data.source


def test_baselines_data_second(registry, teacher, frames, tmp_path):
    """The baseline's evaluation data come before the candidate's training data."""
    teacher.register(datasets=[(*frames("test.csv"), "eval")])
    teacher.register(datasets=[(*frames("train.csv", 7.0), "train")])
    assert taken(registry, tmp_path, 2, 1).data.table["x"].to_pylist() == [1.0, 2.0]


def test_training_data_are_optimistic(registry, teacher, frames, tmp_path):
    """Training data are the last resort before the example, and are said to be optimistic."""
    teacher.register(datasets=[(*frames("train.csv"), "train")])
    assert "optimistic" in taken(registry, tmp_path).data.source


def test_artifacts_of_the_run(place, frames, tmp_path):
    """A dataset that lies among the run's own artifacts is fetched, also over HTTP."""
    registry, teach, model = place
    teach.register(model)
    run_id = registry.client.get_model_version(model, "1").run_id
    frame, path = frames("holdout.csv")
    registry.client.log_artifact(run_id, str(path), "data")
    root = registry.client.get_run(run_id).info.artifact_uri
    _log_dataset(registry, run_id, frame, f"{root}/data/holdout.csv")
    snap = snapshot(registry, model, 1, tmp_path / "work")
    found = logged_data(registry, snap, None, tmp_path / "work")
    assert found.data is not None, found.problems
    assert found.data.table.to_pylist() == frame.to_dict("records")


@pytest.fixture(params=["sqlite", "server"])
def place(request):
    """A registry in a database and one behind a server."""
    registry = request.getfixturevalue("registry" if request.param == "sqlite" else "server")
    return registry, request.getfixturevalue("make_teacher")(registry.tracking_uri), f"data {request.param}"


def _log_dataset(registry, run_id, frame, uri, kind="mlflow-artifacts"):
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": uri})
    dataset = Dataset(name="holdout", digest="1", source_type=kind, source=source, schema=None, profile=None)
    inputs = [DatasetInput(dataset=dataset, tags=[InputTag(key="mlflow.data.context", value="holdout")])]
    with quiet():
        registry.client.log_inputs(run_id, inputs)


@pytest.mark.parametrize(
    "uri", ["s3://bucket/d.csv", "https://example.invalid/d.csv", "mlflow-artifacts:/9/other/d.csv"]
)
def test_nothing_from_elsewhere(registry, teacher, frames, tmp_path, uri):
    """Addresses elsewhere are not fetched; the reason says so, and the next source is taken."""
    teacher.register(example=True)
    run_id = registry.client.get_model_version("wine", "1").run_id
    _log_dataset(registry, run_id, frames("d.csv")[0], uri)
    found = taken(registry, tmp_path)
    assert found.data.source == "input example of version 1"
    assert any("does not fetch from" in problem for problem in found.problems)


def test_file_that_is_gone(registry, teacher, frames, tmp_path):
    """A logged file that is not here any more is passed over, with the reason."""
    frame, path = frames("test.csv")
    teacher.register(datasets=[(frame, path, "test")])
    path.unlink()
    found = taken(registry, tmp_path)
    assert found.data is None
    assert "not on this machine" in found.problems[0]


def test_nothing_at_all(registry, teacher, tmp_path):
    """Where there is nothing, the reasons say what there could be."""
    teacher.register()
    found = taken(registry, tmp_path)
    assert found.data is None
    assert found.problems == ("version 1 was registered without an input example",)


def test_input_example(registry, teacher, tmp_path):
    """The input example is read from the gate's own copy."""
    teacher.register(example=True)
    data = taken(registry, tmp_path).data
    assert data.table.to_pydict() == {"x": [0.0, 1.0, 2.0]}
    assert (data.target, data.source) == (None, "input example of version 1")


def test_configured_columns(registry, teacher, frames, tmp_path):
    """Configured columns hold for logged data too; one that does not exist is a usage error."""
    teacher.register(datasets=[(*frames("test.csv"), "test")])
    assert taken(registry, tmp_path, columns=Columns(target="x")).data.target == "x"
    with pytest.raises(UsageError, match="'prise'"):
        taken(registry, tmp_path, columns=Columns(target="prise"))


def saved(tmp_path, example, signature=None) -> Snapshot:
    """Save a model with an example as MLflow writes it, and look at it as a snapshot."""
    import mlflow
    from sklearn.dummy import DummyClassifier

    with quiet():
        mlflow.sklearn.save_model(
            DummyClassifier(),
            tmp_path / "saved",
            input_example=example,
            signature=signature,
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
    from gate.registry.mlmodel import read_mlmodel

    tree: Artifact = read_tree(tmp_path / "saved")
    mlmodel = read_mlmodel(tree.path)
    return Snapshot(
        model="wine",
        version=1,
        run_id=None,
        model_id=None,
        source=None,
        created_at=None,
        description="",
        tags={},
        aliases=(),
        legacy_stage=None,
        run=None,
        signature=mlmodel.signature,
        requirements=(),
        environment={},
        flavors=(),
        artifact=tree,
        input_example=mlmodel.input_example,
    )


@pytest.mark.parametrize(
    ("example", "rows"),
    [
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), [{"inputs": [1.0, 2.0]}, {"inputs": [3.0, 4.0]}]),
        (np.array([[[1, 2], [3, 4]]]), [{"inputs": [1, 2, 3, 4]}]),
        ({"a": np.array([1, 2])}, [{"a": 1}, {"a": 2}]),
        (sparse.csr_matrix([[1.0, 0.0], [0.0, 2.0]]), [{"inputs": [1.0, 0.0]}, {"inputs": [0.0, 2.0]}]),
        ((pd.DataFrame({"a": [1]}), {"k": 3}), [{"a": 1}]),
        ([{"q": "hello"}, {"q": "there"}], [{"q": "hello"}, {"q": "there"}]),
        (["hello", "there"], [{"inputs": "hello"}, {"inputs": "there"}]),
        ({"q": "hello", "n": 3}, [{"q": "hello", "n": 3}]),
    ],
)
def test_kinds_of_examples(tmp_path, example, rows):
    """Frames, arrays, dicts of arrays and plain JSON become a table with one row an example."""
    assert read_example(saved(tmp_path, example)).to_pylist() == rows


def test_times_in_examples(tmp_path):
    """JSON knows no times: the signature does."""
    from mlflow.models import infer_signature

    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-31", "2026-02-01"])})
    with quiet():
        signature = infer_signature(frame)
    column = read_example(saved(tmp_path, frame, signature))["t"]
    assert [moment.isoformat() for moment in column.to_pylist()] == ["2026-01-31T00:00:00", "2026-02-01T00:00:00"]
