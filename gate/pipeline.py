"""The line: a registered version -> a comparison -> answers -> outcomes -> a verdict -> a report.

Whoever opens the project starts here. Each step is a value made from the values before it.
`releasing.py` goes on from the report: record, promote, write the note.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate import (
    __version__,
    answering,
    asking_again,
    assembly,
    comparing,
    golden,
    inspecting,
    live,
    policy,
    serving_load,
    signatures,
    storing,
    timing,
    trusting,
    verdict,
)
from gate import looks as counting
from gate.config import Config
from gate.domain import (
    Benchmark,
    Category,
    Comparison,
    Diff,
    GateInfo,
    GoldenAnswers,
    GoldenCase,
    ModelEnvironment,
    Outcome,
    Report,
    Reproducibility,
    Served,
    Timings,
)
from gate.errors import GateError, UsageError
from gate.opening import Opened, opened, staffed
from gate.request import Narrator, Request
from gate.scoring import isolation
from gate.scoring.serving import ModelServer

if TYPE_CHECKING:
    from gate.checking.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A report, the folder that holds it, and the fault that ended the work early, if one did."""

    report: Report
    folder: Path
    fault: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that the checks look at, the seconds that each version took to load, and what served versions did."""

    case: Case
    load_s: dict[str, float | None]
    served: Served | None = None
    environments: Mapping[str, ModelEnvironment] = field(default_factory=dict)
    """Of the versions that ran in one of their own."""


def check(request: Request, config: Config, narrator: Narrator) -> Checked:
    """Judge a version against its baseline. Changes nothing in the registry.

    Raises:
        UsageError: something that was named does not exist, or --served lacks its extra.
        GateError: the version could not be resolved. Later faults end in a report with the verdict `error`.
    """
    if request.served:
        serving_load.ensure_possible(judged=request.wants(Category.PERFORMANCE))
    shortfall = isolation.shortfall(config.file.isolation.minimum)
    if shortfall is not None:
        return _not_begun(request, config, shortfall)
    key = trusting.signing_key(narrator.say, isolation.reached().level)
    with opened(request, config, narrator) as start:
        folder = storing.report_folder(request.out, config, request.model, start.version)
        storing.ensure_writable(folder)
        try:
            report = judge(start, folder, narrator)
        except UsageError:
            raise
        except Exception as fault:  # noqa: BLE001 - a fault of the gate ends in a report, never in a traceback
            report = _fault_report(request, config, start.version, fault, start.holders)
            return Checked(report=report, folder=folder, fault=fault)
        report = trusting.write_evidence(report, folder, key)
    return Checked(report=report, folder=folder)


def _not_begun(request: Request, config: Config, fault: GateError) -> Checked:
    """Find the version, and report that it is not judged: nothing of it runs behind a wall that is too weak."""
    comparing.ensure_form(request.model, request.version)
    policy.refuse_unknown_names(config, request.model)
    registry = storing.connect(config)
    version = comparing.resolve(registry, request.model, request.version)
    folder = storing.report_folder(request.out, config, request.model, version)
    holders = comparing.holders(registry, request.model, config)
    return Checked(report=_fault_report(request, config, version, fault, holders), folder=folder, fault=fault)


def judge(start: Opened, folder: Path, narrator: Narrator) -> Report:
    """Run the whole line on a version that was found."""
    prepared = prepare(start, narrator)
    case = prepared.case
    with narrator.step("Run the checks"):
        outcomes = run_checks(case, start.config, start.request.only, start.room / storing.BENCHMARK)
    storing.keep_record(start.room, folder)
    storing.write_rows(case, outcomes, folder, start.started_at)
    look = counting.take(start.registry, case.comparison, outcomes, start.config)
    results = verdict.settle(outcomes, _policy(start, look.place))
    findings = assembly.Findings(
        comparison=case.comparison,
        results=results,
        diff=_diff(case.comparison, start.config),
        reproducibility=case.reproducibility,
        benchmark=_benchmark(prepared, folder),
        looks=look.counted,
        environments=prepared.environments,
    )
    return assembly.report_of(
        findings,
        _gate_info(start.request, start.config, start.holders),
        isolation=start.isolation,
        started_at=start.started_at,
    )


def prepare(start: Opened, narrator: Narrator) -> Prepared:
    """Measure everything that the checks and the report look at."""
    from gate.checking.case import Case

    request, config = start.request, start.config
    settings = config.model(request.model)
    cases = golden.read(config, request.model) if request.wants(Category.QUALITY) else ()
    with narrator.step("Copy and hash the artifacts"):
        asked = comparing.Asked(
            model=request.model,
            version=start.version,
            baseline=request.baseline,
            data=str(request.data) if request.data else None,
            stage=request.stage,
        )
        found = comparing.compare(start.registry, asked, config, start.room)
    with narrator.step("Inspect the artifacts"):
        comparison = _inspected(start, found.comparison)
    comparison, signature = signatures.looked_at(comparison, config)
    start, comparison = staffed(start, comparison, narrator)
    place = policy.place_of_relations(config, request.model)
    changes = asking_again.relations(comparison.data, settings, place)
    with narrator.step(_scoring_words(comparison)):
        scored = answering.score_both(start.at_work.workers, comparison, settings)
    asking_again.refuse_unknown_answers(settings, scored, place)
    golden_answers, why_not_golden = _golden(start, comparison, scored, cases)
    metrics = policy.metrics_asked(
        config, request.model, scored.task, labelled=scored.labelled, answered=scored.answered
    )
    timings, why_untimed = _timings(start, comparison, scored, narrator)
    served = _served(start, comparison, scored, narrator)
    case = Case(
        comparison=comparison,
        answers=scored.candidate,
        baseline_answers=scored.baseline,
        task=scored.task,
        config=settings,
        confidence=config.file.confidence,
        metrics=metrics,
        reproducibility=_reproducibility(comparison, config),
        timings=timings,
        golden=golden_answers,
        live=live.live_versions(
            comparison, scored.naming, settings, config.file.confidence, start.at_work.launchers, start.stack
        ),
        model_signature=signature,
        reasons={
            **scored.reasons,
            "data": found.why_no_data,
            "timings": why_untimed,
            "golden": why_not_golden,
        },
    )
    case = _over_all_rows(start, case, scored, narrator)
    case = _asked_again(start, case, scored, changes)
    return Prepared(case=case, load_s=scored.load_s, served=served, environments=start.at_work.environments)


def run_checks(case: Case, config: Config, only: frozenset[Category] | None, record: Path) -> tuple[Outcome, ...]:
    """Run the check functions and the expectations of gate.yaml; what was timed goes to the file `record`."""
    from gate import strengthening
    from gate.checking import engine, expectations

    wanted = only is None or Category.OUTLIERS in only
    place = policy.place_of_expectations(config, case.comparison.candidate.model)
    expected = expectations.run(case, case.config.expect, place) if wanted else ()
    return strengthening.strengthen(engine.run(case, policy.check_targets(config), only, record), case) + expected


def _scoring_words(comparison: Comparison) -> str:
    both = "both versions" if comparison.baseline else "the candidate"
    rows = f"{comparison.data.rows:,} rows" if comparison.data else "no rows: there are no evaluation data"
    return f"Score {both} on {rows}"


def _over_all_rows(start: Opened, case: Case, scored: answering.Scored, narrator: Narrator) -> Case:
    """Ask the rows that do not fit in memory too, where the data are a sample of these."""
    from gate import streaming

    data = case.comparison.data
    if data is None or data.stream is None or data.coverage is None:
        return case
    if not any(map(start.request.wants, (Category.CONTRACT, Category.OUTLIERS, Category.QUALITY))):
        return streaming.sample_alone(case)
    with narrator.step(f"Ask and sum all {data.coverage.rows_judged:,} rows"):
        return streaming.over_all_rows(start.at_work.workers, case, scored.naming)


def _asked_again(
    start: Opened, case: Case, scored: answering.Scored, changes: tuple[asking_again.Changed, ...]
) -> Case:
    """Ask the candidate some rows in every other way, last of all: a model may break down over them."""
    if not start.request.wants(Category.CONTRACT):
        return case
    staff = start.at_work
    more = asking_again.ask(staff.workers[0], case.comparison, scored, changes)
    free = None if staff.launchers.apart else staff.workers[1]
    more += asking_again.ask_elsewhere((free, staff.launchers.candidate.start), case.comparison, scored)
    return replace(case, answers=replace(case.answers, twins=(*case.answers.twins, *more)))


def _inspected(start: Opened, comparison: Comparison) -> Comparison:
    """Look at both versions' files: what the policy denies is never handed to a worker."""
    settings = start.config.model(start.request.model)
    return inspecting.inspect_both(
        comparison, settings, isolation=start.isolation, opinions=start.request.wants(Category.SECURITY)
    )


def _golden(
    start: Opened, comparison: Comparison, scored: answering.Scored, cases: tuple[GoldenCase, ...]
) -> tuple[GoldenAnswers | None, str]:
    """Ask the candidate what it must never get wrong."""
    model = start.request.model
    path = golden.file_of(start.config, model)
    if not cases:
        return None, f"there are no golden cases ({path.parent.name}/{path.name}): `gate golden add` makes some"
    if scored.candidate.failure is not None:
        return None, scored.reasons["answers"]
    return golden.ask(start.at_work.workers[0], comparison, scored, cases, start.config.model(model), str(path)), ""


def _timings(
    start: Opened, comparison: Comparison, scored: answering.Scored, narrator: Narrator
) -> tuple[Timings | None, str]:
    if not start.request.wants(Category.PERFORMANCE):
        return None, "the performance category was not asked for"
    inputs = (scored.inputs, scored.baseline_inputs)
    sides = timing.sides(start.at_work.workers, comparison, inputs, scored.load_s)
    if sides is None:
        return None, scored.why_untimed
    settings = start.config.model(start.request.model)
    with narrator.step(f"Time both versions against each other, at most {settings.latency.budget_s:g} s"):
        return timing.time_versions(*sides, start.at_work.launchers, settings, start.config.file.confidence), ""


def _reproducibility(comparison: Comparison, config: Config) -> Reproducibility:
    from gate.notes import provenance

    return provenance.reproducibility(comparison.candidate, config.root)


def _served(start: Opened, comparison: Comparison, scored: answering.Scored, narrator: Narrator) -> Served | None:
    """Load both versions behind real servers, where that was asked for."""
    if not start.request.served:
        return None
    sides = serving_load.sides(comparison, (scored.inputs, scored.baseline_inputs))
    if not any(side.name == "candidate" for side in sides):
        return Served(sides=("candidate",), problems={"candidate": scored.why_untimed})
    settings = start.config.model(start.request.model).latency

    def serve(side: serving_load.Side) -> ModelServer:
        launcher = start.at_work.launchers.of(side.name)
        return ModelServer.start(side.path, launcher.limits, enclosure=launcher.enclosure)

    with narrator.step(f"Serve {' and '.join(side.name for side in sides)}, load for at most {settings.served_s:g} s"):
        return serving_load.serve_and_load(sides, serve, settings)


def _benchmark(prepared: Prepared, folder: Path) -> Benchmark:
    from gate.evidence import benchmarked, served

    case, found = prepared.case, Benchmark(load_s=prepared.load_s)
    objective = case.config.latency.p99_s
    if case.timings is not None:
        raw = storing.write_raw(case.timings, folder)
        found = benchmarked.benchmark_of(case.timings, load_s=prepared.load_s, raw=raw)
    if prepared.served is None:
        return found
    raw = storing.write_served(prepared.served, folder)
    calls = served.single_calls(case.timings)
    return replace(found, served=served.results(prepared.served, calls=calls, p99_s=objective, raw=raw))


def _diff(comparison: Comparison, config: Config) -> Diff:
    from gate.notes import diff

    return diff.compare(comparison.candidate, comparison.baseline, config.root)


def _policy(start: Opened, place: int) -> verdict.Policy:
    settings = start.config.model(start.request.model)
    return verdict.Policy(
        confidence=start.config.file.confidence,
        looks=settings.data.looks,
        used=place,
        severity=settings.severity,
        waivers=[entry.waiver() for entry in settings.waivers],
        strict=start.request.strict,
        today=dt.datetime.now(dt.UTC).date().isoformat(),
    )


def _gate_info(request: Request, config: Config, holders: dict[str, int]) -> GateInfo:
    only = request.only
    return GateInfo(
        version=__version__,
        policy_digest=config.policy_digest(request.model),
        only=tuple(sorted(only)) if only is not None else None,
        strict=request.strict,
        holders=holders,
    )


def _fault_report(request: Request, config: Config, version: int, fault: Exception, holders: dict[str, int]) -> Report:
    reason = str(fault) if isinstance(fault, GateError) else f"the gate itself failed: {type(fault).__name__}: {fault}"
    return assembly.fault_report(
        request.model,
        version,
        " ".join(reason.split())[:1000],
        _gate_info(request, config, holders),
        isolation=isolation.reached().level,
        started_at=assembly.now(),
    )
