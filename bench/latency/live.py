"""One live comparison, as `gate check` makes it: new processes, the pairs of all scenarios, the verdict of each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from gate import timing
from gate.domain import Timings
from gate.evidence.benchmarked import sharing_of
from gate.evidence.latency import SHARES
from gate.evidence.pairs import findings
from gate.scoring.launching import Launcher, Launchers, Processes
from gate.scoring.session import Limits
from gate.settings import ModelConfig
from gate.verdict import holm

CONFIDENCE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one run said of one scenario: block, warn, within or open; seconds are those of the whole run."""

    method: str
    processes: str
    model: str
    added: float
    load: float
    scenario: str
    state: str
    ratio: float
    pairs: int
    seconds: float
    budget_s: float
    neighbours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Two saved versions, the rows that they are asked, by which processes, within which budget."""

    model: str
    added: float
    candidate: Path
    baseline: Path
    inputs: pa.Table
    processes: Processes
    settings: ModelConfig
    neighbours: int = 0


@contextmanager
def asked(question: Question) -> Iterator[timing.Bench]:
    """Load both versions, as a check has when it begins to time."""
    limits = Limits(timeout_s=120)
    with ExitStack() as stack:
        launcher = stack.enter_context(Launcher.of(limits, processes=question.processes))
        sides = []
        for name, path in (("candidate", question.candidate), ("baseline", question.baseline)):
            worker = stack.enter_context(launcher.start())
            load_s = worker.load(path)
            sides.append(timing.Side(name=name, worker=worker, path=path, inputs=question.inputs, load_s=load_s))
        yield timing.bench_of((sides[0], sides[1]), Launchers.alike(launcher), question.settings, CONFIDENCE)


def run(bench: timing.Bench, question: Question, seed: int) -> list[Seen]:
    """Compare once, with new processes."""
    began = time.perf_counter()
    timings = timing.pairs_alone(bench, seed)
    seconds = time.perf_counter() - began
    return list(_seen(timings, question, seconds))


def _seen(timings: Timings, question: Question, seconds: float) -> Iterator[Seen]:
    """Settle as the check does: Holm over scenarios and clocks."""
    sharing = sharing_of(timings)
    judged = [pairs for pairs in timings.pairs if pairs.judged_as == "latency"]
    found = {pairs.scenario: findings(pairs, timings.processes, sharing.confidence) for pairs in judged}
    flat = [finding for each in found.values() for finding in each]
    blocked = holm({finding.name: finding.p_block * SHARES for finding in flat}, sharing.alpha)
    warned = holm({finding.name: finding.p_warn * SHARES for finding in flat}, sharing.alpha)
    for pairs in judged:
        own = found[pairs.scenario]
        names = {finding.name for finding in own}
        within = bool(own) and all(finding.p_within_block <= sharing.to_pass for finding in own)
        state = "block" if names & blocked else "warn" if names & warned else "within" if within else "open"
        ratio = own[0].ratio.estimate if own else float("nan")
        yield seen_of(question, ("gate", pairs.scenario, state), (ratio, pairs.pairs, seconds))


def seen_of(question: Question, said: tuple[str, str, str], measured: tuple[float, int, float]) -> Seen:
    """Write down what a method said of a scenario: (method, scenario, state), (ratio, pairs or calls, seconds)."""
    method, scenario, state = said
    ratio, pairs, seconds = measured
    return Seen(
        method=method,
        processes=question.processes,
        model=question.model,
        added=question.added,
        load=round(os.getloadavg()[0], 2),
        scenario=scenario,
        state=state,
        ratio=round(ratio, 5),
        pairs=pairs,
        seconds=round(seconds, 2),
        budget_s=question.settings.latency.budget_s,
        neighbours=question.neighbours,
    )
