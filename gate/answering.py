"""Both versions answer the same rows, each in its own worker process, at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.domain import Answers, Comparison, EvaluationData, Failure, Snapshot, Task
from gate.errors import DataError, GateError, UsageError
from gate.scoring.answers import Naming, name_answers
from gate.scoring.inputs import Inputs, MissingColumnsError, inputs_for
from gate.scoring.score import Scored as RawScored
from gate.scoring.score import score
from gate.scoring.session import Worker, WorkerFailedError
from gate.scoring.tasks import infer_task
from gate.settings import ModelConfig

if TYPE_CHECKING:
    import pyarrow as pa

SEED = 20_260_101
"""Which rows are asked twice. Fixed, so that judging the same bytes again asks the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What both versions answered; the inputs are kept for timing, None where a version cannot be timed."""

    candidate: Answers
    baseline: Answers | None
    naming: Naming
    """How answers get their names, the same for both versions."""
    labelled: bool
    inputs: pa.Table | None
    baseline_inputs: pa.Table | None
    load_s: dict[str, float | None]
    reasons: Mapping[str, str]
    """Why a version gave no answers, in words ("answers", "baseline")."""

    @property
    def task(self) -> Task:
        """What the answers are."""
        return self.naming.task

    @property
    def answered(self) -> tuple[str, ...]:
        """The columns of the answers: the baseline's where it has any, else the candidate's."""
        tables = (side.table for side in (self.baseline, self.candidate) if side is not None)
        return next((tuple(table.column_names) for table in tables if table is not None), ())

    @property
    def why_untimed(self) -> str:
        """Say why there is nothing to time."""
        return self.reasons.get("answers") or self.reasons.get("baseline") or "there is no baseline to time against"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One version before its answers have names."""

    raw: RawScored
    inputs: Inputs | None
    load_s: float | None


def score_both(workers: tuple[Worker, Worker], comparison: Comparison, settings: ModelConfig) -> Scored:
    """Load and ask both versions. A failure of a model is part of the result, never an exception.

    Raises:
        UsageError: the evaluation data lack columns that both versions take.
        DataError: the evaluation data were logged by a run, and lack columns that both versions take.
    """
    candidate, baseline, data = comparison.candidate, comparison.baseline, comparison.data
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(_ask, workers[0], candidate, data)
        other = pool.submit(_ask, workers[1], baseline, data) if baseline else None
        ours, theirs = asked.result(), other.result() if other else None
    _refuse_unusable_data(ours, theirs, data)
    naming = _naming(ours, theirs, comparison, settings)
    answers = _named(ours, naming)
    baseline_answers = _named(theirs, naming) if theirs else None
    return Scored(
        candidate=answers,
        baseline=baseline_answers,
        naming=naming,
        labelled=data is not None and bool(data.targets),
        inputs=_timed(ours, data),
        baseline_inputs=_timed(theirs, data) if theirs else None,
        load_s={"candidate": ours.load_s, "baseline": theirs.load_s if theirs else None},
        reasons=_reasons(answers, baseline_answers, comparison),
    )


def _ask(worker: Worker, snapshot: Snapshot, data: EvaluationData | None) -> _Side:
    """Load one version and ask it all rows."""
    if (refused := why_not_loaded(snapshot)) is not None:
        return _failed(refused)
    artifact = snapshot.artifact
    assert artifact is not None  # noqa: S101 - else it was refused
    try:
        load_s = worker.load(artifact.path)
    except WorkerFailedError as error:
        if error.failure.stage == "start":
            raise GateError(
                f"A worker process did not start: {error.failure.kind}: {error.failure.text}",
                remedy="See isolation.memory_mb and the output of `gate doctor`.",
            ) from None
        return _failed(error.failure)
    if data is None:
        return _Side(raw=RawScored(raw=None, output=worker.output), inputs=None, load_s=load_s)
    try:
        inputs = inputs_for(snapshot.signature, data)
    except MissingColumnsError as error:
        return _failed(Failure(stage="predict", kind="MissingColumns", text=f"{error}"), load_s)
    return _Side(raw=score(worker, inputs.table, seed=SEED), inputs=inputs, load_s=load_s)


def why_not_loaded(snapshot: Snapshot) -> Failure | None:
    """Why this version is never handed to a worker: it has no files, or the policy or its signature forbids it."""
    if snapshot.artifact is None:
        text = snapshot.artifact_problem or "the files of the version cannot be had"
        kind = "ArtifactRefused" if snapshot.artifact_refused else "ArtifactMissing"
        return Failure(stage="load", kind=kind, text=text)
    if snapshot.denied:
        return Failure(stage="load", kind="Denied", text=f"it was not loaded: {snapshot.denied}")
    if snapshot.withheld is not None:
        return Failure(stage="load", kind="Withheld", text=snapshot.withheld)
    if snapshot.unequipped is not None:
        return Failure(stage="load", kind="Environment", text=snapshot.unequipped)
    return None


def _failed(failure: Failure, load_s: float | None = None) -> _Side:
    return _Side(raw=RawScored(raw=None, failure=failure, output=failure.output), inputs=None, load_s=load_s)


def _refuse_unusable_data(ours: _Side, theirs: _Side | None, data: EvaluationData | None) -> None:
    """Columns that no version finds are missing from the data; those that one alone misses are a change of it."""
    sides = [ours, theirs] if theirs else [ours]
    failures = [side.raw.failure for side in sides]
    if data is None or not all(failure and failure.kind == "MissingColumns" for failure in failures):
        return
    text = failures[0].text if failures[0] else ""
    kind: Callable[..., Exception] = DataError if " of run " in data.source else UsageError
    names = ", ".join(data.table.column_names[:30])
    raise kind(
        f"The evaluation data {data.source} do not fit: {text}.",
        remedy=f"The data have the columns {names}. Give other data with --data, or correct data.path and data.target.",
    )


def _naming(ours: _Side, theirs: _Side | None, comparison: Comparison, settings: ModelConfig) -> Naming:
    """Names and task are decided once, on the baseline where it answered: a candidate cannot redefine them."""
    data = comparison.data
    labels = _labels(data)
    known = theirs if theirs is not None and theirs.raw.raw is not None else ours
    snapshot = comparison.baseline if known is theirs and comparison.baseline else comparison.candidate
    raw = known.raw.raw
    task = settings.task or (infer_task(raw, labels, snapshot.signature) if raw else Task.OTHER)
    return Naming.of(
        task,
        classes=settings.classes,
        positive=settings.positive,
        signature=snapshot.signature,
        labels=labels,
    )


def _labels(data: EvaluationData | None) -> pa.ChunkedArray | pa.Table | None:
    """Give the label's column, a table of them where there are several targets."""
    if data is None or not data.targets:
        return None
    return data.table.column(data.targets[0]) if len(data.targets) == 1 else data.table.select(list(data.targets))


def _named(side: _Side, naming: Naming) -> Answers:
    positional = side.inputs.positional if side.inputs else False
    return name_answers(side.raw, naming, load_s=side.load_s, positional_inputs=positional)


def _timed(side: _Side, data: EvaluationData | None) -> pa.Table | None:
    """The inputs of a version that answered every row."""
    whole = data is not None and side.raw.raw is not None and side.raw.raw.rows == data.rows
    return side.inputs.table if side.inputs and whole else None


def _reasons(answers: Answers, baseline: Answers | None, comparison: Comparison) -> dict[str, str]:
    reasons = {}
    if answers.failure is not None:
        reasons["answers"] = f"the candidate gave no answers ({answers.failure.kind})"
    elif comparison.data is None:
        reasons["answers"] = "the candidate was asked nothing: there are no evaluation data"
    if baseline is not None and baseline.failure is not None:
        failure, version = baseline.failure, comparison.baseline.version if comparison.baseline else ""
        reasons["baseline"] = f"the baseline v{version} cannot be scored ({failure.kind}: {failure.text})"
    return reasons
