"""What an author times and asks, and pytest-benchmark's record of it: under `gate check` and under plain pytest."""

from __future__ import annotations

import json
import platform
import re
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = Path(__file__).with_name("forked_pytest.py")
FAILS = """

@check(category="performance", severity="critical")
def check_breaks_down(candidate, eval_data, benchmark):
    \"\"\"It takes words.\"\"\"
    benchmark(candidate.caller(eval_data.assign(a="many")))
"""


def example():
    """The complete example of docs/how-to/write-a-check.md."""
    page = (ROOT / "docs/how-to/write-a-check.md").read_text(encoding="utf-8")
    return next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "compare_speed" in block)


@pytest.fixture
def authored(project):
    """A project with the example in its folder of checks, and little to time beside it."""
    (project.folder / "checks").mkdir()
    (project.folder / "checks" / "page.py").write_text(example() + FAILS)
    project.configure("models: {house: {latency: {batch_sizes: [1], budget_s: 5}}}\nchecks: [gate.checks, ./checks]\n")
    return project


def names(path):
    return [entry["name"] for entry in json.loads(path.read_text())["benchmarks"]]


def test_the_example_of_the_page_runs_and_is_recorded(authored):
    """Each check ends for reasons of the model's; what was timed lies beside the report, and names no machine."""
    ended = authored.gate("check", "house", "2", "--json", "--only", "performance,quality,contract")
    assert ended.code in {0, 1}, ended.err
    assert ended.status("performance.page_in_time") in {"passed", "failed"}
    assert ended.status("performance.page_as_fast") in {"passed", "failed", "inconclusive"}
    assert ended.status("quality.more_rooms_cost_more") == "passed"
    assert ended.status("contract.refuses_words") == "passed"
    broken = ended.check("performance.breaks_down")
    assert broken["status"] == "failed"
    assert "the candidate failed: MlflowException" in broken["message"]
    path = authored.folder / ".gate/house/v2/benchmark.json"
    assert {
        "latency[batch_1] candidate", "latency[batch_1] baseline",
        "page_as_fast[batch_20] candidate", "page_as_fast[batch_20] baseline", "page_in_time",
    } <= set(names(path))  # fmt: skip
    assert "breaks_down" not in names(path)
    assert platform.node() not in path.read_text()
    assert str(authored.folder) not in path.read_text()
    assert not (authored.folder / ".benchmarks").exists()


def test_a_record_does_not_outlive_its_report(authored):
    """Where nothing is timed there is none, and none of an earlier run."""
    folder = authored.folder / ".gate/house/v2"
    folder.mkdir(parents=True)
    (folder / "benchmark.json").write_text("{}")
    ended = authored.gate("check", "house", "2", "--json", "--only", "outliers")
    assert ended.code == 0, ended.err
    assert "Warning" not in ended.err
    assert not (folder / "benchmark.json").exists()


def test_plain_pytest_shows_stores_and_compares_both_versions(authored):
    """Its table has both versions of both runs in one group, line by line."""
    run = replace(authored, script=PLAIN)
    asked = (
        "-p", "gate.plugin", "--gate-model", "house", "--gate-version", "2", "--gate-performance",
        "--benchmark-columns=median", "-k", "latency or page", "--pyargs", "gate.checks", "./checks",
    )  # fmt: skip
    first = run.gate(*asked, "--benchmark-json=out.json", "--benchmark-autosave")
    assert "benchmark 'latency[batch_1]': 2 tests" in first.out, first.out + first.err
    assert "page_as_fast[batch_20] baseline" in first.out
    second = run.gate(*asked, "--benchmark-compare")
    assert "benchmark 'latency[batch_1]': 4 tests" in second.out, second.out + second.err
    assert "machine_info is different" not in second.out + second.err
    (stored,) = (authored.folder / ".benchmarks").glob("*/0001_*.json")
    assert names(stored) == names(authored.folder / "out.json")
    assert platform.node() not in stored.read_text()
