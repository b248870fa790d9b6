"""What the demo registers is a real project: everything that a reviewer asks for is there, and version 2 is better."""

from __future__ import annotations

from typing import Any

import git
import numpy as np
import pytest

EXAMPLES = ("elasticnet", "pipeline", "xgboost")

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow, pandas and SQLAlchemy warn about one another


@pytest.fixture(params=EXAMPLES)
def made(request, project):
    return project(request.param)


@pytest.fixture
def client(made):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{made.folder}/mlflow.db")


def run_of(client, made, version) -> Any:
    return client.get_run(client.get_model_version(made.model, str(version)).run_id)


def test_two_versions_are_registered_and_nothing_else(made, client):
    """The registry holds one model with the versions 1 and 2, both READY, without any alias."""
    versions = client.search_model_versions(f"name = '{made.model}'")
    assert sorted(int(v.version) for v in versions) == [1, 2]
    assert {v.status for v in versions} == {"READY"}
    assert client.get_registered_model(made.model).aliases == {}


def test_each_run_names_the_commit_of_its_code(made, client):
    """Version 1 was trained at the first commit, version 2 at the second, and the code differs."""
    with git.Repo(made.folder) as repository:
        second, first = (commit.hexsha for commit in repository.iter_commits())
        changed = repository.git.diff("--name-only", first, second)
        clean = not repository.is_dirty(untracked_files=True)
    commits = [run_of(client, made, version).data.tags["mlflow.source.git.commit"] for version in (1, 2)]
    assert commits == [first, second]
    assert changed == "train.py"
    assert clean


def test_parameters_and_metrics_differ_between_the_versions(made, client):
    """Both runs have parameters and the three metrics, and not the same ones."""
    first, second = (run_of(client, made, version).data for version in (1, 2))
    assert first.params != second.params
    for metric in ("rmse", "mae", "r2"):
        assert first.metrics[metric] != second.metrics[metric]


def test_training_and_evaluation_data_are_logged_with_their_files(made, client):
    """Both runs name the files that they were trained and measured on."""
    for version in (1, 2):
        logged = {
            entry.tags[0].value: entry.dataset.source for entry in run_of(client, made, version).inputs.dataset_inputs
        }
        assert str(made.folder / "data" / "train.parquet") in logged["training"]
        assert str(made.folder / "data" / "eval.parquet") in logged["evaluation"]


def test_signature_and_input_example_are_stored(made, client):
    """Both versions take the same ten named measurements and carry an example of them."""
    from mlflow.models import Model

    for version in (1, 2):
        source = client.get_model_version(made.model, str(version)).source
        artifact = client.get_logged_model(source.removeprefix("models:/")).artifact_location
        info = Model.load(artifact)
        assert info.signature.inputs.input_names() == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
        assert info.saved_input_example_info["type"] == "dataframe"


def test_no_held_out_row_was_trained_on(made):
    """The two files share no patient, and together hold all 442."""
    import pandas as pd

    train, held_out = (
        set(pd.read_parquet(made.folder / "data" / f"{name}.parquet")["row_id"]) for name in ("train", "eval")
    )
    assert (len(train), len(held_out)) == (265, 177)
    assert not train & held_out


def answers(client, made, version) -> Any:
    import mlflow
    import pandas as pd

    rows = pd.read_parquet(made.folder / "data" / "eval.parquet")
    source = client.get_model_version(made.model, str(version)).source
    model = mlflow.pyfunc.load_model(client.get_logged_model(source.removeprefix("models:/")).artifact_location)
    return np.asarray(model.predict(rows.drop(columns=["row_id", "progression"]))), rows["progression"].to_numpy()


def metrics(predicted, true):
    """rmse, mae and r2 of each resample: shape (resamples,) each."""
    error = predicted - true
    spread = ((true - true.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
    return {
        "rmse": np.sqrt((error**2).mean(axis=1)),
        "mae": np.abs(error).mean(axis=1),
        "r2": 1 - (error**2).mean(axis=1) / spread,
    }


def test_version_2_is_better_beyond_doubt(made, client):
    """A paired bootstrap on the held-out rows excludes a loss of 2 % of version 1 on every metric, at 99 %."""
    (first, true), (second, _) = answers(client, made, 1), answers(client, made, 2)
    drawn = np.random.default_rng(7).integers(0, len(true), (5000, len(true)))
    before, after = metrics(first[drawn], true[drawn]), metrics(second[drawn], true[drawn])
    whole = metrics(first[None], true[None])
    for name, better in (("rmse", -1), ("mae", -1), ("r2", 1)):
        loss = better * (before[name] - after[name])
        assert np.quantile(loss, 0.99) < 0.02 * abs(whole[name][0]), name
