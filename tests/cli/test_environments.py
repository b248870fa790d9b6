"""Versions that run in environments of their own requirements: from the registry to the exit code.

The model asks which release of a small package it finds, and does not load where that is not the one it names. The
gate's own environment has a later release.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from gate import staffing
from gate.config import read
from gate.errors import UsageError
from gate.scoring.environments import installer

SCRIPT = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import mlflow, pandas as pd
from mlflow.models import infer_signature
folder = Path(sys.argv[1])
mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
frame = pd.DataFrame({"a": [float(i % 17) for i in range(200)], "b": [float(i % 5) for i in range(200)]})
frame["y"], frame["id"] = frame.a * 2 + frame.b, [f"r{i}" for i in range(200)]
frame.to_parquet(folder / "eval.parquet")
client = mlflow.MlflowClient()
client.create_registered_model("picky")
for number, release in enumerate(sys.argv[2:], 1):
    source, model = folder / "code.py", folder / f"model{number}"
    source.write_text(
        "import mlflow\\nfrom importlib.metadata import version\\n\\n\\n"
        "class Model(mlflow.pyfunc.PythonModel):\\n"
        "    def load_context(self, context):\\n"
        "        if version('iniconfig') != %r:\\n"
        "            raise RuntimeError('found iniconfig ' + version('iniconfig'))\\n"
        "    def predict(self, context, model_input):\\n"
        "        return model_input['a'] * 2 + model_input['b']\\n\\n\\nmlflow.models.set_model(Model())\\n" % release)
    mlflow.pyfunc.save_model(
        model, python_model=str(source), signature=infer_signature(frame[["a", "b"]], frame.y),
        pip_requirements=["mlflow"])
    (model / "requirements.txt").write_text(f"mlflow-skinny\\niniconfig=={release}\\n")
    client.create_model_version("picky", source=str(model))
"""
RELEASES = ("2.0.0", "2.0.0", "2.1.0")
FAST = ("--only", "contract,outliers,quality", "--json")


@pytest.fixture(scope="session")
def shelf(registry_db, tmp_path_factory, worker_id) -> Path:
    """A registry with three versions, and a folder for the environments that the tests build, once a session."""
    assert installer() is not None, "uv is not installed"
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "picky"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            (folder / "cache").mkdir(parents=True)
            shutil.copy(registry_db, folder / "mlflow.db")
            command = [sys.executable, "-c", SCRIPT, str(folder), *RELEASES]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-3000:]
            (folder / "done").touch()
    return folder


@pytest.fixture
def picky(project, shelf):
    """A project on a copy of that registry; give what runs a command with the shared environments."""
    shutil.copy(shelf / "mlflow.db", project.folder / "mlflow.db")
    (project.folder / "gate.yaml").write_text(
        f"tracking_uri: sqlite:///mlflow.db\nisolation: {{timeout_s: 60}}\ndefaults: {{env: uv, data: {{path: "
        f"{shelf / 'eval.parquet'}, target: y, id: id}}, latency: {{batch_sizes: [1], budget_s: 1}}}}\n"
    )

    def gate(*arguments: str, **environment: str):
        return project.gate(*arguments, **{"XDG_CACHE_HOME": str(shelf / "cache"), **environment})

    gate.project = project
    return gate


def changed(picky, shelf, tmp_path, **files: str) -> str:
    """Register a version with other files; give its number."""
    from mlflow import MlflowClient

    shutil.copytree(shelf / "model2", tmp_path / "changed")
    for name, text in files.items():
        (tmp_path / "changed" / f"{name}.txt").write_text(text)
    client = MlflowClient(f"sqlite:///{picky.project.folder / 'mlflow.db'}")
    return str(client.create_model_version("picky", source=str(tmp_path / "changed")).version)


def test_both_run_on_what_they_name(picky, shelf):
    """The report says what each ran on; they share one environment, which is built once."""
    ended = picky("check", "picky", "2", "--baseline", "1", *FAST)
    assert ended.code == 0, ended.err + ended.out[:2000]
    models = ended.report["environment"]["models"]
    assert {side: entry["packages"]["iniconfig"] for side, entry in models.items()} == {
        "candidate": "2.0.0", "baseline": "2.0.0",
    }  # fmt: skip
    assert models["candidate"]["digest"] == models["baseline"]["digest"]
    kept = {path.parent.name for path in (shelf / "cache/gate/environments").glob("*/environment.json")}
    assert models["candidate"]["digest"].removeprefix("sha256:")[:32] in kept


def test_each_runs_on_its_own(picky):
    """Two environments: their processes are not forked from one, and the report says so."""
    only = ("--only", "contract,performance", "--json")
    ended = picky("check", "picky", "3", "--baseline", "2", *only)
    assert ended.status("contract.loads") == "passed", ended.err
    models = ended.report["environment"]["models"]
    assert [models[side]["packages"]["iniconfig"] for side in ("candidate", "baseline")] == ["2.1.0", "2.0.0"]
    assert "environment of its own" in str(ended.report["benchmark"])


def test_without_it_they_run_on_the_gates_own(picky):
    """Then the version does not load, which names what was found."""
    picky.project.configure("models: {picky: {env: none}}\n")
    ended = picky("check", "picky", "2", "--baseline", "none", *FAST)
    assert ended.code == 1
    assert "found iniconfig" in ended.check("contract.loads")["message"]
    assert ended.report["environment"]["models"] == {}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("iniconfig\n--extra-index-url https://evil.example\n", "requirements.txt, line 2"),
        ("mlflow-skinny\nno-such-package-of-anyone==1\n", "no-such-package-of-anyone"),
    ],
)
def test_a_candidate_without_an_environment_fails(picky, shelf, tmp_path, lines, why):
    """Exit 1: contract.loads names the line, or what cannot be installed; nothing is left."""
    number = changed(picky, shelf, tmp_path, requirements=lines)
    ended = picky("check", "picky", number, "--baseline", "none", *FAST)
    assert ended.code == 1, ended.err + ended.out[:2000]
    assert why in ended.check("contract.loads")["message"]
    assert not list((shelf / "cache/gate/environments").glob(".building-*"))


def test_a_baseline_without_one_is_inconclusive(picky, shelf, tmp_path):
    """Exit 4, as where it cannot be loaded."""
    number = changed(picky, shelf, tmp_path, requirements="-e .\n")
    ended = picky("check", "picky", "2", "--baseline", number, *FAST)
    assert ended.code == 4, ended.err + ended.out[:2000]
    assert "requirements.txt, line 1" in ended.out


def test_an_index_out_of_reach_is_no_verdict(picky, shelf, tmp_path):
    """Exit 3, within the usual time."""
    number = changed(picky, shelf, tmp_path, requirements="iniconfig==1.1.1\n")
    ended = picky("check", "picky", number, "--baseline", "none", *FAST, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    assert ended.code == 3, ended.err + ended.out[:2000]
    assert "package index is out of reach" in ended.report["reasons"][0]
    assert ended.report["verdict"] == "error"


def test_doctor_says_where_they_are_built(picky, shelf):
    """And that what builds them is there."""
    assert f"are built in {shelf / 'cache/gate/environments'}" in picky("doctor").out


def test_without_uv(picky, monkeypatch):
    """A configuration error that names what brings it."""
    monkeypatch.setattr(staffing, "installer", lambda: None)
    config = read(picky.project.folder / "gate.yaml")
    with pytest.raises(UsageError, match=r"model-release-gate\[env\]") as error:
        staffing.builds(config, "picky")
    assert "gate.yaml:3" in str(error.value)
