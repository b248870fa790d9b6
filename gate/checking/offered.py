"""The columns that an `expect:` entry may name: the evaluation data's, both versions' answers, the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from gate.checking.case import Case
from gate.domain import Severity, Status

if TYPE_CHECKING:
    from collections.abc import Sequence


class Offered:
    """Columns by name, each with a value a row: `age`, `prediction`, `baseline_prediction`, `label`.

    An answer hides an input of its name. Columns are made plain on demand: categories as their values, dates as
    moments, decimals as numbers.
    """

    def __init__(self, case: Case) -> None:
        """Offer what a case with answers holds."""
        self._case = case
        self._plain: dict[str, Any] = {}

    @cached_property
    def _columns(self) -> Mapping[str, Any]:
        case, columns = self._case, dict[str, Any]()
        if case.baseline_paired:
            columns |= {f"baseline_{name}": values for name, values in _by_name(case.baseline_predictions).items()}
        data = case.comparison.data
        if data is not None and len(data.targets) == 1 and case.labels is not None:
            columns["label"] = case.labels
        return columns | _by_name(case.eval_data) | _by_name(case.predictions)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a column of this name."""
        return name in self._columns

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a pandas Series
        """Give a column, as plain as comparing needs it."""
        if name not in self._plain:
            self._plain[name] = _plain(self._columns[name]).rename(name)
        return self._plain[name]

    def names(self) -> list[str]:
        """Name all columns."""
        return sorted(self._columns)

    def frame(self, names: Iterable[str]) -> pd.DataFrame:
        """Give some columns as a frame whose index is the rows' positions."""
        rows = pd.RangeIndex(len(next(iter(self._columns.values()))))
        return pd.DataFrame({name: self[name].set_axis(rows) for name in dict.fromkeys(names)}, index=rows)

    def is_answer(self, name: str) -> bool:
        """Say whether the candidate answers this column."""
        return name in _by_name(self._case.predictions)

    def is_input(self, name: str) -> bool:
        """Say whether the evaluation data hold this column, and no version answers it."""
        return name in _by_name(self._case.eval_data) and not self.is_answer(name)

    def shape(self) -> pd.DataFrame:
        """The first row of the evaluation data and of the answers: what says which columns there are."""
        both = {**_by_name(self._case.eval_data), **_by_name(self._case.predictions)}
        return pd.DataFrame({name: values.iloc[:1] for name, values in both.items()})

    def status_of(self, columns: Sequence[str]) -> Status:
        """How an entry ends that could judge nothing: the candidate's own column is its fault, the data's is not."""
        return Status.FAILED if any(map(self.is_answer, columns)) else Status.INCONCLUSIVE

    def absent(self, name: str) -> tuple[Status, str] | tuple[Status, str, Severity] | None:
        """Say how an entry ends that asks for a column which is not there; None where nobody knows such a column."""
        case = self._case
        if name == "label":
            data = case.comparison.data
            several = data is not None and len(data.targets) > 1
            why = "there are several targets: name one of them" if several else "there are no labels"
            return Status.SKIPPED, case.reasons.get("labels", why)
        if name.startswith("baseline_") and case.comparison.baseline is None:
            return Status.SKIPPED, "there is no baseline"
        if name.startswith("baseline_") and not case.baseline_paired:
            why = case.reasons.get("baseline", "the baseline did not give one answer a row")
            return Status.INCONCLUSIVE, f"{why}; compare with another version, or with none", Severity.CRITICAL
        if self.is_answer(name.removeprefix("baseline_")):
            return Status.INCONCLUSIVE, f"the baseline does not answer {name.removeprefix('baseline_')!r}"
        known = {f"baseline_{name}"} & set(self._columns) or name in _signed(case)
        return (Status.FAILED, f"the candidate does not answer {name!r}") if known else None


def _signed(case: Case) -> set[str]:
    """The answers that the candidate's signature promises."""
    signature = case.comparison.candidate.signature
    outputs = signature.outputs if signature is not None else None
    return {field.name for field in outputs or () if field.name}


def _by_name(frame: pd.DataFrame | None) -> dict[str, Any]:
    return {} if frame is None else {str(name): frame.iloc[:, place] for place, name in enumerate(frame.columns)}


def _plain(series: Any) -> Any:  # noqa: ANN401 - a pandas Series
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.astype(series.dtype.categories.dtype)
    if series.dtype != object:
        return series
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "date":
        return pd.to_datetime(series, errors="coerce")
    return pd.to_numeric(series, errors="coerce") if kind == "decimal" else series
