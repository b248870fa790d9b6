"""Faster or slower than the version before: latency by interleaved pairs, artifact size."""

import math

import numpy as np
import pytest

from gate import Severity, check, inconclusive
from gate.evidence.latency import at_each_look, ratio

IDLE_SHARE = 0.5
"""Below this share of CPU in wall time the work is elsewhere (a GPU, a remote call, sleep): wall time decides."""
WALL_TOLERANCE = 0.10


@check(category="performance", severity="warning")
def check_latency(timings, config, confidence, measure, weigh):
    """Predicting takes no longer than it took the baseline.

    Both versions answer the same inputs in adjacent blocks of calls, in random order, on the same machine, in the
    same run. x = ln(candidate / baseline) of each pair; the Hodges-Lehmann estimate of the ratio with its signed-rank
    interval (Hodges and Lehmann 1963). CPU time of the worker process, read by the parent, decides; where the
    processes mostly wait (CPU below half of wall time), wall time decides, at no less than 10 %. Looks at 20, 40,
    80, ... pairs share the confidence, and so do the scenarios.

    Default: warning when the whole interval lies beyond 2 %, critical beyond 5 %, passed when it lies within 5 %;
    else inconclusive as a warning: noise alone never blocks a release.
    A failure means that callers wait longer or that serving costs more.
    To change it: `latency: {warn: "2%", block: "5%", batch_sizes: [1, 32, 256], budget_s: 60}` in gate.yaml.
    """
    if not timings.latency:
        pytest.skip(timings.problem or "no scenario was timed")
    warn, block = config.latency.warn.value, config.latency.block.value
    shared = at_each_look(1 - (1 - confidence) / len(timings.latency))
    answers = [_scenario(pairs, warn, block, shared, measure) for pairs in timings.latency]
    blocking = [text for state, text in answers if state == "block"]
    warning = [text for state, text in answers if state == "warn"]
    undecided = [text for state, text in answers if state == "undecided"]
    if blocking:
        weigh(Severity.CRITICAL)
        pytest.fail("; ".join(blocking))
    if warning:
        pytest.fail("; ".join(warning))
    if undecided:
        inconclusive("; ".join(undecided) + "; a longer latency.budget_s, or a quieter machine, would decide")


def _scenario(pairs, warn, block, shared, measure):
    """Judge one scenario: block, warn, within or undecided, and what to say."""
    if len(pairs.candidate_cpu_s) == 0:
        return "undecided", f"{pairs.scenario}: no pair fitted into the time budget"
    cpu = pairs.candidate_cpu_s.sum() + pairs.baseline_cpu_s.sum()
    wall = pairs.candidate_wall_s.sum() + pairs.baseline_wall_s.sum()
    waits = cpu < IDLE_SHARE * wall
    clock = "wall" if waits else "cpu"
    candidate, baseline = (pairs.candidate_wall_s, pairs.baseline_wall_s) if waits else (
        pairs.candidate_cpu_s,
        pairs.baseline_cpu_s,
    )  # fmt: skip
    if waits:
        warn, block = max(warn, WALL_TOLERANCE), max(block, WALL_TOLERANCE)
    found = ratio(np.log(candidate / baseline), shared)
    measure(
        f"{clock}_ratio_{pairs.scenario}",
        found.estimate,
        baseline=1.0,
        ci=(found.low, found.high),
        confidence=shared,
    )
    measure(f"{clock}_ms_{pairs.scenario}", _ms(candidate), unit="ms", baseline=_ms(baseline))
    percent = f"{found.estimate - 1:+.1%} {'wall' if waits else 'CPU'} time, interval {_signed(found)}"
    text = f"{pairs.scenario}: {_ms(candidate):.3g} ms a call against {_ms(baseline):.3g} ms ({percent})"
    return _state(found, warn, block), text


def _state(found, warn, block):
    if found.low > 1 + block:
        return "block"
    if found.low > 1 + warn:
        return "warn"
    return "within" if found.high <= 1 + block else "undecided"


def _ms(seconds):
    return float(np.median(seconds)) * 1000


def _signed(found):
    high = "more" if math.isinf(found.high) else f"{found.high - 1:+.1%}"
    return f"{found.low - 1:+.1%} to {high}"


MOST_GROWTH = 0.5
LEAST_GROWTH_BYTES = 10_000_000


@check(category="performance", severity="warning")
def check_size(candidate, baseline, measure):
    """The artifact has not grown much.

    The sum of the sizes of all files of the artifact, exact.

    Default: warning when it has grown by more than half and by more than 10 MB: less changes neither how long a
    server takes to fetch it nor what it costs to keep.
    A failure means that something was packed that the baseline did not need: data, checkpoints, a larger model.
    To change it: `severity: {performance.size: ignore}` in gate.yaml.
    """
    if candidate.artifact is None or baseline.artifact is None:
        pytest.skip("the files of one of the versions cannot be had")
    before, after = baseline.artifact.size_bytes, candidate.artifact.size_bytes
    limit = before + max(MOST_GROWTH * before, LEAST_GROWTH_BYTES)
    measure("size_bytes", after, max=limit, unit="bytes", baseline=before)
