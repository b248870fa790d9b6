"""Golden cases as a user meets them."""

from __future__ import annotations

import json

QUALITY = ("--only", "quality")


def test_offending_rows_become_cases_that_the_next_version_must_get_right(project):
    """Rows without an answer are taken with their labels; the good version passes, the broken one fails."""
    model = "broken-nan_for_some"
    assert project.gate("check", model, "2", "--quiet", "--only", "outliers").code == 1
    folder = project.folder / ".gate" / model / "v2"
    assert (folder / "rows.parquet").is_file()
    added = project.gate("golden", "add", model, "--from", str(folder / "report.json"), "--check", "outliers.nulls")
    assert added.code == 0, added.err
    listed = json.loads(project.gate("golden", "list", model, "--json").out)
    assert 1 <= len(listed["cases"]) <= 20
    assert set(listed["cases"][0]["inputs"]) == {"a", "b", "c"}
    good = project.gate("check", model, "1", "--baseline", "2", "--json", *QUALITY)
    assert good.status("quality.golden") == "passed"
    bad = project.gate("check", model, "2", "--json", *QUALITY)
    assert bad.status("quality.golden") == "failed"
    assert "no answer" in bad.check("quality.golden")["message"]


def test_cases_are_asked_without_evaluation_data_and_without_a_baseline(project):
    """They bring their inputs with them. A line that is no case is exit 2 with its place."""
    path = project.folder / "gate.yaml"
    path.write_text("tracking_uri: sqlite:///mlflow.db\n")
    cases = project.folder / "golden" / "house.jsonl"
    cases.parent.mkdir()
    cases.write_text('{"id": "origin", "inputs": {"a": 0, "b": 0, "c": 0}, "range": [-1, 1]}\n')
    ended = project.gate("check", "house", "1", "--json", *QUALITY)
    assert ended.code == 4  # without evaluation data nothing else of the answers is known
    assert ended.status("quality.golden") == "passed"
    cases.write_text('{"inputs": {"a": 0}, "anwser": 3}\n')
    refused = project.gate("check", "house", "1", *QUALITY)
    assert refused.code == 2
    assert "house.jsonl:1" in refused.err
    assert "'anwser'" in refused.err
    cases.write_text('{"id": "origin", "inputs": {"a": "none", "b": 0, "c": 0}, "answer": 0}\n')
    texts = project.gate("check", "house", "1", *QUALITY)
    assert texts.code == 2
    assert "the text 'none' in 'a'" in texts.err
