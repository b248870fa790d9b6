"""Asks the candidate its golden cases, in the worker that holds it already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gate.answering import Scored
from gate.domain import Comparison, EvaluationData, Failure, GoldenAnswers, GoldenCase, JsonValue, Signature, Task
from gate.errors import UsageError
from gate.scoring.answers import Naming, infer_task, name_columns
from gate.scoring.inputs import MissingColumnsError, inputs_for
from gate.scoring.session import Worker, WorkerFailedError
from gate.settings import ModelConfig

if TYPE_CHECKING:
    import pyarrow as pa

    from gate.scoring.raw import RawAnswer


_NUMBERS = frozenset({"integer", "long", "float", "double"})


def ask(
    worker: Worker,
    comparison: Comparison,
    scored: Scored,
    cases: Sequence[GoldenCase],
    settings: ModelConfig,
    source: str,
) -> GoldenAnswers:
    """Ask a loaded candidate. A failure of the model is part of the result, never an exception.

    Raises:
        UsageError: one column of the cases holds values of several types, or text where every version takes numbers.
    """
    data = EvaluationData(table=_table(cases, source), source=source, digest="", target=None, id=None)
    _refuse_texts(data, comparison)
    try:
        inputs = inputs_for(comparison.candidate.signature, data)
        worker.put("golden", inputs.table)
        raw = worker.predict("golden")
    except MissingColumnsError as error:
        return _failed(source, cases, Failure(stage="inputs", kind="MissingColumns", text=str(error)))
    except WorkerFailedError as error:
        return _failed(source, cases, error.failure)
    if raw.rows != len(cases):
        text = f"{raw.rows} answers to {len(cases)} golden cases"
        return _failed(source, cases, Failure(stage="predict", kind="WrongRowCount", text=text))
    naming = _naming(raw, comparison, scored, cases, settings)
    return GoldenAnswers(
        source=source,
        cases=tuple(cases),
        table=name_columns(raw, naming).table,
        positive=_positive(naming),
    )


def _failed(source: str, cases: Sequence[GoldenCase], failure: Failure) -> GoldenAnswers:
    return GoldenAnswers(source=source, cases=tuple(cases), table=None, failure=failure)


def _table(cases: Sequence[GoldenCase], source: str) -> pa.Table:
    """One row a case; a column that a case does not name is missing there."""
    import pyarrow as pa

    names = dict.fromkeys(name for case in cases for name in case.inputs)
    columns = {}
    for name in names:
        try:
            columns[name] = pa.array([case.inputs.get(name) for case in cases])
        except (pa.ArrowException, TypeError, OverflowError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UsageError(
                f"The golden cases {source} have values of several types in the input {name!r}: {reason}.",
                remedy="Write them alike in every case.",
            ) from None
    return pa.table(columns)


def _refuse_texts(data: EvaluationData, comparison: Comparison) -> None:
    """A text where both versions take a number is a slip in the file, not a fault of the candidate."""
    import pyarrow as pa

    versions = [version for version in (comparison.candidate, comparison.baseline) if version is not None]
    fields = [
        field for version in versions for field in (version.signature.inputs if version.signature else None) or ()
    ]
    for name, column in zip(data.table.column_names, data.table.columns, strict=True):
        types = {field.type for field in fields if field.name == name}
        if types and types <= _NUMBERS and pa.types.is_string(column.type):
            example = next(value for value in column.to_pylist() if value is not None)
            raise UsageError(
                f"The golden cases {data.source} have the text {example!r} in {name!r}, a number for the model.",
                remedy="Write it without quotes.",
            )


def _naming(
    raw: RawAnswer, comparison: Comparison, scored: Scored, cases: Sequence[GoldenCase], settings: ModelConfig
) -> Naming:
    """Name the answers as those to the evaluation rows were named; without such rows, by the cases themselves."""
    if comparison.data is not None:
        return scored.naming
    signature = comparison.candidate.signature
    return Naming(
        task=settings.task or _task(raw, signature, cases),
        classes=tuple(settings.classes or ()),
        positive=settings.positive,
        outputs=(signature.outputs if signature else None) or (),
        labels=_classes(cases),
    )


def _task(raw: RawAnswer, signature: Signature | None, cases: Sequence[GoldenCase]) -> Task:
    """Cases that name classes speak of probabilities where the answers are fractions between 0 and 1."""
    task = infer_task(raw, None, signature)
    if task is not Task.REGRESSION or any(case.kind != "class" for case in cases):
        return task
    return Task.PROBABILITY


def _classes(cases: Sequence[GoldenCase]) -> tuple[JsonValue, ...]:
    named = {str(case.expected): case.expected for case in cases if case.kind == "class"}
    return tuple(named[name] for name in sorted(named))


def _positive(naming: Naming) -> JsonValue:
    """The class of which a single probability speaks: the one named, else the last; None for other answers."""
    if naming.task is not Task.PROBABILITY:
        return None
    if naming.positive is not None:
        return naming.positive
    levels = naming.classes or naming.labels
    binary = all(str(level) in {"0", "1", "0.0", "1.0", "False", "True"} for level in levels)
    return 1 if binary or not levels else levels[-1]
