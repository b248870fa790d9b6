"""The candidate asked in other ways, when all else is measured: twins, a second process, the relations of gate.yaml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gate.answering import SEED, Scored
from gate.domain import Comparison, EvaluationData, Twin
from gate.errors import UsageError
from gate.scoring import twins
from gate.scoring.answers import name_columns
from gate.scoring.changes import ChangeError, changed
from gate.scoring.inputs import MissingColumnsError, inputs_for
from gate.scoring.session import Worker, WorkerFailedError

if TYPE_CHECKING:
    import pyarrow as pa

    from gate.scoring.score import RawTwin
    from gate.settings import ModelConfig, Relation

LONG_LOAD_S = 60.0
"""A model that takes longer to load is not loaded a second time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A relation, the rows that its change applies to, and the data with these rows alone, changed."""

    relation: Relation
    rows: twins.Rows
    data: EvaluationData


def relations(data: EvaluationData | None, settings: ModelConfig, place: str) -> tuple[Changed, ...]:
    """Change the data as the relations of gate.yaml say.

    Raises:
        UsageError: a relation names a column that the data do not have, or a change that it cannot take.
    """
    if data is None:
        return ()
    return tuple(_changed(relation, data, place) for relation in settings.metamorphic)


def _changed(relation: Relation, data: EvaluationData, place: str) -> Changed:
    inputs = [name for name in data.table.column_names if name not in {*data.targets, data.id}]
    unknown = [name for name in relation.change if name not in inputs]
    if unknown:
        raise UsageError(
            f"{place}: {relation.title}: the evaluation data {data.source} have no input column {unknown[0]!r}.",
            remedy=f"Name one of {', '.join(inputs[:30])}.",
        )
    try:
        rows, table = changed(data.table, relation.change, SEED)
    except ChangeError as error:
        raise UsageError(
            f"{place}: {relation.title}: {error}.",
            remedy='Write {old: new} for values, "+1", "-5%" or "*2" for numbers, or one value for all rows.',
        ) from None
    return Changed(relation=relation, rows=rows, data=replace(data, table=table))


def refuse_unknown_answers(settings: ModelConfig, scored: Scored, place: str) -> None:
    """Refuse a relation about a column that no version answers; one that the candidate alone lost is its own fault.

    Raises:
        UsageError: with the columns that there are.
    """
    tables = [side.table for side in (scored.candidate, scored.baseline) if side is not None and side.table is not None]
    known = sorted({name for table in tables for name in table.column_names})
    for relation in settings.metamorphic if tables else ():
        if relation.column is not None and relation.column not in known:
            raise UsageError(
                f"{place}: {relation.title}: no version answers a column {relation.column!r}.",
                remedy=f"The answers have {', '.join(known[:30])}.",
            )


def ask(worker: Worker, comparison: Comparison, scored: Scored, changes: tuple[Changed, ...]) -> tuple[Twin, ...]:
    """Ask the candidate in every other way that applies. Without its answers to all rows there is nothing to ask."""
    data, signature = comparison.data, comparison.candidate.signature
    if data is None or scored.inputs is None:
        return ()
    asked = [*twins.questions(scored.inputs, signature, SEED)]
    for change in changes:
        try:
            table = inputs_for(signature, change.data).table
        except MissingColumnsError:
            continue
        if len(change.rows):
            asked.append(twins.Question(name=change.relation.twin, rows=change.rows, parts=(table,)))
    return tuple(_named(twins.ask(worker, question), scored) for question in asked)


def ask_elsewhere(
    workers: tuple[Worker | None, Callable[[], Worker]], comparison: Comparison, scored: Scored
) -> tuple[Twin, ...]:
    """Load the candidate in another process, and ask some rows.

    That is the baseline's process, which has nothing else to do any more, unless that runs in another environment
    (None). What it was left with could get in the way:
    where answers differ, or loading fails, a new process has the last word.
    """
    load_s = scored.load_s.get("candidate")
    if scored.inputs is None or comparison.candidate.artifact is None or load_s is None or load_s > LONG_LOAD_S:
        return ()
    rows = twins.chosen(scored.inputs.num_rows, SEED)
    question = twins.Question(name="elsewhere", rows=rows, parts=(_taken(scored.inputs, rows),))
    if workers[0] is not None and workers[0].alive:
        twin = _loaded(workers[0], comparison, question, scored)
        if twin.failure is None and _agrees(twin, scored):
            return (twin,)
    with workers[1]() as fresh:
        return (_loaded(fresh, comparison, question, scored),)


def _taken(inputs: pa.Table, rows: twins.Rows) -> pa.Table:
    import pyarrow as pa

    return inputs.take(pa.array(rows))


def _loaded(worker: Worker, comparison: Comparison, question: twins.Question, scored: Scored) -> Twin:
    artifact = comparison.candidate.artifact
    try:
        if artifact is not None:
            worker.load(artifact.path)
    except WorkerFailedError as error:
        return Twin(name=question.name, rows=question.rows, table=None, failure=error.failure)
    return _named(twins.ask(worker, question), scored)


def _agrees(twin: Twin, scored: Scored) -> bool:
    from gate.evidence.twins import disagreement

    if twin.table is None or scored.candidate.table is None:
        return False
    whole = scored.candidate.table.to_pandas()
    return not disagreement(whole.iloc[twin.rows], twin.table.to_pandas(), whole).differs.any()


def _named(twin: RawTwin, scored: Scored) -> Twin:
    table = None if twin.raw is None else name_columns(twin.raw, scored.naming).table
    return Twin(name=twin.name, rows=twin.rows, table=table, failure=twin.failure)
