"""How models are shut in, through the command line: the level that is reported, the minimum, and what models notice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gate.scoring import isolation

ONLY = ("--only", "contract,quality", "--json")


def test_the_report_names_the_level_that_was_reached(project):
    """It is the strongest that works here, at the least the configured minimum, and says so."""
    reached = isolation.reached().level
    path = project.folder / "gate.yaml"
    path.write_text(path.read_text().replace("isolation: {", f"isolation: {{minimum: {reached}, "))
    ended = project.gate("check", "house", "2", *ONLY)
    assert ended.code == 0, ended.err
    assert ended.report["isolation"] == reached


def test_no_verdict_below_the_minimum(project, tmp_path):
    """Without bubblewrap nothing of a model runs where the minimum asks for it: exit 3, a report, the remedy."""
    path = project.folder / "gate.yaml"
    path.write_text(path.read_text().replace("isolation: {", "isolation: {minimum: bwrap, "))
    ended = project.gate("check", "house", "2", *ONLY, PATH=str(tmp_path))
    assert ended.code == 3
    report = ended.report
    assert (report["verdict"], report["checks"]) == ("error", [])
    assert "isolation.minimum asks for bwrap" in report["reasons"][0]
    assert "bubblewrap is not installed" in report["reasons"][0]
    assert "set isolation.minimum to" in report["reasons"][0]
    doctor = project.gate("doctor", PATH=str(tmp_path))
    assert doctor.code == 3
    assert "bubblewrap is not installed" in " ".join(doctor.out.split())


def test_a_level_that_does_not_exist_is_a_configuration_error(project):
    """Exit 2, with the ones that there are."""
    path = project.folder / "gate.yaml"
    path.write_text(path.read_text().replace("isolation: {", "isolation: {minimum: docker, "))
    ended = project.gate("check", "house", "2")
    assert ended.code == 2
    assert all(level in ended.err for level in isolation.LEVELS), ended.err


@pytest.mark.parametrize(
    ("kind", "check_id"),
    [("good_at_first", "contract.repeatable"), ("depends_on_order", "contract.row_order")],
)
def test_a_model_that_notices_how_it_is_asked_fails(project, kind, check_id):
    """Good on the first rows and nonsense after them; another answer in another order."""
    ended = project.gate("check", f"broken-{kind}", "2", *ONLY)
    assert ended.code == 1, ended.err
    assert ended.status(check_id) == "failed", [(check["id"], check["status"]) for check in ended.report["checks"]]


def test_a_model_cannot_tell_that_it_runs_in_ci(project):
    """What a job has in its environment is not there: the model behaves as it would elsewhere."""
    secrets = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "ghs_secret", "GATE_CANARY": "canary-7"}
    ended = project.gate("check", "broken-looks_for_ci", "2", *ONLY, **secrets)
    assert ended.code == 0, ended.err


def test_workflow_commands_of_a_model_are_no_lines_of_the_gate(project):
    """What a model prints or raises never starts a line of what the gate prints."""
    ended = project.gate("check", "broken-commands", "2", "--only", "contract")
    assert ended.code == 1
    assert not [line for line in (ended.out + ended.err).splitlines() if line.lstrip().startswith("::")]


def test_a_check_leaves_no_process_and_no_folder(project, tmp_path):
    """Everything that was started and made for it is gone at its end."""
    place = tmp_path / "temporary"
    place.mkdir()
    assert project.gate("check", "house", "2", *ONLY, TMPDIR=str(place)).code == 0
    assert list(place.iterdir()) == []
    assert not [found for found in _environments() if str(place).encode() in found]


def _environments():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                yield (entry / "environ").read_bytes()
            except OSError:
                continue
