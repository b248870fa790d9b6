"""`gate promote`, `gate rollback` and `gate history`, as people use them when something went wrong.

The verdicts are recorded by the test: judging is another test's subject.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from bench.torture import worlds
from gate import config
from gate.domain import DataInfo, GateInfo, Stage, Status, Verdict, Waiver
from gate.registry import Registry, record
from gate.report import dumps
from tests.cli.conftest import Project
from tests.conftest import quiet

SETTINGS = "tracking_uri: sqlite:///mlflow.db\nisolation: {timeout_s: 120}\n"
HOLDERS = "Somebody moved production outside the gate"


@pytest.fixture
def project(registry_db, tmp_path) -> Project:
    """A project on a registry of its own, with three versions of wine."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(registry_db, folder / "mlflow.db")
    with quiet():
        worlds.build(f"sqlite:///{folder}/mlflow.db", folder, 3)
    (folder / "gate.yaml").write_text(SETTINGS)
    return Project(folder=folder)


@pytest.fixture
def registry(project, monkeypatch) -> Registry:
    """Its registry, open."""
    from tests.registry.conftest import keep_environment

    keep_environment(monkeypatch)
    return worlds.opened(f"sqlite:///{project.folder}/mlflow.db")


@pytest.fixture
def judge(project, registry, tmp_path):
    """Record a verdict on a version, by the policy of gate.yaml."""

    def run(version, *, recorded=True, **changes):
        found = worlds.judged(registry, version, tmp_path / "copies", recorded=False, **changes)
        policy = config.read(project.folder / "gate.yaml").policy_digest("wine")
        info = GateInfo(version="0", policy_digest=policy, holders=found.gate.holders)
        found = replace(found, gate=info)
        if recorded:
            record(registry, found, {})
        return found

    return run


@pytest.fixture
def twice(project, judge):
    """Version 1, then version 2 in production."""
    for version, who in ((1, "ada"), (2, "bob")):
        judge(version)
        ended = project.gate("promote", "wine", str(version), "--to", "production", "--approved-by", who)
        assert ended.code == 0, ended.err
    return project


def aliases(registry):
    """Who holds what."""
    return registry.client.get_registered_model("wine").aliases


def stages(registry):
    found = registry.client.search_model_versions("name='wine'")
    return [version.current_stage for version in sorted(found, key=lambda version: version.version)]


def told(project):
    ended = project.gate("history", "wine", "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def recorded_file(registry, version):
    """The recorded report of a version."""
    run, _, path = registry.client.get_model_version("wine", str(version)).tags["gate.report"][6:].partition("/")
    return Path(unquote(urlparse(registry.client.get_run(run).info.artifact_uri).path), path)


def files(registry, version):
    """The folder of a version's files."""
    return Path(unquote(urlparse(registry.client.get_model_version_download_uri("wine", str(version))).path))


def test_there_and_back(twice, registry):
    """One command gives production back; the history tells who held it when, on which evidence; twice finds nobody."""
    back = twice.gate("rollback", "wine")
    assert back.code == 0, back.err
    assert back.out == "wine v1 holds production again (alias 'production', before: v2)\n"
    assert aliases(registry) == {"production": 1, "previous_production": 2}
    assert stages(registry) == ["Production", "Archived", "None"]
    found = told(twice)
    assert [(entry["action"], entry["from"], entry["to"]) for entry in found["history"]] == [
        ("promote", None, 1),
        ("promote", 1, 2),
        ("rollback", 2, 1),
    ]
    first, second, third = found["tenures"]
    assert [tenure["version"] for tenure in found["tenures"]] == [1, 2, 1]
    assert (first["by"], first["until"], second["by"], second["until"]) == ("ada", second["from"], "bob", third["from"])
    assert (third["current"], third["until"], third["evidence"]) == (True, None, first["evidence"])
    assert second["grounds"]["baseline"] == 1
    assert second["evidence"] == "sha256:" + hashlib.sha256(recorded_file(registry, 2).read_bytes()).hexdigest()
    assert found["findings"] == []
    table = twice.gate("history", "wine").out
    assert "rollback" in table
    assert first["evidence"][:15] in table
    again = twice.gate("rollback", "wine")
    assert again.code == 1
    assert "nothing to go back to" in again.err
    forward = twice.gate("rollback", "wine", "--to", "2")
    assert forward.code == 0, forward.err
    assert aliases(registry)["production"] == 2


def test_refusals(twice, registry, judge):
    """Each is one sentence with the remedy and the right exit code, and moves nothing."""
    before = aliases(registry)
    judge(3, verdict=Verdict.FAIL, checks=(replace(worlds.CHECK, status=Status.FAILED),))
    for arguments, code, words in (
        (("rollback", "wine", "--stage", "prod"), 2, "'staging', 'production'"),
        (("rollback", "wine", "--stage", "staging"), 1, "Nobody holds staging"),
        (("rollback", "wine", "--to", "9"), 2, "no version 9"),
        (("rollback", "wine", "--to", "3"), 1, "Former holders: 1; name one with --to."),
        (("rollback", "wine", "--to", "three"), 2, "is no version"),
        (("rollback", "win"), 2, "Did you mean: wine?"),
        (("promote", "wine", "2", "--to", "prodution"), 2, "'staging', 'production'"),
        (("promote", "wine"), 2, "Missing argument 'VERSION'"),
        (("promote", "wine", "2", "--resume"), 2, "leave VERSION"),
        (("promote", "wine", "1", "--to", "production"), 1, "`gate release wine 1 --to production`"),
        (("promote", "wine", "3"), 1, "has the verdict fail"),
        (("promote", "wine", "2", "--report", "none.json"), 2, "cannot be read"),
    ):
        ended = twice.gate(*arguments)
        assert ended.code == code, (arguments, ended.err)
        assert words in ended.err, (arguments, ended.err)
    for arguments, words in (
        (("promote", "wine", "2", "--to", "production"), "already holds production"),
        (("rollback", "wine", "--to", "2"), "already holds production"),
        (("promote", "wine", "--resume"), "Nothing was left open of wine."),
    ):
        ended = twice.gate(*arguments)
        assert ended.code == 0, (arguments, ended.err)
        assert words in ended.out
    assert aliases(registry) == before
    assert len(told(twice)["history"]) == 2


def test_files_that_were_changed_do_not_come_back(twice, registry, judge):
    """The former holder must be what it was, and be there."""
    judge(3)
    (files(registry, 2) / "swapped").write_text("")
    stale = twice.gate("promote", "wine", "3", "--to", "production")
    assert stale.code == 1
    assert "judged against version 2, whose files are not what they were" in stale.err
    (files(registry, 1) / "swapped").write_text("")
    changed = twice.gate("rollback", "wine")
    assert changed.code == 1
    assert "are not those that held the stage" in changed.err
    shutil.rmtree(files(registry, 1))
    gone = twice.gate("rollback", "wine")
    assert gone.code == 1
    assert "its files are gone" in gone.err
    registry.client.delete_model_version("wine", "1")
    deleted = twice.gate("rollback", "wine")
    assert deleted.code == 1
    assert "somebody deleted it" in deleted.err
    assert aliases(registry)["production"] == 2


def test_moved_by_hand(twice, registry, judge):
    """Somebody's own promotion is told by `history`, and by who promotes next; a drifted stage is mended."""
    registry.client.set_registered_model_alias("wine", "production", "3")
    found = told(twice)
    assert f"{HOLDERS}: version 3 holds it" in found["findings"][0]
    assert "legacy stage" in found["findings"][1]
    assert [(tenure["version"], tenure["action"]) for tenure in found["tenures"]][-1] == (3, "by hand")
    assert HOLDERS in twice.gate("history", "wine").out
    judge(1)
    ended = twice.gate("promote", "wine", "1", "--to", "production")
    assert ended.code == 0, ended.err
    assert HOLDERS in ended.out
    assert stages(registry) == ["Production", "Archived", "Archived"]
    found = told(twice)
    assert found["findings"] == []
    assert [(tenure["version"], tenure["action"]) for tenure in found["tenures"]] == [
        (1, "promote"),
        (2, "promote"),
        (3, "by hand"),
        (1, "promote"),
    ]
    back = twice.gate("rollback", "wine")
    assert back.code == 0, back.err
    assert "wine v3 holds production again" in back.out
    assert "before the gate kept digests" not in back.out, "version 1 was judged against it: its digest is known"


def test_a_former_holder_that_does_not_load(project, registry, judge):
    """It is loaded in a worker first; of a holder from before the gate nobody knows whether its files changed."""
    (files(registry, 2) / "code" / "wine_loader.py").write_text("raise RuntimeError('no weights here')\n")
    registry.client.set_registered_model_alias("wine", "production", "2")
    judge(1, baseline=None)
    moved = project.gate("promote", "wine", "1", "--to", "production")
    assert moved.code == 0, moved.err
    ended = project.gate("rollback", "wine")
    assert ended.code == 1
    assert "does not load: RuntimeError: no weights here" in ended.err
    (files(registry, 2) / "code" / "wine_loader.py").write_text(
        files(registry, 1).joinpath("code/wine_loader.py").read_text()
    )
    mended = project.gate("rollback", "wine")
    assert mended.code == 0, mended.err
    assert "before the gate kept digests" in mended.out


def test_production_only_after_staging(project, judge, registry):
    """Where the policy asks for it, with the command that helps; asked at the promotion, not of the verdict."""
    judge(2)
    project.configure("defaults: {promotion: {order: staging_first, approvals: {production: 2}}}\n")
    alone = project.gate("promote", "wine", "2", "--to", "production", "--approved-by", "Ada", "--approved-by", " ada ")
    assert alone.code == 1
    assert "2 approvals, 1 given" in alone.err
    both = ("--approved-by", "Ada", "--approved-by", "bob")
    early = project.gate("promote", "wine", "2", "--to", "production", *both)
    assert early.code == 1
    assert "`gate promote wine 2 --to staging`" in early.err
    assert project.gate("promote", "wine", "2", "--to", "staging").code == 0
    assert project.gate("promote", "wine", "2", "--to", "production", *both).code == 0
    assert told(project)["tenures"][-1]["by"] == "Ada, bob"
    assert {tenure["stage"] for tenure in told(project)["tenures"]} == set(Stage)


def test_an_older_report_than_the_recorded_verdict(project, judge, registry):
    """What was judged since counts."""
    old = judge(2, recorded=False)
    judge(2, finished_at="2026-02-01T00:00:00Z")
    path = project.folder / "old.json"
    path.write_text(dumps(old))
    ended = project.gate("promote", "wine", "2", "--report", "old.json")
    assert ended.code == 1
    assert "was judged since: pass at 2026-02-01T00:00:00Z" in ended.err
    assert aliases(registry) == {}
    path.write_text(dumps(replace(old, finished_at="2026-03-01T00:00:00Z")))
    assert project.gate("promote", "wine", "2", "--report", "old.json").code == 0
    assert json.loads(recorded_file(registry, 2).read_text())["finished_at"] == "2026-03-01T00:00:00Z"


def test_waivers_are_shown(project, judge):
    """In promote and in history, with owner, reason and the last day; one that expired since is none."""
    waived = replace(
        worlds.CHECK,
        id="contract.types",
        status=Status.FAILED,
        waiver=Waiver(check="contract.types", owner="ml", reason="kept elsewhere", expires="2999-01-01"),
    )
    judge(2, checks=(worlds.CHECK, waived), verdict=Verdict.PASS_WITH_WARNINGS)
    ended = project.gate("promote", "wine", "2")
    assert ended.code == 0, ended.err
    assert "Waived until 2999-01-01: contract.types, by ml: kept elsewhere" in ended.out
    assert told(project)["tenures"][0]["waivers"] == [
        {"check": "contract.types", "owner": "ml", "reason": "kept elsewhere", "expires": "2999-01-01"}
    ]
    assert "waived by ml until 2999-01-01: kept elsewhere" in project.gate("history", "wine").out
    late = replace(waived, waiver=replace(waived.waiver, expires="2026-01-02"))
    judge(3, checks=(worlds.CHECK, late), verdict=Verdict.PASS_WITH_WARNINGS)
    ended = project.gate("promote", "wine", "3", "--to", "production")
    assert ended.code == 1
    assert "waiver of contract.types by ml that expired on 2026-01-02" in ended.err


def test_evaluation_data_that_changed(project, judge):
    """A verdict is bound to the data that it was made on, where they lie on this machine."""
    path = project.folder / "eval.csv"
    path.write_text("x\n1\n")
    digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    judge(2, data=DataInfo(source=str(path), digest=digest))
    path.write_text("x\n2\n")
    ended = project.gate("promote", "wine", "2")
    assert ended.code == 1
    assert "judged on evaluation data that have changed since" in ended.err
    path.write_text("x\n1\n")
    assert project.gate("promote", "wine", "2").code == 0
