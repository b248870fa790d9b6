"""The check of answers that similar inputs do not get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gate import LossTest, check, inconclusive
from gate.evidence.arrays import Array, Ints
from gate.evidence.assignment import widest
from gate.evidence.neighbours import ODD_ALONE, Oddity, distances, excess, far, odd_classes, odd_numbers, similar
from gate.evidence.outliers import worst_first
from gate.evidence.outputs import Output, common_codes

from .inputs import features
from .subject import Case, baseline_columns, candidate_columns, is_probability, label_column, main_name
from .versions import PROBABILITIES, harmed, together

SAMPLE = 3000
"""The comparison of all rows with all others takes this many of them, in a seeded sample."""
FEW = 50
"""Fewer rows have no neighbourhoods."""
SHARE = 0.0025
"""So many rows more may stand out."""
LEAST_PROBABILITY = 0.3
"""A probability stands out by no less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """What is compared: both versions' values, or the candidate's and the labels', of the valid sampled rows."""

    name: str
    rows: Ints
    ours: Array
    reference: Array | None
    by: str

    @property
    def known(self) -> Array:
        """What tells which inputs count: the baseline's answers where there are any."""
        return self.reference if self.reference is not None and self.by == "baseline" else self.ours


@check(category="outliers", severity="warning")
@pytest.mark.usefixtures("predictions")
def check_conditional(
    case: Case,
    measure: Callable[..., None],
    offending_rows: Callable[..., None],
    test: Callable[[LossTest], None],
) -> None:
    """No answer is far from what similar inputs get.

    Similar are the 10 nearest neighbours of a row among its inputs (numbers in standard deviations, names as
    indicators, each weighed by how much it tells of the answers: its correlation ratio), on a seeded sample of 3,000
    rows. A number stands out by twice the distance that nine of ten rows keep from the median of their neighbours (of
    both versions' distances the larger; 0.3 of a probability), a class where nine of ten neighbours agree on another.
    Counted are rows that stand out now and clearly did not in the baseline's answers, less those that did and clearly
    do not any more: honest versions are equally often odd (McNemar 1947; LOF, Breunig 2000). Without a baseline rows
    count at three times the distance, where the labels do not go along.

    Limit: a margin of 0.25 % of the rows, at least 5; inconclusive where neither that nor 10 times that is excluded.
    Not applied where the labels do not call these rows worse.
    A failure means answers on wrong rows, flipped labels, noise, a lookup that fails here and there.
    To change it: `severity: {outliers.conditional: ignore}` in gate.yaml.
    """
    sides = _sides(case)
    if sides is None or len(sides.rows) < FEW:
        pytest.skip("needs numbers or classes, and at least 50 rows with an answer")
    near = similar(features(case, sides.rows), sides.known)
    if near is None:
        pytest.skip("no input tells anything about the answers: nothing is similar")
    ours, theirs = _oddities(sides, near, case)
    became = ours.odd & theirs.calm if theirs is not None else ours.odd
    ceased = theirs.odd & ours.calm if theirs is not None and sides.by == "baseline" else np.zeros_like(became)
    found = excess(int(became.sum()), int(ceased.sum()), len(became), SHARE)
    measure("rows that stand out", found.became, baseline=found.ceased if sides.by == "baseline" else None, unit="rows")
    measure("share of the rows more", found.loss, margin=found.margin)
    chosen = worst_first(ours.size, became)
    if _excused(sides, sides.rows[chosen], case) or _tailed(ours, sides):
        return
    if found.p_beyond > 0.01 and found.p_within > 0.01:  # noqa: PLR2004 - the confidence of a single question
        inconclusive(f"of {len(became)} rows {found.became} stand out; more would tell whether these are too many")
    test(
        LossTest(
            name="the share of rows that stand out among similar inputs",
            loss=found.loss,
            standard_error=found.error,
            margin=found.margin,
            p_beyond=found.p_beyond,
            p_within=0.0,
        )
    )
    if found.p_beyond <= 0.01:  # noqa: PLR2004 - those of an honest version are not worth a look
        offending_rows(sides.rows[chosen], distance=ours.size[chosen], similar_inputs_get=_shown(ours, chosen))


def _shown(found: Oddity, rows: Ints) -> Array:
    """What the neighbours answer: numbers; classes are codes that tell a reader nothing."""
    around = found.elsewhere[rows]
    return around if around.dtype.kind == "f" else np.full(len(rows), None)


def _sides(case: Case) -> _Sides | None:
    """The main column, probabilities taken together, with the baseline's or the labels' beside it."""
    columns, before = together(candidate_columns(case)), together(baseline_columns(case) or {})
    label = label_column(case)
    names = [PROBABILITIES, main_name(candidate_columns(case), case), next(iter(columns), None)]
    for name in names:
        if name is None or name not in columns:
            continue
        found = _pair(name, columns[name], before.get(name), label, case)
        if found is not None:
            return found
    return None


def _pair(name: str, ours: Output, before: Output | None, label: Output | None, case: Case) -> _Sides | None:
    by = "baseline" if before is not None else "labels"
    other = before if before is not None else label
    fits = other is not None and (other.numbers is None) == (ours.numbers is None)
    if fits and other is not None and ours.numbers is not None and other.numbers is not None:
        fits = ours.numbers.shape == other.numbers.shape
    if before is not None and not fits:
        return None
    if not fits or other is None or (by == "labels" and is_probability(name, case)):
        other = None
    valid = ours.valid if other is None else ours.valid & other.valid
    rows = _sampled(np.flatnonzero(valid))
    if ours.numbers is not None:
        mine, theirs = (None if side is None else np.asarray(side.numbers)[rows] for side in (ours, other))
        return _Sides(name=name, rows=rows, ours=_narrowed(mine, theirs), reference=_narrowed(theirs, theirs), by=by)
    codes, levels = common_codes(*([ours] if other is None else [ours, other]))
    if len(levels) > len(rows) / 10:
        return None
    return _Sides(name=name, rows=rows, ours=codes[0][rows], reference=None if other is None else codes[1][rows], by=by)


def _sampled(rows: Ints) -> Ints:
    if len(rows) <= SAMPLE:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))


def _narrowed(values: Any, by: Any) -> Any:
    """The widest columns of vectors: as many as tell rows apart."""
    if values is None or values.ndim == 1:
        return values
    return values[:, widest(values if by is None else by)]


def _oddities(sides: _Sides, near: Ints, case: Case) -> tuple[Oddity, Oddity | None]:
    if sides.ours.dtype.kind != "f":
        ours = odd_classes(sides.ours, near)
        if sides.reference is None or sides.by == "baseline":
            return ours, None if sides.reference is None else odd_classes(sides.reference, near)
        return ours, Oddity(
            odd=ours.odd, calm=sides.reference == ours.elsewhere, size=ours.size, elsewhere=ours.elsewhere
        )
    bounded = sides.name == PROBABILITIES or is_probability(sides.name, case)
    least = LEAST_PROBABILITY if bounded else 0.0
    size, middle = distances(sides.ours, near)
    if sides.reference is None or sides.by == "labels":
        limit = far((size,), least, ODD_ALONE)
        ours = odd_numbers(size, middle, limit)
        return ours, None if sides.reference is None else _by_labels(sides.reference, middle, limit)
    others, elsewhere = distances(sides.reference, near)
    limit = far((size, others), least)
    return odd_numbers(size, middle, limit), odd_numbers(others, elsewhere, limit)


def _by_labels(labels: Array, middle: Array, limit: float) -> Oddity:
    """How far the labels lie from what the neighbours of their rows get."""
    away = (labels - middle).reshape(len(labels), -1)
    return odd_numbers(np.sqrt((away**2).sum(axis=1)), middle, limit)


def _excused(sides: _Sides, rows: Ints, case: Case) -> bool:
    """Whether labels do not call the rows that stand out worse than the baseline had them."""
    done = harmed(sides.name, rows, case) if sides.by == "baseline" else None
    return done is not None and done.none


def _tailed(ours: Oddity, sides: _Sides) -> bool:
    """Whether, where no baseline tells, the answers have long tails: then more rows are half as far than as far."""
    if sides.by == "baseline" or sides.ours.dtype.kind != "f":
        return False
    return int((~ours.calm & ~ours.odd).sum()) >= int(ours.odd.sum())
