"""Brings labels and both versions' answers onto the same rows, as the arrays that a metric needs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from gate.domain import Task
from gate.evidence import rankings
from gate.evidence.arrays import Array, Bools, Floats, Ints
from gate.evidence.metric import Metric, Needs, Truth
from gate.evidence.outputs import Kind, Output, as_classes, as_numbers, common_codes, level_key
from gate.evidence.sides import (
    BINARY,
    PROBA,
    THRESHOLD,
    Columns,
    Labels,
    Side,
    amounts_side,
    answers_of,
    codes_side,
    interval_side,
    is_single_probability,
    main_answer,
    order_levels,
    places,
    probability_side,
    quantile_side,
)

__all__ = [
    "BINARY", "PROBA", "THRESHOLD", "Columns", "Labels", "Paired", "Unfit", "is_single_probability", "main_answer",
    "order_levels", "pair",
]  # fmt: skip


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


class _UnfitError(Exception):
    """Carries why a metric cannot be computed to the end of pairing."""

    def __init__(self, whose: Literal["candidate", "baseline", "labels"], why: str) -> None:
        super().__init__(why)
        self.unfit = Unfit(whose=whose, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The rows that can be judged, among how many."""

    rows: Ints
    among: int

    def paired(self, truth: Truth, answers: Sequence[Array]) -> Paired:
        """Put together what was cut to these rows."""
        baseline = answers[1] if len(answers) > 1 else None
        left_out = self.among - len(self.rows)
        return Paired(truth=truth, candidate=answers[0], baseline=baseline, rows=self.rows, left_out=left_out)


def pair(metric: Metric, labels: Labels, candidate: Columns, baseline: Columns | None) -> Paired | Unfit:
    """Prepare a metric's arrays; rows without a label, or that both or the baseline alone left empty, are left out.

    A row that the candidate alone left empty makes the metric unfit: what is missing is never right.
    """
    versions = [candidate] if baseline is None else [candidate, baseline]
    try:
        return _PAIRING[metric.needs](labels, versions)
    except _UnfitError as error:
        return error.unfit


def _sides(versions: Sequence[Columns], read: Callable[[Columns], Side]) -> list[Side]:
    """Read each version's answers, and say whose are unfit."""
    found = []
    for place, columns in enumerate(versions):
        try:
            found.append(read(columns))
        except ValueError as error:
            raise _UnfitError("baseline" if place else "candidate", str(error)) from None
    return found


def _common_rows(known: Bools, sides: Sequence[Side]) -> _Rows:
    """The rows with a label and an answer of the baseline, each of which the candidate must have answered."""
    usable = known & (sides[1].usable if len(sides) > 1 else True)
    empty = int((usable & ~sides[0].usable).sum())
    if empty:
        raise _UnfitError("candidate", f"{empty} of {len(usable)} answers are missing or not finite")
    rows = np.flatnonzero(usable).astype(np.int64)
    if not len(rows):
        raise _UnfitError("labels", "no row has both a label and answers")
    return _Rows(rows=rows, among=len(usable))


def _amounts(labels: Labels) -> Output:
    """The labels as numbers (n,) or (n, t)."""
    parts = list(labels.targets.values()) or [labels.output]
    try:
        numbers = [as_numbers(part) for part in parts]
    except ValueError:
        raise _UnfitError("labels", "the labels are no numbers") from None
    if len(numbers) == 1:
        return numbers[0]
    matrix = np.column_stack([np.asarray(part.numbers) for part in numbers])
    null = np.logical_or.reduce([part.null for part in numbers])
    return Output(kind=Kind.VECTOR, null=null, numbers=matrix)


def _names(output: Output) -> Output:
    """The labels as classes."""
    try:
        return as_classes(output)
    except ValueError as error:
        raise _UnfitError("labels", f"the labels are {error}") from None


def _pair_amounts(labels: Labels, versions: Sequence[Columns]) -> Paired:
    truth = _amounts(labels)
    sides = _sides(versions, lambda columns: amounts_side(labels, columns))
    found = _common_rows(truth.valid, sides)
    values = np.asarray(truth.numbers)
    values = values[:, 0] if values.ndim > 1 and values.shape[1] == 1 else values
    arrays = [values[found.rows], *(side.values[found.rows] for side in sides)]
    shapes = [array.shape[1:] for array in arrays]
    for place, whose in enumerate(("candidate", "baseline")[: len(sides)]):
        if shapes[place + 1] != shapes[0]:
            text = f"labels and answers have different shapes: {shapes[0]} and {shapes[place + 1]} a row"
            raise _UnfitError("candidate" if whose == "candidate" else "baseline", text)
    return found.paired(Truth(values=arrays[0]), arrays[1:])


def _pair_classes(labels: Labels, versions: Sequence[Columns]) -> Paired:
    if len(labels.targets) > 1:
        return _pair_several_classes(labels, versions)
    if labels.task is Task.TEXT:
        return _pair_texts(labels, versions)  # a million texts have no order that anyone needs
    truth = _names(labels.output)
    sides = _sides(versions, lambda columns: codes_side(labels, columns))
    found = _common_rows(truth.valid, sides)
    outputs = [truth.take(found.rows), *(_as_output(side, found.rows) for side in sides)]
    codes, levels = common_codes(*outputs)
    known = _known_levels(labels, codes[0], levels)
    strange = _strange(levels, known)
    ordered = (*known, *strange)
    place = places(levels, ordered)
    truth_codes, *answers = (place[code] for code in codes)
    classes = max(BINARY, len(ordered))
    binary = len(known) <= BINARY
    return found.paired(Truth(values=truth_codes, classes=classes, binary=binary, levels=ordered), answers)


def _strange(levels: Sequence[Any], known: Sequence[Any]) -> list[Any]:
    """The levels that are none of those known."""
    keys = set(map(level_key, known))
    return [level for level in levels if level_key(level) not in keys]


def _pair_several_classes(labels: Labels, versions: Sequence[Columns]) -> Paired:
    """Codes (n, t) of several targets over one list of levels."""
    width = len(labels.targets)
    truth = [_names(output) for output in labels.targets.values()]
    read = [_columns_as_classes(labels, columns, place) for place, columns in enumerate(versions)]
    if any(len(columns) != width for columns in read):
        raise _UnfitError("candidate", f"the labels have {width} columns, and the answers one")
    sides = [
        Side(values=np.empty(0), usable=np.logical_and.reduce([output.valid for output in columns])) for columns in read
    ]
    found = _common_rows(np.logical_and.reduce([output.valid for output in truth]), sides)
    outputs = [output.take(found.rows) for columns in (truth, *read) for output in columns]
    codes, levels = common_codes(*outputs)
    groups = [np.column_stack(codes[start : start + width]) for start in range(0, len(codes), width)]
    held = {int(code) for code in np.unique(groups[0])}
    known = Truth(values=groups[0], classes=max(BINARY, len(levels)), binary=len(held) <= BINARY, levels=levels)
    return found.paired(known, groups[1:])


def _columns_as_classes(labels: Labels, columns: Columns, place: int) -> list[Output]:
    try:
        return [as_classes(output) for output in answers_of(labels, columns, len(labels.targets))]
    except ValueError as error:
        raise _UnfitError("baseline" if place else "candidate", str(error)) from None


def _known_levels(labels: Labels, codes: Ints, levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """The classes that labels have, in order: a strange answer to two classes does not make them three."""
    labelled = set(np.unique(codes).tolist())
    declared = set(map(level_key, labels.classes))
    seen = [level for index, level in enumerate(levels) if index in labelled or level_key(level) in declared]
    return order_levels(labels, tuple(seen) if len(seen) > 1 else levels)


def _as_output(side: Side, rows: Ints) -> Output:
    return Output(kind=Kind.CLASS, null=~side.usable[rows], codes=side.values[rows], levels=side.levels)


def _pair_texts(labels: Labels, versions: Sequence[Columns]) -> Paired:
    truth = _names(labels.output)
    sides = _sides(versions, lambda columns: codes_side(replace(labels, task=None), columns))
    found = _common_rows(truth.valid, sides)
    codes, levels = common_codes(truth.take(found.rows), *(_as_output(side, found.rows) for side in sides))
    return found.paired(Truth(values=codes[0], classes=len(levels), levels=levels), codes[1:])


def _pair_probabilities(labels: Labels, versions: Sequence[Columns]) -> Paired:
    """Columns of both versions in one order of classes; a class that a version does not know has probability 0."""
    truth = _names(labels.output)
    sides = _sides(versions, lambda columns: probability_side(labels, columns))
    found = _common_rows(truth.valid, sides)
    (codes,), levels = common_codes(truth.take(found.rows))
    classes: dict[Hashable, Any] = {}
    for level in (level for side in sides for level in side.levels):
        classes.setdefault(level_key(level), level)
    strange = _strange(levels, list(classes.values()))
    if strange:
        raise _UnfitError("candidate", f"there is no column of probabilities for the label {strange[0]!r}")
    ordered = order_levels(labels, tuple(classes.values()))
    answers = [_reordered(side, ordered)[found.rows] for side in sides]
    return found.paired(Truth(values=places(levels, ordered)[codes], classes=len(ordered), levels=ordered), answers)


def _reordered(side: Side, ordered: tuple[Any, ...]) -> Floats:
    out = np.zeros((len(side.values), len(ordered)))
    out[:, places(side.levels, ordered)] = side.values
    return out


def _pair_rankings(labels: Labels, versions: Sequence[Columns]) -> Paired:
    """The best gains and those of the answered order; rows whose labels hold nothing relevant are left out."""
    answers = [main_answer(columns, labels.name) for columns in versions]
    scores = answers[-1] is not None and rankings.are_scores(labels.output, answers[-1])
    by = rankings.gains_by_score if scores else rankings.gains_by_list
    best = rankings.ideal_gains(labels.output, scores=scores)

    def read(columns: Columns) -> Side:
        answer = main_answer(columns, labels.name)
        if answer is None:
            raise ValueError(f"no column holds the ranked items (there are {', '.join(columns)})")
        if scores and (answer.numbers is None or answer.numbers.shape != best.shape):
            raise ValueError("the answers are no scores, one for each item of the label's list")
        return Side(values=by(labels.output, answer), usable=answer.valid)

    sides = _sides(versions, read)
    found = _common_rows(labels.output.valid & (best > 0).any(axis=1), sides)
    return found.paired(Truth(values=best[found.rows]), [side.values[found.rows] for side in sides])


def _pair_intervals(labels: Labels, versions: Sequence[Columns]) -> Paired:
    truth = _amounts(labels)
    if truth.numbers is None or truth.numbers.ndim > 1:
        raise _UnfitError("labels", "an interval needs one number a row as label")
    sides = _sides(versions, interval_side)
    found = _common_rows(truth.valid, sides)
    return found.paired(Truth(values=truth.numbers[found.rows]), [side.values[found.rows] for side in sides])


def _pair_quantiles(labels: Labels, versions: Sequence[Columns]) -> Paired:
    """Quantiles of the levels that both versions answer."""
    truth = _amounts(labels)
    sides = _sides(versions, lambda columns: quantile_side(labels, columns))
    found = _common_rows(truth.valid, sides)
    levels = tuple(level for level in sides[-1].levels if level in sides[0].levels)
    if not levels or (truth.numbers is not None and truth.numbers.ndim > 1 and len(levels) > 1):
        raise _UnfitError("candidate", "both versions have no quantile of one level, or not one label a row")
    values = np.asarray(truth.numbers)[found.rows]
    answers = [_at_levels(side, levels)[found.rows] for side in sides]
    if any(len(answer[0].ravel()) not in {len(levels), len(values[0].ravel())} for answer in answers):
        raise _UnfitError("candidate", "labels and answers have different shapes")
    return found.paired(Truth(values=values, levels=levels), answers)


def _at_levels(side: Side, levels: tuple[float, ...]) -> Array:
    if len(side.levels) == 1:
        return side.values
    return np.asarray(side.values[:, [side.levels.index(level) for level in levels]])


_PAIRING: Mapping[Needs, Callable[[Labels, Sequence[Columns]], Paired]] = {
    "number": _pair_amounts,
    "class": _pair_classes,
    "probability": _pair_probabilities,
    "text": _pair_texts,
    "ranking": _pair_rankings,
    "quantile": _pair_quantiles,
    "interval": _pair_intervals,
}
