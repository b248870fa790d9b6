"""What a version costs, through the command line: real processes, gross differences, so that a busy machine sees them.

Fine differences and error rates are for `make bench`; here each way to be slow, or to seem fast, ends as it must.
"""

from __future__ import annotations

import gzip
import json
import os

import pytest

BUDGET = "models: {%s: {latency: {budget_s: %s}}}\n"


@pytest.fixture
def timed(project):
    """Check a kind of version against the plain one, within so many seconds."""

    def check(kind, budget_s=16, processes="auto"):
        settings = project.folder / "gate.yaml"
        known = settings.read_text().replace("timeout_s: 20", f"timeout_s: 20, processes: {processes}")
        settings.write_text(known + BUDGET % (f"timed-{kind}", budget_s))
        return project.gate("check", f"timed-{kind}", "2", "--baseline", "1", "--only", "performance", "--json")

    return check


def ending(ended, name):
    found = ended.check(f"performance.{name}")
    return found["status"], found["severity"]


def test_twice_the_work_is_rejected(timed):
    """Exit 1, with the scenario and where to look."""
    ended = timed("slower")
    assert ended.code == 1
    assert ending(ended, "latency") == ("failed", "critical")
    assert "CPU time" in ended.check("performance.latency")["message"]


def test_less_work_passes(timed):
    """Faster is never a reason to hold a version."""
    assert ending(timed("faster"), "latency") == ("passed", "warning")


def test_sleep_is_caught_by_the_wall_clock(timed):
    """It costs no CPU time, and callers wait all the same."""
    ended = timed("sleeps")
    assert ended.code == 1
    assert "wall time" in ended.check("performance.latency")["message"]


def test_a_version_that_changes_its_clocks_is_timed_by_others(timed):
    """The clocks that count are the gate's."""
    assert ending(timed("lies"), "latency") == ("failed", "critical")


def test_slow_rows_are_found(timed):
    """One row in six takes four times as long, alone: the median does not tell, the tail does."""
    ended = timed("slow_rows", budget_s=40)
    assert ending(ended, "latency") == ("failed", "critical")
    assert "some rows are slow" in ended.check("performance.latency")["message"]


def test_a_slowdown_that_begins_after_many_calls_is_found(timed):
    """Single rows are timed again after up to 1,200 calls."""
    ended = timed("slow_later", budget_s=60)
    assert ending(ended, "latency") == ("failed", "critical")
    assert "sustained" in ended.check("performance.latency")["message"]


def test_a_slow_first_call_is_a_slow_start(timed):
    """It shows in no other call."""
    ended = timed("slow_first", budget_s=90)
    assert ending(ended, "cold_start") == ("failed", "warning")


def test_a_store_of_answers_does_not_hide_slow_ones(timed):
    """Every row is asked once before any is asked twice."""
    assert ending(timed("keeps_answers", budget_s=40), "latency") == ("failed", "critical")


def test_a_version_that_dies_under_many_calls_fails(timed):
    """The parent lives on and says how."""
    ended = timed("dies_later", budget_s=30)
    assert ended.code == 1
    assert "broke down while it was timed: Exited" in ended.check("performance.latency")["message"]


def test_memory_that_grows_with_every_call_is_a_leak(timed):
    """50 kB a call."""
    ended = timed("leaks", budget_s=40)
    assert ending(ended, "memory") == ("failed", "warning")
    assert "grows with the calls" in ended.check("performance.memory")["message"]


def test_calls_that_outlast_the_budget_end_within_it(timed):
    """Inconclusive with the reason, as a warning; the budget holds."""
    ended = timed("too_slow", budget_s=4)
    assert ending(ended, "latency") == ("inconclusive", "warning")
    assert "too slow for the time budget" in ended.check("performance.latency")["message"]
    assert ended.report["benchmark"]["environment"]["took_s"] < 7


def test_fresh_processes_find_the_same(timed):
    """Where libraries do not survive a fork, each process makes its own imports."""
    ended = timed("slower", budget_s=40, processes="fresh")
    assert ending(ended, "latency") == ("failed", "critical")
    assert ended.report["benchmark"]["processes"] == "fresh"


def test_one_processor_is_enough(timed):
    """Both versions take turns on it; several threads are not tried."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        ended = timed("slower")
    finally:
        os.sched_setaffinity(0, allowed)
    assert ending(ended, "latency") == ("failed", "critical")


def test_every_number_comes_from_the_raw_timings(timed, project):
    """`gate explain --from` computes the section anew, and says so where a report was changed."""
    folder = project.folder / ".gate" / "timed-faster" / "v2"
    report = timed("faster").report
    assert json.loads(gzip.decompress((folder / report["benchmark"]["raw"]).read_bytes()))["pairs"]
    told = project.gate("explain", "performance.latency", "--from", str(folder / "report.json"))
    assert "came out the same" in told.out
    report["benchmark"]["latency"][0]["cpu_ratio"] = 0.5
    (folder / "report.json").write_text(json.dumps(report))
    told = project.gate("explain", "performance.latency", "--from", str(folder / "report.json"))
    assert "benchmark.latency[0].cpu_ratio" in told.out


def test_timings_that_are_gone_are_a_usage_error(timed, project):
    """One sentence, and what to do."""
    folder = project.folder / ".gate" / "timed-faster" / "v2"
    report = timed("faster").report
    (folder / report["benchmark"]["raw"]).unlink()
    told = project.gate("explain", "performance.latency", "--from", str(folder / "report.json"))
    assert told.code == 2
    assert "timings.json.gz" in told.err


def test_a_baseline_that_cannot_be_scored_leaves_speed_open(project):
    """Exit 4, with the remedy."""
    ended = project.gate("check", "broken-exits", "1", "--baseline", "2", "--only", "performance", "--json")
    assert ended.code == 4
    assert ending(ended, "latency") == ("inconclusive", "critical")
    assert "--baseline" in ended.check("performance.latency")["message"]
