"""Ask a loaded model every row of the evaluation data, and a few rows once more in other ways."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gate.domain import Failure
from gate.scoring.raw import RawAnswer
from gate.scoring.session import Worker, WorkerFailedError

if TYPE_CHECKING:
    import numpy as np

BATCH_ROWS = 8192
"""Large enough that MLflow's 2 ms a call vanish, small enough that an answer of 768 numbers a row stays at 50 MB."""

TWIN_ROWS = 64
ALONE_ROWS = 16
_WHOLE_BATCH_S = 5.0
"""A first batch that took no longer is asked again as a whole, so that only the repetition or the order differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTwin:
    """Rows of the data (int64, shape (m,)) asked in another way, and the m answers, before they get names.

    Where the model failed to answer these there are none, and a failure.
    """

    name: str
    rows: np.ndarray[Any, Any]
    raw: RawAnswer | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a model answered, before it gets names. With a failure there is no answer.

    Where the model gave another number of answers than it was asked for, `raw` ends there and has no twins.
    """

    raw: RawAnswer | None
    failure: Failure | None = None
    twins: tuple[RawTwin, ...] = ()
    predict_s: float | None = None
    output: str = ""


def score(worker: Worker, inputs: pa.Table, *, seed: int, batch_rows: int = BATCH_ROWS) -> Scored:
    """Ask all rows in batches, then the twins. `predict_s` is wall seconds for all rows, twins left out.

    A failure of the model is returned, not raised. The same seed asks the same twins.
    """
    try:
        answers, predict_s = _ask_all(worker, inputs, batch_rows)
        raw = concatenate(answers)
        whole = raw.rows == inputs.num_rows
        twins = tuple(_twins(worker, inputs.slice(0, batch_rows), seed, predict_s / len(answers))) if whole else ()
    except WorkerFailedError as error:
        return Scored(raw=None, failure=error.failure, output=worker.output)
    return Scored(raw=raw, twins=twins, predict_s=predict_s, output=worker.output)


def concatenate(answers: list[RawAnswer]) -> RawAnswer:
    """Several batches as one answer; a column whose type changes between batches becomes text.

    Raises:
        WorkerFailedError: the form changed, or no common type exists.
    """
    shapes = {answer.shape for answer in answers}
    if len(shapes) > 1:
        raise _failed(
            "InconsistentAnswer", f"The answer's form changed between batches: {' and '.join(sorted(shapes))}."
        )
    tables = [answer.table for answer in answers]
    try:
        return RawAnswer(shape=answers[0].shape, table=_concatenated(tables))
    except pa.ArrowException as error:
        kinds = " and ".join(sorted({str(table.schema.types) for table in tables})[:2])
        raise _failed("InconsistentAnswer", f"The answer's types changed between batches: {kinds}.") from error


def _concatenated(tables: list[pa.Table]) -> pa.Table:
    tables = [_without_list_sizes(table) for table in tables] if _differ(tables) else tables
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException:
        as_text = [table.cast(pa.schema([(name, pa.string()) for name in table.column_names])) for table in tables]
        return pa.concat_tables(as_text, promote_options="permissive")


def _differ(tables: list[pa.Table]) -> bool:
    return any(table.schema != tables[0].schema for table in tables)


def _without_list_sizes(table: pa.Table) -> pa.Table:
    kinds = [pa.list_(kind.value_type) if pa.types.is_fixed_size_list(kind) else kind for kind in table.schema.types]
    return table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True))))


def _ask_all(worker: Worker, inputs: pa.Table, batch_rows: int) -> tuple[list[RawAnswer], float]:
    """The batches' answers, up to the first that has another number of rows than asked, and the wall seconds."""
    answers: list[RawAnswer] = []
    seconds = 0.0
    for start in range(0, max(1, inputs.num_rows), batch_rows):
        batch = inputs.slice(start, batch_rows)
        worker.put("batch", batch)
        began = time.perf_counter()
        answers.append(worker.predict("batch"))
        seconds += time.perf_counter() - began
        if answers[-1].rows != batch.num_rows:
            _refuse_coincidence(answers, batch.num_rows, inputs.num_rows)
            break
    return answers, seconds


def _refuse_coincidence(answers: list[RawAnswer], asked: int, total: int) -> None:
    """A wrong count in one batch must not add up to the right count of all."""
    if sum(answer.rows for answer in answers) == total:
        raise _failed("WrongRowCount", f"The model gave {answers[-1].rows} answers for {asked} rows.")


def _twins(worker: Worker, first: pa.Table, seed: int, batch_s: float) -> Iterator[RawTwin]:
    """The same rows a second time, in another order, and one by one."""
    import numpy as np

    random = np.random.default_rng(seed)
    rows = np.sort(random.choice(first.num_rows, size=min(TWIN_ROWS, first.num_rows), replace=False)).astype(np.int64)
    asked = np.arange(first.num_rows) if batch_s <= _WHOLE_BATCH_S else rows
    places = np.searchsorted(asked, rows)
    yield RawTwin(name="repeated", rows=rows, raw=_picked(_ask(worker, first, asked), places))
    order = random.permutation(len(asked))
    yield RawTwin(name="shuffled", rows=rows, raw=_picked(_ask(worker, first, asked[order]), np.argsort(order)[places]))
    alone = rows[:: max(1, -(-len(rows) // ALONE_ROWS))]
    yield RawTwin(
        name="alone", rows=alone, raw=concatenate([_ask(worker, first, alone[[at]]) for at in range(len(alone))])
    )


def _ask(worker: Worker, first: pa.Table, rows: np.ndarray[Any, Any]) -> RawAnswer:
    worker.put("twin", first.take(pa.array(rows)))
    answer = worker.predict("twin")
    if answer.rows != len(rows):
        raise _failed(
            "WrongRowCount", f"The model gave {answer.rows} answers when it was asked {len(rows)} rows again."
        )
    return answer


def _picked(answer: RawAnswer, places: np.ndarray[Any, Any]) -> RawAnswer:
    return RawAnswer(shape=answer.shape, table=answer.table.take(pa.array(places)))


def _failed(kind: str, text: str) -> WorkerFailedError:
    return WorkerFailedError(Failure(stage="predict", kind=kind, text=text))
