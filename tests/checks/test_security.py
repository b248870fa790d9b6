"""security.*: what was found in the files, as results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gate.domain import Action, Artifact, ArtifactClass, ArtifactFile, Category, Finding, Inspection, Opinion

SECURITY = frozenset({Category.SECURITY})
FILES = Artifact(path=Path("x"), files=(ArtifactFile(path="MLmodel", size=7, sha256="0"),), digest="sha256:0")
PLAIN = Inspection(artifact_class=ArtifactClass.PICKLE)
BAD = tuple(
    Finding(file="model.pkl", symbol=f"os.f{number}", what="is not among the names that the gate allows")
    for number in range(7)
)


@pytest.fixture
def security(case_of, results_of):
    """Judge a candidate with this artifact and this inspection."""

    def judge(inspection=PLAIN, artifact=FILES, **facts):
        case = case_of([1.0, 2.0, 3.0])
        candidate = replace(case.comparison.candidate, artifact=artifact, inspection=inspection, **facts)
        case = replace(case, comparison=replace(case.comparison, candidate=candidate))
        results = results_of(case, SECURITY)
        return {
            result.id.removeprefix("security."): result for result in results.values() if result.category == "security"
        }

    return judge


def test_an_honest_artifact_passes(security):
    """All but the scanners and the signature, for which nobody asked; the class is measured."""
    found = security()
    assert {name: str(result.status) for name, result in found.items()} == {
        "artifact_tree": "passed", "artifact_class": "passed", "denied": "passed", "requirements": "passed",
        "second_opinion": "skipped", "model_signature": "skipped",
    }  # fmt: skip
    assert found["artifact_class"].measurements[0].value == "pickle"


def test_a_tree_that_breaks_the_rules_is_critical(security):
    """With what is wrong with it; nothing else can be said of its files."""
    found = security(None, None, artifact_refused=True, artifact_problem="its artifact holds a symbolic link, 'x'")
    tree = found["artifact_tree"]
    assert (tree.status, tree.severity) == ("failed", "critical")
    assert "symbolic link" in tree.message
    assert found["denied"].status == "skipped"


def test_files_that_are_gone_break_no_rule(security):
    """That is for contract.loads to say."""
    found = security(None, None, artifact_problem="its files are gone")
    assert {str(result.status) for result in found.values()} == {"skipped"}


def test_findings_are_info_and_name_file_and_symbol(security):
    """The first few in the message, all in the rows."""
    result = security(replace(PLAIN, artifact_class=ArtifactClass.CODE, findings=BAD))["artifact_class"]
    assert (result.status, result.severity, result.rows_total) == ("failed", "info", 7)
    assert "model.pkl: os.f0 is not among" in result.message
    assert "and 2 more" in result.message
    assert result.rows[6] == {"file": "model.pkl", "symbol": "os.f6", "what": BAD[6].what}


def test_code_that_is_declared_is_said_and_passes(security):
    """An honest Python model."""
    declared = (Finding(file="MLmodel", symbol="python_model.pkl", what="is unpickled"),)
    result = security(Inspection(artifact_class=ArtifactClass.CODE, declared=declared))["artifact_class"]
    assert result.status == "passed"
    assert "python_model.pkl is unpickled" in result.message


def test_an_approval_that_is_asked_for_makes_the_class_critical(security):
    """A waiver of it is the approval."""
    result = security(replace(PLAIN, action=Action.APPROVAL))["artifact_class"]
    assert (result.status, result.severity) == ("failed", "critical")
    assert "a person must approve" in result.message


def test_a_denied_version_is_critical(security):
    """With the reason."""
    result = security(replace(PLAIN, denied="the policy denies that"))["denied"]
    assert (result.status, result.severity, result.message) == ("failed", "critical", "the policy denies that")


def test_requirements_are_a_warning(security):
    """With file and line."""
    line = Finding(file="requirements.txt", symbol="-e .", what="installs a folder and runs its setup")
    result = security(replace(PLAIN, requirements=(line,)))["requirements"]
    assert (result.status, result.severity) == ("failed", "warning")
    assert "requirements.txt: -e . installs a folder" in result.message


def test_other_scanners(security):
    """What one finds is told with its name; where none is installed the reason is told once."""
    missing = Opinion(scanner="modelscan", problem="it is not installed")
    result = security(replace(PLAIN, opinions=(Opinion(scanner="picklescan", findings=BAD[:1]), missing)))
    assert (result["second_opinion"].status, result["second_opinion"].severity) == ("failed", "info")
    assert "picklescan: model.pkl: os.f0" in result["second_opinion"].message
    neither = (missing, Opinion(scanner="picklescan", problem="it is not installed"))
    message = security(replace(PLAIN, opinions=neither))["second_opinion"].message
    assert "modelscan and picklescan: it is not installed" in message
