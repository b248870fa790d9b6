"""Do two answers to the same rows agree, but for rounding?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats
from gate.evidence.outputs import common_codes, read

if TYPE_CHECKING:
    from typing import Protocol

    import pandas as pd

    class Relation(Protocol):
        """What a relation of gate.yaml says of the answers to changed inputs."""

        @property
        def expect(self) -> str:
            """The same, increase or decrease."""

        @property
        def tolerance(self) -> float:
            """How far an answer may be off."""

        @property
        def column(self) -> str | None:
            """The column of the answers that is looked at."""


RELATIVE = 1e-5
"""Single precision keeps 7 digits; sums in another order lose one or two of them."""
ABSOLUTE = 1e-6
"""Of the answers' spread: the rounding of a difference near 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Which of m rows differ (m,), and by how much (m,) in standard deviations of all answers; infinite for classes."""

    differs: Bools
    size: Floats
    columns_differ: bool = False


def disagreement(first: pd.DataFrame, second: pd.DataFrame, answers: pd.DataFrame) -> Disagreement:
    """Compare two frames of m rows column by column; `answers` are all answers, whose spread is the yardstick."""
    rows = len(first)
    if list(first.columns) != list(second.columns):
        return Disagreement(differs=np.ones(rows, bool), size=np.full(rows, np.inf), columns_differ=True)
    size = np.zeros(rows)
    for name in first.columns:
        yardstick = read(answers[name].to_numpy()).numbers
        size = np.maximum(size, _sizes(first[name].to_numpy(), second[name].to_numpy(), yardstick))
    return Disagreement(differs=size > 0, size=size)


def departures(first: pd.DataFrame, second: pd.DataFrame, answers: pd.DataFrame, relation: Relation) -> Floats | None:
    """Say how far the answers to m changed rows break a relation (m,): 0 where they keep it, infinite for classes.

    `first` are the answers to the rows as they were, `answers` all answers. None where there is no column of numbers
    that could increase or decrease. A missing answer breaks every relation.
    """
    if relation.column is not None and not {relation.column} <= set(first.columns) & set(second.columns):
        return None
    if relation.expect == "same":
        chosen = list(first.columns) if relation.column is None else [relation.column]
        if any(name not in second.columns for name in chosen):
            return np.full(len(first), np.inf)
        found = disagreement(first[chosen], second[chosen], answers)
        return np.where(_within(first, second, chosen, relation.tolerance), 0.0, found.size)
    name = relation.column or _directed(first)
    if name is None or name not in second.columns:
        return None
    before, after = read(first[name].to_numpy()).numbers, read(second[name].to_numpy()).numbers
    if before is None or after is None or before.ndim > 1 or after.ndim > 1:
        return None
    fall = before - after if relation.expect == "increase" else after - before
    allowed = np.maximum(relation.tolerance, RELATIVE * np.abs(before))
    return np.where(fall <= allowed, 0.0, np.nan_to_num(fall, nan=np.inf))


def _within(first: pd.DataFrame, second: pd.DataFrame, names: list[str], tolerance: float) -> Bools:
    """Mark the rows whose numbers all lie within the tolerance; no row where a column is none of numbers."""
    inside = np.ones(len(first), dtype=bool)
    for name in names:
        before, after = read(first[name].to_numpy()).numbers, read(second[name].to_numpy()).numbers
        if before is None or after is None or before.shape != after.shape:
            return np.zeros(len(first), dtype=bool)
        inside &= (np.abs(before - after) <= tolerance).reshape(len(first), -1).all(axis=1)
    return inside


def _directed(frame: pd.DataFrame) -> str | None:
    """The column that can rise and fall: the last probability where there are some, else the prediction."""
    probabilities = [str(name) for name in frame.columns if str(name).startswith("proba_")]
    if probabilities:
        return probabilities[-1]
    return "prediction" if "prediction" in frame.columns else None if len(frame.columns) != 1 else frame.columns[0]


def _sizes(first: Array, second: Array, yardstick: Floats | None) -> Floats:
    """Give how far each row is off, 0 within rounding."""
    ours, theirs = read(first), read(second)
    if (ours.codes is None) != (theirs.codes is None):
        return np.full(len(first), np.inf)
    if ours.numbers is None or theirs.numbers is None:
        (left, right), _ = common_codes(ours, theirs)
        return np.where(left == right, 0.0, np.inf)
    if ours.numbers.shape != theirs.numbers.shape:
        return np.full(len(first), np.inf)
    spread = float(np.nanstd(_finite(yardstick))) if yardstick is not None else 0.0
    agree = np.isclose(ours.numbers, theirs.numbers, rtol=RELATIVE, atol=ABSOLUTE * spread, equal_nan=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.abs(ours.numbers - theirs.numbers) / spread
    gap = np.where(agree, 0.0, np.nan_to_num(gap, nan=np.inf, posinf=np.inf))
    return np.asarray(gap if gap.ndim == 1 else gap.max(axis=1))


def _finite(values: Floats) -> Floats:
    """The finite ones; a single 0 where there are none."""
    kept = values[np.isfinite(values)]
    return kept if kept.size else np.zeros(1)
