"""What MLmodel says would be loaded, and by what."""

from __future__ import annotations

import pickle

import pytest

HONEST = pickle.dumps([1.0])


def sklearn(**more):
    return {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl"},
        "sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle", **more},
    }


def symbols(findings):
    return [finding.symbol for finding in findings]


@pytest.mark.parametrize("loader", ["os", "runpy", "mlflow.utils.process", "mlflow.sklearn.utils", "antigravity", ""])
def test_a_loader_that_is_no_flavour(look, loader):
    """It would be imported: a finding, unless the artifact brings it."""
    found = look({"model.pkl": HONEST}, python_function={"loader_module": loader})
    assert symbols(found.findings) == [loader or "loader_module"]


def test_a_loader_that_the_artifact_brings_is_declared(look):
    """MLflow's own way for custom loaders."""
    found = look(
        {"code/my_loader.py": b"def _load_pyfunc(path): ...", "data/x.json": b"{}"},
        python_function={"loader_module": "my_loader", "code": "code", "data": "data"},
    )
    assert (found.artifact_class, found.findings) == ("code", ())
    assert symbols(found.declared) == ["my_loader", "code"]


def test_a_class_from_code_paths_may_be_pickled(look):
    """A custom transformer: code, and no finding; somebody else's module still is one."""
    own = b"\x80\x02cmy_steps\nScaler\n)\x81."
    found = look({"model.pkl": own, "code/my_steps/__init__.py": b""}, **{**sklearn(), "python_function": {
        "loader_module": "mlflow.sklearn", "model_path": "model.pkl", "code": "code"}})  # fmt: skip
    assert (found.artifact_class, found.findings) == ("code", ())
    other = look({"model.pkl": own}, **sklearn())
    assert symbols(other.findings) == ["my_steps.Scaler"]


@pytest.mark.parametrize("module", ["os.py", "sklearn/__init__.py", "json.py"])
def test_a_namesake_of_a_known_module_is_a_finding(look, module):
    """It would be imported in its place."""
    found = look({"model.pkl": HONEST, f"code/{module}": b""}, **sklearn(code="code"))
    assert symbols(found.findings) == [module.split("/")[0].removesuffix(".py")]


def test_a_folder_of_code_named_code(look):
    """What `code_paths=["code"]` gives: no package, so that it takes nothing's place."""
    found = look({"model.pkl": HONEST, "code/code/steps.py": b""}, **sklearn(code="code"))
    assert (found.artifact_class, found.findings) == ("code", ())


@pytest.mark.parametrize("file", ["helper.py", "lib/fast.so", "x.pyc"])
def test_code_that_lies_about_is_declared(look, file):
    """It makes the class code, whoever would load it."""
    found = look({"model.pkl": HONEST, file: b"# nothing"}, **sklearn())
    assert (found.artifact_class, found.findings) == ("code", ())
    assert [finding.file for finding in found.declared] == [file]


def test_a_program_is_known_by_its_bytes(look):
    """Whatever its name."""
    found = look({"model.pkl": HONEST, "notes.txt": b"\x7fELF\x02\x01\x01" + bytes(99)}, **sklearn())
    assert [finding.file for finding in found.declared] == ["notes.txt"]


def test_models_from_code(look):
    """A script is openly run."""
    found = look(
        {"agent.py": b"import mlflow"},
        python_function={"loader_module": "mlflow.pyfunc.loaders.code_model", "model_code_path": "/srv/me/agent.py"},
    )
    assert (found.artifact_class, found.findings) == ("code", ())
    assert found.declared[0].symbol == "agent.py"


@pytest.mark.parametrize("loader", ["mlflow.keras", "mlflow.transformers", "mlflow.pytorch", "mlflow.spark"])
def test_flavours_that_run_what_they_find(look, loader):
    """Openly code, and files of formats that the gate does not know are no finding."""
    found = look({"data/model.bin": bytes(range(128, 256))}, python_function={"loader_module": loader})
    assert (found.artifact_class, found.findings) == ("code", ())


@pytest.mark.parametrize("name", ["subprocess.Popen", "os.system", "xgboost.core.DMatrix", "Booster", ""])
def test_xgboosts_class_is_one_of_its_own(look, name):
    """MLflow imports and calls whatever MLmodel names."""
    flavors = {"python_function": {"loader_module": "mlflow.xgboost", "data": "model.json"},
               "xgboost": {"data": "model.json", "model_class": name}}  # fmt: skip
    assert symbols(look({"model.json": b"{}"}, **flavors).findings) == [name]


def test_types_that_skops_is_to_trust(look):
    """Its list comes from the candidate; the gate has its own."""
    flavors = sklearn(skops_trusted_types=["sklearn.tree._tree.Tree", "os.system"])
    assert symbols(look({"model.pkl": HONEST}, **flavors).findings) == ["os.system"]


@pytest.mark.parametrize("content", [b"just text", b'{"a": 1}', b"tree\nversion=v4\n"])
def test_a_file_that_is_not_what_its_loader_takes(look, content):
    """A pickle that is none, to the gate's eyes, is not clean."""
    found = look({"model.pkl": content}, **sklearn())
    assert "where its loader takes pickle" in found.findings[0].what
