"""The fixtures `candidate` and `baseline`, which can be asked, and `compare_speed`, which times both in pairs."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import pytest

from gate.authors import ModelFailedError, inconclusive
from gate.checking.benchmark_record import Clock, clock_of, enter, hand_over
from gate.checking.case import Case, LiveVersion
from gate.checking.fixtures import Notes, notes_of
from gate.domain import Severity, Snapshot
from gate.evidence.latency import Ratio
from gate.settings import Latency

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Side = Literal["candidate", "baseline"]
COMPARE_S = 15.0
"""Enough to find a slowdown of ten per cent on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How the questions of one check reach a version, and how the check ends where they cannot."""

    side: Side
    case: Case
    clock: Clock
    notes: Notes

    def live(self, rows: pa.Table | int) -> LiveVersion:
        """Give the version; the check is skipped where it cannot be asked."""
        reasons = self.case.reasons
        if self.case.answers.failure is not None:
            pytest.skip(reasons.get("answers", "the candidate gave no answers"))
        if self.side == "baseline" and self.case.baseline_answers and self.case.baseline_answers.failure:
            self.leave_open(reasons.get("baseline", "the baseline cannot be scored"))
        if self.case.live is None:
            pytest.skip("the versions themselves cannot be asked here")
        if isinstance(rows, int) and self.case.comparison.data is None:
            pytest.skip(reasons.get("data", "there are no evaluation data"))
        return self.case.live.version(self.side)

    def failed(self, error: ModelFailedError) -> NoReturn:
        """End the check: the candidate's failure is its own, the baseline's leaves the question open."""
        if self.side == "candidate":
            raise error
        self.leave_open(str(error))

    def leave_open(self, why: str) -> NoReturn:
        """End the check as the shipped ones end where the baseline cannot be asked."""
        self.notes.severity = Severity.CRITICAL
        inconclusive(f"{why}; compare with another version (--baseline N) or with none (--baseline none)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version(Snapshot):
    """Everything that is stored with a version, and the version itself in a process of its own.

    A model that fails to answer fails the check (ModelFailedError, an AssertionError).
    """

    asked: Asked = field(repr=False, compare=False)

    def predict(self, rows: pd.DataFrame | pa.Table | int) -> pd.DataFrame:
        """Answer rows of your own, or the first so many of the evaluation data.

        The frame has a row for each of them, `prediction`, `proba_<class>` or the model's own columns, and the index
        of a frame that was asked.
        """
        question = _table(rows)
        live = self.asked.live(question)
        answers: pd.DataFrame = self._heeded(lambda: live.predict(question)).to_pandas()
        if not isinstance(rows, int) and hasattr(rows, "index"):
            answers.index = rows.index
        return answers

    def caller(self, rows: pd.DataFrame | pa.Table | int) -> Callable[[], None]:
        """Give a function that makes one prediction, for `benchmark`: the inputs are loaded beforehand.

        A number asks so many evaluation rows a call, drawn, every one once before any twice. Of a call `benchmark`
        counts the prediction alone, by the wall clock.
        """
        question = _table(rows)
        live = self.asked.live(question)
        held = self._heeded(lambda: live.hold(question))

        def call() -> None:
            began = time.perf_counter()
            self.asked.clock.count(began, self._heeded(lambda: live.call(held)))

        return call

    def _heeded(self, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - what was asked
        try:
            return ask()
        except ModelFailedError as error:
            self.asked.failed(error)


@pytest.fixture
def candidate(case: Case, request: pytest.FixtureRequest) -> Version:
    """The candidate: what is stored with it; it can be asked."""
    return _version(case.comparison.candidate, "candidate", request)


@pytest.fixture
def baseline(case: Case, request: pytest.FixtureRequest) -> Version:
    """The baseline likewise; the check is skipped where there is none."""
    if case.comparison.baseline is None:
        pytest.skip("there is no baseline")
    return _version(case.comparison.baseline, "baseline", request)


def _version(snapshot: Snapshot, side: Side, request: pytest.FixtureRequest) -> Version:
    case = request.getfixturevalue("case")
    asked = Asked(side=side, case=case, clock=clock_of(request.config), notes=notes_of(request.node))
    return Version(**{each.name: getattr(snapshot, each.name) for each in fields(Snapshot)}, asked=asked)


@pytest.fixture
def compare_speed(candidate: Version, baseline: Version, request: pytest.FixtureRequest) -> Callable[..., Ratio]:
    """Time both versions in interleaved pairs, and end the check as performance.latency would."""

    def compare(
        rows: pd.DataFrame | pa.Table | int = 1, *, warn: str = "2%", block: str = "5%", budget_s: float = COMPARE_S
    ) -> Ratio:
        question = _table(rows)
        for version in (candidate, baseline):
            version.asked.live(question)
        size = question if isinstance(question, int) else question.num_rows
        how = Latency.model_validate({"warn": warn, "block": block, "batch_sizes": (size,), "budget_s": budget_s})
        return _judged(question, how, request)

    return compare


def _judged(question: pa.Table | int, how: Latency, request: pytest.FixtureRequest) -> Ratio:
    """Time, enter into the record, and judge by the one rule that there is, that of performance.latency."""
    from gate.checking.recorder import check_id

    case: Case = request.getfixturevalue("case")
    measure, weigh, remark = (request.getfixturevalue(name) for name in ("measure", "weigh", "remark"))
    timed = import_module("gate.checks.timed")
    timings = case.live.compare(question, how)  # type: ignore[union-attr] # Asked.live has skipped the check otherwise
    for pairs in timings.pairs:
        enter(request.config, check_id(request.node), pairs)
    hand_over(request)
    timed.refuse_breakdown(timings, weigh)
    result = timed.judge(timings, "latency")
    for finding in result.findings:
        timed.measure_ratio(finding, result.confidence, measure)
    for text in timed.remarks(timings):
        remark(text)
    timed.end(result, weigh, timings.notes)
    ratio: Ratio = result.findings[0].ratio
    return ratio


def _table(rows: pd.DataFrame | pa.Table | int) -> pa.Table | int:
    """What was asked, as it is handed to a process.

    Raises:
        TypeError: it is none of these.
        ValueError: there are no rows.
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(rows, pd.DataFrame):
        rows = pa.Table.from_pandas(rows, preserve_index=False)
    elif not isinstance(rows, pa.Table):
        rows = operator.index(rows)
    count = rows if isinstance(rows, int) else rows.num_rows
    if count < 1:
        raise ValueError("nothing was asked: give a frame with rows, or how many evaluation rows")
    return rows
