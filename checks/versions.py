"""What two versions' answers to the same rows say together: shift, harm, agreement by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gate.domain import Task
from gate.evidence import assignment, shift
from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.noninferiority import same_answers
from gate.evidence.outliers import centre_and_scale, worst_first
from gate.evidence.outputs import Kind, Output, common_codes
from gate.evidence.paired import Harm, harm, mean_metric
from gate.evidence.pairing import PROBA, Columns, Paired, pair

from .subject import (
    Case,
    amounts,
    baseline_columns,
    candidate_columns,
    is_probability,
    label_column,
    labels_of,
    main_name,
)

PROBABILITIES = "probabilities"
"""The columns `proba_…` taken together as one vector a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How far one column's distribution moved, with its standard error and the default limit."""

    size: float
    error: float
    unit: str
    limit: float


def together(columns: Columns) -> Columns:
    """Give the columns with those of probabilities as one vector."""
    names = [name for name, output in columns.items() if name.startswith(PROBA) and output.numbers is not None]
    if len(names) < 2:  # noqa: PLR2004 - one column is no vector
        return columns
    rest: Mapping[str, Output] = {name: output for name, output in columns.items() if name not in names}
    matrix = np.column_stack([np.asarray(columns[name].numbers) for name in names])
    null = np.logical_or.reduce([columns[name].null for name in names])
    return {**rest, PROBABILITIES: Output(kind=Kind.VECTOR, null=null, numbers=matrix)}


def moved(name: str, ours: Output, theirs: Output, case: Case) -> Moved | None:
    """Measure the shift of one column; None where the versions' answers are of different kinds or all missing."""
    both = ours.valid & theirs.valid
    if not both.any():
        return None
    if ours.codes is not None and theirs.codes is not None:
        return _moved_names(ours, theirs, case)
    if ours.numbers is None or theirs.numbers is None or ours.numbers.shape != theirs.numbers.shape:
        return None
    if ours.numbers.ndim > 1:
        return _moved_vectors(ours, theirs)
    if is_probability(name, case):
        return _measured((ours, theirs), shift.wasserstein, "of probability", 0.1)
    return _measured((ours, theirs), _in_deviations(theirs), "standard deviations", 0.25)


def _in_deviations(theirs: Output) -> Callable[[Array, Array], float]:
    """The mean distance between equal quantiles, in the baseline's robust standard deviations."""
    known = np.asarray(theirs.numbers)[theirs.valid]
    centre, scale = centre_and_scale(known)
    unit = scale or abs(centre) or 1.0
    return lambda one, other: shift.wasserstein(one, other) / unit


def _measured(pair_: tuple[Output, Output], size: Callable[[Array, Array], float], unit: str, limit: float) -> Moved:
    ours, theirs = (np.asarray(output.numbers) for output in pair_)
    both = pair_[0].valid & pair_[1].valid
    found = size(ours[pair_[0].valid], theirs[pair_[1].valid])
    return Moved(size=found, error=shift.paired_error(ours[both], theirs[both], size), unit=unit, limit=limit)


def _moved_vectors(ours: Output, theirs: Output) -> Moved:
    """The column that moved most, of those that vary most."""
    found = []
    for column in assignment.widest(np.asarray(theirs.numbers)[theirs.valid]):
        one, other = (_component(output, int(column)) for output in (ours, theirs))
        found.append(_measured((one, other), _in_deviations(other), "standard deviations", 0.25))
    return max(found, key=lambda moved: moved.size)


def _component(output: Output, column: int) -> Output:
    return Output(kind=Kind.NUMBER, null=output.null, numbers=np.asarray(output.numbers)[:, column])


def _moved_names(ours: Output, theirs: Output, case: Case) -> Moved:
    """Total variation of classes; of texts that hardly repeat the shift of their lengths."""
    if case.task is Task.TEXT or len(theirs.levels) > 0.5 * len(theirs):
        one, other = (Output(kind=Kind.NUMBER, null=each.null, numbers=_lengths(each)) for each in (ours, theirs))
        return _measured((one, other), _in_deviations(other), "standard deviations of length", 0.25)
    (codes, others), levels = common_codes(ours, theirs)

    def size(some: Array, other: Array) -> float:
        return shift.class_shift(some[some >= 0], other[other >= 0], len(levels))[0]

    return Moved(size=size(codes, others), error=shift.paired_error(codes, others, size), unit="of the rows", limit=0.1)


def _lengths(output: Output) -> Floats:
    """The lengths of the texts, NaN where there is none."""
    table = np.array([*(len(str(level)) for level in output.levels), np.nan])
    return np.asarray(table[np.asarray(output.codes)])


def harmed(name: str, rows: Ints, case: Case) -> Harm | None:
    """Ask what the rows of a column that moved do to the metric; None where no labels go with the column."""
    labels, columns, before = labels_of(case), candidate_columns(case), baseline_columns(case)
    name = PROBABILITIES if name.startswith(PROBA) else name
    if labels is None or before is None or not len(rows) or name not in {main_name(columns, case), PROBABILITIES}:
        return None
    needs = "class" if columns.get(name) is not None and columns[name].codes is not None else "number"
    metric = mean_metric("probability" if name == PROBABILITIES or is_probability(name, case) else needs)
    found = pair(metric, labels, columns, before)
    return harm(metric, found, rows) if isinstance(found, Paired) and not metric.undefined(found.truth) else None


def no_worse(name: str, case: Case) -> bool:
    """Say whether the labels show that a column's answers are, all in all, as good as the baseline's."""
    done = harmed(name, np.arange(len(candidate_columns(case)[name])), case)
    return done is not None and done.none and done.loss <= done.margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    """The evidence about wrong rows, and how far apart the rows' scores are; `same` where all answers are equal."""

    evidence: assignment.Evidence
    away: Floats
    same: bool = False

    def rows(self) -> Ints:
        """Give the rows that are off, the farthest first."""
        size = np.abs(self.away.reshape(len(self.away), -1)).sum(axis=1)
        return worst_first(size, size > 0)


def agreements(case: Case) -> Agreements | None:
    """Collect what speaks for or against wrong rows, None where the versions' answers cannot be compared."""
    versions = _comparable(candidate_columns(case), baseline_columns(case) or {}, case)
    if versions is None:
        return None
    ours, theirs, values = versions
    found = assignment.align(ours, theirs)
    same = bool(np.array_equal(ours, theirs)) if values is None else same_answers(*values)
    misplaced, exchanged = np.zeros(len(ours), dtype=bool), np.zeros(0, dtype=np.int64)
    if values is not None and not same:
        flat = [assignment.fingerprint(value) if value.ndim > 1 else value for value in values]
        misplaced = assignment.misplaced(*flat)
        exchanged = _exchanged(values, case)
    candidate_labels, baseline_labels, gain = _with_labels(case, found)
    evidence = assignment.Evidence(
        versions=found,
        alike=found.clear or _alike(case),
        moved=int(misplaced.sum()),
        exchanged=len(exchanged),
        candidate_labels=candidate_labels,
        baseline_labels=baseline_labels,
        label_gain=gain,
    )
    if len(exchanged) and not misplaced.any():
        misplaced[exchanged] = True
    return Agreements(
        evidence=evidence, away=np.where(misplaced, np.inf, 0) if misplaced.any() else ours - theirs, same=same
    )


def _exchanged(values: list[Array], case: Case) -> Ints:
    """The rows that exchanged their answers, by the numbers that vary most; none where labels call them no worse."""
    columns = [0] if values[0].ndim == 1 else assignment.widest(values[1])
    for column in columns:
        ours, theirs = (value.reshape(len(value), -1)[:, column] for value in values)
        rows = assignment.exchanged(ours, theirs)
        if len(rows):
            name = main_name(candidate_columns(case), case)
            done = harmed(name, rows, case) if name is not None else None
            return rows[:0] if done is not None and done.none else rows
    return np.zeros(0, dtype=np.int64)


def _comparable(columns: Columns, before: Columns, case: Case) -> tuple[Floats, Floats, list[Array] | None] | None:
    """Centred scores of both versions, and the numbers behind them: probabilities, the main column, or all numbers."""
    columns, before = together(columns), together(before)
    for name in (PROBABILITIES, main_name(columns, case)):
        if name is not None and name in columns and name in before:
            found = _scores(columns[name], before[name], spare=name == PROBABILITIES)
            if found is not None:
                return found
    names = [name for name in amounts(columns) if name in amounts(before)]
    if not names:
        return None
    stacked = [np.column_stack([np.asarray(side[name].numbers) for name in names]) for side in (columns, before)]
    chosen = assignment.widest(stacked[1])
    return assignment.column_scores(stacked[0], chosen), assignment.column_scores(stacked[1], chosen), stacked


def _scores(ours: Output, theirs: Output, *, spare: bool) -> tuple[Floats, Floats, list[Array] | None] | None:
    """Scores of one column; with `spare` one column of a vector is left out, since all of them sum to 1."""
    if ours.codes is not None and theirs.codes is not None:
        codes, _ = common_codes(ours, theirs)
        classes = assignment.commonest(codes[1])
        return assignment.class_scores(codes[0], classes), assignment.class_scores(codes[1], classes), None
    if ours.numbers is None or theirs.numbers is None or ours.numbers.shape != theirs.numbers.shape:
        return None
    values: list[Array] = [ours.numbers, theirs.numbers]
    if ours.numbers.ndim == 1:
        return assignment.rank_scores(ours.numbers), assignment.rank_scores(theirs.numbers), values
    chosen = assignment.widest(theirs.numbers[:, 1:]) + 1 if spare else assignment.widest(theirs.numbers)
    return assignment.column_scores(ours.numbers, chosen), assignment.column_scores(theirs.numbers, chosen), values


def _with_labels(
    case: Case, found: assignment.Alignment
) -> tuple[assignment.Alignment | None, assignment.Alignment | None, float]:
    """How well each version goes with the labels, and what the better order of the rows would gain."""
    labels, columns, before = labels_of(case), candidate_columns(case), baseline_columns(case)
    if labels is None or before is None:
        return None, None, 0.0
    for needs in _needs(case):
        paired = pair(mean_metric(needs), labels, columns, before)
        if isinstance(paired, Paired) and paired.baseline is not None:
            ours = assignment.scores_of(paired.truth.values, paired.candidate)
            theirs = assignment.scores_of(paired.truth.values, paired.baseline)
            gain = _gain(ours, found) if found.elsewhere else 0.0
            return assignment.align(*ours, search=False), assignment.align(*theirs, search=False), gain
    return None, None, 0.0


def _needs(case: Case) -> tuple[str, ...]:
    if case.task is Task.PROBABILITY:
        return ("probability", "class")
    if case.task in {Task.CLASSIFICATION, Task.TEXT}:
        return ("class",)
    label = label_column(case)
    return ("number", "class") if label is not None and label.codes is not None else ("number",)


def _gain(ours: tuple[Floats, Floats], found: assignment.Alignment) -> float:
    """Agreement with the labels in the better order, less that in the present one; 0 where rows were left out."""
    truth, answer = ours
    if len(truth) != found.rows:
        return 0.0
    moved_back = np.empty_like(answer)
    moved_back[assignment.reorder(found.rows, found.lag, backwards=found.reversed)] = answer
    return float((truth * moved_back).sum() - (truth * answer).sum())


def _alike(case: Case) -> bool:
    """Whether both versions' answers are distributed alike."""
    columns, before = together(candidate_columns(case)), together(baseline_columns(case) or {})
    shifts = [moved(name, columns[name], before[name], case) for name in columns if name in before]
    known = [found for found in shifts if found is not None]
    return bool(known) and all(found.size <= found.limit for found in known)
