"""Faster or slower than the version before: latency, throughput, cold start, memory, size. All by pairs."""

import numpy as np
import pytest
from gate.checks import costs, timed

from gate import check, inconclusive

MOST_GROWTH = 0.5
LEAST_GROWTH_BYTES = 10_000_000


@check(category="performance", severity="warning")
def check_latency(timings, measure, weigh, remark):
    """Predicting takes no longer than it took the baseline.

    Both versions answer the same rows in adjacent pairs of calls, by turns, on the same processor, in the same run:
    one row a call, batches, your own scenarios, and single rows again after many calls. x = ln(candidate /
    baseline) of each pair; the Hodges-Lehmann estimate of the ratio with its signed-rank interval (Hodges and Lehmann
    1963), widened by how much identical processes differ. CPU time of the worker process, read by the parent, decides;
    wall time is a second test at no less than 10 %, and the only one where a version mostly waits (CPU below half of
    wall time). The 95th percentile of single rows is judged at 20 %. Looks at 40, 80, 160, ... pairs share the
    confidence; scenarios and clocks share it by Holm's procedure. A version that keeps its answers to repeated rows is
    judged by rows that it had not seen.

    Default: warning when the whole interval lies beyond 2 %, critical beyond 5 %, passed when it lies within 5 %;
    else inconclusive as a warning: noise alone never blocks a release. A version that breaks down while it is timed
    fails.
    A failure means that callers wait longer or that serving costs more.
    To change it: `latency: {warn: "2%", block: "5%", batch_sizes: [1, 32, 256], scenarios: {page: 20}, budget_s: 60}`
    in gate.yaml.
    """
    timed.refuse_breakdown(timings, weigh)
    result = timed.judge(timings, "latency")
    for finding in result.findings:
        timed.measure_ratio(finding, result.confidence, measure)
    for tail in result.tails:
        measure(f"p95_ratio_{tail.scenario}", tail.ratio, baseline=1.0, ci=tail.ci, confidence=result.confidence)
    for text in timed.remarks(timings):
        remark(text)
    if result.blocked or result.warned:
        remark(costs.what_grew(timings))
    timed.end(result, weigh, timings.notes)


@check(category="performance", severity="warning")
def check_throughput(timings, measure, weigh, remark):
    """As many rows a second as the baseline.

    Calls of 256 and of 4,096 rows, timed in pairs as for performance.latency: a cost a row hides in single rows, a
    cost a call hides in large batches. Seconds a call of n rows are fitted as a fixed cost and a row's cost times n.

    Beside it, not judged: rows a second from several threads at once, and the latency at rising rates of requests in
    virtual time (Lindley's recursion on the recorded times, Poisson arrivals) with the highest rate whose 99th
    percentile keeps within `latency.p99_ms`.

    Default: warning when the whole interval of the loss lies beyond 5 %, critical beyond 10 %, passed within 10 %, else
    inconclusive as a warning.
    A failure means that the same machine serves fewer callers, or that a nightly batch takes longer.
    To change it: `throughput: {warn: "5%", block: "10%"}` in gate.yaml.
    """
    timed.refuse_breakdown(timings, weigh)
    result = timed.judge(timings, "throughput")
    for finding in result.findings:
        timed.measure_ratio(finding, result.confidence, measure)
    costs.measure_costs(timings, measure)
    if result.blocked or result.warned:
        remark(costs.what_grew(timings))
    timed.end(result, weigh, timings.notes)


@check(category="performance", severity="warning")
def check_cold_start(timings, confidence, measure):
    """A new process is as soon ready as the baseline's.

    Both versions are started in new processes side by side, five times, who is first in turns: CPU seconds of loading
    and of the first answer; and, as a second test, wall seconds until the first answer. The mean of ln(candidate /
    baseline) over the pairs with Student's interval. What both share, the import of MLflow, is left out where
    processes are forked.

    Default: warning when the whole interval lies beyond 25 %; passed when the estimate lies within it and no more can
    be shown, inconclusive with fewer than five pairs.
    A failure means that scaling out, a restart and a first request take longer.
    To change it: `severity: {performance.cold_start: ignore}` in gate.yaml.
    """
    ours, theirs = costs.paired_starts(timings)
    if len(ours) < costs.STARTS:
        inconclusive(
            f"{len(ours)} of {costs.STARTS} cold starts fitted into the time budget; a longer latency.budget_s would do"
        )
    for name in ("load_cpu_s", "first_cpu_s", "second_cpu_s"):
        value, before = (float(np.median([getattr(start, name) for start in side])) for side in (ours, theirs))
        measure(name, value, unit="s", baseline=before)
    clocks = [costs.compared_starts(ours, theirs, clock, confidence) for clock in ("cpu", "wall")]
    for found in clocks:
        measure(f"{found.clock}_s", found.candidate_s, unit="s", baseline=found.baseline_s)
        measure(f"{found.clock}_ratio", found.ratio, baseline=1.0, ci=(found.low, found.high), confidence=confidence)
    slower = [found for found in clocks if found.slower]
    if slower:
        pytest.fail("; ".join(map(str, slower)))
    if clocks[0].ratio > 1 + costs.START_TOLERANCE:
        inconclusive(f"{clocks[0]}, and the interval is too wide to say so")


@check(category="performance", severity="warning")
def check_memory(timings, measure, remark):
    """It takes no more memory than the baseline, at its peak and after many calls.

    The peak resident memory (VmHWM) of new processes after loading and two answers, the median of five; and the
    resident memory after up to 1,200 calls of one row.

    Default: warning when the median peak has grown by more than 5 % and by more than 5 MB and every one of the
    candidate's starts took more than any of the baseline's; or when the second half of the calls adds more than 5 MB
    and more than twice what the baseline adds, which is a leak.
    A failure means larger machines, fewer processes on each, or restarts at night.
    To change it: `severity: {performance.memory: ignore}` in gate.yaml.
    """
    problems = [costs.peak_problem(timings, measure), costs.leak_problem(timings, measure)]
    costs.remark_threads(timings, remark)
    costs.remark_few_calls(timings, remark)
    if any(problems):
        pytest.fail("; ".join(filter(None, problems)))
    if len(costs.paired_starts(timings)[0]) < costs.FEWEST_PEAKS:
        inconclusive("fewer than three starts of each version fitted into the time budget; a longer one would do")


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
