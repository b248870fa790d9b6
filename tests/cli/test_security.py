"""What the policy denies is never loaded: from the files to the exit code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.scoring.inspection.opcodes import by_stack_global


@pytest.fixture
def tampered(world, project, tmp_path):
    """Register a copy of the good version of `house`, changed by a function of its folder; give the number."""

    def register(change, name="house") -> str:
        from mlflow import MlflowClient

        second = sorted(world.glob("artifacts/**/model.pkl"), key=lambda path: path.stat().st_mtime_ns)[1]
        folder = tmp_path / "tampered"
        shutil.copytree(second.parent, folder)
        change(folder)
        client = MlflowClient(f"sqlite:///{project.folder / 'mlflow.db'}")
        return str(client.create_model_version(name, source=str(folder)).version)

    return register


def canary(tmp_path: Path):
    """Replace the model by a pickle that would leave a mark."""
    mark = tmp_path / "loaded"

    def change(folder: Path) -> None:
        (folder / "model.pkl").write_bytes(by_stack_global("os", "mkdir", (str(mark),)))

    return mark, change


def test_a_denied_version_is_not_loaded(project, tampered, tmp_path):
    """Exit 1: security.denied says why with file and symbol, contract.loads that it was not loaded, and nothing ran."""
    mark, change = canary(tmp_path)
    project.configure("models: {house: {security: {policy: {code: deny}}}}\n")
    ended = project.gate("check", "house", tampered(change), "--json", "--only", "contract,security,quality")
    assert ended.code == 1, ended.out[:2000]
    denied = ended.check("security.denied")
    assert (denied["status"], denied["severity"]) == ("failed", "critical")
    assert "model.pkl: os.mkdir" in denied["message"]
    assert "it was not loaded" in ended.check("contract.loads")["message"]
    assert ended.check("security.artifact_class")["severity"] == "info"
    assert not mark.exists()


def test_what_would_execute_is_found_and_told_as_info(project, tampered, tmp_path):
    """Without a policy it is loaded in the worker; the finding names the symbol, and fails nothing by itself."""
    _, change = canary(tmp_path)
    ended = project.gate("check", "house", tampered(change), "--json", "--only", "contract,security")
    found = ended.check("security.artifact_class")
    assert (found["status"], found["severity"]) == ("failed", "info")
    assert {"file": "model.pkl", "symbol": "os.mkdir"}.items() <= found["rows"][0].items()
    assert ended.status("security.denied") == "passed"


def test_a_denied_baseline_leaves_the_comparison_undecided(project, tampered, tmp_path):
    """Exit 4, with the remedy: the candidate is of a class that may be loaded."""
    mark, change = canary(tmp_path)
    project.configure("models: {house: {security: {policy: {code: deny}}}}\n")
    ended = project.gate("check", "house", "2", "--baseline", tampered(change), "--json", "--only", "contract,quality")
    assert ended.code == 4, ended.out[:2000]
    assert any("--baseline none" in reason for reason in ended.report["reasons"])
    assert not mark.exists()


def test_a_sandbox_that_is_not_there(project):
    """A class that needs one is not loaded as a plain process."""
    project.configure("models: {house: {security: {policy: {pickle: sandbox}}}}\n")
    ended = project.gate("check", "house", "2", "--json", "--only", "contract,security")
    if ended.report["isolation"] in {"bwrap", "landlock"}:
        assert ended.status("security.denied") == "passed"
    else:
        assert ended.code == 1
        assert "needs a sandbox" in ended.check("security.denied")["message"]


APPROVAL = "models: {house: {security: {policy: {pickle: approval}}%s}}\n"
WAIVER = ", waivers: [{check: security.artifact_class, owner: ml-platform, reason: known, expires: 2999-12-31}]"


def test_an_approval_that_is_missing(project):
    """The version is not loaded, and the message says how to approve it."""
    project.configure(APPROVAL % "")
    ended = project.gate("check", "house", "2", "--json", "--only", "contract,security")
    assert ended.code == 1
    assert "waiver of security.artifact_class" in ended.check("security.denied")["message"]


def test_an_approval_that_is_given(project):
    """A waiver with owner, reason and day lets it be loaded, and is shown as a warning."""
    project.configure(APPROVAL % WAIVER)
    ended = project.gate("check", "house", "2", "--json", "--only", "contract,security")
    assert ended.code == 0, ended.out[:2000]
    assert ended.report["verdict"] == "pass_with_warnings"
    assert ended.status("contract.loads") == "passed"
    assert ended.check("security.artifact_class")["waiver"]["owner"] == "ml-platform"


def test_honest_models_give_no_finding(project):
    """A cloudpickled scikit-learn model passes every security check; one from code too, and says that it is code."""
    ended = project.gate("check", "house", "2", "--json", "--only", "security")
    assert ended.code == 0, ended.out[:2000]
    statuses = {check["id"]: check["status"] for check in ended.report["checks"]}
    assert statuses.pop("security.model_signature") == "skipped"
    assert set(statuses.values()) == {"passed"}
    code = project.gate("check", "broken-noisy", "2", "--json", "--only", "security")
    assert code.status("security.artifact_class") == "passed"
    assert "openly brings code" in code.check("security.artifact_class")["message"]


LINKS = {
    "link": lambda folder: (folder / "x").symlink_to("/etc/passwd"),
    "outside": lambda folder: (folder / "MLmodel").write_text(
        (folder / "MLmodel").read_text().replace("model_path: model.pkl", "model_path: ../../x.pkl")
    ),
}


@pytest.mark.parametrize("how", LINKS)
def test_a_tree_that_reaches_outside_is_critical(project, tampered, how):
    """Nothing of it is loaded."""
    ended = project.gate("check", "house", tampered(LINKS[how]), "--json", "--only", "contract,security")
    assert ended.code == 1
    assert (ended.status("security.artifact_tree"), ended.status("contract.loads")) == ("failed", "failed")


def test_hostile_requirements_are_a_warning(project, tampered):
    """The version passes: the gate installs nothing."""

    def change(folder: Path) -> None:
        (folder / "requirements.txt").write_text("scikit-learn\n--extra-index-url https://evil.example\n")

    ended = project.gate("check", "house", tampered(change), "--json", "--only", "contract,security")
    assert ended.report["verdict"] == "pass_with_warnings"
    assert "--extra-index-url" in ended.check("security.requirements")["message"]


def test_explain(project):
    """Every security check explains itself."""
    for name in ("artifact_tree", "artifact_class", "denied", "requirements", "second_opinion"):
        ended = project.gate("explain", f"security.{name}")
        assert ended.code == 0
        assert "To change it" in ended.out


def test_a_policy_that_is_none(project):
    """Exit 2, with the line and the valid words."""
    project.configure("models: {house: {security: {policy: {code: forbid}}}}\n")
    ended = project.gate("check", "house", "2")
    assert ended.code == 2
    assert "gate.yaml:" in ended.err
    assert "'deny'" in ended.err
