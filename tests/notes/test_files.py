"""Where notes lie, and how they get there."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.domain import Benchmark, Severity, Status
from gate.errors import GateError
from gate.notes import figures, junit, render, slug, write_notes
from tests.notes.pieces import scarce_benchmark


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("diabetes", "diabetes"),
        ("fraud-scorer_v1.2", "fraud-scorer_v1.2"),
        ("Diabetes", "diabetes-c3311c4c"),
        ("my model", "my-model-76eeb051"),
        ("모델", "---f9f4d411"),
    ],
)
def test_slug(name, folder):
    """The folder is the name in lower case with anything unusual as `-`, and 8 digits where that changes the name."""
    assert slug(name) == folder


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_names_have_different_folders(left, right):
    """Two names share no folder."""
    assert left == right or slug(left) != slug(right)


def test_notes_are_written(reports, tmp_path):
    """Every format is written to its place, byte for byte what is rendered."""
    paths = write_notes(reports["first"], tmp_path, ("md", "html"), "ko")
    assert paths == [tmp_path / "diabetes" / "v1.md", tmp_path / "diabetes" / "v1.html"]
    assert paths[0].read_text(encoding="utf-8") == render(reports["first"], lang="ko")
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["v1.html", "v1.md"]


def test_figure_is_written_beside_the_note(reports, tmp_path):
    """The figure lies where the Markdown refers to it, whole; the notes alone are named."""
    paths = write_notes(reports["warnings"], tmp_path, ("md", "html"), "ko")
    assert [path.name for path in paths] == ["v3.md", "v3.html"]
    (address,) = re.findall(r"!\[[^\]]*\]\((.*)\)", paths[0].read_text(encoding="utf-8"))
    figure = paths[0].parent / address
    assert figure.read_text(encoding="utf-8") == figures(reports["warnings"], "ko")["latency.svg"]
    assert {path.name for path in paths[0].parent.rglob("*")} == {"v3.md", "v3.html", "v3", "latency.svg"}


def test_page_alone_needs_no_figure_file(reports, tmp_path):
    """An HTML page holds its figure: no file is written beside it."""
    (path,) = write_notes(reports["warnings"], tmp_path, ("html",))
    assert [each.name for each in path.parent.iterdir()] == ["v3.html"]


def test_figure_of_an_earlier_judgement_goes(reports, tmp_path):
    """Where the new note has no figure the old one does not stay behind; what others put there does."""
    untimed = replace(reports["warnings"], benchmark=Benchmark())
    (path,) = write_notes(reports["warnings"], tmp_path)
    write_notes(untimed, tmp_path)
    assert [each.name for each in path.parent.iterdir()] == ["v3.md"]
    write_notes(reports["warnings"], tmp_path)
    (path.parent / "v3" / "mine.svg").write_text("<svg/>")
    write_notes(untimed, tmp_path)
    assert [each.name for each in (path.parent / "v3").iterdir()] == ["mine.svg"]


@pytest.mark.parametrize("which", [1, 2, 3])
def test_full_disk_keeps_note_and_figure(which, reports, tmp_path, monkeypatch):
    """Whichever file does not fit, note, page and figure stay those of the judgement before, and nothing is left."""
    (path, _) = write_notes(reports["warnings"], tmp_path, ("md", "html"))
    before = {each: each.read_bytes() for each in path.parent.rglob("*.*")}
    written = []

    def no_space(descriptor):
        written.append(descriptor)
        if len(written) == which:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(GateError, match="No space left on device"):
        write_notes(
            replace(reports["warnings"], model="diabetes", benchmark=scarce_benchmark()), tmp_path, ("md", "html")
        )
    assert {each: each.read_bytes() for each in path.parent.rglob("*.*")} == before


def test_place_of_the_figure_is_taken(reports, tmp_path):
    """A file where the folder of figures is to be: nothing is written, and the error says which place."""
    (tmp_path / "diabetes").mkdir()
    (tmp_path / "diabetes" / "v3").write_text("mine")
    with pytest.raises(GateError, match=r"latency\.svg cannot be written"):
        write_notes(reports["warnings"], tmp_path)
    assert [each.name for each in (tmp_path / "diabetes").iterdir()] == ["v3"]


def test_what_people_wrote_comes_under_why(reports, tmp_path):
    """The fragment next.md of a model is printed under "why"."""
    (tmp_path / "diabetes").mkdir()
    (tmp_path / "diabetes" / "next.md").write_text("We **retrained** after the sensor change.\n")
    paths = write_notes(reports["first"], tmp_path, ("md", "html"))
    assert "## Why\n\nWe **retrained** after the sensor change.\n" in paths[0].read_text(encoding="utf-8")
    assert ">We **retrained** after the sensor change.</p>" in paths[1].read_text(encoding="utf-8")


def test_unwritable_folder(reports, tmp_path):
    """A folder that cannot be made is a gate error that says which, and what to do."""
    (tmp_path / "notes").write_text("a file, not a folder")
    with pytest.raises(GateError, match=r"v1\.md cannot be written") as caught:
        write_notes(reports["first"], tmp_path / "notes")
    assert caught.value.exit_code == 3


def test_full_disk_keeps_the_old_note(reports, tmp_path, monkeypatch):
    """Where writing fails half-way the note that was there stays, and nothing else is left behind."""
    (path,) = write_notes(reports["first"], tmp_path)
    before = path.read_bytes()

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(GateError, match="No space left on device"):
        write_notes(replace(reports["first"], isolation="other"), tmp_path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["v1.md"]


def suites(report):
    return {suite.get("name"): suite for suite in ET.fromstring(junit(report))}


def test_junit_has_a_suite_a_category(reports):
    """One suite a category, one case a check, counts that agree."""
    found = suites(reports["rejected"])
    assert list(found) == ["contract", "outliers", "quality", "performance"]
    assert found["quality"].get("tests") == "2"
    assert found["quality"].get("failures") == "2"
    assert found["performance"].get("skipped") == "1"


def test_junit_totals(reports):
    """Failed checks are failures, undecided warnings are skipped."""
    root = ET.fromstring(junit(reports["rejected"]))
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "3",
        "errors": "0",
        "skipped": "1",
    }


def test_junit_critical_without_a_decision_is_an_error(reports):
    """A critical check without a decision does not look green."""
    checks = [replace(each, severity=Severity.CRITICAL) for each in reports["rejected"].checks]
    found = suites(replace(reports["rejected"], checks=tuple(checks)))
    assert found["performance"].find("testcase/error").get("type") == "inconclusive"


def test_junit_skipped_and_error(make, reports):
    """A skipped check is skipped with its reason, a fault of the gate is an error."""
    first = reports["first"].checks[0]
    checks = (
        replace(first, status=Status.SKIPPED, message="there is no baseline"),
        replace(first, id="contract.types", status=Status.ERROR, message="boom"),
    )
    suite = suites(make(checks))["contract"]
    assert suite.find("testcase/skipped").get("message") == "there is no baseline"
    assert suite.find("testcase/error").get("message") == "boom"


def test_junit_holds_no_control_characters(make, reports):
    """What XML cannot hold is left out, and what it can is kept."""
    hostile = replace(reports["first"].checks[0], status=Status.FAILED, message="\x00\x1b[31m<b>&\ufffe ]]> é 한")
    (case,) = suites(make([hostile]))["contract"].findall("testcase")
    assert case.find("failure").get("message") == "[31m<b>& ]]> é 한"
