"""A stage moves only to what was judged; aliases are the truth, stages their mirror, history is appended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate.domain import Category, HistoryEntry, Stage, Verdict
from gate.errors import RefusedError, UsageError
from gate.registry import history, holder, lineage, promote, record, snapshot
from gate.registry.history import append
from tests.conftest import quiet
from tests.registry.conftest import ann, chosen, make_report


@pytest.fixture
def move(registry, report_on, tmp_path):
    """Promote a version of `wine` by a report about it."""

    def run(version, to=Stage.STAGING, settings=None, **facts):
        report = facts.pop("report", None) or report_on(version, **facts)
        return promote(registry, report, to=to, settings=chosen(tmp_path, **(settings or {})), mover=ann(tmp_path))

    return run


@pytest.fixture
def three(teacher):
    """Three versions of `wine`."""
    for _ in range(3):
        teacher.register()


def aliases(registry, model="wine"):
    return registry.client.get_registered_model(model).aliases


def stages(registry, model="wine"):
    found = registry.client.search_model_versions(f"name='{model}'")
    return {int(version.version): version.current_stage for version in found}


def set_stage(registry, number, name):
    with quiet():
        registry.client.transition_model_version_stage("wine", str(number), name)


def test_first(registry, three, move, tmp_path):
    """The first promotion sets alias and stage, and writes the first entry."""
    done = move(1)
    assert (done.stage, done.alias, done.version, done.former, done.notes) == (Stage.STAGING, "staging", 1, None, ())
    assert aliases(registry) == {"staging": 1}
    assert stages(registry) == {1: "Staging", 2: "None", 3: "None"}
    tags = registry.client.get_registered_model("wine").tags
    assert sorted(tags) == ["gate.evidence.0001", "gate.history.0001"]
    entry = json.loads(tags["gate.history.0001"])
    assert list(entry) == ["at", "action", "stage", "from", "to", "verdict", "digest", "by"]
    digest = snapshot(registry, "wine", 1, tmp_path / "work").digest
    assert {**entry, "at": ""} == {
        "at": "",
        "action": "promote",
        "stage": "staging",
        "from": None,
        "to": 1,
        "verdict": "pass",
        "digest": digest,
        "by": "ann",
    }
    assert list((tmp_path / "fresh").iterdir()) == []


def test_second(registry, three, move):
    """The former holder is remembered by an alias and archived."""
    move(1)
    done = move(2, baseline=(1, "holder of staging"))
    assert done.former == 1
    assert aliases(registry) == {"staging": 2, "previous_staging": 1}
    assert stages(registry) == {1: "Archived", 2: "Staging", 3: "None"}
    assert [(entry.from_version, entry.to_version) for entry in history(registry, "wine")] == [(None, 1), (1, 2)]


def test_again(registry, three, move):
    """Promoting the holder again adds no entry, says so, and mends the mirror."""
    move(1)
    set_stage(registry, 1, "Archived")
    set_stage(registry, 3, "Staging")
    done = move(1)
    assert done.former is None
    assert "already holds staging" in done.notes[0]
    assert len(history(registry, "wine")) == 1
    assert aliases(registry) == {"staging": 1}
    assert stages(registry) == {1: "Staging", 2: "None", 3: "Archived"}


def test_alias_set_by_hand(registry, three, move):
    """A holder that somebody made by hand gets its first entry."""
    registry.client.set_registered_model_alias("wine", "staging", "1")
    move(1)
    assert [(entry.from_version, entry.to_version) for entry in history(registry, "wine")] == [(None, 1)]


def test_production_wins_the_mirror(registry, three, move):
    """A version with both aliases has one legacy stage, the higher one."""
    move(1)
    move(1, Stage.PRODUCTION)
    assert aliases(registry) == {"staging": 1, "production": 1}
    assert stages(registry)[1] == "Production"
    move(2, baseline=(1, "holder of staging"))
    assert stages(registry) == {1: "Production", 2: "Staging", 3: "None"}
    move(2, Stage.PRODUCTION, baseline=(1, "holder of production"))
    assert stages(registry) == {1: "Archived", 2: "Production", 3: "None"}
    assert aliases(registry) == {"staging": 2, "production": 2, "previous_staging": 1, "previous_production": 1}


def test_names_of_a_team(registry, three, move):
    """A team's alias names are moved; the former holder's is named after the stage."""
    names = {"aliases": {"production": "champion"}}
    move(1, Stage.PRODUCTION, names)
    done = move(2, Stage.PRODUCTION, names, baseline=(1, "holder of production"))
    assert done.alias == "champion"
    assert aliases(registry) == {"champion": 2, "previous_production": 1}
    assert holder(registry, "wine", Stage.PRODUCTION, names["aliases"]) == 2


def test_team_that_used_stages(registry, three, move):
    """Where only stages were used, the version in the stage is the former holder; strays are archived."""
    set_stage(registry, 1, "Production")
    set_stage(registry, 2, "Production")
    done = move(3, Stage.PRODUCTION, baseline=(2, "holder of production"))
    assert done.former == 2
    assert aliases(registry) == {"production": 3, "previous_production": 2}
    assert stages(registry) == {1: "Archived", 2: "Archived", 3: "Production"}


def test_mirror_off(registry, three, move):
    """Without the mirror no stage is touched."""
    move(1, settings={"legacy_stages": False})
    assert stages(registry)[1] == "None"


def test_three_part_names(registry, teacher, tmp_path):
    """A name of three parts belongs to a catalogue without stages: the mirror is off, and said to be."""
    teacher.register("main.ml.wine")
    report = make_report(snapshot(registry, "main.ml.wine", 1, tmp_path / "work"))
    done = promote(registry, report, to=Stage.STAGING, settings=chosen(tmp_path), mover=ann(tmp_path))
    assert "stage mirror is off" in done.notes[0]
    assert aliases(registry, "main.ml.wine") == {"staging": 1}


def test_registry_without_stages(registry, three, move, monkeypatch):
    """A registry that says that it has no stages is promoted in all the same."""
    from mlflow.exceptions import MlflowException

    def unsupported(*_, **__):
        raise MlflowException("Method 'transition_model_version_stage' is unsupported for models in the Unity Catalog.")

    monkeypatch.setattr(registry.client, "transition_model_version_stage", unsupported)
    done = move(1)
    assert "The stage mirror is off" in done.notes[0]
    assert aliases(registry) == {"staging": 1}
    assert len(history(registry, "wine")) == 1


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_refuses_a_bad_verdict(registry, three, move, verdict):
    """Only pass and pass_with_warnings are promoted."""
    with pytest.raises(RefusedError, match=f"verdict {verdict.value}"):
        move(1, verdict=verdict)
    assert aliases(registry) == {}


def test_warnings_are_promoted(registry, three, move):
    """A pass with warnings is a pass."""
    assert move(1, verdict=Verdict.PASS_WITH_WARNINGS).version == 1


def test_refuses_a_partial_verdict(registry, three, move):
    """A verdict of some categories alone is none."""
    with pytest.raises(RefusedError, match="judged by contract alone"):
        move(1, only=(Category.CONTRACT,))


def test_refuses_another_policy(registry, three, move):
    """A verdict by another policy is none."""
    with pytest.raises(RefusedError, match="another policy"):
        move(1, policy="sha256:old")


def test_refuses_another_digest(registry, three, move):
    """A verdict about other files is none."""
    with pytest.raises(RefusedError, match="not those that were judged"):
        move(1, digest="sha256:other")


def test_refuses_swapped_files(registry, three, move, report_on):
    """Files that were changed after the verdict are not promoted."""
    report = report_on(1)
    address = registry.client.get_model_version_download_uri("wine", "1")
    (Path(address.removeprefix("file://")) / "extra.py").write_text("print('hello')")
    with pytest.raises(RefusedError, match="not those that were judged"):
        move(1, report=report)
    assert aliases(registry) == {}


def test_refuses_gone_files(registry, three, move, report_on):
    """Files that are gone are not promoted."""
    import shutil

    report = report_on(1)
    shutil.rmtree(registry.client.get_model_version_download_uri("wine", "1").removeprefix("file://"))
    with pytest.raises(RefusedError, match="gone"):
        move(1, report=report)


def test_deleted_version(registry, three, move, report_on):
    """A version that was deleted meanwhile is a usage error."""
    report = report_on(3)
    registry.client.delete_model_version("wine", "3")
    with pytest.raises(UsageError, match="no version 3"):
        move(3, report=report)


def test_refuses_a_stale_verdict(registry, three, move):
    """Where another version took the stage since, the comparison says nothing any more."""
    move(1)
    move(2, baseline=(1, "holder of staging"))
    with pytest.raises(RefusedError, match=r"against version 1, and now version 2 holds staging.*Judge it again"):
        move(3, baseline=(1, "holder of staging"))
    with pytest.raises(RefusedError, match="judged against nothing, and now version 2 holds staging"):
        move(3)
    assert aliases(registry)["staging"] == 2


def test_refuses_where_the_holder_left(registry, three, move):
    """Where nobody holds the stage any more, the comparison with its holder is stale too."""
    with pytest.raises(RefusedError, match="nobody holds staging any more"):
        move(3, baseline=(1, "holder of staging"))


def test_baseline_chosen_by_hand(registry, three, move):
    """A baseline that somebody chose stands as long as nobody took the stage since."""
    move(1)
    assert move(3, holders={"staging": 1}).version == 3
    with pytest.raises(RefusedError):
        move(2, baseline=(1, "--baseline 1"), holders={"staging": 1})
    assert move(2, baseline=(1, "--baseline 1"), holders={"staging": 3}).version == 2


def test_two_promoters(registry, three, move, monkeypatch):
    """Who loses the race for the alias is told."""
    real = registry.client.set_registered_model_alias

    def outrun(model, alias, number):
        real(model, alias, number)
        real(model, alias, "2")

    monkeypatch.setattr(registry.client, "set_registered_model_alias", outrun)
    with pytest.raises(RefusedError, match="points to version 2"):
        move(1)
    assert history(registry, "wine") == []


def test_first_writes_that_meet(registry, three, move, monkeypatch):
    """The first insert of an alias can fail where two writers meet: it is tried again."""
    from mlflow.exceptions import MlflowException

    real, calls = registry.client.set_registered_model_alias, []

    def collide(*given):
        calls.append(given)
        if len(calls) == 1:
            raise MlflowException("BAD_REQUEST: (sqlite3.IntegrityError) UNIQUE constraint failed: x", error_code=3001)
        return real(*given)

    monkeypatch.setattr(registry.client, "set_registered_model_alias", collide)
    assert move(1).version == 1
    assert len(calls) == 2


def test_history_numbers(registry, three):
    """Numbers go on after the highest, an entry is written once; what is no entry is passed over."""
    entry = HistoryEntry(
        at="t", action="promote", stage="staging", from_version=None, to_version=1, verdict="pass", digest="d", by="ann"
    )
    registry.client.set_registered_model_tag("wine", "gate.history.0007", "not json")
    registry.client.set_registered_model_tag("wine", "gate.history.x", "{}")
    append(registry, "wine", entry, 8)
    append(registry, "wine", entry, 8)
    append(registry, "wine", entry, 9)
    tags = registry.client.get_registered_model("wine").tags
    assert sorted(tags) == ["gate.history.0007", "gate.history.0008", "gate.history.0009", "gate.history.x"]
    assert history(registry, "wine") == [entry, entry]


def test_lineage(registry, three, move, report_on):
    """The lineage shows the newest version first, with verdict, aliases, stage and a few metrics."""
    record(registry, report_on(1), {})
    move(1)
    rows = lineage(registry, "wine", limit=10)
    assert [row.version for row in rows] == [3, 2, 1]
    assert (rows[2].verdict, rows[2].aliases, rows[2].legacy_stage) == ("pass", ("staging",), "Staging")
    assert rows[2].metrics == {"rmse": 1.5}
    assert (rows[0].verdict, rows[0].aliases, rows[0].legacy_stage) == (None, (), None)
    assert [row.version for row in lineage(registry, "wine", limit=1)] == [3]


def test_behind_a_server(server, server_uri, make_teacher, tmp_path):
    """Over HTTP the same: alias, stage, history, and no second entry."""
    teach = make_teacher(server_uri)
    for number in (1, 2):
        teach.register("promoted")
        baseline = (1, "holder of production") if number == 2 else None
        report = make_report(snapshot(server, "promoted", number, tmp_path / "work"), baseline=baseline)
        promote(server, report, to=Stage.PRODUCTION, settings=chosen(tmp_path), mover=ann(tmp_path))
    again = promote(server, report, to=Stage.PRODUCTION, settings=chosen(tmp_path), mover=ann(tmp_path))
    assert "already holds" in again.notes[0]
    assert {name: int(number) for name, number in aliases(server, "promoted").items()} == {
        "production": 2,
        "previous_production": 1,
    }
    assert stages(server, "promoted") == {1: "Archived", 2: "Production"}
    assert len(history(server, "promoted")) == 2
