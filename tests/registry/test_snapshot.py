"""Whatever a version consists of, wherever it lies: a private copy with a digest, and a store left as it was."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from gate.errors import GateError, RegistryError, UsageError
from gate.registry import snapshot
from gate.registry.mlmodel import read_mlmodel
from tests.conftest import quiet


@pytest.fixture(params=["sqlite", "server"])
def place(request, tmp_path):
    """A registry in a database and one behind a server: (registry, teacher, name of a model of this test's own)."""
    kind = request.param
    registry = request.getfixturevalue("registry" if kind == "sqlite" else "server")
    teach = request.getfixturevalue("make_teacher")(registry.tracking_uri)
    return registry, teach, f"wine {request.node.name[:60].translate(str.maketrans('[]', '--'))}"


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def stored(registry, model, version=1) -> Path:
    """The folder that a version's files lie in, in a local store."""
    return Path(registry.client.get_model_version_download_uri(model, str(version)).removeprefix("file://"))


def test_everything(place, tmp_path):
    """Run, parameters, metrics, signature, requirements, datasets, example, files and digest."""
    registry, teach, model = place
    frame = pd.DataFrame({"x": [1.0, 2.0], "target": [2.0, 4.0]})
    frame.to_csv(tmp_path / "eval.csv", index=False)
    datasets = [(frame, tmp_path / "eval.csv", "evaluation")]
    number = teach.register(model, datasets=datasets, example=True, metrics={"rmse": 0.5}, tags={"team": "wine"})
    found = snapshot(registry, model, number, tmp_path / "work")
    assert found.artifact_problem is None
    assert (found.version, found.model, found.legacy_stage, found.aliases) == (1, model, None, ())
    assert found.model_id is not None
    assert found.source == f"models:/{found.model_id}"
    assert found.run is not None
    assert found.run.run_id == found.run_id
    assert (found.run.params, found.run.metrics) == ({"alpha": "0.1"}, {"rmse": 0.5})
    assert found.run.tags["team"] == "wine"
    dataset = found.run.datasets[0]
    assert (dataset.context, dataset.rows, dataset.columns) == ("evaluation", 2, ("x", "target"))
    assert found.signature is not None
    assert found.signature.inputs is not None
    assert [(field.name, field.type) for field in found.signature.inputs] == [("x", "double")]
    assert "scikit-learn" in found.requirements
    assert found.flavors == ("python_function", "sklearn")
    assert set(found.environment) == {"mlflow", "python", "sklearn"}
    assert found.input_example == "input_example.json"
    assert found.artifact is not None
    assert found.artifact.path.is_relative_to(tmp_path / "work")
    assert {"MLmodel", "model.pkl"} <= {file.path for file in found.artifact.files}
    assert found.created_at is not None
    assert found.created_at.endswith("Z")


def test_same_digest_again(place, tmp_path):
    """Two downloads of one version have one digest; another version has another."""
    registry, teach, model = place
    teach.register(model)
    teach.register(model)
    digests = [snapshot(registry, model, number, tmp_path / "work").digest for number in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_same_bytes_twice(place, tmp_path):
    """The same logged model registered twice is the same bytes, so the same digest."""
    registry, teach, model = place
    teach.register(model)
    source = registry.client.get_model_version(model, "1").source
    with quiet():
        import mlflow

        mlflow.register_model(source, model)
    digests = {snapshot(registry, model, number, tmp_path / "work").digest for number in (1, 2)}
    assert len(digests) == 1
    assert None not in digests


def test_copy_of_a_version(place, tmp_path):
    """A copy in another model has the bytes of the original, its LoggedModel and its run."""
    registry, teach, model = place
    teach.register(model)
    with quiet():
        registry.client.copy_model_version(f"models:/{model}/1", f"{model} copy")
        registry.client.copy_model_version(f"models:/{model} copy/1", f"{model} copy2")
    original = snapshot(registry, model, 1, tmp_path / "work")
    copied = snapshot(registry, f"{model} copy2", 1, tmp_path / "work")
    assert (copied.digest, copied.model_id, copied.run_id) == (original.digest, original.model_id, original.run_id)


def test_version_of_an_old_client(place, tmp_path):
    """A version whose files are a folder of a run, without a LoggedModel."""
    registry, teach, model = place
    teach.register(model)
    old = snapshot(registry, model, 1, tmp_path / "work")
    client = registry.client
    run = client.get_run(old.run_id)
    client.log_artifacts(old.run_id, str(old.artifact.path), "model")
    client.create_model_version(model, source=f"{run.info.artifact_uri}/model", run_id=old.run_id)
    found = snapshot(registry, model, 2, tmp_path / "work")
    assert found.artifact_problem is None
    assert (found.digest, found.run_id) == (old.digest, old.run_id)


def test_no_run_and_no_logged_model(registry, teacher, tmp_path):
    """A version registered from a folder, with nothing behind it: no provenance, and no crash."""
    teacher.register()
    first = snapshot(registry, "wine", 1, tmp_path / "work")
    folder = tmp_path / "handmade"
    shutil.copytree(first.artifact.path, folder)
    text = (folder / "MLmodel").read_text().splitlines()
    kept = [line for line in text if not line.startswith(("model_id", "run_id"))]
    (folder / "MLmodel").write_text("\n".join(kept) + "\n")
    for source in (folder.as_uri(), str(folder)):
        number = registry.client.create_model_version("wine", source=source).version
        found = snapshot(registry, "wine", int(number), tmp_path / "work")
        assert (found.run_id, found.run, found.model_id) == (None, None, None)
        assert found.artifact is not None


def test_runs_source(registry, teacher, tmp_path):
    """A source that starts with runs:/ is followed."""
    teacher.register()
    old = snapshot(registry, "wine", 1, tmp_path / "work")
    registry.client.log_artifacts(old.run_id, str(old.artifact.path), "model")
    registry.client.create_model_version("wine", source=f"runs:/{old.run_id}/model", run_id=old.run_id)
    assert snapshot(registry, "wine", 2, tmp_path / "work").digest == old.digest


def test_deleted_run(place, tmp_path):
    """A deleted run is still read, and said to be deleted."""
    registry, teach, model = place
    teach.register(model)
    run_id = registry.client.get_model_version(model, "1").run_id
    registry.client.delete_run(run_id)
    found = snapshot(registry, model, 1, tmp_path / "work")
    assert found.run is not None
    assert found.run.deleted
    assert found.artifact is not None


def test_deleted_logged_model(place, tmp_path):
    """A version whose LoggedModel was deleted still has its files."""
    registry, teach, model = place
    teach.register(model)
    model_id = snapshot(registry, model, 1, tmp_path / "work").model_id
    registry.client.delete_logged_model(model_id)
    found = snapshot(registry, model, 1, tmp_path / "work")
    assert found.artifact is not None
    assert found.model_id == model_id


def test_missing_run(registry, teacher, tmp_path):
    """A run that nobody knows is a provenance that is missing."""
    teacher.register()
    source = registry.client.get_model_version("wine", "1").source
    registry.client.create_model_version("wine", source=source, run_id="0" * 32)
    found = snapshot(registry, "wine", 2, tmp_path / "work")
    assert (found.run_id, found.run) == ("0" * 32, None)


def test_gone_artifact(registry, teacher, tmp_path):
    """Files that are gone are the model's fault, in a sentence."""
    teacher.register()
    shutil.rmtree(stored(registry, "wine"))
    found = snapshot(registry, "wine", 1, tmp_path / "work")
    assert (found.artifact, found.digest) == (None, None)
    assert found.artifact_problem is not None
    assert found.artifact_problem.startswith("Version 1 of 'wine' cannot be loaded: its files are gone")
    assert found.run is not None


def test_gone_artifact_behind_a_server(server, server_uri, make_teacher, tmp_path):
    """The same behind a server: the store answers, the files are not there."""
    make_teacher(server_uri).register("wine gone")
    found = snapshot(server, "wine gone", 1, tmp_path / "work")
    with quiet():
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        address = server.client.get_model_version_download_uri("wine gone", "1")
        get_artifact_repository(address, tracking_uri=server_uri).delete_artifacts()
    found = snapshot(server, "wine gone", 1, tmp_path / "work")
    assert found.artifact is None
    assert "gone" in str(found.artifact_problem)


@pytest.mark.parametrize("source", ["models:/nothing/7", "models:/m-0000", "runs:/0123/model", "file:///no/where"])
def test_source_that_leads_nowhere(registry, tmp_path, source):
    """A source that leads nowhere is the model's fault."""
    import sqlite3

    registry.client.create_registered_model("wine")
    registry.client.create_model_version("wine", source="file:///tmp/x")
    with sqlite3.connect(registry.registry_uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE model_versions SET source = ?, storage_location = ?", (source, source))
    database.close()
    found = snapshot(registry, "wine", 1, tmp_path / "work")
    assert found.artifact is None
    assert "gone" in str(found.artifact_problem)


def test_circle_of_copies(registry, tmp_path):
    """Copies that lead in a circle are refused."""
    import sqlite3

    registry.client.create_registered_model("wine")
    registry.client.create_model_version("wine", source="file:///tmp/x")
    with sqlite3.connect(registry.registry_uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE model_versions SET source = 'models:/wine/1', storage_location = 'models:/wine/1'")
    database.close()
    found = snapshot(registry, "wine", 1, tmp_path / "work")
    assert "copy of a copy" in str(found.artifact_problem)


def _link(folder):
    (folder / "weights").symlink_to("/etc/passwd")


def _pipe(folder):
    os.mkfifo(folder / "weights")


def _no_mlmodel(folder):
    (folder / "MLmodel").unlink()


def _outside(folder):
    (folder / "MLmodel").write_text("flavors:\n  sklearn:\n    pickled_model: ../../model.pkl\n")


@pytest.mark.parametrize("spoil", [_link, _pipe, _no_mlmodel, _outside])
def test_hostile_artifact(registry, teacher, tmp_path, spoil):
    """Links, pipes, no MLmodel, paths that leave the folder: no artifact, and a sentence that says why."""
    teacher.register()
    spoil(stored(registry, "wine"))
    found = snapshot(registry, "wine", 1, tmp_path / "work")
    assert found.artifact is None
    assert found.artifact_problem is not None
    assert not list((tmp_path / "work").rglob("weights"))


def test_nothing_is_written_into_the_store(registry, teacher, tmp_path):
    """Looking at a version leaves every stored byte as it was, registered_model_meta included."""
    teacher.register()
    before = files_of(tmp_path / "artifacts")
    assert snapshot(registry, "wine", 1, tmp_path / "work").artifact is not None
    assert files_of(tmp_path / "artifacts") == before
    assert not any("registered_model_meta" in name for name in before)


def test_loading_by_name_keeps_the_digest(registry, teacher, tmp_path):
    """MLflow's own note in the stored artifact changes no digest."""
    teacher.register()
    before = snapshot(registry, "wine", 1, tmp_path / "work").digest
    with quiet():
        import mlflow

        mlflow.pyfunc.load_model("models:/wine/1")
    assert list(stored(registry, "wine").glob("registered_model_meta"))
    assert snapshot(registry, "wine", 1, tmp_path / "work").digest == before


def test_what_no_digest_covers_is_not_copied(registry, teacher, tmp_path):
    """A model could hide there, and be swapped after it was judged."""
    teacher.register()
    (stored(registry, "wine") / "registered_model_meta").write_bytes(b"cos\nsystem\n")
    found = snapshot(registry, "wine", 1, tmp_path / "work")
    assert found.artifact is not None
    assert not list((tmp_path / "work").rglob("registered_model_meta"))


def test_marks_are_no_tags(registry, teacher, tmp_path):
    """The gate's own tags say nothing about the model."""
    teacher.register()
    registry.client.set_model_version_tag("wine", "1", "gate.verdict", "pass")
    registry.client.set_model_version_tag("wine", "1", "owner", "ann")
    assert snapshot(registry, "wine", 1, tmp_path / "work").tags == {"owner": "ann"}


def test_unknown_version(place, tmp_path):
    """A version that does not exist is a usage error."""
    registry, teach, model = place
    teach.register(model)
    with pytest.raises(UsageError):
        snapshot(registry, model, 7, tmp_path / "work")


def test_folder_that_cannot_be_written(registry, teacher, tmp_path):
    """A working folder that cannot be made is the gate's fault, not the model's."""
    teacher.register()
    (tmp_path / "file").write_text("")
    with pytest.raises(GateError) as caught:
        snapshot(registry, "wine", 1, tmp_path / "file" / "work")
    assert caught.value.exit_code == 3


def test_store_out_of_reach(registry, teacher, tmp_path):
    """A store that refuses the connection is no fault of the model."""
    import sqlite3

    teacher.register()
    with sqlite3.connect(registry.registry_uri.removeprefix("sqlite:///")) as database:
        database.execute(
            "UPDATE model_versions SET storage_location = 'http://127.0.0.1:1/mlflow-artifacts/artifacts/m'"
        )
    database.close()
    with pytest.raises(RegistryError):
        snapshot(registry, "wine", 1, tmp_path / "work")


def test_registry_apart_from_tracking(registry, registry_db, tmp_path, make_teacher):
    """Runs and models may be kept in two places."""
    from gate.registry import connect

    shutil.copy(registry_db, tmp_path / "models.db")
    models = f"sqlite:///{tmp_path}/models.db"
    make_teacher(registry.tracking_uri).register()
    source = registry.client.get_model_version_download_uri("wine", "1")
    run_id = registry.client.get_model_version("wine", "1").run_id
    both = connect(registry.tracking_uri, models)
    both.client.create_registered_model("wine there")
    both.client.create_model_version("wine there", source=source, run_id=run_id)
    found = snapshot(both, "wine there", 1, tmp_path / "work")
    assert found.artifact is not None
    assert found.run is not None
    assert read_mlmodel(found.artifact.path).flavors == ("python_function", "sklearn")
