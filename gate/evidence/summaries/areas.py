"""The area under a curve over rows that do not fit in memory: scores are counted between edges that a sample told.

The edges are the scores of both versions in the sample, of a class's own rows and of the others alike, at most 8,192.
Scores between two edges count as equal, which moves an area by less than the share of such pairs: some 1e-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats, Ints
from gate.evidence.summaries.losses import Compared, alike
from gate.evidence.summaries.moments import PowerSums
from gate.evidence.weighing import Ranking

Curve = Literal["roc", "pr"]
EDGES = 2048
"""Of each of the four: a version's scores of a class's own rows, and of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One class against the rest: the edges (m,), and each version's influences (2, m + 1) of a row in a cell."""

    place: int
    edges: Floats
    influences: tuple[Floats, Floats]

    def cells(self, answer: Array) -> Ints:
        """Give the cell (n,) of each row, the highest scores in the last."""
        return np.searchsorted(self.edges, answer[:, self.place], side="right").astype(np.int64)


class AreaSums:
    """Counts over all rows behind the area of both versions: of one class, or the mean over several."""

    def __init__(self, curve: Curve, truth: Ints, answers: tuple[Floats, Floats], places: tuple[int, ...]) -> None:
        """Learn the edges from a sample: codes (n,), both versions' probabilities (n, classes), the classes' places."""
        self._curve = curve
        self._sides = [_learn(curve, truth == place, answers, place) for place in places]
        self._counts = [np.zeros((2, 2, len(side.edges) + 1), dtype=np.int64) for side in self._sides]
        self._influences = PowerSums(_usual(self._sides))
        self._rows, self._same = 0, True

    def update(self, truth: Ints, answers: tuple[Floats, Floats]) -> None:
        """Add a batch, in the form of the sample."""
        total = np.zeros(len(truth))
        for side, counts in zip(self._sides, self._counts, strict=True):
            positive = (truth == side.place).astype(np.int64)
            for version, answer in enumerate(answers):
                cells = side.cells(answer)
                size = counts.shape[2]
                counts[version] += np.bincount(positive * size + cells, minlength=2 * size).reshape(2, size)
                total += (1 - 2 * version) * side.influences[version][positive, cells]
        self._influences.update(total / len(self._sides))
        self._rows += len(truth)
        self._same = self._same and alike(*answers)

    def merge(self, other: AreaSums) -> None:
        """Add what another has added, with the same edges."""
        for ours, theirs in zip(self._counts, other._counts, strict=True):
            np.add(ours, theirs, out=ours)
        self._influences.merge(other._influences)
        self._rows += other._rows
        self._same = self._same and other._same

    def finish(self) -> Compared:
        """Give the areas over all rows, the mean over the classes that occur."""
        areas = np.array([[_area(self._curve, version) for version in counts] for counts in self._counts])
        defined = areas[~np.isnan(areas).any(axis=1)]
        candidate, baseline = defined.mean(axis=0) if len(defined) else (np.nan, np.nan)
        return Compared(
            rows=self._rows,
            candidate=float(candidate),
            baseline=float(baseline),
            moments=self._influences.finish(),
            same=self._same,
        )


def _learn(curve: Curve, positive: Bools, answers: tuple[Floats, Floats], place: int) -> _Side:
    groups = [answer[rows, place] for answer in answers for rows in (positive, ~positive)]
    edges = np.unique(np.concatenate([_spaced(np.unique(scores)) for scores in groups]))
    side = _Side(place=place, edges=edges, influences=(np.zeros((2, 1)), np.zeros((2, 1))))
    tables = [_influences(curve, side.cells(answer), positive, len(edges) + 1) for answer in answers]
    return _Side(place=place, edges=edges, influences=(tables[0], tables[1]))


def _spaced(scores: Floats) -> Floats:
    """Distinct scores in order, as many as there may be edges."""
    if len(scores) <= EDGES:
        return scores
    return scores[np.linspace(0, len(scores) - 1, EDGES).astype(np.int64)]


def _usual(sides: list[_Side]) -> float:
    sizes = [float(np.abs(table).mean()) for side in sides for table in side.influences]
    return max(sizes, default=1.0)


def _area(curve: Curve, counts: Ints) -> float:
    """The area of one version from its counts (2, m): the rest, and the class's own."""
    size = counts.shape[1]
    group = np.tile(np.arange(size)[::-1], 2)
    positive = np.repeat([False, True], size)
    weights = counts.reshape(-1).astype(np.float64)
    return Ranking(curve=curve, group=group, positive=positive).value(weights) if weights.sum() else float("nan")


def _influences(curve: Curve, cells: Ints, positive: Bools, size: int) -> Floats:
    """The influence (2, size) of a row of the rest, and of the class's own, in each cell; 0 where one is missing.

    The placement values (DeLong 1988), or the derivative of the mean precision at the positives: as in `Ranking`.
    """
    rows = len(cells)
    hits = np.bincount(cells[positive], minlength=size)[::-1] / rows
    misses = np.bincount(cells[~positive], minlength=size)[::-1] / rows
    share, rest = hits.sum(), misses.sum()
    if share <= 0 or rest <= 0:
        return np.zeros((2, size))
    if curve == "roc":
        below = (rest - np.cumsum(misses) + misses / 2) / rest
        above = (np.cumsum(hits) - hits / 2) / share
        area = float(hits @ below / share)
        own, others = (below - area) / share, (above - area) / rest
    else:
        answered = np.cumsum(hits + misses)
        inverse = np.divide(1.0, answered, out=np.zeros(size), where=answered > 0)
        precision = np.cumsum(hits) * inverse
        area = float(hits @ precision / share)
        gained = np.cumsum((hits * inverse)[::-1])[::-1]
        lost = np.cumsum((hits * precision * inverse)[::-1])[::-1]
        own, others = (precision + gained - area - lost) / share, -lost / share
    return np.vstack([others[::-1], own[::-1]])
