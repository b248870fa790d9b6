"""What the shipped checks look at: both versions' answers and the labels, read once from the case's frames."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from gate.domain import Answers, Comparison, Task
from gate.evidence.outputs import Kind, Output, as_classes, read
from gate.evidence.pairing import PROBA, Columns, Labels, main_answer

CLASS_TASKS = frozenset({Task.CLASSIFICATION, Task.PROBABILITY})


class Case(Protocol):
    """The part of the engine's case that the shipped checks use."""

    @property
    def comparison(self) -> Comparison:
        """The two versions and the data."""

    @property
    def answers(self) -> Answers:
        """The candidate's answers."""

    @property
    def predictions(self) -> pd.DataFrame | None:
        """The candidate's answers as a frame."""

    @property
    def baseline_predictions(self) -> pd.DataFrame | None:
        """The baseline's answers as a frame."""

    @property
    def baseline_paired(self) -> bool:
        """Whether the baseline gave one answer a row."""

    @property
    def eval_data(self) -> pd.DataFrame | None:
        """All columns of the evaluation data."""

    @property
    def labels(self) -> pd.Series | None:
        """The labels."""

    @property
    def task(self) -> Task:
        """What the answers are."""

    @property
    def config(self) -> Any:
        """The model's settings."""


_read: list[tuple[weakref.ref[Any], Columns]] = []
"""Frames that were read already: a million texts need not be read by every check."""


def candidate_columns(case: Case) -> Columns:
    """Give the candidate's answers by column; the fixture `predictions` has made sure that there are some."""
    if case.predictions is None:
        raise ValueError("the candidate gave no answers")
    return _columns(case.predictions, case)


def baseline_columns(case: Case) -> Columns | None:
    """Give the baseline's answers by column, None where there is none or it could not be scored."""
    if case.baseline_predictions is None or not case.baseline_paired:
        return None
    return _columns(case.baseline_predictions, case)


def labels_of(case: Case) -> Labels | None:
    """Give the labels with what is known of their meaning, None where there are none."""
    if case.labels is None:
        return None
    read_once = _once(case.labels, lambda: _label_columns(case))
    return Labels(
        output=read_once[""],
        name=str(case.labels.name),
        targets={name: output for name, output in read_once.items() if name},
        task=case.task,
        classes=case.config.classes or case.answers.classes or (),
        positive=case.config.positive,
    )


def _label_columns(case: Case) -> Columns:
    """The labels as one column; where there are several targets each of them too."""
    data = case.comparison.data
    targets = data.targets if data is not None else ()
    if len(targets) < 2 or case.eval_data is None:  # noqa: PLR2004 - one target is the label itself
        return {"": column(case.labels)}
    each = {name: column(case.eval_data[name]) for name in targets}
    return {**each, "": column(case.labels)}


def label_column(case: Case) -> Output | None:
    """Give the labels as they are, None where there are none."""
    labels = labels_of(case)
    return None if labels is None else labels.output


def column(series: Any) -> Output:
    """Read one column."""
    return read(series.to_numpy(), series.isna().to_numpy())


def infinite(output: Output) -> Any:
    """Mark the rows with an infinite number; False where there are no numbers."""
    if output.numbers is None:
        return False
    return np.isinf(output.numbers).reshape(len(output), -1).any(axis=1)


def missing_in(output: Output) -> Any:
    """Mark the rows with a missing value, anywhere in a vector too."""
    if output.numbers is None:
        return output.null
    return output.null | np.isnan(output.numbers).reshape(len(output), -1).any(axis=1)


def is_probability(name: str, case: Case) -> bool:
    """Say whether a column of the candidate's answers holds probabilities."""
    if name.startswith(PROBA):
        return True
    matrix = case.predictions is not None and any(str(other).startswith(PROBA) for other in case.predictions.columns)
    return case.task is Task.PROBABILITY and name == "prediction" and not matrix


def amounts(columns: Columns) -> Mapping[str, Output]:
    """Give the columns that hold one number a row."""
    return {name: output for name, output in columns.items() if output.numbers is not None and output.numbers.ndim == 1}


def main_name(columns: Columns, case: Case) -> str | None:
    """Name the column that goes with the labels."""
    target = str(case.labels.name) if case.labels is not None else None
    found = main_answer(columns, target)
    return next((name for name, output in columns.items() if output is found), None)


def _columns(frame: pd.DataFrame, case: Case) -> Columns:
    return _once(frame, lambda: _all_columns(frame, case))


def _all_columns(frame: pd.DataFrame, case: Case) -> Columns:
    columns = {str(name): column(frame[name]) for name in frame.columns}
    main = main_name(columns, case)
    matrix = any(name.startswith(PROBA) for name in columns)
    names = case.task is Task.CLASSIFICATION or (case.task is Task.PROBABILITY and matrix)
    if names and main is not None and columns[main].kind is Kind.NUMBER:
        columns[main] = as_classes(columns[main])
    return columns


def _once(source: Any, make: Any) -> Columns:
    """Read a frame once while it lives."""
    _read[:] = [(kept, columns) for kept, columns in _read if kept() is not None]
    for kept, columns in _read:
        if kept() is source:
            return columns
    made: Columns = make()
    _read.append((weakref.ref(source), made))
    return made
