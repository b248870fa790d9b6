"""Metrics as functions of row weights, each with its influence function.

A metric that can be weighted can be resampled (a bootstrap replicate is a vector of row weights), and its influence
function gives the standard error of a million rows in one pass.

Source: F. Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69 (1974).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from gate.evidence.arrays import Bools, Floats, Ints


class Statistic(Protocol):
    """A metric bound to n rows."""

    def value(self, weights: Floats | None = None) -> float:
        """Give the metric, the rows weighted by `weights` (n,), all alike where absent. NaN where undefined."""

    def influence(self) -> Floats:
        """Give each row's influence (n,), mean zero: the metric's standard error is its deviation / sqrt(n)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of `rows` (n, t) by column, its root where asked for, then the mean over the t columns."""

    rows: Floats
    root: bool = False

    def value(self, weights: Floats | None = None) -> float:
        """Give the (root of the) weighted mean."""
        means = self._means(weights)
        return float(np.mean(np.sqrt(means) if self.root else means))

    def influence(self) -> Floats:
        """Give the centred rows; of a root, by the chain rule, over twice the root."""
        means = self._means(None)
        slope = _inverse(2 * np.sqrt(means)) if self.root else np.ones_like(means)
        return np.asarray(((self.rows - means) * slope).mean(axis=1))

    def _means(self, weights: Floats | None) -> Floats:
        if weights is None:
            return np.asarray(self.rows.mean(axis=0))
        return np.asarray(weights @ self.rows / weights.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The sum of `above` (n,) over the sum of `below` (n,): edits as a share of all that could be edited."""

    above: Floats
    below: Floats

    def value(self, weights: Floats | None = None) -> float:
        """Give the ratio; NaN where there is nothing below the line."""
        weights = np.ones(len(self.above)) if weights is None else weights
        below = float(weights @ self.below)
        return float(weights @ self.above) / below if below > 0 else float("nan")

    def influence(self) -> Floats:
        """Give the derivative of a ratio of means."""
        return np.asarray((self.above - self.value() * self.below) / self.below.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Determination:
    """R squared: 1 - (squared errors) / (squared distances from the mean), by column (n, t), then their mean."""

    truth: Floats
    errors: Floats

    def value(self, weights: Floats | None = None) -> float:
        """Give R squared; NaN where all labels are equal."""
        share = np.full(len(self.truth), 1 / len(self.truth)) if weights is None else weights / weights.sum()
        centred = self.truth - share @ self.truth
        spread = share @ centred**2
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.mean(np.where(spread > 0, 1 - (share @ self.errors**2) / spread, np.nan)))

    def influence(self) -> Floats:
        """Give the derivative of a ratio of means; NaN where all labels are equal."""
        squares = (self.truth - self.truth.mean(axis=0)) ** 2
        spread, lost = squares.mean(axis=0), (self.errors**2).mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            change = lost / spread**2 * (squares - spread) - (self.errors**2 - lost) / spread
        return np.asarray(change.mean(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A ratio of confusion counts by class, then averaged: over the classes in sight, or of class 1 of two alone.

    `truth` and `answer` are codes (n,) below `classes`. A class that is never answered has precision 0, one that
    does not occur recall 0, as in scikit-learn; balanced accuracy averages over the classes that occur.
    """

    ratio: Literal["precision", "recall", "f1", "balanced_accuracy"]
    truth: Ints
    answer: Ints
    classes: int
    positive_alone: bool

    def value(self, weights: Floats | None = None) -> float:
        """Give the averaged ratio."""
        above, below = self._parts(*self._counts(weights))
        return float(np.sum(above * _inverse(below) * self._shares()))

    def influence(self) -> Floats:
        """Give the derivative by the shares of hits, labels and answers of each class, at every row."""
        share = self._shares()
        above, below = self._parts(*self._counts(None))
        by_above, by_below = share * _inverse(below), -share * above * _inverse(below) ** 2
        hit = (self.truth == self.answer).astype(np.float64)
        change = hit * by_above[self.truth] * (2.0 if self.ratio == "f1" else 1.0)
        if self.ratio != "precision":
            change = change + by_below[self.truth]
        if self.ratio in {"precision", "f1"}:
            change = change + by_below[self.answer]
        return np.asarray(change - change.mean())

    def _counts(self, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
        """Hits, labels and answers of each class, as shares of the rows."""
        weights = np.ones(len(self.truth)) if weights is None else weights
        hit = weights * (self.truth == self.answer)
        parts = ((self.truth, hit), (self.truth, weights), (self.answer, weights))
        hits, labels, answers = (np.bincount(code, weight, self.classes) / weights.sum() for code, weight in parts)
        return hits, labels, answers

    def _parts(self, hits: Floats, labels: Floats, answers: Floats) -> tuple[Floats, Floats]:
        """What is above and what is below the line of the ratio."""
        if self.ratio == "f1":
            return 2 * hits, labels + answers
        return hits, answers if self.ratio == "precision" else labels

    def _shares(self) -> Floats:
        """Give each class's share in the average."""
        if self.positive_alone:
            return np.asarray(np.arange(self.classes) == 1, dtype=np.float64)
        seen = np.bincount(self.truth, minlength=self.classes) > 0
        if self.ratio != "balanced_accuracy":
            seen |= np.bincount(self.answer, minlength=self.classes) > 0
        return np.asarray(seen / max(1, int(seen.sum())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The area under a ROC or precision-recall curve of one class against the rest; ties are groups.

    `group` (n,) numbers the distinct scores from the highest, `positive` (n,) marks the class.
    """

    curve: Literal["roc", "pr"]
    group: Ints
    positive: Bools

    def value(self, weights: Floats | None = None) -> float:
        """Give the area; NaN where one side is missing."""
        hits, misses = self._by_group(weights)
        if hits.sum() <= 0 or misses.sum() <= 0:
            return float("nan")
        if self.curve == "roc":
            beaten = misses.sum() - np.cumsum(misses) + misses / 2
            return float(hits @ beaten / (hits.sum() * misses.sum()))
        return float(hits @ self._precision(hits, misses) / hits.sum())

    def influence(self) -> Floats:
        """Give the placement values (DeLong 1988), or the derivative of the mean precision at the positives."""
        hits, misses = self._by_group(None)
        share, area = hits.sum(), self.value()
        positive = self.positive.astype(np.float64)
        if self.curve == "roc":
            below = (misses.sum() - np.cumsum(misses) + misses / 2) / misses.sum()
            above = (np.cumsum(hits) - hits / 2) / share
            at = positive * (below[self.group] - area) / share
            return np.asarray(at + (1 - positive) * (above[self.group] - area) / misses.sum())
        precision = self._precision(hits, misses)
        answered = np.cumsum(hits + misses)
        gained = _from_here_down(hits / answered)
        lost = _from_here_down(hits * precision / answered)
        at = positive * (precision[self.group] + gained[self.group] - area) - lost[self.group]
        return np.asarray(at / share)

    def _by_group(self, weights: Floats | None) -> tuple[Floats, Floats]:
        weights = np.ones(len(self.group)) if weights is None else weights
        size = int(self.group.max()) + 1
        total = weights.sum()
        hits = np.bincount(self.group, weights * self.positive, size) / total
        return hits, np.bincount(self.group, weights, size) / total - hits

    @staticmethod
    def _precision(hits: Floats, misses: Floats) -> Floats:
        return np.asarray(np.cumsum(hits) * _inverse(np.cumsum(hits + misses)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """The mean of several statistics on the same rows, those that are undefined left out."""

    parts: tuple[Statistic, ...]

    def value(self, weights: Floats | None = None) -> float:
        """Give the mean of the values."""
        values = np.array([part.value(weights) for part in self.parts])
        defined = values[~np.isnan(values)]
        return float(defined.mean()) if defined.size else float("nan")

    def influence(self) -> Floats:
        """Give the mean of the influences."""
        defined = [part for part in self.parts if not np.isnan(part.value())]
        return np.asarray(sum(part.influence() for part in defined) / len(defined))


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The largest of `rows` (n,). An extreme has no standard error: it is taken as it is."""

    rows: Floats

    def value(self, weights: Floats | None = None) -> float:
        """Give the largest of the rows that weigh anything."""
        return float(np.max(self.rows if weights is None else self.rows[weights > 0]))

    def influence(self) -> Floats:
        """Give zeros."""
        return np.zeros(len(self.rows))


def rank_groups(scores: Floats) -> Ints:
    """Number distinct scores (n,) from 0 for the highest; equal scores share a number."""
    return np.unique(-scores, return_inverse=True)[1].astype(np.int64)


def _from_here_down(steps: Floats) -> Floats:
    """For each group, the sum over it and all lower-scored groups: the thresholds at or below its score."""
    return np.asarray(np.cumsum(steps[::-1])[::-1])


def _inverse(values: Floats) -> Floats:
    """1 / x, and 0 where x is 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
