"""The hostile corpus: every payload executes on a plain load, and is found before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

from gate.domain import ArtifactClass
from gate.scoring.inspection import inspect
from tests.scoring.inspection.payloads import Payload, corpus

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # zipfile warns of the entry that is there twice
    CORPUS = corpus()
EXECUTE = Path(__file__).parent / "execute.py"


def lay(payload: Payload, folder: Path) -> Path:
    """Write a payload as a model's folder."""
    folder.mkdir()
    payload.write(folder)
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": payload.flavors}))
    return folder


def test_every_payload_executes_on_a_plain_load(tmp_path):
    """What the corpus holds is no theory: in a process of its own, with nothing but a mark to make, all do."""
    jobs = [
        {"folder": str(lay(payload, tmp_path / str(number))), "file": payload.file, "how": payload.how,
         "mark": str(tmp_path / f"mark-{number}")}
        for number, payload in enumerate(CORPUS)
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-I", str(EXECUTE)], input=json.dumps(jobs), capture_output=True, text=True, check=False,
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    ran = json.loads(done.stdout)
    assert [payload.name for payload, did in zip(CORPUS, ran, strict=True) if not did] == []
    assert len(ran) >= 60


@pytest.mark.parametrize("payload", CORPUS, ids=lambda payload: payload.name)
def test_every_payload_is_found_before_loading(payload, tmp_path):
    """With the file that holds it, and with nothing executed in this process."""
    found = inspect(lay(payload, tmp_path / "model"), payload.paths, payload.flavors)
    assert found.artifact_class is ArtifactClass.CODE
    files = {finding.file.partition("!")[0] for finding in found.findings}
    assert files & {payload.file, "MLmodel"}, found


def test_the_symbol_is_named(look):
    """Also where it has to be put together from the memo, and in the file inside of the file."""
    payloads = {payload.name: payload for payload in CORPUS}
    assert {"os.system"} <= {
        finding.symbol for finding in look({"m": payloads["by_overwritten_memo"].content}).findings
    }
    zipped = look({"model.pth": payloads["PyTorch's zip"].content})
    assert ("model.pth!archive/data.pkl", "os.system") in {(each.file, each.symbol) for each in zipped.findings}


@pytest.mark.parametrize("name", ["by_stack_global", "subprocess.run", "pickle.loads", "joblib.load", "builtins.exec"])
def test_what_runs_whatever_it_is_told_is_found_in_a_python_model_too(look, name):
    """Any name may be in the pickle of a Python class; what loads or runs by itself may still not be called."""
    payload = next(each for each in CORPUS if each.name == name)
    pyfunc = {"loader_module": "mlflow.pyfunc.model", "python_model": "python_model.pkl"}
    found = look({"python_model.pkl": payload.content, **payload.beside}, python_function=pyfunc)
    assert any("is called" in finding.what for finding in found.findings), found
