"""A verdict in the registry: tags, artifacts, one block in the description; and its way back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import UsageError
from gate.registry import record, recorded_files, recorded_report, snapshot
from gate.registry.description import BEGIN, END, people_text, with_block
from gate.report import dumps
from tests.conftest import quiet
from tests.registry.conftest import POLICY, make_report


@pytest.fixture(params=["sqlite", "server"])
def place(request, tmp_path):
    """A registry in a database and one behind a server, each with one version of a model of the test's own."""
    registry = request.getfixturevalue("registry" if request.param == "sqlite" else "server")
    teach = request.getfixturevalue("make_teacher")(registry.tracking_uri)
    model = f"recorded {request.node.name.translate(str.maketrans('[]', '--'))}"
    teach.register(model)
    return registry, model, make_report(snapshot(registry, model, 1, tmp_path / "work"))


def version_of(registry, model, number=1):
    return registry.client.get_model_version(model, str(number))


def artifacts(registry, run_id, folder):
    return sorted(item.path for item in registry.client.list_artifacts(run_id, folder))


def test_there_and_back(place, tmp_path):
    """The report that was recorded is the report that is read."""
    registry, model, report = place
    (tmp_path / "note.md").write_text("# A note")
    where = record(registry, report, {"note.md": tmp_path / "note.md", "v1/figure.svg": tmp_path / "note.md"})
    version = version_of(registry, model)
    assert where == f"runs:/{version.run_id}/gate/v1/report.json"
    assert recorded_report(registry, model, 1) == report
    assert version.tags == {
        "gate.verdict": "pass",
        "gate.digest": report.candidate.digest,
        "gate.policy": POLICY,
        "gate.report": where,
        "gate.checked_at": "2026-11-22T22:01:00Z",
    }
    assert artifacts(registry, version.run_id, "gate/v1") == ["gate/v1/note.md", "gate/v1/report.json", "gate/v1/v1"]
    assert artifacts(registry, version.run_id, "gate/v1/v1") == ["gate/v1/v1/figure.svg"]
    assert "gate: pass" in version.description


def test_evidence_there_and_back(place, tmp_path):
    """The report's own bytes and the statements are kept as they are; a key's mark goes with the signature."""
    registry, model, report = place
    signed = replace(report, gate=replace(report.gate, signed_by="sha256:key"))
    texts = {"report.json": f" {dumps(signed)}", "statement.json": "{}", "statement.dsse.json": "[]"}
    files = {name: tmp_path / name for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    record(registry, signed, files)
    assert recorded_files(registry, model, 1) == {name: text.encode() for name, text in texts.items()}
    assert version_of(registry, model).tags["gate.signed_by"] == "sha256:key"
    record(registry, report, {})
    assert version_of(registry, model).tags["gate.signed_by"] == ""
    assert recorded_files(registry, model, 1)["report.json"] == dumps(report).encode()


def test_again(place):
    """Recording again changes nothing but what is new."""
    registry, model, report = place
    record(registry, report, {}, summary="one")
    first = version_of(registry, model)
    record(registry, report, {}, summary="one")
    again = version_of(registry, model)
    assert (again.description, again.tags) == (first.description, first.tags)


def test_deleted_run(place):
    """Where the run was deleted, a run of the gate's own keeps the report; the next time the same one."""
    registry, model, report = place
    registry.client.delete_run(version_of(registry, model).run_id)
    where = record(registry, report, {})
    own = registry.client.get_run(where.split("/")[1])
    assert own.info.run_id != version_of(registry, model).run_id
    assert registry.client.get_experiment(own.info.experiment_id).name == "gate"
    assert own.info.status == "FINISHED"
    assert record(registry, report, {}) == where
    assert recorded_report(registry, model, 1) == report


def test_no_run(registry, teacher, tmp_path):
    """A version without a run is recorded in the gate's experiment, a deleted one of that name restored."""
    teacher.register()
    source = version_of(registry, "wine").source
    registry.client.create_model_version("wine", source=source, run_id="0" * 32)
    registry.client.delete_experiment(registry.client.create_experiment("gate"))
    report = make_report(snapshot(registry, "wine", 2, tmp_path / "work"))
    record(registry, report, {})
    assert recorded_report(registry, "wine", 2) == report


def test_peoples_words_stay(place):
    """What people wrote before and after stays; the block is one, and the new one."""
    registry, model, report = place
    registry.client.update_model_version(model, "1", "Trained by Ann.")
    record(registry, report, {}, summary="first")
    before = version_of(registry, model).description
    registry.client.update_model_version(model, "1", before + "\n\nReviewed by Bo.")
    record(registry, report, {}, summary="second")
    text = version_of(registry, model).description
    assert text == f"Trained by Ann.\n\nReviewed by Bo.\n\n{BEGIN}\nsecond\n{END}"


def test_nothing_recorded(place):
    """Without a mark there is no report."""
    registry, model, _ = place
    assert recorded_report(registry, model, 1) is None
    assert recorded_files(registry, model, 1) == {}
    with pytest.raises(UsageError):
        recorded_report(registry, model, 7)


def test_copied_marks_prove_nothing(registry, teacher, report_on):
    """A copy carries the tags of its original: they are about another model."""
    teacher.register()
    record(registry, report_on(1), {})
    with quiet():
        registry.client.copy_model_version("models:/wine/1", "stolen")
    assert version_of(registry, "stolen").tags["gate.verdict"] == "pass"
    assert recorded_report(registry, "stolen", 1) is None


@pytest.mark.parametrize(
    "where", ["runs:/x/../../gate/v1/report.json", "file:///etc/passwd", "runs:/0123/gate/v1/report.json", "", "runs:/"]
)
def test_forged_marks_prove_nothing(registry, teacher, report_on, where):
    """A tag that leads elsewhere, or nowhere, is no report."""
    teacher.register()
    record(registry, report_on(1), {})
    registry.client.set_model_version_tag("wine", "1", "gate.report", where)
    assert recorded_report(registry, "wine", 1) is None


def test_forged_digest(registry, teacher, report_on):
    """A digest in the tag that is not the report's is no proof."""
    teacher.register()
    record(registry, report_on(1), {})
    registry.client.set_model_version_tag("wine", "1", "gate.digest", "sha256:other")
    assert recorded_report(registry, "wine", 1) is None


def test_broken_report(registry, teacher, report_on, tmp_path):
    """A report that was spoilt or removed is none."""
    teacher.register()
    where = record(registry, report_on(1), {})
    (tmp_path / "report.json").write_text("{}")
    registry.client.log_artifact(where.split("/")[1], str(tmp_path / "report.json"), "gate/v1")
    assert recorded_report(registry, "wine", 1) is None


_people = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200).filter(
    lambda text: "<!--" not in text
)


@given(_people, st.text(max_size=3000), st.text(max_size=3000))
def test_block_of_any_text(people, first, second):
    """Whatever the words: people's stay, the block is one and short, writing it again changes nothing."""
    once = with_block(people, first)
    twice = with_block(with_block(once, second), first)
    assert once == twice
    assert people_text(once).strip("\n") == people.strip("\n")
    assert once.count(BEGIN) == once.count(END) == 1
    assert len(once) - len(people) <= 1_502


@pytest.mark.parametrize("length", [0, 3_400, 4_000, 4_900, 4_950, 5_000, 9_000])
def test_room_of_the_column(length):
    """The whole stays below 5,000 characters; the block shrinks, people's text is never cut."""
    text = with_block("p" * length, "g" * 3_000)
    assert text.startswith("p" * length)
    assert len(text) < max(5_000, length + 1)


def test_half_a_block():
    """A block that somebody cut in two is people's text from then on."""
    broken = f"{BEGIN}\nold words that lost their end\n\nand Ann's"
    text = with_block(with_block(broken, "one"), "two")
    assert text == f"{broken}\n\n{BEGIN}\ntwo\n{END}"
