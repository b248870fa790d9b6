"""All rows of data that do not fit in memory: both versions answer them in batches, and their answers are summed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gate.checking.case import Case
from gate.domain import Answers, Coverage, EvaluationData, Failure, Snapshot
from gate.evidence.summaries.found import AllRows
from gate.scoring.answers import Naming, name_columns
from gate.scoring.inputs import MissingColumnsError, inputs_for
from gate.scoring.score import BATCH_ROWS
from gate.scoring.session import Worker, WorkerFailedError
from gate.summing import AllRowsSums, Batch

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Numbers = np.ndarray

NARROW_BYTES = 1024
"""Rows that take no more than this, inputs and answers together, are asked in batches"""
NARROW_ROWS = 4 * BATCH_ROWS
"""of so many: what each call costs by itself counts then."""
BATCH_BYTES = 64 * 2**20
"""Wider rows are asked in smaller batches than usual, of this size."""


class _FailedError(Exception):
    """A version failed on some batch."""

    def __init__(self, side: str, failure: Failure) -> None:
        super().__init__(f"{side}: {failure.kind}: {failure.text}")
        self.side, self.failure = side, failure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One version, and the worker that answers for it."""

    name: str
    worker: Worker
    snapshot: Snapshot


def over_all_rows(workers: tuple[Worker, Worker], case: Case, naming: Naming) -> Case:
    """Ask both versions, which are loaded and have answered the case's sample, all rows; sum what they answer.

    The case comes back with `everything` that was found. A version that fails on some row has failed: the case then
    holds that failure in place of its answers. A case without a stream of rows comes back as it is.

    Raises:
        DataError: the data cannot be read any more.
    """
    data = case.comparison.data
    if data is None or data.stream is None or not case.paired:
        return sample_alone(case)
    batches = _answered(_sides(workers, case), data, naming, _batch_rows(case))
    try:
        return replace(case, everything=_summed(case, batches))
    except _FailedError as error:
        return sample_alone(_failed(case, error))


def sample_alone(case: Case) -> Case:
    """The case as one that rests on its sample: that is what its coverage then says."""
    data = case.comparison.data
    if data is None or data.stream is None or data.coverage is None:
        return case
    coverage = Coverage.of(total=data.coverage.rows_total, judged=data.rows, sampled=data.rows, seed=data.coverage.seed)
    return replace(case, comparison=replace(case.comparison, data=replace(data, stream=None, coverage=coverage)))


def _summed(case: Case, batches: Iterator[Batch]) -> AllRows:
    """Add all batches; numbers that are too large for their squares are no fault of the gate."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        sums = AllRowsSums(case)
        for batch in batches:
            sums.update(batch)
        return sums.finish()


def _sides(workers: tuple[Worker, Worker], case: Case) -> tuple[_Side, ...]:
    candidate = _Side(name="candidate", worker=workers[0], snapshot=case.comparison.candidate)
    baseline = case.comparison.baseline
    if baseline is None or not case.baseline_paired:
        return (candidate,)
    return (candidate, _Side(name="baseline", worker=workers[1], snapshot=baseline))


def _batch_rows(case: Case) -> int:
    """How many rows are asked at once."""
    data, answers = case.comparison.data, case.answers.table
    size = 0 if data is None else data.table.nbytes // max(1, data.rows)
    size += 0 if answers is None else answers.nbytes // max(1, answers.num_rows)
    return NARROW_ROWS if size <= NARROW_BYTES else max(1, min(BATCH_ROWS, BATCH_BYTES // size))


def _answered(sides: tuple[_Side, ...], data: EvaluationData, naming: Naming, rows: int) -> Iterator[Batch]:
    """Give the batches with their answers; the next one is asked while one is summed. Each worker has one thread."""
    stream = data.stream
    if stream is None:
        return
    with ExitStack() as stack:
        threads = [(side, stack.enter_context(ThreadPoolExecutor(1))) for side in sides]
        waiting: _Waiting | None = None
        for table, numbers in stream.batches(rows):
            part = replace(data, table=table, positions=numbers, stream=None)
            answers = [thread.submit(_ask, side, part, naming) for side, thread in threads]
            asked = _Waiting(table=table, numbers=numbers, answers=answers)
            if waiting is not None:
                yield waiting.done()
            waiting = asked
        if waiting is not None:
            yield waiting.done()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A batch that was asked."""

    table: pa.Table
    numbers: Numbers
    answers: list[Future[pa.Table]]

    def done(self) -> Batch:
        """Wait for the answers."""
        found = [answer.result() for answer in self.answers]
        baseline = found[1] if len(found) > 1 else None
        return Batch(table=self.table, numbers=self.numbers, candidate=found[0], baseline=baseline)


def _ask(side: _Side, part: EvaluationData, naming: Naming) -> pa.Table:
    """Ask one version a batch, and name its answers."""
    numbers = part.positions
    where = "" if numbers is None else f" (rows {numbers[0]:,} to {numbers[-1]:,} of the set, from 0)"
    try:
        side.worker.put("batch", inputs_for(side.snapshot.signature, part).table)
        raw = side.worker.predict("batch")
    except WorkerFailedError as error:
        failure = error.failure
        raise _FailedError(side.name, replace(failure, text=f"{failure.text}{where}")) from None
    except MissingColumnsError as error:
        raise _FailedError(side.name, _failure("MissingColumns", f"{error}{where}")) from None
    if raw.rows != part.rows:
        text = f"The model gave {raw.rows} answers for {part.rows} rows{where}."
        raise _FailedError(side.name, _failure("WrongRowCount", text))
    return name_columns(raw, naming).table


def _failure(kind: str, text: str) -> Failure:
    return Failure(stage="predict", kind=kind, text=text)


def _failed(case: Case, error: _FailedError) -> Case:
    """The case of a version that did not answer all rows."""
    failure = error.failure
    if error.side == "candidate":
        reason = f"the candidate gave no answers ({failure.kind})"
        answers = replace(case.answers, table=None, failure=failure, twins=())
        return replace(case, answers=answers, timings=None, reasons={**case.reasons, "answers": reason})
    version = case.comparison.baseline.version if case.comparison.baseline else ""
    reason = f"the baseline v{version} cannot be scored ({failure.kind}: {failure.text})"
    return replace(
        case,
        baseline_answers=Answers(table=None, failure=failure),
        timings=None,
        reasons={**case.reasons, "baseline": reason},
    )
