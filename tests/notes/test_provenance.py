"""What is kept of the seven things that a rebuild needs."""

from __future__ import annotations

import io
import json
import pickle
import zipfile

import pandas as pd
import pytest

from gate.domain import REPRODUCIBILITY_ITEMS, ItemState, LoggedDataset
from gate.notes.provenance import reproducibility

TAG = "mlflow.source.git.commit"
ODD_PLACES = ("/dev/zero", "/etc/passwd", "s3://bucket/x.csv", "absent.csv", "pipe.csv", "folder.csv", "a\0b", "")
by_mlflow = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # from inside MLflow's digest


def items(candidate, repository=None):
    return {item.name: item for item in reproducibility(candidate, repository).items}


def states(candidate, repository=None):
    return {name: item.state.value for name, item in items(candidate, repository).items()}


def logged(path, digest="ffffffff", rows=3, context="training"):
    source = json.dumps({"uri": str(path)})
    return LoggedDataset(
        name="train", digest=digest, context=context, source_type="local", source=source, rows=rows, columns=("a", "b")
    )


@pytest.fixture
def frame():
    return pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": ["x", "y", "z"]})


def test_all_seven_of_a_version_without_anything(snapshot):
    """A version without a run and files has all seven items, missing, each with what mends it and why."""
    candidate = snapshot(run_id=None, artifact=None, artifact_problem="The files are gone.")
    candidate = type(candidate)(**{**{f: getattr(candidate, f) for f in candidate.__slots__}, "run": None})
    found = items(candidate)
    assert tuple(found) == REPRODUCIBILITY_ITEMS
    assert {item.state for item in found.values()} == {ItemState.MISSING}
    assert all(item.fix and item.evidence.endswith(".") and not item.present for item in found.values())
    assert found["model_file"].evidence == "The files are gone."


def test_commit_in_the_repository_is_verified(snapshot, git):
    """A recorded commit that a branch holds is verified, and the tree's state is said to be unknown."""
    found = items(snapshot(run={"tags": {TAG: git.commit("first")}}), git.folder)["source_code"]
    assert found.state is ItemState.VERIFIED
    assert "MLflow does not record a dirty tree" in found.evidence


@pytest.mark.parametrize(
    ("tags", "state", "fix"),
    [
        ({}, "missing", "set_tag"),
        ({TAG: "main"}, "contradictory", "set_tag"),
        ({TAG: "d" * 40}, "present", "git fetch --all"),
        ({TAG: "d" * 40, "gate.source.dirty": "true"}, "contradictory", "git commit"),
        ({TAG: "d" * 40, "mlflow.source.git.repoURL": "git@example.org:a.git"}, "contradictory", "git push"),
    ],
)
def test_commit_that_cannot_be_verified(tags, state, fix, snapshot, git):
    """No commit is missing; no id, a dirty tree, or one that its own repository lacks is contradictory."""
    git.commit("first")
    git("remote", "add", "origin", "git@example.org:a.git")
    found = items(snapshot(run={"tags": tags}), git.folder)["source_code"]
    assert (found.state.value, fix in found.fix) == (state, True)


def test_commit_on_no_branch(snapshot, git):
    """A commit that only lies about is present: git may drop it."""
    git.commit("first")
    git("checkout", "-q", "--detach")
    lost = git.commit("lost")
    git("checkout", "-q", "main")
    found = items(snapshot(run={"tags": {TAG: lost}}), git.folder)["source_code"]
    assert (found.state, found.fix) == (
        ItemState.PRESENT,
        f"git tag trained-{lost[:12]} {lost} && git push origin --tags",
    )


def test_commit_without_a_repository(snapshot):
    """Without a repository a recorded commit is present."""
    found = items(snapshot(run={"tags": {TAG: "d" * 40}}))["source_code"]
    assert (found.state, found.fix.startswith("git clone")) == (ItemState.PRESENT, True)


def test_metrics_params_and_model_file(snapshot):
    """Logged metrics and parameters are present, the model file is verified by its own digest."""
    found = states(snapshot(run={"metrics": {"rmse": 1.0}, "params": {"alpha": "1"}}))
    assert (found["metrics"], found["parameters"], found["model_file"]) == ("present", "present", "verified")


@by_mlflow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_training_data_verified(suffix, snapshot, frame, tmp_path):
    """A source file that gives MLflow's own digest again is verified, with the digest of the whole file."""
    from mlflow.data.digest_utils import compute_pandas_digest

    path = tmp_path / f"train.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    run = {"datasets": (logged(path.name, compute_pandas_digest(frame)),)}
    found = items(snapshot(run=run), tmp_path)["training_data"]
    assert found.state is ItemState.VERIFIED
    assert "3 rows, own digest of the whole file sha256:" in found.evidence


@by_mlflow
def test_large_training_data_say_what_the_digest_covers(snapshot, tmp_path):
    """Beyond 10,000 rows the evidence says that MLflow's digest covers only the first ones."""
    from mlflow.data.digest_utils import compute_pandas_digest

    large = pd.DataFrame({"a": range(10_500)})
    large.to_parquet(tmp_path / "train.parquet")
    run = {"datasets": (logged("train.parquet", compute_pandas_digest(large), 10_500),)}
    found = items(snapshot(run=run), tmp_path)["training_data"]
    assert found.state is ItemState.VERIFIED
    assert "covers only the first 10000 rows" in found.evidence


def test_training_data_with_other_rows(snapshot, frame, tmp_path):
    """A source file with another number of rows contradicts the record."""
    frame.to_csv(tmp_path / "train.csv", index=False)
    found = items(snapshot(run={"datasets": (logged("train.csv", rows=4),)}), tmp_path)["training_data"]
    assert (found.state, "logged with 4 rows" in found.evidence) == (ItemState.CONTRADICTORY, True)


def test_training_data_with_another_digest(snapshot, frame, tmp_path):
    """The same number of rows with another digest proves nothing: present."""
    frame.to_csv(tmp_path / "train.csv", index=False)
    assert states(snapshot(run={"datasets": (logged("train.csv"),)}), tmp_path)["training_data"] == "present"


@pytest.mark.parametrize("place", ODD_PLACES)
def test_odd_sources_are_present_at_most(place, snapshot, tmp_path):
    """Devices, pipes, folders, other schemes and missing files are neither read nor waited for."""
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    assert states(snapshot(run={"datasets": (logged(place),)}), tmp_path)["training_data"] == "present"


def test_broken_data_file(snapshot, tmp_path):
    """A file that cannot be read as what it says it is, is present."""
    (tmp_path / "train.parquet").write_bytes(b"PAR1 nonsense")
    found = items(snapshot(run={"datasets": (logged("train.parquet"),)}), tmp_path)["training_data"]
    assert (found.state, "cannot be read as .parquet" in found.evidence) == (ItemState.PRESENT, True)


def test_preprocessed_data(snapshot, frame, tmp_path):
    """Preprocessed data are those logged with that context."""
    frame.to_csv(tmp_path / "prepared.csv", index=False)
    found = states(snapshot(run={"datasets": (logged("prepared.csv", context="preprocessed"),)}), tmp_path)
    assert (found["preprocessed_data"], found["training_data"]) == ("present", "missing")


def skops(module):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps({"__class__": "X", "__module__": module}))
    return buffer.getvalue()


def pickled_pipeline():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return pickle.dumps(make_pipeline(StandardScaler()))


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({"code/prepare.py": b"", "MLmodel": b""}, "present"),
        ({"model.skops": skops("sklearn.pipeline")}, "present"),
        ({"model.skops": skops("sklearn.linear_model._coordinate_descent")}, "missing"),
        ({"model.skops": b"no zip"}, "missing"),
        ({"model.pkl": pickled_pipeline()}, "present"),
        ({"model.pkl": pickle.dumps([1])}, "missing"),
        ({"model.pkl": b"x" * 999_995 + pickled_pipeline()}, "present"),
    ],
)
def test_preprocessing_code(files, state, snapshot):
    """Code beside the model and a pipeline that the model file names keep the preprocessing; nothing is loaded."""
    assert states(snapshot(files=files))["preprocessing_code"] == state


def test_autologged_pipeline(snapshot):
    """scikit-learn's autolog names the class of the estimator."""
    run = {"tags": {"estimator_class": "sklearn.pipeline.Pipeline"}}
    assert states(snapshot(run=run))["preprocessing_code"] == "present"


def test_hostile_model_name_in_a_fix(snapshot):
    """A name with quotes stays inside the quotes of the suggested line."""
    candidate = snapshot(model="x'); import os #", artifact=None)
    assert """registered_model_name="x'); import os #")""" in items(candidate)["model_file"].fix
