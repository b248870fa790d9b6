"""The fixtures that a check asks for by name. Hands out what the case holds; skips or ends where it holds nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from gate.authors import inconclusive
from gate.checking.benchmark_record import hand_over
from gate.checking.case import ROWS_FILED, ROWS_KEPT, Case
from gate.domain import (
    Answers,
    GoldenAnswers,
    JsonValue,
    LossTest,
    Measurement,
    ModelSignature,
    Offending,
    Reproducibility,
    Severity,
    Task,
    Timings,
)
from gate.report import cell
from gate.settings import ModelConfig

if TYPE_CHECKING:
    import pandas as pd

OTHER_BASELINE = "compare with another version (--baseline N) or with none (--baseline none)"
CASE = pytest.StashKey[Case]()
NOTES = pytest.StashKey["Notes"]()


@dataclass(slots=True)
class Notes:
    """What one running check has recorded so far."""

    measurements: list[Measurement] = field(default_factory=list)
    past_limits: list[str] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    rows_total: int = 0
    offending: list[Offending] = field(default_factory=list)
    tests: list[LossTest] = field(default_factory=list)
    severity: Severity | None = None
    remarks: list[str] = field(default_factory=list)


def notes_of(item: pytest.Item) -> Notes:
    """What a check has recorded so far."""
    return item.stash.setdefault(NOTES, Notes())


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """Everything at once, for the shipped checks."""
    return request.config.stash[CASE]


@pytest.fixture
def eval_data(case: Case) -> pd.DataFrame:
    """All columns of the evaluation data, one row an evaluation row."""
    if case.eval_data is None:
        pytest.skip(case.reasons.get("data", "there are no evaluation data"))
    return case.eval_data.copy(deep=False)


@pytest.fixture
def answers(case: Case) -> Answers:
    """The candidate's answers, or its failure."""
    return case.answers


@pytest.fixture
def baseline_answers(case: Case) -> Answers:
    """The baseline's answers, or its failure; the check is skipped where there is no baseline."""
    if case.baseline_answers is None:
        pytest.skip(case.reasons.get("baseline", "there is no baseline"))
    return case.baseline_answers


@pytest.fixture
def predictions(case: Case) -> pd.DataFrame:
    """The candidate's answers as a frame; the check is skipped where they cannot be paired with the rows."""
    if case.predictions is None:
        pytest.skip(case.reasons.get("answers", "the candidate gave no answers"))
    if not case.paired:
        pytest.skip("the candidate did not give one answer a row (contract.row_count)")
    return case.predictions.copy(deep=False)


@pytest.fixture
def baseline_predictions(case: Case, request: pytest.FixtureRequest) -> pd.DataFrame:
    """The baseline's answers as a frame; inconclusive and critical where the baseline cannot be scored."""
    if case.comparison.baseline is None:
        pytest.skip("there is no baseline")
    if case.eval_data is None or not case.paired:
        pytest.skip(case.reasons.get("answers", "the candidate gave no answers that could be compared"))
    if not case.baseline_paired or case.baseline_predictions is None:
        notes_of(request.node).severity = Severity.CRITICAL
        why = case.reasons.get("baseline", "the baseline did not give one answer a row")
        inconclusive(f"{why}; {OTHER_BASELINE}")
    return case.baseline_predictions.copy(deep=False)


@pytest.fixture
def labels(case: Case) -> pd.Series:
    """The labels, one an evaluation row; the check is skipped where there are none."""
    if case.labels is None:
        pytest.skip(case.reasons.get("labels", "there are no labels: set data.target to the column that holds them"))
    return case.labels.copy(deep=False)


@pytest.fixture
def ids(case: Case) -> pd.Series:
    """What names each row."""
    if case.ids is None:
        pytest.skip(case.reasons.get("data", "there are no evaluation data"))
    return case.ids


@pytest.fixture(name="config")
def model_config(case: Case) -> ModelConfig:
    """The model's settings."""
    return case.config


@pytest.fixture
def task(case: Case) -> Task:
    """What the answers are."""
    return case.task


@pytest.fixture
def confidence(case: Case) -> float:
    """The confidence of every statistical verdict."""
    return case.confidence


@pytest.fixture
def timings(case: Case, request: pytest.FixtureRequest) -> Timings:
    """What was timed; the check is skipped where nothing was, inconclusive where the baseline cannot be scored."""
    if case.timings is None and "baseline" in case.reasons:
        notes_of(request.node).severity = Severity.CRITICAL
        inconclusive(f"{case.reasons['baseline']}; {OTHER_BASELINE}")
    if case.timings is None:
        pytest.skip(case.reasons.get("timings", "nothing was timed"))
    hand_over(request)
    return case.timings


@pytest.fixture
def reproducibility(case: Case) -> Reproducibility:
    """The seven things a rebuild needs."""
    return case.reproducibility


@pytest.fixture
def golden(case: Case) -> GoldenAnswers:
    """What the candidate answered to the golden cases; the check is skipped where there are none."""
    if case.golden is None:
        pytest.skip(case.reasons.get("golden", "there are no golden cases"))
    return case.golden


@pytest.fixture
def model_signature(case: Case) -> ModelSignature:
    """Who signed the candidate's files; the check is skipped where nobody looked."""
    if case.model_signature is None:
        pytest.skip("nobody looked for a signature of the model")
    return case.model_signature


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Record a number; past its limit the check fails, with all limits reported together.

    A `margin` is shown as the limit and decides nothing here: a comparison's `test` does.
    """
    notes = notes_of(request.node)

    def record(  # noqa: PLR0913 - one keyword a property of a measurement
        name: str,
        value: float | str | None,
        *,
        min: float | None = None,  # noqa: A002 - the contract's own word
        max: float | None = None,  # noqa: A002 - the contract's own word
        margin: float | None = None,
        unit: str | None = None,
        baseline: float | str | None = None,
        ci: tuple[float, float] | None = None,
        confidence: float | None = None,
    ) -> None:
        limit = next((bound for bound in (max, min, margin) if bound is not None), None)
        notes.measurements.append(
            Measurement(name=name, value=value, unit=unit, baseline=baseline, limit=limit, ci=ci, confidence=confidence)
        )
        past = _past(value, min, max)
        if past:
            notes.past_limits.append(f"{name} is {_number(value)}{f' {unit}' if unit else ''}, {past}")

    return record


def _past(value: float | str | None, low: float | None, high: float | None) -> str:
    """Say which limit a value is past; what is no number is past every limit."""
    if low is None and high is None:
        return ""
    if value is None or isinstance(value, str):
        return "not a number"
    number = float(value)
    if math.isnan(number):
        return "not a number"
    if low is not None and number < low:
        return f"below the limit of {_number(low)}"
    return f"above the limit of {_number(high)}" if high is not None and number > high else ""


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, (int, float)) else str(value)


@pytest.fixture
def offending_rows(case: Case, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Record rows by position, worst first; at most K are in the report, all are counted and go to the file of rows."""
    notes = notes_of(request.node)

    def record(rows: Any, **columns: Any) -> None:  # noqa: ANN401 - positions, a mask, or rows of a frame
        positions = _positions(rows)
        notes.rows_total += len(positions)
        notes.offending.append(_filed(positions, columns))
        for index in range(min(len(positions), ROWS_KEPT - len(notes.rows))):
            extra: dict[str, JsonValue] = {name: cell(values[index]) for name, values in columns.items()}
            notes.rows.append(case.row(int(positions[index]), extra))

    return record


@pytest.fixture
def offending_cases(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Record rows that are not of the evaluation data, as mappings; at most K are kept, all are counted."""
    notes = notes_of(request.node)

    def record(rows: Sequence[Mapping[str, Any]]) -> None:
        notes.rows_total += len(rows)
        kept = rows[: ROWS_KEPT - len(notes.rows)]
        notes.rows += [{key: _cells(value) for key, value in row.items()} for row in kept]

    return record


def _cells(value: Any) -> JsonValue:  # noqa: ANN401 - what a row holds
    """Cut each input on its own: a mapping of columns is no value."""
    return {str(name): cell(item) for name, item in value.items()} if isinstance(value, Mapping) else cell(value)


def _filed(positions: Any, columns: dict[str, Any]) -> Offending:  # noqa: ANN401 - numbers in any sequence
    import numpy as np

    first = np.asarray(positions[:ROWS_FILED], dtype=np.int64)
    return Offending(positions=first, columns={name: values[: len(first)] for name, values in columns.items()})


def _positions(rows: Any) -> Any:  # noqa: ANN401 - as above
    """Row numbers of what an author hands over: numbers, a boolean mask, or rows picked from one of the frames."""
    import numpy as np

    if str(getattr(rows, "dtype", "")) == "bool":
        return np.flatnonzero(rows)
    return rows.index.to_numpy() if getattr(rows, "ndim", 0) == 2 and hasattr(rows, "index") else np.asarray(rows)  # noqa: PLR2004 - a frame


@pytest.fixture
def test(request: pytest.FixtureRequest) -> Callable[[LossTest], None]:
    """Record a three-ended comparison; it is decided when all are known."""
    return notes_of(request.node).tests.append


@pytest.fixture
def weigh(request: pytest.FixtureRequest) -> Callable[[Severity | str], None]:
    """Set the severity of this result, where it depends on how far it is off."""
    notes = notes_of(request.node)

    def set_severity(severity: Severity | str) -> None:
        notes.severity = Severity(severity)

    return set_severity


@pytest.fixture
def remark(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say something beside the result, whatever that is: it stands at the message's end."""
    return notes_of(request.node).remarks.append
