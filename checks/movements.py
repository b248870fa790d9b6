"""Checks of how far the answers moved from the baseline's: their distribution, single rows, parts of the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gate import LossTest, check, inconclusive
from gate.evidence.cells import Cells, cells_of, shared_by, shifted
from gate.evidence.outliers import centre_and_scale
from gate.evidence.outputs import Output, common_codes
from gate.evidence.paired import moves, sizes
from gate.evidence.shift import effect_test

from .inputs import cells
from .subject import Case, baseline_columns, candidate_columns, is_probability
from .versions import PROBABILITIES, harmed, moved, no_worse, together

Measure = Callable[..., None]
Rows = Callable[..., None]
Weigh = Callable[[str], None]
Test = Callable[[LossTest], None]

FEW = 20
"""Fewer rows than this have no distribution to speak of."""
SCANNED = 20_000
"""Of more rows a seeded sample is divided by the inputs."""
CELL_MOVE, CELL_PROBABILITY = 0.25, 0.1
"""A part of the rows moved by no less than this many robust deviations of the baseline, or this much probability."""
PART_P = 0.001
"""That is to be proven, shared over all parts (Bonferroni)."""
CELL_CHANGES = 0.25
"""In a part of the rows that changed so many more classes change than elsewhere."""


@check(category="outliers", severity="warning")
@pytest.mark.usefixtures("baseline_predictions")
def check_drift(predictions: pd.DataFrame, case: Case, measure: Measure, test: Test) -> None:
    """The answers are distributed as the baseline's are.

    An effect size, which does not grow with the number of rows. Numbers and dates: the mean distance between equal
    quantiles (Wasserstein-1) in the baseline's robust standard deviations; of texts, that of their lengths.
    Probabilities: the same distance as it is, and beside it the decision flips, the rows that change sides of 0.5.
    Classes: the share of rows that would have to change (total variation). Its standard error is that of the paired
    bootstrap. Failed where it is proven beyond the limit, passed where twice the limit is excluded.

    Default limits: 0.25 deviations, 0.1 of probability, 0.1 of the rows; not applied where the labels show that the
    answers are as good as the baseline's: that is what an improvement looks like. A failure means that whoever uses
    the answers will see other ones: other thresholds are crossed, other volumes arrive.
    To change it: `outliers: {drift: {max: 0.5}}` in gate.yaml holds the effect size itself against that.
    """
    if len(predictions) < FEW:
        inconclusive(f"{len(predictions)} rows have no distribution to compare; 20 would do")
    before, columns = baseline_columns(case) or {}, candidate_columns(case)
    shared, wanted = [name for name in columns if name in before], case.config.outliers.drift.max
    found = {name: moved(name, columns[name], before[name], case) for name in shared}
    known = {name: shift for name, shift in found.items() if shift is not None}
    if not known:
        pytest.skip("both versions have no answers of one kind to compare")
    for name, shift in known.items():
        title = _named("shift", name, shared)
        free = wanted is None and shift.size > shift.limit and no_worse(name, case)
        if free or wanted is not None:
            measure(title, shift.size, max=wanted, unit=shift.unit)
        else:
            measure(title, shift.size, margin=shift.limit, unit=shift.unit)
            test(effect_test(f"{title} ({shift.unit})", shift.size, shift.error, shift.limit))
        if is_probability(name, case):
            measure(_named("decision flips", name, shared), _flips(columns[name], before[name]), unit="of the rows")


def _named(what: str, name: str, columns: Any) -> str:
    """Name a measurement: with its column where there are several."""
    return what if len(columns) == 1 else f"{what}: {name}"


def _flips(ours: Output, theirs: Output) -> float:
    """The share of rows whose probability is on the other side of 0.5."""
    both = ours.valid & theirs.valid
    sides = [np.asarray(output.numbers)[both] > 0.5 for output in (ours, theirs)]  # noqa: PLR2004 - the middle
    return float((sides[0] != sides[1]).mean()) if both.any() else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """Where a check writes what it found, and the limit that a team set."""

    measure: Measure
    offending_rows: Rows
    weigh: Weigh
    wanted: float | None
    cells: Callable[[], list[Cells]]


@check(category="outliers", severity="warning")
@pytest.mark.usefixtures("predictions", "baseline_predictions")
def check_paired_delta(case: Case, measure: Measure, offending_rows: Rows, weigh: Weigh) -> None:
    """No row's answer moved far from the baseline's, and no part of the rows did.

    The difference of both versions' answers to each row: absolute for numbers, days for dates, Euclidean for vectors
    and matrices of probabilities, changed or not for classes and texts.

    Single rows: `outliers.paired_delta.max` in their unit; by default a row moved far beyond 8 robust standard
    deviations of all differences (of those of similar answers where these scatter more) and half of one of the
    baseline's answers (z times that for an answer z of these from the median; of a probability 4 of them, between 0.1
    and 0.5). Three such rows and a thousandth of all may not be, nor one twice as far. Classes and texts, where there
    are no labels: 60 % of the changes that unrelated answers would have (a kappa of 0.4).
    Parts: the values of each input column, ten ranges of its numbers, and of the baseline's answers (at least 20 rows
    and 1 %). A part moved
    where its median difference is a quarter of the baseline's robust deviation from that of the others (0.1 of
    probability), and twice what the others' differences scatter, proven at p < 0.001 over all parts; of classes, where
    a quarter more rows changed.

    A failure means that callers of these rows get quite another answer than before: look for what the rows share.
    Critical where the rows that moved make the metric (mae, accuracy, brier) worse by more than its margin, beyond
    chance (p < 0.0001); quiet where the labels do not call them worse. The message says what they have in common.
    To change it: `outliers: {paired_delta: {max: 40}}` in gate.yaml, the largest difference that is allowed.
    """
    columns, before = together(candidate_columns(case)), together(baseline_columns(case) or {})
    shared = [name for name in columns if name in before and (columns[name].valid & before[name].valid).any()]
    if not shared:
        pytest.skip("there is no row that both versions answer in a column that both have")
    divided: list[list[Cells]] = []

    def once() -> list[Cells]:
        if not divided:
            divided.append(cells(case))
        return divided[0]

    record = _Record(
        measure=measure,
        offending_rows=offending_rows,
        weigh=weigh,
        wanted=case.config.outliers.paired_delta.max,
        cells=once,
    )
    for name in shared:
        judge = _judge_changes if columns[name].numbers is None else _judge_moves
        judge(name, (columns[name], before[name]), case, record)


def _least_move(name: str, baseline: Output, case: Case) -> float | None:
    """How far a probability must move at least: more where it usually varies more."""
    if not (name == PROBABILITIES or is_probability(name, case)) or baseline.numbers is None:
        return None
    numbers = baseline.numbers[baseline.valid]
    parts = numbers if numbers.ndim > 1 else numbers[:, None]
    usual = max(centre_and_scale(part)[1] for part in parts.T)
    return min(0.5, max(0.1, 4 * usual)) * (2**0.5 if numbers.ndim > 1 else 1)


def _judge_moves(name: str, pair: tuple[Output, Output], case: Case, record: _Record) -> None:
    found = moves(*pair, record.wanted, floor=_least_move(name, pair[1], case))
    known = found.size[~np.isnan(found.size)]
    done = harmed(name, found.far, case)
    quiet = record.wanted is None and done is not None and done.none and not done.proven
    if done is not None and done.proven:
        record.weigh("critical")
        record.measure(f"{done.metric} lost by the rows that moved", done.loss, max=done.margin)
    loud = found.wild and not quiet
    record.measure(f"{name}: median difference", found.typical)
    record.measure(f"{name}: largest difference", float(known.max()), max=record.wanted)
    title = f"{name}: rows that moved far{_in_common(found.far, len(found.size), record) if loud else ''}"
    record.measure(title, len(found.far), max=0 if loud else None, unit="rows")
    if loud:
        record.offending_rows(found.far, difference=found.size[found.far])
    if record.wanted is None:
        _judge_cells(name, pair, case, record)


def _in_common(rows: Any, total: int, record: _Record) -> str:
    """Say what the rows that moved share, in brackets; nothing where they share nothing."""
    found = shared_by(rows, record.cells(), total)
    return f" ({found})" if found else ""


def _judge_cells(name: str, pair: tuple[Output, Output], case: Case, record: _Record) -> None:
    """Hold the part of the rows that moved farthest against the others."""
    difference, least = _differences(name, pair, case)
    if difference is None or not np.isfinite(difference).any() or not np.nan_to_num(difference).any():
        return
    rows = _sampled(len(difference))
    parts = [*(record.cells() if rows is None else cells(case, rows)), *_by_answer(pair[1], rows)]
    found = shifted(difference if rows is None else difference[rows], parts, least)
    if found is None:
        return
    judged = effect_test(name, found.size, found.error, found.margin, found.tried)
    moved_rows = found.rows if rows is None else rows[found.rows]
    done = harmed(name, moved_rows, case)
    title, excused = f"{name}: difference where {found.cell}", done is not None and done.none and not done.proven
    if judged.p_beyond > PART_P or excused:
        record.measure(title, found.size, margin=found.margin)
        return
    record.measure(title, found.size, max=found.margin)
    if done is not None and done.proven:
        record.weigh("critical")
        record.measure(f"{done.metric} lost where {found.cell}", done.loss, max=done.margin)
    size = np.abs(difference[moved_rows])
    order = np.argsort(-size, kind="stable")
    record.offending_rows(moved_rows[order], difference=size[order])


def _by_answer(baseline: Output, rows: Any) -> list[Cells]:
    """Divide the rows by what the baseline answers."""
    found = cells_of("the baseline's answer", baseline if rows is None else baseline.take(rows))
    return [] if found is None else [found]


def _sampled(rows: int) -> Any:
    """A seeded sample of the rows where there are many, None for all."""
    if rows <= SCANNED:
        return None
    return np.sort(np.random.default_rng(0).choice(rows, SCANNED, replace=False))


def _differences(name: str, pair: tuple[Output, Output], case: Case) -> tuple[Any, float]:
    """The signed differences (n,) of numbers, of vectors those of the column that moved most; and the least move."""
    ours, theirs = (output.numbers for output in pair)
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return None, 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        away = np.where((pair[0].valid & pair[1].valid).reshape(-1, *[1] * (ours.ndim - 1)), ours - theirs, np.nan)
    known = theirs[pair[1].valid]
    if ours.ndim > 1:
        column = int(np.nanstd(away, axis=0).argmax())
        away, known = away[:, column], known[:, column]
    bounded = name == PROBABILITIES or is_probability(name, case)
    return away, CELL_PROBABILITY if bounded else CELL_MOVE * centre_and_scale(known)[1]


def _judge_changes(name: str, pair: tuple[Output, Output], case: Case, record: _Record) -> None:
    size = sizes(*pair)
    rows = np.flatnonzero(np.nan_to_num(size, nan=0.0, posinf=1.0) > 0)
    done = harmed(name, rows, case)
    if done is not None and done.proven:
        record.weigh("critical")
        record.measure(f"{done.metric} lost by the rows that changed", done.loss, max=done.margin)
    default = 0.6 * _by_chance(pair) if done is None else None
    wanted = default if record.wanted is None else record.wanted
    share = len(rows) / len(size)
    record.measure(f"{name}: changed", share, max=wanted, unit="of the rows")
    part = _changed_part(name, np.nan_to_num(size, nan=0.0, posinf=1.0), case, record)
    shown = rows if part is None else part
    record.offending_rows(shown)


def _by_chance(pair: tuple[Output, Output]) -> float:
    """The share of rows that would change were the answers unrelated."""
    if pair[0].codes is None or pair[1].codes is None:
        return 1.0
    codes, levels = common_codes(*pair)
    shares = [np.bincount(code[code >= 0], minlength=len(levels)) / max(1, int((code >= 0).sum())) for code in codes]
    return 1 - float(shares[0] @ shares[1])


def _changed_part(name: str, changed: Any, case: Case, record: _Record) -> Any:
    """Test the part of the rows where most classes changed; its rows where it fails."""
    if record.wanted is not None or not changed.any() or len(changed) > SCANNED:
        return None
    total, worst = len(changed), None
    for column in record.cells():
        inside = np.bincount(column.codes, minlength=len(column.names))
        hits = np.bincount(column.codes, weights=changed, minlength=len(column.names))
        for cell in np.flatnonzero((inside >= max(FEW, 0.01 * total)) & (inside <= 0.5 * total)):
            here = float(hits[cell] / inside[cell])
            there = float((changed.sum() - hits[cell]) / (total - inside[cell]))
            error = float(np.sqrt((here * (1 - here) + 1 / inside[cell]) / inside[cell]))
            margin = max(CELL_CHANGES, 2 * there)
            if worst is None or here - there - margin > worst[0]:
                worst = (here - there - margin, column, int(cell), here - there, error, margin)
    if worst is None or worst[0] <= 0:
        return None
    _, column, cell, size, error, margin = worst
    judged = effect_test(name, size, error, margin, len(record.cells()) * 10)
    rows = np.flatnonzero((column.codes == cell) & (changed > 0))
    done = harmed(name, rows, case)
    if judged.p_beyond > PART_P or (done is not None and done.none and not done.proven):
        return None
    record.measure(f"{name}: changed where {column.names[cell]}", size, max=margin, unit="of the rows more")
    return rows
