"""performance.*: slower beyond doubt, faster, undecided, rows that are slow, starts, memory, an artifact that grew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gate.domain import (
    REPRODUCIBILITY_ITEMS,
    Artifact,
    ArtifactFile,
    Category,
    Endurance,
    ItemState,
    Reproducibility,
    ReproducibilityItem,
    Start,
    TimedPairs,
    Timings,
)

NUMBERS = np.arange(10.0)
CALL_NS = 4_000_000


def pairs(slower=0.0, count=640, noise=0.05, scenario="batch_1", size=1, judged_as="latency"):
    """Pairs of calls of 4 ms, the candidate's so much slower; the wall clock is 2 % behind the CPU's."""
    random = np.random.default_rng(size)
    baseline = np.full(count, CALL_NS) * np.exp(noise / 2 * random.normal(size=count))
    candidate = np.full(count, CALL_NS) * (1 + slower) * np.exp(noise / 2 * random.normal(size=count))
    warn, block = (0.02, 0.05) if judged_as == "latency" else (1 / 0.95 - 1, 1 / 0.9 - 1)
    return TimedPairs(
        scenario=scenario,
        judged_as=judged_as,
        warn=warn,
        block=block,
        batch_size=size,
        calls=1,
        candidate_cpu_ns=candidate.astype(np.int64),
        baseline_cpu_ns=baseline.astype(np.int64),
        candidate_wall_ns=(candidate * 1.02).astype(np.int64),
        baseline_wall_ns=(baseline * 1.02).astype(np.int64),
        crew=np.arange(count) // 20 % 2,
        unseen=np.ones(count, dtype=bool),
        stopped_by="time budget",
    )


@pytest.fixture
def judged(case_of, results_of):
    """Judge timings; give the result of a check of the performance category."""

    def judge(name, *scenarios, **timed):
        timings = Timings(environment={}, method="m", pairs=scenarios, **timed)
        case = replace(case_of(NUMBERS, NUMBERS), timings=timings)
        return results_of(case, frozenset({Category.PERFORMANCE}))[f"performance.{name}"]

    return judge


@pytest.mark.parametrize(
    ("slower", "ending"),
    [
        (0.0, ("passed", "warning")),
        (-0.3, ("passed", "warning")),
        (0.038, ("failed", "warning")),
        (0.2, ("failed", "critical")),
    ],
)
def test_a_slowdown_weighs_by_its_size(judged, slower, ending):
    """Within 5 % passes, beyond 2 % warns, beyond 5 % blocks."""
    found = judged("latency", pairs(slower, count=1280, noise=0.02))
    assert (found.status, found.severity) == ending


def test_noise_alone_never_blocks(judged):
    """Twenty wild pairs decide nothing: inconclusive, as a warning, with what could have been seen and would decide."""
    found = judged("latency", pairs(0.1, count=20, noise=1.0))
    assert (found.status, found.severity) == ("inconclusive", "warning")
    assert "only slowdowns above" in found.message
    assert "budget_s" in found.message


def test_one_slow_scenario_of_three_blocks(judged):
    """The scenarios share the confidence; one beyond doubt is enough, and it is named."""
    slow = pairs(0.5, scenario="batch_32", size=32)
    found = judged("latency", pairs(), slow, pairs(scenario="batch_256", size=256))
    assert (found.status, found.severity) == ("failed", "critical")
    assert "batch_32: 5.99 ms a call against 4 ms" in found.message
    assert "beyond 5 %" in found.message


def test_a_slowdown_says_whether_calls_or_rows_became_dearer(judged):
    """A fixed cost shows in all sizes alike, a row's cost in the large ones: the message tells where to look."""
    sizes = (1, 256, 4096)
    a_call = judged("latency", *(pairs(0.3, scenario=f"batch_{size}", size=size) for size in sizes))
    assert "look at what is done once a call" in a_call.message
    rows = {1: 0.0, 256: 0.1, 4096: 1.6}
    a_row = judged("latency", *(pairs(more, scenario=f"batch_{size}", size=size) for size, more in rows.items()))
    assert "look at what is done for each row" in a_row.message


def test_waiting_counts_where_a_version_mostly_waits(judged):
    """No more CPU time, but twice the wall time, most of it waiting."""
    same = pairs(noise=0.01)
    found = judged(
        "latency",
        replace(same, candidate_wall_ns=same.candidate_cpu_ns * 8, baseline_wall_ns=same.baseline_cpu_ns * 4),
    )
    assert (found.status, found.severity) == ("failed", "critical")
    assert "wall time" in found.message


def test_a_short_sleep_in_a_computing_version_is_caught_by_the_wall_clock(judged):
    """CPU time is blind to it; the second test is not."""
    same = pairs(noise=0.01)
    found = judged("latency", replace(same, candidate_wall_ns=(same.candidate_wall_ns * 1.3).astype(np.int64)))
    assert (found.status, found.severity) == ("failed", "critical")
    assert "beyond 10 %" in found.message


def test_rows_that_are_slow_are_seen_in_the_tail(judged):
    """The median does not move, the slowest twentieth does."""
    same = pairs(noise=0.02)
    slow = np.where(np.arange(640) % 12 == 0, 3, 1)
    found = judged("latency", replace(same, candidate_cpu_ns=same.candidate_cpu_ns * slow))
    assert (found.status, found.severity) == ("failed", "critical")
    assert "some rows are slow" in found.message


def test_kept_answers_do_not_count(judged):
    """A version that answers repeated rows from a store is judged by rows that are new to it."""
    slow, unseen = pairs(0.3, noise=0.02), np.arange(640) < 320
    kept = np.where(unseen, slow.candidate_cpu_ns, slow.candidate_cpu_ns // 10)
    kept_wall = np.where(unseen, slow.candidate_wall_ns, slow.candidate_wall_ns // 10)
    found = judged("latency", replace(slow, candidate_cpu_ns=kept, candidate_wall_ns=kept_wall, unseen=unseen))
    assert (found.status, found.severity) == ("failed", "critical")
    assert "keeps its answers" in found.message


def test_a_candidate_that_breaks_down_under_timing_fails(judged):
    """It answered every row, and then broke down on the same rows."""
    found = judged("latency", failed="candidate", problem="the candidate broke down while it was timed: Exited: x")
    assert (found.status, found.severity) == ("failed", "critical")


def test_a_baseline_that_breaks_down_leaves_the_question_open(judged):
    """It is not the candidate's fault; the remedy is another baseline."""
    found = judged("latency", failed="baseline", problem="the baseline broke down while it was timed: Exited: x")
    assert (found.status, found.severity) == ("inconclusive", "critical")
    assert "--baseline" in found.message


def test_a_call_that_outlasts_the_budget_is_inconclusive_with_the_reason(judged):
    """Nothing was timed, and that is no pass."""
    none = replace(pairs(count=0), stopped_by="calls are too slow for the time budget")
    found = judged("latency", none)
    assert (found.status, found.severity) == ("inconclusive", "warning")
    assert "too slow for the time budget" in found.message


@pytest.mark.parametrize(
    ("slower", "ending"),
    [(0.0, ("passed", "warning")), (0.085, ("failed", "warning")), (0.3, ("failed", "critical"))],
)
def test_throughput_is_judged_by_large_batches(judged, slower, ending):
    """5 % fewer rows a second warn, 10 % fewer block."""
    large = pairs(slower, count=1280, noise=0.02, scenario="batch_4096", size=4096, judged_as="throughput")
    found = judged("throughput", pairs(), large)
    assert (found.status, found.severity) == ending


def starts(candidate_s, baseline_s, candidate_mb=200, baseline_mb=200, count=5):
    return tuple(
        Start(
            side=side,
            load_cpu_s=seconds * (1 + 0.01 * index),
            first_cpu_s=0.01,
            second_cpu_s=0.005,
            wall_s=seconds * (1.1 + 0.01 * index),
            peak_rss_bytes=megabytes * 1_000_000 + index,
            threads=3,
        )
        for index in range(count)
        for side, seconds, megabytes in (
            ("candidate", candidate_s, candidate_mb),
            ("baseline", baseline_s, baseline_mb),
        )
    )


@pytest.mark.parametrize(
    ("candidate_s", "count", "ending"),
    [(2.0, 5, "passed"), (2.2, 5, "passed"), (3.0, 5, "failed"), (3.0, 4, "inconclusive")],
)
def test_a_start_may_take_a_quarter_longer(judged, candidate_s, count, ending):
    """By five starts of each version; with fewer nothing is said."""
    found = judged("cold_start", pairs(), starts=starts(candidate_s, 2.0, count=count))
    assert (found.status, found.severity) == (ending, "warning")


@pytest.mark.parametrize(("megabytes", "ending"), [(200, "passed"), (204, "passed"), (220, "failed")])
def test_a_process_may_take_five_per_cent_more_memory(judged, megabytes, ending):
    """And five megabytes: more than both is a warning."""
    found = judged("memory", pairs(), starts=starts(2.0, 2.0, candidate_mb=megabytes))
    assert (found.status, found.severity) == (ending, "warning")


@pytest.mark.parametrize(("grown", "ending"), [(0, "passed"), (4_000_000, "passed"), (40_000_000, "failed")])
def test_memory_that_grows_with_the_calls_is_a_leak(judged, grown, ending):
    """What the last half of the calls adds counts: caches fill in the first."""
    calls = (0, 300, 600, 900, 1200)
    flat = tuple(200_000_000 for _ in calls)
    rising = tuple(200_000_000 + grown * index // 2 for index in range(5))
    runs = (
        Endurance(side="candidate", calls=calls, rss_bytes=rising),
        Endurance(side="baseline", calls=calls, rss_bytes=flat),
    )
    found = judged("memory", pairs(), starts=starts(2.0, 2.0), endurance=runs)
    assert (found.status, found.severity) == (ending, "warning")


def test_few_calls_prove_no_leak_absent(judged):
    """What could not have shown is said."""
    runs = tuple(Endurance(side=side, calls=(0, 50, 100), rss_bytes=(1, 1, 1)) for side in ("candidate", "baseline"))
    found = judged("memory", pairs(), starts=starts(2.0, 2.0), endurance=runs)
    assert found.status == "passed"
    assert "100 calls of each version" in found.message


def test_memory_that_was_not_measured_is_no_pass(judged):
    """Without starts there is no peak."""
    found = judged("memory", pairs())
    assert (found.status, found.severity) == ("inconclusive", "warning")


def artifact(size):
    files = (ArtifactFile(path="model.pkl", size=size, sha256="0"),)
    return Artifact(path=Path("model"), files=files, digest="sha256:0")


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (100_000_000, 100_000_000, "passed"),
        (100_000_000, 149_000_000, "passed"),
        (100_000_000, 151_000_000, "failed"),
        (1_000, 9_000_000, "passed"),
        (1_000, 11_000_000, "failed"),
    ],
)
def test_an_artifact_may_grow_by_half_or_ten_megabytes(case_of, results_of, before, after, status):
    """Beyond both it is a warning."""
    case = case_of(NUMBERS, NUMBERS)
    versions = case.comparison
    versions = replace(
        versions,
        candidate=replace(versions.candidate, artifact=artifact(after)),
        baseline=replace(versions.baseline, artifact=artifact(before)),
    )
    found = results_of(replace(case, comparison=versions), frozenset({Category.PERFORMANCE}))["performance.size"]
    assert (found.status, found.severity) == (status, "warning")


@pytest.mark.parametrize(
    ("state", "status"),
    [("verified", "passed"), ("present", "passed"), ("missing", "failed"), ("contradictory", "failed")],
)
def test_each_thing_that_a_rebuild_needs_is_a_check_of_its_own(case_of, results_of, state, status):
    """Seven items, info, with the fix where something is missing."""
    items = tuple(
        ReproducibilityItem(name=name, state=ItemState(state), present=True, evidence="why", fix="git commit")
        for name in REPRODUCIBILITY_ITEMS
    )
    case = replace(case_of(NUMBERS, NUMBERS), reproducibility=Reproducibility(items=items))
    found = results_of(case, frozenset({Category.REPRODUCIBILITY}))
    for name in REPRODUCIBILITY_ITEMS:
        result = found[f"reproducibility.{name}"]
        assert (result.status, result.severity) == (status, "info")
        assert (status == "failed") is ("git commit" in result.message)
