"""performance.*: slower beyond doubt, faster, undecided, and an artifact that grew."""

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
    ItemState,
    LatencyPairs,
    Reproducibility,
    ReproducibilityItem,
    Timings,
)

NUMBERS = np.arange(10.0)


def pairs(slower, count=640, noise=0.05, wall=1.0):
    rng = np.random.default_rng(0)
    baseline = np.full(count, 0.001)
    candidate = baseline * (1 + slower) * np.exp(noise * rng.normal(size=count))
    return LatencyPairs(
        scenario="batch 1", batch_size=1, calls_per_block=8, candidate_cpu_s=candidate, baseline_cpu_s=baseline,
        candidate_wall_s=candidate * wall, baseline_wall_s=baseline * wall,
    )  # fmt: skip


@pytest.fixture
def latency(case_of, results_of):
    """Judge the latency of scenarios."""

    def judge(*scenarios):
        case = replace(case_of(NUMBERS, NUMBERS), timings=Timings(environment={}, method="m", latency=scenarios))
        return results_of(case, frozenset({Category.PERFORMANCE}))["performance.latency"]

    return judge


@pytest.mark.parametrize(
    ("slower", "ending"),
    [
        (0.0, ("passed", "warning")),
        (-0.3, ("passed", "warning")),
        (0.035, ("failed", "warning")),
        (0.2, ("failed", "critical")),
    ],
)
def test_a_slowdown_weighs_by_its_size(latency, slower, ending):
    """Within 5 % passes, beyond 2 % warns, beyond 5 % blocks."""
    found = latency(pairs(slower))
    assert (found.status, found.severity) == ending


def test_noise_alone_never_blocks(latency):
    """Twenty wild pairs decide nothing: inconclusive, as a warning, with what would decide."""
    found = latency(pairs(0.1, count=20, noise=1.0))
    assert (found.status, found.severity) == ("inconclusive", "warning")
    assert "budget_s" in found.message


def test_one_slow_scenario_of_three_blocks(latency):
    """The scenarios share the confidence; one beyond doubt is enough."""
    found = latency(pairs(0.0), replace(pairs(0.5), scenario="batch 32"), replace(pairs(0.0), scenario="batch 256"))
    assert (found.status, found.severity, "batch 32" in found.message) == ("failed", "critical", True)


def test_waiting_counts_where_the_version_mostly_waits(latency):
    """No more CPU time, but twice the wall time, most of it waiting."""
    same = pairs(0.0, noise=0.01)
    found = latency(replace(same, candidate_wall_s=same.candidate_cpu_s * 8, baseline_wall_s=same.baseline_cpu_s * 4))
    assert (found.status, found.severity) == ("failed", "critical")


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
