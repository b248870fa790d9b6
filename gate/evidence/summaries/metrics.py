"""Each metric over rows that do not fit in memory, summed in the way that its kind allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

import numpy as np

from gate.evidence.arrays import Array, Ints
from gate.evidence.metric import Metric
from gate.evidence.pairing import Paired, Unfit, pair
from gate.evidence.sides import Columns, Labels
from gate.evidence.summaries.areas import AreaSums
from gate.evidence.summaries.classes import class_name
from gate.evidence.summaries.confusion import ConfusionSums
from gate.evidence.summaries.losses import Compared, LargestSums, LossSums, reading_of
from gate.evidence.weighing import Average, Confusion, Largest, Ranking, Statistic

CLASSES = 50
"""Areas of more classes than this are judged on the sample alone: each class is counted by itself."""


class _Way(Protocol):
    """How one kind of metric is summed."""

    def update(self, paired: Paired) -> None:
        """Add a batch."""

    def merge(self, other: Self) -> None:
        """Add what another has added."""

    def finish(self) -> Compared | None:
        """Give the metric over all rows."""


class MetricSums:
    """One metric of both versions. `unfit` says why it cannot be computed on some row, "" where it can."""

    def __init__(self, metric: Metric, way: _Way) -> None:
        """Start with no rows."""
        self._metric, self._way = metric, way
        self.unfit = ""

    def update(self, labels: Labels, columns: Columns, before: Columns) -> None:
        """Add a batch; rows without a label are left out."""
        found = pair(self._metric, labels, columns, before)
        if isinstance(found, Paired):
            self._way.update(found)
        elif found.whose != "labels":
            whose = "the baseline: " if found.whose == "baseline" else ""
            self.unfit = max(self.unfit, f"{whose}some answers are missing, not finite or of another kind")

    def merge(self, other: MetricSums) -> None:
        """Add what another has added."""
        self._way.merge(other._way)
        self.unfit = max(self.unfit, other.unfit)

    def finish(self) -> Compared | None:
        """Give the metric over all rows, None where it cannot be told."""
        found = None if self.unfit else self._way.finish()
        return found if found is not None and np.isfinite([found.candidate, found.baseline]).all() else None


def start(metrics: Mapping[str, Metric], labels: Labels, columns: Columns, before: Columns) -> dict[str, MetricSums]:
    """Learn from a sample how each metric is summed; those that cannot be are left out."""
    started = {}
    for name, metric in metrics.items():
        found = pair(metric, labels, columns, before)
        way = None if isinstance(found, Unfit) or metric.undefined(found.truth) else _way(metric, found)
        if way is not None:
            started[name] = MetricSums(metric, way)
    return started


def _way(metric: Metric, sample: Paired) -> _Way | None:
    """The way in which a metric is summed, by the statistic that it is."""
    ours, theirs = _bound(metric, sample)
    if isinstance(ours, Confusion):
        return _Confused(ours, sample)
    if isinstance(ours, Average) and all(isinstance(part, Ranking) for part in ours.parts):
        places = tuple(range(sample.truth.classes)) if len(ours.parts) > 1 else (1,)
        curve = ours.parts[0].curve if isinstance(ours.parts[0], Ranking) else "roc"
        truth, answers = _codes(sample)
        return _Ranked(AreaSums(curve, truth, answers, places)) if len(places) <= CLASSES else None
    if isinstance(ours, Largest):
        return _Summed(metric, LargestSums())
    reading = reading_of(ours, theirs)
    if reading is None:
        return None
    influence = ours.influence() - theirs.influence()
    return _Summed(metric, LossSums(reading, float(np.abs(influence).mean())))


def _bound(metric: Metric, paired: Paired) -> tuple[Statistic, Statistic]:
    baseline = paired.candidate if paired.baseline is None else paired.baseline
    return metric.bind(paired.truth, paired.candidate), metric.bind(paired.truth, baseline)


def _codes(paired: Paired) -> tuple[Ints, tuple[Array, Array]]:
    """The codes of the labels, and both versions' answers."""
    baseline = paired.candidate if paired.baseline is None else paired.baseline
    return paired.truth.values, (paired.candidate, baseline)


class _Summed:
    """A mean, a ratio of means, R squared, an extreme."""

    def __init__(self, metric: Metric, sums: LossSums | LargestSums) -> None:
        self._metric, self._sums = metric, sums

    def update(self, paired: Paired) -> None:
        self._sums.update(_bound(self._metric, paired), _codes(paired)[1])  # type: ignore[arg-type] # as it was learnt

    def merge(self, other: _Summed) -> None:
        self._sums.merge(other._sums)  # type: ignore[arg-type] # of one kind

    def finish(self) -> Compared:
        return self._sums.finish()


class _Ranked:
    """An area under a curve."""

    def __init__(self, sums: AreaSums) -> None:
        self._sums = sums

    def update(self, paired: Paired) -> None:
        self._sums.update(*_codes(paired))

    def merge(self, other: _Ranked) -> None:
        self._sums.merge(other._sums)

    def finish(self) -> Compared:
        return self._sums.finish()


class _Confused:
    """A ratio of confusion counts."""

    def __init__(self, like: Confusion, sample: Paired) -> None:
        self._sums = ConfusionSums(like, [class_name(level) for level in sample.truth.levels])

    def update(self, paired: Paired) -> None:
        truth, answers = _codes(paired)
        self._sums.update([class_name(level) for level in paired.truth.levels], (truth, *answers))

    def merge(self, other: _Confused) -> None:
        self._sums.merge(other._sums)

    def finish(self) -> Compared | None:
        return self._sums.finish()
