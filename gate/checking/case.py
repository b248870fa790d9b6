"""What the checks are run on: one comparison with everything that was measured, as frames made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from gate.domain import (
    Answers,
    Comparison,
    GoldenAnswers,
    JsonValue,
    ModelSignature,
    Reproducibility,
    Task,
    Timings,
)
from gate.evidence.metrics import Metric
from gate.evidence.summaries.found import AllRows
from gate.report import cell
from gate.settings import Latency, MetricLimits, ModelConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

ROWS_KEPT = 20
"""K: how many offending rows a check keeps in the report."""
ROWS_FILED = 100_000
"""How many a check keeps in the file beside the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAsked:
    """A metric to judge; `limits` is None for the task's standard ones, `metric` for those of the gate's own table."""

    name: str
    limits: MetricLimits | None
    metric: Metric | None = None


class LiveVersion(Protocol):
    """One version in a process of its own, for the questions of checks.

    Rows are a table, or a number of evaluation rows. Each method raises ModelFailedError where the model fails.
    """

    def predict(self, rows: pa.Table | int) -> pa.Table:
        """Answer these rows, or the first so many of the evaluation data, under the names of the contract."""

    def hold(self, rows: pa.Table | int) -> int:
        """Load what a call is to be asked; give the number that stands for it."""

    def call(self, held: int) -> float:
        """Predict once: wall seconds of the prediction alone."""


class LiveVersions(Protocol):
    """Both versions, to be asked while the checks run."""

    def version(self, side: Literal["candidate", "baseline"]) -> LiveVersion:
        """Give one of them. A process is started when it is asked for the first time."""

    def compare(self, rows: pa.Table | int, how: Latency) -> Timings:
        """Time both in interleaved pairs, as one scenario, by the tolerances and the budget of `how`."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Everything that checks look at. Frames have one row an evaluation row, in its order."""

    comparison: Comparison
    answers: Answers
    baseline_answers: Answers | None
    task: Task
    config: ModelConfig
    confidence: float
    metrics: tuple[MetricAsked, ...]
    reproducibility: Reproducibility
    timings: Timings | None = None
    golden: GoldenAnswers | None = None
    model_signature: ModelSignature | None = None
    everything: AllRows | None = None
    """What all rows told, where the data are a sample of more than fit in memory."""
    live: LiveVersions | None = None
    """The versions themselves, None where they cannot be asked."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why something was not done ("timings", "answers", "data"), in words."""

    @cached_property
    def eval_data(self) -> pd.DataFrame | None:
        """All columns of the evaluation data."""
        data = self.comparison.data
        return None if data is None else data.table.to_pandas()

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """The candidate's answers."""
        return _frame(self.answers)

    @cached_property
    def baseline_predictions(self) -> pd.DataFrame | None:
        """The baseline's answers."""
        return _frame(self.baseline_answers)

    @cached_property
    def labels(self) -> pd.Series | None:
        """The target's column, named as it is in the data; of several targets one list a row, named "a, b"."""
        import pandas as pd

        data = self.comparison.data
        if data is None or not data.targets or self.eval_data is None:
            return None
        if len(data.targets) == 1:
            return self.eval_data[data.targets[0]]
        rows = list(self.eval_data[list(data.targets)].to_numpy())
        return pd.Series(rows, index=self.eval_data.index, name=", ".join(data.targets))

    @cached_property
    def ids(self) -> pd.Series | None:
        """What names each row: the id column, else the row's number in the set, from 0."""
        import pandas as pd

        data = self.comparison.data
        if data is None or self.eval_data is None:
            return None
        numbers = range(data.rows) if data.positions is None else data.positions
        return self.eval_data[data.id] if data.id else pd.Series(numbers, name="row")

    @property
    def paired(self) -> bool:
        """Whether the candidate gave one answer a row."""
        data = self.comparison.data
        return self.predictions is not None and data is not None and len(self.predictions) == data.rows

    @property
    def baseline_paired(self) -> bool:
        """Whether the baseline gave one answer a row."""
        data, answers = self.comparison.data, self.baseline_predictions
        return answers is not None and data is not None and len(answers) == data.rows

    def row(self, position: int, extra: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        """One offending row: its id, inputs, both answers and its label, values cut."""
        row: dict[str, JsonValue] = {"id": _at(self.ids, position), "inputs": self._inputs(position)}
        if self.paired and self.predictions is not None:
            row["prediction"] = _answer(self.predictions, position)
        if self.baseline_paired and self.baseline_predictions is not None:
            row["baseline_prediction"] = _answer(self.baseline_predictions, position)
        if self.labels is not None:
            row["label"] = _at(self.labels, position)
        return row | dict(extra)

    def _inputs(self, position: int) -> JsonValue:
        data = self.comparison.data
        if self.eval_data is None or data is None:
            return {}
        names = [name for name in self.eval_data.columns if name not in {*data.targets, data.id}]
        return {str(name): cell(self.eval_data[name].iloc[position]) for name in names[:50]}


def _frame(answers: Answers | None) -> pd.DataFrame | None:
    return None if answers is None or answers.table is None else answers.table.to_pandas()


def _at(column: pd.Series | None, position: int) -> JsonValue:
    return None if column is None else cell(column.iloc[position])


def _answer(frame: pd.DataFrame, position: int) -> JsonValue:
    """One answer: the value where there is one column, else a mapping."""
    columns: Sequence[str] = list(frame.columns)
    if len(columns) == 1:
        return cell(frame[columns[0]].iloc[position])
    return {str(name): cell(frame[name].iloc[position]) for name in columns[:20]}
