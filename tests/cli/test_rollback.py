"""`gate promote`, `gate rollback` and `gate history`, as people use them when something went wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import urlparse

import pytest

from tests.cli.conftest import start_project

UNTIMED = (
    "models: {house: {latency: {batch_sizes: [1], budget_s: 1},\n"
    "                 severity: {performance.latency: ignore}%s}}\n"
)


@pytest.fixture
def house(project):
    """A project in which house is judged without its speed."""
    project.configure(UNTIMED % "")
    return project


@pytest.fixture(scope="module")
def judged(world, tmp_path_factory) -> Path:
    """A folder in which version 1, then version 2 of house were promoted to production: nobody writes to it."""
    folder = tmp_path_factory.mktemp("judged") / "project"
    started = start_project(world, folder)
    started.configure(UNTIMED % "")
    for version, who, baseline in (("1", "ada", ("--baseline", "none")), ("2", "bob", ())):
        ended = started.gate("check", "house", version, "--record", *baseline)
        assert ended.code == 0, ended.out
        ended = started.gate("promote", "house", version, "--to", "production", "--approved-by", who)
        assert ended.code == 0, ended.err
    return folder


@pytest.fixture
def twice(judged, project):
    """A copy of it: version 2 holds production, and version 1 did before."""
    for name in ("mlflow.db", "gate.yaml"):
        shutil.copy(judged / name, project.folder / name)
    return project


def ask(project, query):
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        return database.execute(query).fetchall()


def aliases(project):
    """Who holds what."""
    return dict(ask(project, "SELECT alias, version FROM registered_model_aliases WHERE name = 'house'"))


def point(project, alias, version, model="house"):
    """Move an alias by hand."""
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        row = database.execute("SELECT * FROM registered_models LIMIT 1")
        workspace = "workspace" in [column[0] for column in row.description]
        names, values = ("alias, version, name", [alias, version, model])
        if workspace:
            names, values = (f"{names}, workspace", [*values, "default"])
        marks = ", ".join("?" * len(values))
        database.execute(f"INSERT OR REPLACE INTO registered_model_aliases ({names}) VALUES ({marks})", values)


def told(project):
    ended = project.gate("history", "house", "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_there_and_back(twice):
    """One command gives production back; the history tells who held it when, on which evidence; twice finds nobody."""
    back = twice.gate("rollback", "house")
    assert back.code == 0, back.err
    assert back.out == "house v1 holds production again (alias 'production', before: v2)\n"
    assert aliases(twice) == {"production": 1, "previous_production": 2}
    assert ask(twice, "SELECT current_stage FROM model_versions WHERE name = 'house' ORDER BY version") == [
        ("Production",),
        ("Archived",),
        ("None",),
    ]
    found = told(twice)
    assert [(entry["action"], entry["from"], entry["to"]) for entry in found["history"]] == [
        ("promote", None, 1),
        ("promote", 1, 2),
        ("rollback", 2, 1),
    ]
    first, second, third = found["tenures"]
    assert [tenure["version"] for tenure in found["tenures"]] == [1, 2, 1]
    assert (first["by"], first["until"], second["by"], second["from"]) == ("ada", second["from"], "bob", first["until"])
    assert (third["current"], third["until"], third["evidence"]) == (True, None, first["evidence"])
    assert second["grounds"]["baseline"] == 1
    assert second["grounds"]["data"].startswith("sha256:")
    assert second["evidence"] == evidence(twice, 2)
    assert found["findings"] == []
    table = twice.gate("history", "house").out
    assert "rollback" in table
    assert first["evidence"][:15] in table
    again = twice.gate("rollback", "house")
    assert again.code == 1
    assert "nothing to go back to" in again.err
    forward = twice.gate("rollback", "house", "--to", "2")
    assert forward.code == 0, forward.err
    assert aliases(twice)["production"] == 2


def evidence(project, version):
    """The digest of the recorded report."""
    query = f"SELECT value FROM model_version_tags WHERE name = 'house' AND version = {version} AND key = 'gate.report'"
    run, _, path = ask(project, query)[0][0].removeprefix("runs:/").partition("/")
    root = ask(project, f"SELECT artifact_uri FROM runs WHERE run_uuid = '{run}'")[0][0]
    return "sha256:" + hashlib.sha256(Path(urlparse(root).path, path).read_bytes()).hexdigest()


def test_refusals(twice):
    """Each is one sentence with the remedy and the right exit code, and moves nothing."""
    before = aliases(twice)
    for arguments, code, words in (
        (("rollback", "house", "--stage", "prod"), 2, "'staging', 'production'"),
        (("rollback", "house", "--stage", "staging"), 1, "Nobody holds staging"),
        (("rollback", "house", "--to", "9"), 2, "no version 9"),
        (("rollback", "hous"), 2, "Did you mean: house?"),
        (("promote", "house", "2", "--to", "prodution"), 2, "'staging', 'production'"),
        (("promote", "house"), 2, "Missing argument 'VERSION'"),
        (("promote", "house", "2", "--resume"), 2, "leave VERSION"),
        (("promote", "house", "1", "--to", "production"), 1, "gate release house 1 --to production"),
    ):
        ended = twice.gate(*arguments)
        assert ended.code == code, (arguments, ended.err)
        assert words in ended.err, (arguments, ended.err)
    for arguments, words in (
        (("promote", "house", "2", "--to", "production"), "already holds production"),
        (("rollback", "house", "--to", "2"), "already holds production"),
        (("promote", "house", "--resume"), "Nothing was left open of house."),
    ):
        ended = twice.gate(*arguments)
        assert ended.code == 0, (arguments, ended.err)
        assert words in ended.out
    assert aliases(twice) == before
    assert len(told(twice)["history"]) == 2


def test_files_that_were_changed_do_not_come_back(twice):
    """The former holder must be what it was, and be there."""
    query = "SELECT storage_location FROM model_versions WHERE name = 'house' AND version = 1"
    folder = Path(urlparse(ask(twice, query)[0][0]).path)
    assert (folder / "MLmodel").is_file()
    path, kept = folder / "requirements.txt", (folder / "requirements.txt").read_bytes()
    try:
        path.write_bytes(kept + b"# swapped\n")
        changed = twice.gate("rollback", "house")
        stale = twice.gate("promote", "house", "2", "--to", "staging")
    finally:
        path.write_bytes(kept)
    assert changed.code == 1
    assert "are not those that held the stage" in changed.err
    assert stale.code == 1
    assert "judged against version 1, whose files are not what they were" in stale.err
    assert aliases(twice)["production"] == 2


def test_moved_by_hand(twice):
    """Somebody's own promotion is told by `history`, and by who promotes next."""
    point(twice, "production", 1)
    found = told(twice)
    assert "Somebody moved production outside the gate: version 1 holds it" in found["findings"][0]
    assert "legacy stage" in found["findings"][1]
    assert [(tenure["version"], tenure["action"]) for tenure in found["tenures"]][-1] == (1, "by hand")
    assert "Somebody moved production outside the gate" in twice.gate("history", "house").out
    ended = twice.gate("promote", "house", "2", "--to", "production")
    assert ended.code == 0, ended.err
    assert "Somebody moved production outside the gate" in ended.out
    assert told(twice)["findings"] == []


def test_a_former_holder_that_does_not_load(project):
    """It is loaded in a worker first; a holder from before the gate can be gone back to, where it loads."""
    model = "broken-raises_on_load"
    point(project, "production", 2, model)
    assert project.gate("check", model, "1", "--record", "--baseline", "none", "--only", "contract").code == 2
    assert project.gate("check", model, "1", "--record", "--baseline", "none").code == 0
    moved = project.gate("promote", model, "1", "--to", "production")
    assert moved.code == 0, moved.err
    ended = project.gate("rollback", model)
    assert ended.code == 1
    assert "does not load: RuntimeError: no weights here" in ended.err


def test_production_only_after_staging(project):
    """Where the policy asks for it, with the command that helps."""
    project.configure(UNTIMED % ", promotion: {order: staging_first}")
    assert project.gate("check", "house", "2", "--record", "--baseline", "none").code == 0
    early = project.gate("promote", "house", "2", "--to", "production")
    assert early.code == 1
    assert "`gate promote house 2 --to staging`" in early.err
    assert project.gate("promote", "house", "2", "--to", "staging").code == 0
    assert project.gate("promote", "house", "2", "--to", "production").code == 0


def test_an_older_report_than_the_recorded_verdict(house):
    """What was judged since counts."""
    assert house.gate("check", "house", "2", "--baseline", "none", "--out", "old").code == 0
    assert house.gate("check", "house", "2", "--baseline", "none", "--record").code == 0
    ended = house.gate("promote", "house", "2", "--report", "old/report.json")
    assert ended.code == 1
    assert "was judged since" in ended.err
    assert aliases(house) == {}


def test_waivers_are_shown(project):
    """In promote and in history, with owner, reason and the last day; one that expired since is none."""
    waiver = '{check: reproducibility.training_data, owner: "ml", reason: "kept elsewhere", expires: %s}'
    project.configure(
        UNTIMED.replace("}%s", ", reproducibility.training_data: critical}, waivers: [%s]") % (waiver % "2999-01-01")
    )
    assert project.gate("check", "house", "2", "--baseline", "none", "--record").code == 0
    ended = project.gate("promote", "house", "2")
    assert ended.code == 0, ended.err
    assert "Waived until 2999-01-01: reproducibility.training_data, by ml: kept elsewhere" in ended.out
    assert told(project)["tenures"][0]["waivers"] == [
        {"check": "reproducibility.training_data", "owner": "ml", "reason": "kept elsewhere", "expires": "2999-01-01"}
    ]
    assert "waived by ml until 2999-01-01: kept elsewhere" in project.gate("history", "house").out


def test_evaluation_data_that_changed(house):
    """A verdict is bound to the data that it was made on."""
    data = house.folder / "eval.parquet"
    data.write_bytes(Path(_source(house)).read_bytes())
    assert house.gate("check", "house", "2", "--baseline", "none", "--record", "--data", str(data)).code == 0
    data.write_bytes(data.read_bytes() + b"x")
    ended = house.gate("promote", "house", "2")
    assert ended.code == 1
    assert "judged on evaluation data that have changed since" in ended.err


def _source(project):
    import yaml

    return yaml.safe_load((project.folder / "gate.yaml").read_text())["defaults"]["data"]["path"]
