"""`gate release`, `promote`, `note`, `history` and the commands around them, as CI and people run them."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from gate import config
from gate.scoring.isolation import reached

UNTIMED = (
    "models: {house: {latency: {batch_sizes: [1], budget_s: 1},\n"
    "                 severity: {performance.latency: ignore}%s}}\n"
)
"""Timing on a shared machine is another test's subject."""


@pytest.fixture
def house(project):
    """A project in which house is released without judging its speed."""
    project.configure(UNTIMED % "")
    return project


def registry(project, code):
    """Ask or change the registry with MLflow itself; gives what the code prints."""
    header = (
        "import mlflow, warnings; warnings.simplefilter('ignore')\n"
        "mlflow.set_tracking_uri('sqlite:///mlflow.db')\nc = mlflow.MlflowClient()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", header + code], cwd=project.folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def aliases(project):
    """Who holds what."""
    return json.loads(registry(project, "import json; print(json.dumps(c.get_registered_model('house').aliases))"))


def test_a_release_promotes_what_it_judged_and_writes_the_note(house):
    """Two versions one after the other: alias, legacy stage, former holder, history, note, marks."""
    first = house.gate("release", "house", "1")
    assert first.code == 0, first.err + first.out
    second = house.gate("release", "house", "2")
    assert second.code == 0, second.err + second.out
    assert "against v1 (holder of staging)" in second.out
    assert {name: int(number) for name, number in aliases(house).items()} == {"staging": 2, "previous_staging": 1}
    assert registry(house, "print([c.get_model_version('house', n).current_stage for n in (1, 2)])") == (
        "['Archived', 'Staging']"
    )
    note = (house.folder / "release_notes/house/v2.md").read_text()
    assert "pass" in note
    assert (house.folder / "release_notes/house/v2.html").is_file()
    version = "c.get_model_version('house', 2)"
    tags = json.loads(registry(house, f"import json; print(json.dumps({version}.tags))"))
    assert tags["gate.verdict"] in {"pass", "pass_with_warnings"}
    listed = f"[f.path for at in ('', '/v2') for f in c.list_artifacts({version}.run_id, 'gate/v2' + at)]"
    recorded = json.loads(registry(house, f"import json; print(json.dumps({listed}))"))
    beside = {"report.json", "statement.json", "note.md", "note.html", "benchmark.json", "v2/latency.svg"}
    assert {f"gate/v2/{name}" for name in beside} <= set(recorded)
    assert "(v2/latency.svg)" in note
    history = json.loads(house.gate("history", "house", "--json").out)["history"]
    assert [(entry["action"], entry["stage"], entry["from"], entry["to"]) for entry in history] == [
        ("promote", "staging", None, 1),
        ("promote", "staging", 1, 2),
    ]


def test_a_rejected_version_is_recorded_and_not_promoted(house):
    """Exit 1; the holder stays."""
    house.gate("release", "house", "2", "--baseline", "none")
    ended = house.gate("release", "house", "1")
    assert ended.code == 1, ended.out
    assert int(aliases(house)["staging"]) == 2
    assert registry(house, "print(c.get_model_version('house', 1).tags['gate.verdict'])") == "fail"
    refused = house.gate("promote", "house", "1")
    assert refused.code == 1
    assert "fail" in refused.err


def test_promote_without_a_verdict_is_refused_with_the_remedy(house):
    """Exit 1, one sentence."""
    ended = house.gate("promote", "house", "2")
    assert ended.code == 1
    assert "gate release house 2" in ended.err


def test_a_partial_verdict_is_never_promoted_nor_recorded(house):
    """--only."""
    ended = house.gate("release", "house", "2", "--only", "contract")
    assert ended.code == 1
    assert aliases(house) == {}
    assert house.gate("promote", "house", "2", "--report", ".gate/house/v2/report.json").code == 1
    assert house.gate("check", "house", "2", "--record", "--only", "contract").code == 2


def test_a_report_of_another_job_is_verified_recorded_and_promoted(house):
    """The judging job needs no write access."""
    assert house.gate("check", "house", "2", "--out", "job").code == 0
    assert "gate.verdict" not in registry(house, "print(c.get_model_version('house', 2).tags)")
    ended = house.gate("promote", "house", "2", "--report", "job/report.json", "--approved-by", "ada")
    assert ended.code == 0, ended.err
    assert int(aliases(house)["staging"]) == 2
    assert "gate.verdict" in registry(house, "print(c.get_model_version('house', 2).tags)")
    assert json.loads(house.gate("history", "house", "--json").out)["history"][0]["by"] == "ada"


def test_a_report_on_another_version_is_refused(house):
    """Exit 1."""
    assert house.gate("check", "house", "2", "--out", "job").code == 0
    ended = house.gate("promote", "house", "1", "--report", "job/report.json")
    assert ended.code == 1
    assert "version 2" in ended.err


def test_an_artifact_that_was_swapped_is_refused(house):
    """What was judged is what is promoted."""
    assert house.gate("check", "house", "2", "--record").code == 0
    code = "print(c.get_logged_model(c.get_model_version('house', 2).source.split('/')[-1]).artifact_location)"
    from pathlib import Path
    from urllib.parse import urlparse

    folder = Path(urlparse(registry(house, code)).path)
    mlmodel = folder / "requirements.txt"
    before = mlmodel.read_bytes()
    try:
        mlmodel.write_bytes(before + b"# swapped\n")
        ended = house.gate("promote", "house", "2")
    finally:
        mlmodel.write_bytes(before)
    assert ended.code == 1
    assert aliases(house) == {}


def test_a_verdict_under_another_policy_is_refused(house):
    """A changed limit needs another verdict."""
    assert house.gate("check", "house", "2", "--record").code == 0
    path = house.folder / "gate.yaml"
    path.write_text(path.read_text().replace("budget_s: 1", "budget_s: 2"))
    ended = house.gate("promote", "house", "2")
    assert ended.code == 1
    assert "policy" in ended.err


def test_approvals_are_counted(project):
    """Distinct people, per stage."""
    project.configure(UNTIMED % ", promotion: {approvals: {production: 2}}")
    assert project.gate("check", "house", "2", "--record").code == 0
    once = project.gate("promote", "house", "2", "--to", "production", "--approved-by", "ada", "--approved-by", "ada")
    assert once.code == 1
    assert "2 approvals" in once.err
    both = project.gate("promote", "house", "2", "--to", "production", "--approved-by", "ada", "--approved-by", "bob")
    assert both.code == 0, both.err
    assert int(aliases(project)["production"]) == 2


def test_a_team_keeps_its_alias_names(project):
    """Champion and challenger."""
    project.configure(UNTIMED % ", promotion: {aliases: {staging: challenger, production: champion}}")
    assert project.gate("release", "house", "2", "--baseline", "none").code == 0
    assert {name: int(number) for name, number in aliases(project).items()} == {"challenger": 2}


def test_a_note_is_written_from_the_stored_report_alone(house):
    """Draft, formats, languages; offline from a file."""
    assert house.gate("check", "house", "2").code == 0
    draft = house.gate("note", "house", "2", "--draft")
    assert draft.code == 0
    assert draft.out.startswith("---\n")
    again = house.gate(
        "note", "--from", ".gate/house/v2/report.json", "--draft", "--tracking-uri", "http://127.0.0.1:9"
    )
    assert again.out == draft.out
    korean = house.gate("note", "house", "2", "--lang", "ko", "--draft")
    assert "판정" in korean.out
    page = house.gate("note", "house", "2", "--format", "html")
    assert page.out.strip().endswith("release_notes/house/v2.html")


def test_a_note_without_a_report_says_what_to_do(house):
    """Exit 2."""
    ended = house.gate("note", "house", "2")
    assert ended.code == 2
    assert "gate check house 2" in ended.err


def test_a_check_changes_nothing_in_the_registry(house):
    """No tag, no alias, no run, no experiment."""
    count = (
        "e = c.search_experiments()\n"
        "print(len(e), len(c.search_runs([x.experiment_id for x in e])), c.get_model_version('house', 2).tags, "
        "c.get_model_version('house', 2).description)"
    )
    before = registry(house, count)
    assert house.gate("check", "house", "2").code == 0
    assert registry(house, count) == before


def test_history_of_a_model_without_promotions(house):
    """Versions are listed all the same."""
    ended = house.gate("history", "house")
    assert ended.code == 0
    assert "No promotions yet." in ended.out


def test_explain_knows_every_check_of_the_report(house):
    """Every id in a report can be explained, and a typo gets the closest names."""
    report = json.loads(house.gate("check", "house", "2", "--json").out)
    for check in report["checks"][::6]:
        ended = house.gate("explain", check["id"])
        assert ended.code == 0, ended.err
        assert check["id"] in ended.out
    typo = house.gate("explain", "quality.rsme")
    assert typo.code == 2
    assert "quality.rmse" in typo.err


def test_schema_prints_json_schemas():
    """Of the report and of gate.yaml."""
    for what in ("report", "config"):
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", "schema", what], capture_output=True, text=True, check=True
        )
        schema = json.loads(done.stdout)
        jsonschema.Draft202012Validator.check_schema(schema)  # raises where it is none
        assert schema["additionalProperties"] is False


def test_doctor_says_what_is_wrong_with_the_fix(house):
    """0 where all is well, 3 where the registry is out of reach, 2 where a setting is wrong."""
    well = house.gate("doctor")
    assert well.code == 0, well.out
    assert f"isolation: {reached().level} (files " in well.out
    assert house.gate("doctor", "--tracking-uri", "http://127.0.0.1:9").code == 3
    house.configure("confidense: 1\n")
    wrong = house.gate("doctor")
    assert wrong.code == 2
    assert "confidence" in wrong.out


def test_init_proposes_what_the_registry_holds_and_keeps_what_exists(house, tmp_path):
    """gate.yaml, a workflow and an example check, all valid; a second time nothing is overwritten."""
    registry(house, "c.set_registered_model_alias('house', 'champion', '1')")
    folder = tmp_path / "fresh"
    folder.mkdir()
    from dataclasses import replace

    fresh = replace(house, folder=folder)
    uri = f"sqlite:///{house.folder}/mlflow.db"
    ended = fresh.gate("init", "--tracking-uri", uri)
    assert ended.code == 0, ended.err
    written = config.read(folder / "gate.yaml")
    assert written.model("house").promotion.aliases == {"production": "champion"}
    assert yaml.safe_load((folder / ".github/workflows/gate.yml").read_text())["jobs"]
    assert fresh.gate("check", "house", "1", "--data", "nope").code == 2
    (folder / "gate.yaml").write_text("confidence: 0.9\n")
    again = fresh.gate("init", "--tracking-uri", uri)
    assert "kept    gate.yaml" in again.out
    assert (folder / "gate.yaml").read_text() == "confidence: 0.9\n"
    assert ".gate/" in (folder / ".gitignore").read_text()


def test_a_report_that_contradicts_its_checks_is_refused(house):
    """An edited verdict promotes nothing."""
    assert house.gate("check", "house", "1", "--baseline", "2", "--out", "job").code == 1
    path = house.folder / "job" / "report.json"
    path.write_text(path.read_text().replace('"verdict": "fail"', '"verdict": "pass"'))
    ended = house.gate("promote", "house", "1", "--report", "job/report.json")
    assert ended.code == 1
    assert "it was changed" in ended.err
    assert aliases(house) == {}
