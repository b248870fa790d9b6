"""Whole notes, byte for byte. GATE_UPDATE_GOLDEN=1 writes them anew: read the difference before committing it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gate.notes import render, summary

CASES = ("first", "warnings", "rejected", "undecided")


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("case", CASES)
def test_markdown_note(case, lang, reports, golden):
    """The Markdown note of each report is what was read and approved."""
    golden(f"{case}.{lang}.md", render(reports[case], format="md", lang=lang))


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("case", ["warnings", "rejected"])
def test_html_note(case, lang, reports, golden):
    """The HTML note of each report is what was looked at and approved."""
    golden(f"{case}.{lang}.html", render(reports[case], format="html", lang=lang))


def test_summary(reports, golden):
    """The job summary is the note without front matter and provenance."""
    golden("warnings.summary.md", summary(reports["warnings"], "en"))


def test_twice_the_same(reports):
    """Rendering twice gives the same bytes."""
    assert render(reports["warnings"], format="html") == render(reports["warnings"], format="html")


def test_report_read_back_gives_the_same_note(reports):
    """A note rendered from the report's file is the note rendered when it was made."""
    from gate.report import dumps, loads

    assert render(loads(dumps(reports["rejected"]))) == render(reports["rejected"])


def test_other_hash_seed(reports, tmp_path):
    """The note does not depend on how a process orders its sets."""
    from gate.report import dumps

    (tmp_path / "report.json").write_text(dumps(reports["warnings"]))
    code = "import sys; from gate.notes import render; from gate.report import read; from pathlib import Path;"
    code += "sys.stdout.buffer.write(render(read(Path(sys.argv[1]))).encode())"
    run = [sys.executable, "-c", code, str(tmp_path / "report.json")]
    notes = {subprocess.run(run, check=True, capture_output=True, env={"PYTHONHASHSEED": seed}).stdout for seed in "12"}
    assert notes == {render(reports["warnings"]).encode()}
