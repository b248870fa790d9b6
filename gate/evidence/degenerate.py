"""Answers that lost their variety: a class that is no longer answered, a coarse grid, tails that are cut off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Floats, Ints
from gate.evidence.outliers import centre_and_scale

LOST_SHARE = 0.1
"""A class is lost where at most this share of its answers is left,"""
LOST_ROWS = 20
"""of at least so many: halving a class that often leaves a tenth of it with a probability below 0.0001."""
GRIDS = tuple(step * 10.0**power for power in range(6, -7, -1) for step in (5, 2, 1))
"""Steps that people round to: 1, 2 and 5 times powers of ten."""
COARSE = 0.01
"""A grid of such steps is coarse where they are this share of the baseline's robust standard deviation,"""
COARSE_ANY = 0.1
"""any other even step this share: eight bits make 256 steps, which nobody would miss,"""
COARSE_PROBABILITY = 0.1
"""or, of probabilities, this: a forest of a hundred trees votes in steps of 0.01, neighbours in steps of 0.05."""
CUT_SHARE = 0.002
CUT_ROWS = 5
CUT_BEYOND = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A bound that many answers share while the reference goes beyond it: its value and the rows (m,)."""

    value: float
    rows: Ints


def lost_classes(candidate: Ints, reference: Ints) -> Ints:
    """Name the codes that a reference (m,) answers at least 20 times, and the candidate (n,) hardly or never.

    Hardly is at most a tenth as often, as a share of the rows. Missing answers are -1 and no class.
    """
    classes = int(max(candidate.max(initial=-1), reference.max(initial=-1))) + 1
    ours, theirs = (np.bincount(codes[codes >= 0], minlength=classes) for codes in (candidate, reference))
    shares = ours / max(1, len(candidate)), theirs / max(1, len(reference))
    return np.flatnonzero((theirs >= LOST_ROWS) & (shares[0] <= LOST_SHARE * shares[1])).astype(np.int64)


def step_of(values: Floats) -> float | None:
    """Give the widest of the usual steps (1, 2, 5 times a power of ten) of which all values (n,) are multiples.

    None where there is none, or all values are the same. Within the rounding of single precision.
    """
    if len(values) < 2 or np.ptp(values) == 0:  # noqa: PLR2004 - one value lies on any grid
        return None
    largest, width = float(np.abs(values).max()), float(np.ptp(values))
    few = values[:200]
    for step in GRIDS:
        if step <= 1e-6 * largest:
            return None
        if step <= width * (1 + 1e-9) and _on(few, step) and _on(values, step):
            return step
    return None


def _on(values: Floats, step: float) -> bool:
    parts = values / step
    rounding = 1e-3 + 2e-7 * np.abs(parts)
    return bool((np.abs(parts - np.round(parts)) <= np.minimum(rounding, 0.02)).all())


def coarse_step(candidate: Floats, baseline: Floats, *, probability: bool) -> float | None:
    """Give the step of a coarse grid that the candidate's finite answers (n,) keep to and the baseline's (m,) do not.

    Coarse is a hundredth of the baseline's robust standard deviation where the step is one of the usual ones, a tenth
    where it is another even one; of probabilities a step of 0.1.
    """
    unit = centre_and_scale(baseline)[1] if len(baseline) else 0.0
    if unit == 0:
        return None
    for find, needed in ((step_of, COARSE * unit), (even_step, COARSE_ANY * unit)):
        step = find(candidate)
        least = COARSE_PROBABILITY if probability else needed
        if step is not None and step >= least * (1 - 1e-6):
            before = find(baseline)
            return None if before is not None and before >= 0.5 * step else step
    return None


def even_step(values: Floats) -> float | None:
    """Give the step of an even grid, wherever it starts, that all values (n,) keep to; None where there is none.

    The step is the least difference between two values; at least 5 of them, and four times as many rows, must lie on
    the grid.
    """
    levels = np.unique(values)
    if not 5 <= len(levels) <= len(values) / 4:  # noqa: PLR2004 - see the docstring
        return None
    step = float(np.diff(levels).min())
    places = (levels - levels[0]) / step
    return step if step > 0 and bool((np.abs(places - np.round(places)) <= 0.01).all()) else None  # noqa: PLR2004 - rounding


def cuts(candidate: Floats, baseline: Floats) -> tuple[Cut, ...]:
    """Find the bounds at which answers were cut; both (n,) for the same rows, NaN where there is no answer.

    The lowest or highest answer is such a bound where 0.2 % of the rows and at least 5 share it, three times as many
    as share other values and as share the baseline's bound, and the baseline's answers lie beyond it in four of five.
    """
    known = np.isfinite(candidate) & np.isfinite(baseline)
    ours, theirs = candidate[known], baseline[known]
    if len(ours) < CUT_ROWS:
        return ()
    counts = np.unique(ours, return_counts=True)[1]
    if len(counts) < 5:  # noqa: PLR2004 - a handful of values has no tails
        return ()
    usual = int(np.sort(counts[1:-1])[-2])
    found = [_cut(ours, theirs, usual, high=high) for high in (False, True)]
    rows = np.flatnonzero(known)
    return tuple(Cut(value=cut.value, rows=rows[cut.rows]) for cut in found if cut is not None)


def _cut(ours: Floats, theirs: Floats, usual: int, *, high: bool) -> Cut | None:
    bound = float(ours.max() if high else ours.min())
    rows = np.flatnonzero(ours == bound)
    own = int((theirs == (theirs.max() if high else theirs.min())).sum())
    if len(rows) < max(CUT_ROWS, CUT_SHARE * len(ours), 3 * usual, 3 * own):
        return None
    beyond = theirs[rows] > bound if high else theirs[rows] < bound
    farthest = np.argsort(-np.abs(theirs[rows] - bound), kind="stable")
    return Cut(value=bound, rows=rows[farthest].astype(np.int64)) if float(beyond.mean()) >= CUT_BEYOND else None
