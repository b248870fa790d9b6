"""The same rows asked in yet other ways: in parts, twice in one batch, columns turned round, without optional values.

A model that raises in such a question gives a twin with a failure; its answers to the evaluation rows stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gate.domain import Failure, Field, Signature
from gate.scoring.score import TWIN_ROWS, RawTwin, concatenate
from gate.scoring.session import Worker, WorkerFailedError

if TYPE_CHECKING:
    from gate.scoring.raw import RawAnswer

Rows = np.ndarray[Any, Any]

MAY_BE_NULL = ("double", "float", "string", "datetime", "binary")
"""Types in which MLflow takes a missing value; optional columns of the others are left out instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Rows of the data (int64, shape (m,)) and the tables that ask for them: m rows in all, in their order."""

    name: str
    rows: Rows
    parts: tuple[pa.Table, ...]


def questions(inputs: pa.Table, signature: Signature | None, seed: int) -> Iterator[Question]:
    """Ask at most 64 seeded rows in every way that applies to these inputs."""
    if not inputs.num_rows:
        return
    rows = chosen(inputs.num_rows, seed)
    asked = inputs.take(pa.array(rows))
    first, second = len(rows) // 8, len(rows) // 2
    parts = (asked.slice(0, first), asked.slice(first, second - first), asked.slice(second))
    yield Question(name="split", rows=rows, parts=tuple(part for part in parts if part.num_rows))
    twice = rows[: len(rows) // 2 or 1]
    some = asked.slice(0, len(twice))
    yield Question(name="twice", rows=np.concatenate([twice, twice]), parts=(pa.concat_tables([some, some]),))
    fields = (signature.inputs if signature else None) or ()
    if fields and asked.num_columns > 1 and all(field.name and field.shape is None for field in fields):
        yield Question(name="columns", rows=rows, parts=(asked.select(asked.column_names[::-1]),))
    without = _without_optional(asked, fields)
    if without is not None:
        yield Question(name="optional", rows=rows, parts=(without,))


def chosen(total: int, seed: int) -> Rows:
    """Choose at most 64 rows, in their order."""
    draw = np.random.default_rng([seed, 1])
    return np.sort(draw.choice(total, size=min(TWIN_ROWS, total), replace=False)).astype(np.int64)


def _without_optional(asked: pa.Table, fields: Sequence[Field]) -> pa.Table | None:
    """The rows with no value in any optional column; None where there is none, or nothing would be left."""
    optional = {field.name: field.type for field in fields if not field.required and field.name in asked.column_names}
    for name, kind in optional.items():
        place = asked.column_names.index(str(name))
        if kind in MAY_BE_NULL:
            asked = asked.set_column(place, str(name), pa.nulls(asked.num_rows, asked.column(place).type))
        else:
            asked = asked.remove_column(place)
    return asked if optional and asked.num_columns else None


def ask(worker: Worker, question: Question) -> RawTwin:
    """Ask one question. What the model raises is part of the twin."""
    try:
        return RawTwin(name=question.name, rows=question.rows, raw=concatenate(list(_answers(worker, question))))
    except WorkerFailedError as error:
        return RawTwin(name=question.name, rows=question.rows, raw=None, failure=error.failure)


def _answers(worker: Worker, question: Question) -> Iterator[RawAnswer]:
    for part in question.parts:
        worker.put("twin", part)
        answer = worker.predict("twin")
        if answer.rows != part.num_rows:
            text = f"The model gave {answer.rows} answers for {part.num_rows} rows."
            raise WorkerFailedError(Failure(stage="predict", kind="WrongRowCount", text=text))
        yield answer
