"""Brings labels and both versions' answers onto the same rows, as the arrays that a metric needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from gate.domain import Task
from gate.evidence.arrays import Array, Bools, Floats, Ints
from gate.evidence.metrics import Metric, Truth
from gate.evidence.outputs import Output, as_classes, as_numbers, common_codes, same_level

Columns = Mapping[str, Output]
"""One version's answers by column, as the contract's section 9 names them."""

PROBA = "proba_"
BINARY = 2
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of n rows, and what is known of their meaning: name, task, classes in order, the positive one."""

    output: Output
    name: str | None = None
    task: Task | None = None
    classes: tuple[Any, ...] = ()
    positive: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Labels and answers of the m rows that can be judged; `rows` (m,) are their positions, `left_out` the others."""

    truth: Truth
    candidate: Array
    baseline: Array | None
    rows: Ints
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why a metric cannot be computed, and whose doing that is."""

    whose: Literal["candidate", "baseline", "labels"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One version's answers as a metric needs them, with the rows that can be used."""

    values: Array
    usable: Bools
    levels: tuple[Any, ...] = field(default=())


def pair(metric: Metric, labels: Labels, candidate: Columns, baseline: Columns | None) -> Paired | Unfit:
    """Prepare a metric's arrays; rows without a label, or that both or the baseline alone left empty, are left out.

    A row that the candidate alone left empty makes the metric unfit: what is missing is never right.
    """
    sides: list[_Side] = []
    versions = [("candidate", candidate)] + ([("baseline", baseline)] if baseline is not None else [])
    try:
        truth = _truth(metric, labels)
    except ValueError as error:
        return Unfit(whose="labels", why=str(error))
    for name, columns in versions:
        try:
            sides.append(_side(metric, labels, columns))
        except ValueError as error:
            return Unfit(whose="candidate" if name == "candidate" else "baseline", why=str(error))
    return _together(metric, labels, truth, sides)


def _together(metric: Metric, labels: Labels, truth: Output, sides: Sequence[_Side]) -> Paired | Unfit:
    usable = truth.valid & (sides[1].usable if len(sides) > 1 else True)
    empty = int((usable & ~sides[0].usable).sum())
    if empty:
        return Unfit(whose="candidate", why=f"{empty} of {len(usable)} answers are missing or not finite")
    rows = np.flatnonzero(usable).astype(np.int64)
    left_out = len(usable) - len(rows)
    if not len(rows):
        return Unfit(whose="labels", why="no row has both a label and answers")
    if metric.needs == "number":
        arrays = [np.asarray(truth.numbers)[rows], *(side.values[rows] for side in sides)]
        if len({array.shape for array in arrays}) > 1:
            return Unfit(whose="candidate", why="labels and answers have different shapes")
        return _paired(Truth(values=arrays[0]), arrays[1:], rows, left_out)
    if metric.needs == "class":
        return _paired_classes(labels, truth, sides, rows)
    return _paired_probabilities(labels, truth, sides, rows)


def _paired(truth: Truth, answers: Sequence[Array], rows: Ints, left_out: int) -> Paired:
    baseline = answers[1] if len(answers) > 1 else None
    return Paired(truth=truth, candidate=answers[0], baseline=baseline, rows=rows, left_out=left_out)


def _truth(metric: Metric, labels: Labels) -> Output:
    if metric.needs != "number":
        return as_classes(labels.output)
    try:
        return as_numbers(labels.output)
    except ValueError:
        raise ValueError("the labels are no numbers") from None


def _side(metric: Metric, labels: Labels, columns: Columns) -> _Side:
    if metric.needs == "probability":
        return _probability_side(labels, columns)
    answer = main_answer(columns, labels.name)
    if answer is None:
        raise ValueError(f"the answers have no column that goes with the labels (they have {', '.join(columns)})")
    if metric.needs == "number":
        try:
            numbers = as_numbers(answer)
        except ValueError:
            raise ValueError("the answers are no numbers") from None
        return _Side(values=np.asarray(numbers.numbers), usable=numbers.valid)
    if is_single_probability(labels.task, columns) and answer.numbers is not None:
        positive = np.where(answer.numbers >= THRESHOLD, 1, 0)
        return _Side(values=positive, usable=answer.valid, levels=order_levels(labels, _label_levels(labels)))
    classed = as_classes(answer)
    return _Side(values=np.asarray(classed.codes), usable=classed.valid, levels=classed.levels)


def _paired_classes(labels: Labels, truth: Output, sides: Sequence[_Side], rows: Ints) -> Paired | Unfit:
    outputs = [truth.take(rows), *(_as_output(side, rows) for side in sides)]
    codes, levels = common_codes(*outputs)
    known = _known_levels(labels, codes[0], levels)
    strange = [level for level in levels if not any(same_level(level, other) for other in known)]
    ordered = (*known, *strange)
    position = np.array([_position(level, ordered) for level in levels], dtype=np.int64)
    truth_codes, *answers = (position[code] for code in codes)
    classes = max(BINARY, len(ordered))
    found = Truth(values=truth_codes, classes=classes, binary=len(known) <= BINARY)
    return _paired(found, answers, rows, len(truth) - len(rows))


def _known_levels(labels: Labels, codes: Ints, levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """The classes that labels have, in order: a strange answer to two classes does not make them three."""
    labelled = set(np.unique(codes).tolist())
    declared = [level for level in levels if any(same_level(level, other) for other in labels.classes)]
    seen = [level for index, level in enumerate(levels) if index in labelled or level in declared]
    return order_levels(labels, tuple(seen) if len(seen) > 1 else levels)


def _as_output(side: _Side, rows: Ints) -> Output:
    from gate.evidence.outputs import Kind

    return Output(kind=Kind.CLASS, null=~side.usable[rows], codes=side.values[rows], levels=side.levels)


def _paired_probabilities(labels: Labels, truth: Output, sides: Sequence[_Side], rows: Ints) -> Paired | Unfit:
    """Columns of both versions in one order of classes; a class that a version does not know has probability 0."""
    (codes,), levels = common_codes(truth.take(rows))
    classes: list[Any] = []
    for level in (level for side in sides for level in side.levels):
        if not any(same_level(level, known) for known in classes):
            classes.append(level)
    strange = [level for level in levels if not any(same_level(level, known) for known in classes)]
    if strange:
        return Unfit(whose="candidate", why=f"there is no column of probabilities for the label {strange[0]!r}")
    ordered = order_levels(labels, tuple(classes))
    position = np.array([_position(level, ordered) for level in levels], dtype=np.int64)
    answers = [_reordered(side, ordered)[rows] for side in sides]
    return _paired(Truth(values=position[codes], classes=len(ordered)), answers, rows, len(truth) - len(rows))


def _reordered(side: _Side, ordered: tuple[Any, ...]) -> Floats:
    out = np.zeros((len(side.values), len(ordered)))
    for index, level in enumerate(side.levels):
        out[:, _position(level, ordered)] = side.values[:, index]
    return out


def _probability_side(labels: Labels, columns: Columns) -> _Side:
    names = [name for name in columns if name.startswith(PROBA)]
    if names:
        parts = [as_numbers(columns[name]) for name in names]
        matrix = np.column_stack([np.asarray(part.numbers) for part in parts])
        levels = tuple(name.removeprefix(PROBA) for name in names)
        return _Side(values=matrix, usable=np.isfinite(matrix).all(axis=1), levels=levels)
    answer = main_answer(columns, labels.name)
    if answer is None or answer.numbers is None or answer.numbers.ndim > 1:
        raise ValueError("the answers hold no probabilities")
    levels = order_levels(labels, _label_levels(labels))
    if len(levels) != BINARY:
        raise ValueError(f"one probability a row cannot tell {len(levels)} classes apart")
    return _Side(values=np.column_stack([1 - answer.numbers, answer.numbers]), usable=answer.valid, levels=levels)


def _label_levels(labels: Labels) -> tuple[Any, ...]:
    """The classes that the labels can have: those declared, with what the labels hold beyond them."""
    _, levels = common_codes(as_classes(labels.output))
    declared = labels.classes or ((0, 1) if all(_is_binary(level) for level in levels) else ())
    return (*declared, *(level for level in levels if not any(same_level(level, known) for known in declared)))


def _is_binary(level: object) -> bool:
    return same_level(level, 0) or same_level(level, 1)


def order_levels(labels: Labels, levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """Put classes in order: the declared order, and of two the positive one last.

    One class alone is the negative one unless it is the positive: a second place is kept for the other.
    """
    declared = [level for level in labels.classes if any(same_level(level, known) for known in levels)]
    rest = [level for level in levels if not any(same_level(level, known) for known in declared)]
    ordered = [*(next(known for known in levels if same_level(known, level)) for level in declared), *rest]
    positive = labels.positive if labels.positive is not None else (labels.classes[-1] if labels.classes else None)
    if len(ordered) == BINARY and labels.positive is not None and same_level(ordered[0], labels.positive):
        ordered.reverse()
    if len(ordered) == 1 and same_level(ordered[0], 1 if positive is None else positive):
        return (None, ordered[0])
    return tuple(ordered)


def _position(level: object, ordered: tuple[Any, ...]) -> int:
    return next(index for index, known in enumerate(ordered) if same_level(level, known))


def main_answer(columns: Columns, target: str | None = None) -> Output | None:
    """The column that goes with the labels: `prediction`, the only one, or the one of the target's name."""
    if "prediction" in columns:
        return columns["prediction"]
    if len(columns) == 1:
        return next(iter(columns.values()))
    return columns.get(target) if target is not None else None


def is_single_probability(task: Task | None, columns: Columns) -> bool:
    """Say whether `prediction` is the probability of the positive class."""
    return task is Task.PROBABILITY and not any(name.startswith(PROBA) for name in columns)
