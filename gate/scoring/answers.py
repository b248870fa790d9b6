"""A model's raw answers under the names of the contract's section 9: `prediction`, `proba_<class>`, and its own.

Names follow the task, which is settled once (from the baseline where there is one). A candidate that answers
something else gets a table all the same: its columns or types are then wrong, and the checks say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gate.domain import Answers, Field, JsonValue, Signature, Task, Twin
from gate.scoring.matrix import Matrix, fixed_size, looks_like_probabilities, matrix_of
from gate.scoring.raw import RawAnswer
from gate.scoring.score import Scored
from gate.scoring.tasks import infer_task, label_values

__all__ = ["Named", "Naming", "infer_task", "label_values", "name_answers", "name_columns"]

_PROBA = "proba_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """All that decides names, the same for both versions.

    `classes` are those of the configuration, `labels` the distinct labels of the data, `outputs` the signature's.
    `positive` names the class of which a bare probability speaks; None means the last. `several` targets have a
    column each, and no probabilities.
    """

    task: Task
    classes: tuple[JsonValue, ...] = ()
    positive: JsonValue = None
    outputs: tuple[Field, ...] = ()
    labels: tuple[JsonValue, ...] = ()
    several: bool = False

    @classmethod
    def of(
        cls,
        task: Task,
        *,
        labels: pa.ChunkedArray | pa.Table | None = None,
        signature: Signature | None = None,
        classes: tuple[JsonValue, ...] | None = None,
        positive: JsonValue = None,
    ) -> Naming:
        """From the labels' column, a signature and the configuration."""
        outputs = (signature.outputs if signature else None) or ()
        return cls(
            task=task,
            classes=classes or (),
            positive=positive,
            outputs=outputs,
            labels=label_values(labels),
            several=isinstance(labels, pa.Table),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A table with the contract's names. `classes` are behind its `proba_` columns, in their order."""

    table: pa.Table
    classes: tuple[JsonValue, ...] = ()
    positional: bool = False


def name_columns(raw: RawAnswer, naming: Naming) -> Named:
    """Name the columns of one answer. Never raises for what a model answered."""
    if raw.shape == "values":
        return Named(table=pa.table({"prediction": raw.only}))
    if raw.shape in ("frame", "dict"):
        return _frame(raw, naming)
    matrix = None if naming.task is Task.EMBEDDING else matrix_of(raw)
    if matrix is not None and matrix.shape[1] == 1:
        return Named(table=pa.table({"prediction": fixed_size(raw.only).flatten()}))
    if matrix is not None and (classes := _classes_for(matrix, naming)):
        positional = len(_output_names(naming)) == len(classes)
        return Named(table=_probabilities(matrix, classes), classes=classes, positional=positional)
    if raw.shape == "matrix" and naming.task is not Task.EMBEDDING:
        return _targets(raw, naming)
    return Named(table=pa.table({"prediction": fixed_size(raw.only)}))


def name_answers(
    scored: Scored, naming: Naming, *, load_s: float | None = None, positional_inputs: bool = False
) -> Answers:
    """All that a version answered, with names; its twins are named the same way."""
    if scored.raw is None:
        return Answers(table=None, failure=scored.failure, load_s=load_s, output=scored.output)
    named = name_columns(scored.raw, naming)
    twins = (
        Twin(name=twin.name, rows=twin.rows, table=name_columns(twin.raw, naming).table)
        for twin in scored.twins
        if twin.raw is not None
    )
    return Answers(
        table=named.table,
        failure=None,
        classes=named.classes,
        twins=tuple(twins),
        positional=named.positional or positional_inputs,
        load_s=load_s,
        predict_s=scored.predict_s,
        output=scored.output,
    )


def _frame(raw: RawAnswer, naming: Naming) -> Named:
    """A frame's own columns; one column alone is the prediction, columns named like the classes are probabilities."""
    table = raw.table
    if table.num_columns == 1:
        return _single(raw)
    classes = _ordered_classes(naming)
    if _asks_for_classes(naming) and classes and {str(label) for label in classes} == set(table.column_names):
        table = table.select([str(label) for label in classes]).rename_columns([_PROBA + str(c) for c in classes])
    found = [name.removeprefix(_PROBA) for name in table.column_names if name.startswith(_PROBA)]
    if not found:
        return Named(table=table)
    by_name = {str(label): label for label in (*naming.labels, *naming.classes)}
    classes = tuple(by_name.get(name, name) for name in found)
    if "prediction" not in table.column_names:
        table = _with_most_likely(table, [_PROBA + name for name in found], classes)
    return Named(table=table, classes=classes)


def _single(raw: RawAnswer) -> Named:
    """A frame of one column is the prediction; the only entry of a dict keeps its key beside it."""
    columns = {"prediction": raw.only}
    if raw.shape == "dict":
        columns |= {raw.table.column_names[0]: raw.only}
    return Named(
        table=pa.table(
            {name: fixed_size(column) if pa.types.is_list(column.type) else column for name, column in columns.items()}
        )
    )


def _targets(raw: RawAnswer, naming: Naming) -> Named:
    """Several targets: the signature's names where they fit, else `prediction_<place>`."""
    lists = fixed_size(raw.only)
    width = lists.type.list_size if pa.types.is_fixed_size_list(lists.type) else 0
    if not width:
        return Named(table=pa.table({"prediction": lists}))
    names = _output_names(naming)
    fits = len(names) == width
    values = lists.flatten()
    names = names if fits else [f"prediction_{place}" for place in range(width)]
    columns = {name: values.take(pa.array(np.arange(place, len(values), width))) for place, name in enumerate(names)}
    return Named(table=pa.table(columns), positional=fits)


def _classes_for(matrix: Matrix, naming: Naming) -> tuple[JsonValue, ...]:
    """The classes behind the matrix' columns, () where they are no probabilities."""
    width = matrix.shape[1]
    if not _asks_for_classes(naming):
        return ()
    named = _output_names(naming)
    known = {str(label): label for label in (*naming.labels, *naming.classes)}
    candidates = (
        tuple(known.get(name.removeprefix(_PROBA), name.removeprefix(_PROBA)) for name in named),
        naming.classes,
        naming.labels,
    )
    for classes in candidates:
        if len(classes) == width:
            return classes
    return tuple(range(width)) if looks_like_probabilities(matrix) else ()


def _asks_for_classes(naming: Naming) -> bool:
    return naming.task in (Task.CLASSIFICATION, Task.PROBABILITY) and not naming.several


def _ordered_classes(naming: Naming) -> tuple[JsonValue, ...]:
    return naming.classes or naming.labels


def _output_names(naming: Naming) -> list[str]:
    """The signature's output names, [] where one is missing or appears twice."""
    names = [output.name for output in naming.outputs if output.name is not None]
    return names if len(set(names)) == len(naming.outputs) else []


def _probabilities(matrix: Matrix, classes: tuple[JsonValue, ...]) -> pa.Table:
    columns = {_PROBA + str(label): pa.array(matrix[:, place]) for place, label in enumerate(classes)}
    return pa.table({"prediction": _most_likely(matrix, classes), **columns})


def _with_most_likely(table: pa.Table, names: list[str], classes: tuple[JsonValue, ...]) -> pa.Table:
    """The table with `prediction` in front, where its probabilities are numbers."""
    try:
        columns = [table.column(name).cast(pa.float64()).to_numpy() for name in names]
    except pa.ArrowException:
        return table
    return table.add_column(0, "prediction", _most_likely(np.column_stack(columns), classes))


def _most_likely(matrix: Matrix, classes: tuple[JsonValue, ...]) -> pa.Array:
    """The class of the largest probability; null where one of a row is NaN. Classes of several types become text."""
    best = pa.array(np.nan_to_num(matrix, nan=-np.inf).argmax(axis=1), mask=np.isnan(matrix).any(axis=1))
    return _class_array(classes).take(best)


def _class_array(classes: tuple[JsonValue, ...]) -> pa.Array:
    try:
        return pa.array(classes)
    except pa.ArrowException:
        return pa.array([str(label) for label in classes])
