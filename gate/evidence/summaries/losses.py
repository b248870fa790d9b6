"""A metric's loss over rows that do not fit in memory: its values from exact sums, its error from influences.

The influence of a row on a metric is linear in the row's parts, with coefficients that all rows give. They are taken
from a sample here, once: 200,000 rows tell them to some tenths of a per cent, and the error of the error with them.
The metric's values themselves rest on all rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from gate.evidence.arrays import Array, Floats
from gate.evidence.summaries.exact import ExactSums
from gate.evidence.summaries.moments import Moments, PowerSums
from gate.evidence.weighing import Determination, Largest, Mean, Ratio, Statistic

ROUNDING = 1e-6

_S_contra = TypeVar("_S_contra", contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both versions' values of a metric over all rows, and the moments of the paired influences.

    `moments` is None for an extreme, which has no error. `same`: every answer is equal but for rounding.
    """

    rows: int
    candidate: float
    baseline: float
    moments: Moments | None
    same: bool


class Reading(Protocol[_S_contra]):
    """How one kind of metric is read off rows, with what a sample told of it."""

    @property
    def width(self) -> int:
        """How many numbers a row are summed."""

    def parts(self, ours: _S_contra, theirs: _S_contra) -> Floats:
        """Give what is summed (n, width)."""

    def influence(self, ours: _S_contra, theirs: _S_contra) -> Floats:
        """Give each row's influence (n,) on the candidate's value less that on the baseline's."""

    def values(self, means: Floats) -> tuple[float, float]:
        """Give both versions' values from the means (width,) of the parts."""


class LossSums:
    """Sums over all rows behind one metric of both versions."""

    def __init__(self, reading: Reading[Statistic], scale: float) -> None:
        """Start with no rows; `scale` is the usual size of an influence."""
        self._reading = reading
        self._parts, self._influences = ExactSums(reading.width), PowerSums(scale)
        self._same = True

    def update(self, bound: tuple[Statistic, Statistic], answers: tuple[Array, Array]) -> None:
        """Add a batch: the metric bound to both versions' answers, and the answers themselves."""
        self._parts.update(self._reading.parts(*bound))
        self._influences.update(self._reading.influence(*bound))
        self._same = self._same and alike(*answers)

    def merge(self, other: LossSums) -> None:
        """Add what another has added, with the same reading."""
        self._parts.merge(other._parts)
        self._influences.merge(other._influences)
        self._same = self._same and other._same

    def finish(self) -> Compared:
        """Give the values over all rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            candidate, baseline = self._reading.values(self._parts.means())
        return Compared(
            rows=self._parts.rows,
            candidate=candidate,
            baseline=baseline,
            moments=self._influences.finish(),
            same=self._same,
        )


class LargestSums:
    """The largest error of both versions."""

    def __init__(self) -> None:
        """Start with no rows."""
        self._rows, self._largest, self._same = 0, [-np.inf, -np.inf], True

    def update(self, bound: tuple[Largest, Largest], answers: tuple[Array, Array]) -> None:
        """Add a batch: the metric bound to both versions' answers, and the answers themselves."""
        self._rows += len(bound[0].rows)
        self._largest = [max(known, side.value()) for known, side in zip(self._largest, bound, strict=True)]
        self._same = self._same and alike(*answers)

    def merge(self, other: LargestSums) -> None:
        """Add what another has added."""
        self._rows += other._rows
        self._largest = [max(one, two) for one, two in zip(self._largest, other._largest, strict=True)]
        self._same = self._same and other._same

    def finish(self) -> Compared:
        """Give both versions' largest error."""
        candidate, baseline = self._largest
        return Compared(rows=self._rows, candidate=candidate, baseline=baseline, moments=None, same=self._same)


def alike(candidate: Array, baseline: Array) -> bool:
    """Say whether two versions' answers are equal but for the rounding of single precision, each for itself."""
    if candidate.shape != baseline.shape:
        return False
    if candidate.dtype.kind not in "fc":
        return bool(np.array_equal(candidate, baseline))
    return bool(np.allclose(candidate, baseline, rtol=ROUNDING, atol=0, equal_nan=True))


def reading_of(ours: Statistic, theirs: Statistic) -> Reading[Statistic] | None:
    """Learn from a sample how a metric is read; None for one that is no function of means."""
    found: object = None
    if isinstance(ours, Mean) and isinstance(theirs, Mean):
        found = _Means.of(ours, theirs)
    elif isinstance(ours, Ratio) and isinstance(theirs, Ratio):
        found = _Ratios.of(ours, theirs)
    elif isinstance(ours, Determination) and isinstance(theirs, Determination):
        found = _Determinations.of(ours, theirs)
    return found  # type: ignore[return-value] # each reads the kind of statistic that it was made of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Means:
    """Of means by column (t,), or of their roots: the derivative of a root is one over twice the root."""

    centres: tuple[Floats, Floats]
    slopes: tuple[Floats, Floats]
    root: bool

    @classmethod
    def of(cls, ours: Mean, theirs: Mean) -> _Means:
        centres = (ours.rows.mean(axis=0), theirs.rows.mean(axis=0))
        slopes = tuple(_over_root(centre) if ours.root else np.ones_like(centre) for centre in centres)
        return cls(centres=centres, slopes=(slopes[0], slopes[1]), root=ours.root)

    @property
    def width(self) -> int:
        return 2 * len(self.centres[0])

    def parts(self, ours: Mean, theirs: Mean) -> Floats:
        return np.column_stack([ours.rows, theirs.rows])

    def influence(self, ours: Mean, theirs: Mean) -> Floats:
        (centre, other), (slope, steep) = self.centres, self.slopes
        return np.asarray(((ours.rows - centre) * slope - (theirs.rows - other) * steep).mean(axis=1))

    def values(self, means: Floats) -> tuple[float, float]:
        halves = np.split(np.sqrt(means) if self.root else means, 2)
        return float(halves[0].mean()), float(halves[1].mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ratios:
    """Of a sum over a sum."""

    values_of: tuple[float, float]
    below: tuple[float, float]

    @classmethod
    def of(cls, ours: Ratio, theirs: Ratio) -> _Ratios:
        below = (float(ours.below.mean()), float(theirs.below.mean()))
        return cls(values_of=(ours.value(), theirs.value()), below=below)

    @property
    def width(self) -> int:
        return 4

    def parts(self, ours: Ratio, theirs: Ratio) -> Floats:
        return np.column_stack([ours.above, ours.below, theirs.above, theirs.below])

    def influence(self, ours: Ratio, theirs: Ratio) -> Floats:
        changes = [
            (side.above - value * side.below) / below
            for side, value, below in zip((ours, theirs), self.values_of, self.below, strict=True)
        ]
        return np.asarray(changes[0] - changes[1])

    def values(self, means: Floats) -> tuple[float, float]:
        return float(means[0] / means[1]), float(means[2] / means[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Determinations:
    """Of R squared by column (t,): sums about the sample's mean of the labels, so that nothing cancels."""

    centre: Floats
    spread: Floats
    lost: tuple[Floats, Floats]

    @classmethod
    def of(cls, ours: Determination, theirs: Determination) -> _Determinations:
        centre = ours.truth.mean(axis=0)
        lost = ((ours.errors**2).mean(axis=0), (theirs.errors**2).mean(axis=0))
        return cls(centre=centre, spread=((ours.truth - centre) ** 2).mean(axis=0), lost=lost)

    @property
    def width(self) -> int:
        return 4 * len(self.centre)

    def parts(self, ours: Determination, theirs: Determination) -> Floats:
        away = ours.truth - self.centre
        return np.column_stack([away, away**2, ours.errors**2, theirs.errors**2])

    def influence(self, ours: Determination, theirs: Determination) -> Floats:
        squares = (ours.truth - self.centre) ** 2 - self.spread
        changes = [
            (lost / self.spread * squares - (side.errors**2 - lost)) / self.spread
            for side, lost in zip((ours, theirs), self.lost, strict=True)
        ]
        return np.asarray((changes[0] - changes[1]).mean(axis=1))

    def values(self, means: Floats) -> tuple[float, float]:
        away, squares, ours, theirs = np.split(means, 4)
        spread = squares - away**2
        return float((1 - ours / spread).mean()), float((1 - theirs / spread).mean())


def _over_root(means: Floats) -> Floats:
    return np.asarray(np.divide(1.0, 2 * np.sqrt(means), out=np.zeros_like(means), where=means > 0))
