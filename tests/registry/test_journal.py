"""A plan is on the disk and in the registry before anything moves, whole or not at all."""

from __future__ import annotations

import errno
import json
import os

import pytest

from gate.domain import HistoryEntry, Stage
from gate.errors import GateError
from gate.registry import history, promote, read_history, resume
from gate.registry.journal import BEFORE_TAG, PLAN_TAG, Before, Ledger, Plan, close, open_plan, publish
from tests.registry.conftest import ann, chosen


def plan_of(**facts):
    entry = HistoryEntry(
        at="2026-11-28T00:00:00Z",
        action="promote",
        stage="production",
        from_version=1,
        to_version=2,
        verdict="pass_with_warnings",
        digest=f"sha256:{'d' * 64}",
        by=facts.pop("by", "ann"),
    )
    before = Before(alias=1, previous=None, stages=facts.pop("stages", {1: "Production", 2: "None"}))
    return Plan(id="0a1b2c3d", number=7, alias="production", entry=entry, evidence=f"sha256:{'e' * 64}", before=before)


def tags(registry):
    return registry.client.get_registered_model("wine").tags


def test_there_and_back(registry, teacher):
    """Another machine reads the very plan; closing takes it away."""
    teacher.register()
    publish(registry, "wine", plan_of())
    assert open_plan(tags(registry)) == plan_of()
    close(registry, "wine")
    assert open_plan(tags(registry)) is None
    assert tags(registry) == {}


@pytest.mark.parametrize("by", ["ann" * 100, '"' * 300, "\\" * 300, "é" * 300])
def test_short_enough_for_every_store(registry, teacher, by):
    """No value is longer than 499 characters, whoever moves whatever; strays beyond the room are left out."""
    teacher.register()
    publish(registry, "wine", plan_of(by=by, stages=dict.fromkeys(range(1, 400), "Staging")))
    assert all(len(value) < 500 for value in tags(registry).values())
    found = open_plan(tags(registry))
    assert 20 < len(found.before.stages) < 400
    assert set(found.before.stages.values()) == {"Staging"}


@pytest.mark.parametrize("value", ["", "{", "[]", '{"id": 1}', '{"id": "x", "stage": "production"}', "[" * 4000])
def test_what_is_no_plan(value):
    """A tag that somebody wrote is no plan."""
    assert open_plan({PLAN_TAG: value, BEFORE_TAG: '{"id": "x", "name": "production"}'}) is None
    assert open_plan({PLAN_TAG: value}) is None


def test_halves_of_two_plans(registry, teacher):
    """Two halves with different names make no plan."""
    teacher.register()
    publish(registry, "wine", plan_of())
    other = json.loads(tags(registry)[BEFORE_TAG]) | {"id": "other"}
    assert open_plan({**tags(registry), BEFORE_TAG: json.dumps(other)}) is None


def test_the_local_journal_knows_all(tmp_path):
    """A torn line spoils no other, and the machine that began knows every stage."""
    ledger, plan = Ledger(tmp_path / "a" / "journal.jsonl"), plan_of(stages={1: "Production"})
    ledger.write(plan, "begin", before={"alias": 1, "stages": "1P 2N 3S"})
    with (tmp_path / "a" / "journal.jsonl").open("a") as file:
        file.write('{"id": "0a1b\n')
    ledger.write(plan, "move the alias")
    assert ledger.before(plan).stages == {1: "Production", 2: "None", 3: "Staging"}
    assert Ledger(tmp_path / "none").before(plan) is None


def test_no_space_moves_nothing(registry, teacher, report_on, tmp_path, monkeypatch):
    """Where the journal cannot be written at any of its lines, exit 3, and all is as it was."""
    teacher.register()
    report, real = report_on(1), os.fsync
    for fails_at in range(1, 6):
        left = [fails_at]

        def full(descriptor, left=left):
            left[0] -= 1
            if left[0] <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(GateError, match=r"journal .* cannot be written: No space left.*Free some space") as caught:
            promote(registry, report, to=Stage.STAGING, settings=chosen(tmp_path), mover=ann(tmp_path))
        assert caught.value.exit_code == 3
        assert (tags(registry), registry.client.get_registered_model("wine").aliases) == ({}, {})
        assert registry.client.get_model_version("wine", "1").current_stage == "None"
        assert [model.name for model in registry.client.search_registered_models()] == ["wine"]
    monkeypatch.setattr(os, "fsync", real)
    assert promote(registry, report, to=Stage.STAGING, settings=chosen(tmp_path), mover=ann(tmp_path)).version == 1


def test_a_folder_that_cannot_be_written(registry, teacher, report_on, tmp_path):
    """A file where the folder should be stands for any folder that cannot be written, also by root."""
    teacher.register()
    (tmp_path / "file").write_text("")
    settings = chosen(tmp_path / "file")
    with pytest.raises(GateError, match="no stage is moved without it"):
        promote(registry, report_on(1), to=Stage.STAGING, settings=settings, mover=ann(tmp_path))
    assert history(registry, "wine") == []


def test_a_plan_that_somebody_forged(registry, teacher, report_on, tmp_path):
    """A tag is no proof: a plan without a recorded verdict behind it is dropped, whoever resumes it."""
    for _ in range(2):
        teacher.register()
    promote(registry, report_on(1), to=Stage.PRODUCTION, settings=chosen(tmp_path), mover=ann(tmp_path))
    publish(registry, "wine", plan_of())
    assert "`gate promote --resume wine`" in read_history(registry, "wine", {}, legacy_stages=True).findings[0]
    settled = resume(registry, "wine", settings=chosen(tmp_path), mover=ann(tmp_path))
    assert not settled.done
    assert "is not recorded now" in settled.why
    assert registry.client.get_registered_model("wine").aliases == {"production": 1}
    assert len(history(registry, "wine")) == 1
    assert resume(registry, "wine", settings=chosen(tmp_path), mover=ann(tmp_path)) is None


def test_a_forged_plan_that_was_carried_out(registry, teacher, report_on, tmp_path):
    """Where the alias was moved along, the stage is given back, and the history tells both."""
    for _ in range(2):
        teacher.register()
    promote(registry, report_on(1), to=Stage.PRODUCTION, settings=chosen(tmp_path), mover=ann(tmp_path))
    publish(registry, "wine", plan_of())
    registry.client.set_registered_model_alias("wine", "production", "2")
    settled = resume(registry, "wine", settings=chosen(tmp_path), mover=ann(tmp_path))
    assert not settled.done
    assert registry.client.get_registered_model("wine").aliases["production"] == 1
    assert [entry.action for entry in history(registry, "wine")] == ["promote", "promote", "undo"]
    assert registry.client.get_model_version("wine", "1").current_stage == "Production"
