"""Ratios of confusion counts over rows that do not fit in memory: each (label, answer, answer) is counted by names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gate.evidence.arrays import Floats, Ints
from gate.evidence.summaries.losses import Compared
from gate.evidence.summaries.moments import Moments
from gate.evidence.weighing import Confusion

Cell = tuple[str, str, str]
MOST_CELLS = 3000
"""More distinct (label, answer, answer) than this are not judged: the derivative by each of them takes too long."""
_STEP = 1e-6


class ConfusionSums:
    """Counts over all rows behind one ratio of both versions."""

    def __init__(self, like: Confusion, levels: Sequence[str]) -> None:
        """Count what `like`, bound to a sample whose codes stand for `levels`, is a ratio of."""
        self._like, self._levels = like, tuple(levels)
        self._counts: dict[Cell, int] = {}

    def update(self, levels: Sequence[str], codes: tuple[Ints, Ints, Ints]) -> None:
        """Add a batch: what its codes stand for, and those (n,) of labels, candidate and baseline."""
        size = max(len(levels), 1 + max(int(code.max(initial=0)) for code in codes))
        truth, ours, theirs = codes
        cells, counts = np.unique((truth * size + ours) * size + theirs, return_counts=True)
        names = [levels[place] if place < len(levels) else f"\0{place}" for place in range(size)]
        for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
            first, rest = divmod(cell, size * size)
            key = (names[first], names[rest // size], names[rest % size])
            self._counts[key] = self._counts.get(key, 0) + count

    def merge(self, other: ConfusionSums) -> None:
        """Add what another has added."""
        for cell, count in other._counts.items():
            self._counts[cell] = self._counts.get(cell, 0) + count

    def finish(self) -> Compared | None:
        """Give the ratios over all rows, None where there are too many distinct answers."""
        if not self._counts or len(self._counts) > MOST_CELLS:
            return None
        cells = sorted(self._counts)
        weights = np.array([self._counts[cell] for cell in cells], dtype=np.float64)
        truth, ours, theirs = self._coded(cells)
        sides = (self._bound(truth, ours), self._bound(truth, theirs))
        changes = [_influence(side, weights) for side in sides]
        return Compared(
            rows=int(weights.sum()),
            candidate=sides[0].value(weights),
            baseline=sides[1].value(weights),
            moments=_weighted(changes[0] - changes[1], weights),
            same=bool(np.array_equal(ours, theirs)),
        )

    def _coded(self, cells: list[Cell]) -> tuple[Ints, Ints, Ints]:
        """Names as codes: those that the sample knew keep theirs, the others follow in order."""
        strange = sorted({name for cell in cells for name in cell} - set(self._levels))
        code = {name: place for place, name in enumerate((*self._levels, *strange))}
        columns = np.array([[code[name] for name in cell] for cell in cells], dtype=np.int64)
        return columns[:, 0], columns[:, 1], columns[:, 2]

    def _bound(self, truth: Ints, answer: Ints) -> Confusion:
        classes = max(self._like.classes, int(truth.max()) + 1, int(answer.max()) + 1)
        return Confusion(
            ratio=self._like.ratio,
            truth=truth,
            answer=answer,
            classes=classes,
            positive_alone=self._like.positive_alone,
        )


def _influence(side: Confusion, weights: Floats) -> Floats:
    """The derivative of the ratio by the share of each cell (m,), from differences on both sides."""
    shares = weights / weights.sum()
    changes = np.empty(len(shares))
    for place in range(len(shares)):
        step = np.zeros(len(shares))
        step[place] = _STEP
        changes[place] = (side.value(shares + step) - side.value(shares - step)) / (2 * _STEP)
    return changes


def _weighted(values: Floats, weights: Floats) -> Moments:
    """Moments of values (m,) that occur so many times."""
    rows = float(weights.sum())
    mean = float(weights @ values) / rows
    second, third, fourth = (float(weights @ (values - mean) ** power) / rows for power in (2, 3, 4))
    return Moments(
        rows=int(rows),
        mean=mean,
        variance=second * rows / max(1.0, rows - 1),
        skewness=third / second**1.5 if second > 0 else 0.0,
        kurtosis=fourth / second**2 if second > 0 else 0.0,
        largest=float(np.abs(values).max()),
    )
