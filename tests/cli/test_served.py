"""--served as a user meets it: real model servers, real load, a section of the report, a table on the terminal."""

from __future__ import annotations

import json

import jsonschema
import pytest

from gate.benchmark import served_raw
from gate.evidence.served import results
from gate.report import json_schema, plain

QUICK = "models: {house: {latency: {batch_sizes: [1], budget_s: 1, served_s: 24, p99_ms: 20000}}}\n"


def test_both_versions_are_served_and_loaded(project):
    """The report tells each version at each rate beside virtual time; every number follows from the file beside it."""
    project.configure(QUICK)
    ended = project.gate("check", "house", "2", "--only", "performance", "--served")
    assert ended.code in (0, 4), ended.err
    folder = project.folder / ".gate" / "house" / "v2"
    report = json.loads((folder / "report.json").read_text())
    jsonschema.validate(report, json_schema())
    candidate, baseline = report["benchmark"]["served"]
    assert [each["side"] for each in (candidate, baseline)] == ["candidate", "baseline"]
    for each in (candidate, baseline):
        assert each["problem"] == ""
        assert each["under_load"]
        assert each["highest_per_s"] == max(load["rate"] for load in each["under_load"])
        assert each["predicted_per_s"] > 0
        assert all(load["failed"] == 0 and load["p50_s"] <= load["p99_s"] for load in each["under_load"])
    again = results(served_raw.read(folder / candidate["raw"]), calls={}, p99_s=20, raw=candidate["raw"])
    for found, told in zip(plain(again), (candidate, baseline), strict=True):
        assert found["round_trip_s"] == told["round_trip_s"]
        assert [load["p99_s"] for load in found["under_load"]] == [load["p99_s"] for load in told["under_load"]]
    assert "Behind mlflow models serve, under open-loop load" in ended.out
    assert "candidate: keeps its p99 within 2e+04 ms at" in ended.out


def test_without_served_there_is_an_empty_list(project):
    """The key is always there."""
    ended = project.gate("check", "house", "2", "--only", "contract", "--json")
    assert ended.report["benchmark"]["served"] == []


def test_served_without_performance_is_a_usage_error(project):
    """--only leaves out what --served asks for: exit 2, before any work."""
    ended = project.gate("check", "house", "2", "--only", "quality", "--served")
    assert ended.code == 2
    assert "--served measures performance, which --only leaves out" in ended.err


@pytest.mark.parametrize("command", ["check", "release"])
def test_served_without_the_extra_is_a_usage_error(project, command):
    """Exit 2, and how to install it."""
    (project.folder / "sitecustomize.py").write_text("import sys\nsys.modules['mlperf_loadgen'] = None\n")
    ended = project.gate_afresh(command, "house", "2", "--served", PYTHONPATH=str(project.folder))
    assert ended.code == 2
    assert "pip install 'model-release-gate[load]'" in ended.err


def test_a_version_that_cannot_be_asked_is_a_sentence(project):
    """A candidate that raises is judged as ever, and the section says that there was nothing to load."""
    only = ("--only", "contract,performance", "--json")
    ended = project.gate("check", "broken-raises_on_predict", "2", "--served", *only)
    assert ended.code == 1
    assert [each["side"] for each in ended.report["benchmark"]["served"]] == ["candidate"]
    assert "gave no answers" in ended.report["benchmark"]["served"][0]["problem"]
