"""One version's answers in the form that a metric needs: amounts, codes of classes, probabilities, bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gate.domain import Task
from gate.evidence import forecasts
from gate.evidence.arrays import Array, Bools, Ints
from gate.evidence.outputs import Output, as_classes, as_numbers, common_codes, level_key, same_level

Columns = Mapping[str, Output]
"""One version's answers by column, as the contract's section 9 names them."""

PROBA = "proba_"
BINARY = 2
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of n rows, and what is known of their meaning: name, task, classes in order, the positive one.

    Of several targets `targets` holds each by its name, and `output` all of them as one list a row.
    """

    output: Output
    name: str | None = None
    task: Task | None = None
    classes: tuple[Any, ...] = ()
    positive: Any = None
    targets: Mapping[str, Output] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version's answers as a metric needs them, with the rows that can be used."""

    values: Array
    usable: Bools
    levels: tuple[Any, ...] = field(default=())


def amounts_side(labels: Labels, columns: Columns) -> Side:
    """Give amounts (n,), or (n, t) where the labels have t columns.

    Raises:
        ValueError: the answers are no numbers, or no column of them goes with the labels.
    """
    width = label_width(labels)
    chosen = answers_of(labels, columns, width) if width > 1 else [_main(labels, columns)]
    try:
        parts = [as_numbers(output) for output in chosen]
    except ValueError:
        raise ValueError("the answers are no numbers") from None
    usable = np.logical_and.reduce([part.valid for part in parts])
    if len(parts) == 1:
        values = np.asarray(parts[0].numbers)
        return Side(values=values[:, 0] if values.ndim > 1 and values.shape[1] == 1 else values, usable=usable)
    return Side(values=np.column_stack([np.asarray(part.numbers) for part in parts]), usable=usable)


def label_width(labels: Labels) -> int:
    """Give the number of columns of the labels: targets, or the length of their vectors."""
    if labels.targets:
        return len(labels.targets)
    numbers = labels.output.numbers
    return numbers.shape[1] if numbers is not None and numbers.ndim > 1 else 1


def answers_of(labels: Labels, columns: Columns, width: int) -> list[Output]:
    """Give the answers to several targets: by the targets' names, as `prediction_0` …, else by position.

    Raises:
        ValueError: there are other numbers of targets and answers.
    """
    for names in (tuple(labels.targets), tuple(f"prediction_{place}" for place in range(width))):
        if names and all(name in columns for name in names):
            return [columns[name] for name in names]
    plain = [output for name, output in columns.items() if not name.startswith(PROBA)]
    if len(plain) == width or len(plain) == 1:
        return plain
    raise ValueError(f"the labels have {width} columns, and the answers {len(plain)} ({', '.join(columns)})")


def codes_side(labels: Labels, columns: Columns) -> Side:
    """Give codes of classes (n,), of a single probability by the threshold 0.5.

    Raises:
        ValueError: the answers are no classes, or no column of them goes with the labels.
    """
    answer = _main(labels, columns)
    if is_single_probability(labels.task, columns) and answer.numbers is not None and answer.numbers.ndim == 1:
        levels = order_levels(labels, label_levels(labels))
        if len(levels) > BINARY:
            raise ValueError(f"one probability a row cannot tell {len(levels)} classes apart")
        positive = np.where(answer.numbers >= THRESHOLD, 1, 0)
        return Side(values=positive, usable=answer.valid, levels=(*levels, None)[:BINARY])
    classed = as_classes(answer)
    return Side(values=np.asarray(classed.codes), usable=classed.valid, levels=classed.levels)


def probability_side(labels: Labels, columns: Columns) -> Side:
    """Give probabilities (n, classes).

    Raises:
        ValueError: the answers hold none, or one a row for more than two classes.
    """
    names = [name for name in columns if name.startswith(PROBA)]
    if names:
        parts = [as_numbers(columns[name]) for name in names]
        if any(part.numbers is None or part.numbers.ndim > 1 for part in parts):
            raise ValueError("the answers hold no probabilities")
        matrix = np.column_stack([np.asarray(part.numbers) for part in parts])
        levels = tuple(name.removeprefix(PROBA) for name in names)
        return Side(values=matrix, usable=np.isfinite(matrix).all(axis=1), levels=levels)
    answer = main_answer(columns, labels.name)
    if answer is None or answer.numbers is None or answer.numbers.ndim > 1:
        raise ValueError("the answers hold no probabilities")
    levels = order_levels(labels, label_levels(labels))
    if len(levels) != BINARY:
        raise ValueError(f"one probability a row cannot tell {len(levels)} classes apart")
    return Side(values=np.column_stack([1 - answer.numbers, answer.numbers]), usable=answer.valid, levels=levels)


def interval_side(columns: Columns) -> Side:
    """Give the lower and the upper bound (n, 2).

    Raises:
        ValueError: no two columns are named like bounds or quantiles.
    """
    names = forecasts.interval_columns(tuple(columns))
    if names is None:
        raise ValueError("no columns of the answers are named like the bounds of an interval (lower, upper)")
    return _stacked(columns, names, ())


def quantile_side(labels: Labels, columns: Columns) -> Side:
    """Give quantiles (n, q) with their levels; a single answer a row is the median.

    Raises:
        ValueError: the answers are no numbers.
    """
    levels = forecasts.quantile_columns(tuple(columns))
    if levels:
        return _stacked(columns, tuple(levels), tuple(levels.values()))
    side = amounts_side(labels, columns)
    return Side(values=side.values, usable=side.usable, levels=(forecasts.MEDIAN,))


def _stacked(columns: Columns, names: Sequence[str], levels: tuple[float, ...]) -> Side:
    numbers = [columns[name].numbers for name in names]
    if any(part is None or part.ndim > 1 for part in numbers):
        raise ValueError(f"the columns {', '.join(names)} hold something else than one number a row")
    matrix = np.column_stack([np.asarray(part) for part in numbers])
    return Side(values=matrix, usable=np.isfinite(matrix).all(axis=1), levels=levels)


def _main(labels: Labels, columns: Columns) -> Output:
    answer = main_answer(columns, labels.name)
    if answer is None:
        raise ValueError(f"the answers have no column that goes with the labels (they have {', '.join(columns)})")
    return answer


def main_answer(columns: Columns, target: str | None = None) -> Output | None:
    """The column that goes with the labels: `prediction`, the only one, that of the target's name, the middle one."""
    if "prediction" in columns:
        return columns["prediction"]
    if len(columns) == 1:
        return next(iter(columns.values()))
    if target is not None and target in columns:
        return columns[target]
    centre = forecasts.centre_column(tuple(columns))
    return columns[centre] if centre is not None else None


def is_single_probability(task: Task | None, columns: Columns) -> bool:
    """Say whether `prediction` is the probability of the positive class."""
    return task is Task.PROBABILITY and not any(name.startswith(PROBA) for name in columns)


def label_levels(labels: Labels) -> tuple[Any, ...]:
    """The classes that the labels can have: those declared, with what the labels hold beyond them."""
    _, levels = common_codes(as_classes(labels.output))
    declared = labels.classes or ((0, 1) if all(_is_binary(level) for level in levels) else ())
    known = set(map(level_key, declared))
    return (*declared, *(level for level in levels if level_key(level) not in known))


def _is_binary(level: object) -> bool:
    return same_level(level, 0) or same_level(level, 1)


def order_levels(labels: Labels, levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """Put classes in order: the declared order, and of two the positive one last.

    One class alone is the negative one unless it is the positive: a second place is kept for the other.
    """
    known = {level_key(level): level for level in reversed(levels)}
    declared = [level_key(level) for level in labels.classes if level_key(level) in known]
    first = set(declared)
    ordered = [*(known[key] for key in declared), *(level for level in levels if level_key(level) not in first)]
    positive = labels.positive if labels.positive is not None else (labels.classes[-1] if labels.classes else None)
    if len(ordered) == BINARY and labels.positive is not None and same_level(ordered[0], labels.positive):
        ordered.reverse()
    if len(ordered) == 1 and same_level(ordered[0], 1 if positive is None else positive):
        return (None, ordered[0])
    return tuple(ordered)


def places(levels: Sequence[Any], ordered: Sequence[Any]) -> Ints:
    """Give the place of each class among those in order.

    Raises:
        KeyError: a class is not among them.
    """
    place = {level_key(level): index for index, level in reversed(list(enumerate(ordered)))}
    return np.array([place[level_key(level)] for level in levels], dtype=np.int64)
