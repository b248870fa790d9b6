"""Wires the benchmark to the workers: inputs are put there beforehand, a call is a short token."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gate.benchmark import Duel, Plan, Scenario, time_pairs
from gate.domain import Timings
from gate.scoring.session import Worker, WorkerFailedError
from gate.settings import Latency

if TYPE_CHECKING:
    import pyarrow as pa

Side = tuple[Worker, "pa.Table"]
"""A worker that has loaded its model, and the inputs of all evaluation rows."""


def time_latency(candidate: Side, baseline: Side, settings: Latency, confidence: float) -> tuple[Timings | None, str]:
    """Time both versions at the same time; None and the reason where a model failed while it was timed."""
    scenarios = [Scenario(name=f"batch_{size}", batch_size=size) for size in settings.batch_sizes]
    plan = Plan(
        warn=settings.warn.value,
        block=settings.block.value,
        confidence=1 - (1 - confidence) / len(scenarios),
        budget_s=settings.budget_s,
    )
    try:
        for worker, inputs in (candidate, baseline):
            _put(worker, inputs, scenarios)
        return time_pairs(_duel(candidate[0], baseline[0]), scenarios, plan), ""
    except WorkerFailedError as error:
        return None, f"a version failed while it was timed: {error.failure.kind}: {error.failure.text}"


def _duel(candidate: Worker, baseline: Worker) -> Duel:
    """Both workers take turns, on the same processor where the system lets a process be seated (Linux)."""
    if not hasattr(os, "sched_setaffinity"):
        return Duel(candidate=candidate.time, baseline=baseline.time)
    processors = sorted(os.sched_getaffinity(0))

    def seat(draw: float) -> None:
        chosen = processors[int(draw * len(processors))]
        with contextlib.suppress(ProcessLookupError):  # a worker that died says so at its next call
            for worker in (candidate, baseline):
                os.sched_setaffinity(worker.pid, {chosen})

    return Duel(candidate=candidate.time, baseline=baseline.time, seat=seat)


def _put(worker: Worker, inputs: pa.Table, scenarios: Sequence[Scenario]) -> None:
    """Load the inputs of each scenario; rows are repeated where the evaluation data have fewer than a batch."""
    import pyarrow as pa

    for scenario in scenarios:
        repeats = pa.array([index % inputs.num_rows for index in range(scenario.batch_size)])
        worker.put(scenario.name, inputs.take(repeats).combine_chunks())
