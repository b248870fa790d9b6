"""What a metric is: its direction, what it is computed from, its default margin, how it is bound to rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gate.domain import Task
from gate.evidence.arrays import Array, Floats
from gate.evidence.weighing import Statistic

Needs = Literal["number", "class", "probability", "text", "ranking", "quantile", "interval"]
SHARE = 0.02
"""The default margin: this share of the baseline's value."""
PART = 0.02
"""The smallest margin of a score that rests on a part of the rows: each of them moves it more."""
PART_ROWS = 0.8
"""Where these are few it is larger: this over the root of their number,"""
RANKED_ROWS = 0.35
"""for the area under a ROC curve this over the root,"""
RARE = 0.01
"""where they are a small share of the rows this over the root of the share,"""
PART_MOST = 0.1
"""but no farther than here."""
TWO = 2
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The labels of n rows, in the form that a metric needs.

    Amounts (n,) or (n, t); codes (n,) or, of several targets, (n, t) of `classes` levels, code 1 of two the positive;
    the gains of an ideal ranking (n, k), the best first. `levels` are what codes stand for (classes, texts), or the
    levels of the quantiles that were answered.
    """

    values: Array
    classes: int = 0
    binary: bool = False
    """Whether the labels have two classes, whatever else was answered."""
    levels: tuple[Any, ...] = ()

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    `needs` says what it is computed from: amounts, codes of classes or texts, a matrix (n, classes) of probabilities,
    gains in the order that was answered (n, k), a matrix (n, quantiles), or bounds (n, 2).
    `floor` is the smallest default margin, in the metric's unit, or in standard deviations of the labels where
    `floor_in_deviations`. `bounded` scores move in steps of at least 1/n, so their margin is no smaller; those that
    rest on k of the rows, of one class, have a margin of at least `part` / sqrt(k).
    """

    name: str
    title: str
    tasks: frozenset[Task]
    needs: Needs
    greater_is_better: bool
    floor: float
    bind: Callable[[Truth, Array], Statistic]
    floor_in_deviations: bool = False
    bounded: bool = False
    part: float = 0.0
    exact: bool = False
    """An extreme of the rows at hand: compared as it is, without a standard error."""
    directed: bool = True
    """Whether `greater_is_better` is known; else it is read off the labels (see `foreign.orient`)."""

    def value(self, truth: Truth, answer: Array) -> float | None:
        """Give the metric of n answers, None where these labels do not define it (`undefined` says why)."""
        if self.undefined(truth):
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # numbers beyond 1e150 have no square
            number = self.bind(truth, answer).value()
        return number if np.isfinite(number) else None

    def undefined(self, truth: Truth) -> str:
        """Say why these labels do not define the metric, "" where they do."""
        if len(truth) == 0:
            return "there are no labelled rows"
        if self.name == "r2" and bool((np.ptp(columns(truth.values), axis=0) == 0).any()):
            return "all labels are equal, so there is no variation to explain"
        if self.name in {"roc_auc", "pr_auc"} and len(np.unique(truth.values)) < TWO:
            return "the labels hold one class only"
        if self.name in {"character_error_rate", "word_error_rate"} and not _text_in(truth):
            return "all labels are empty texts"
        return ""

    def loss(self, candidate: float, baseline: float) -> float:
        """Give how much worse the candidate is, in the metric's unit; negative where it is better."""
        return baseline - candidate if self.greater_is_better else candidate - baseline


def margin(metric: Metric, truth: Truth, baseline: float) -> float:
    """Give the default margin: 2 % of the baseline's value, with a floor for values near 0.

    The floor of an error is 0.5 % of the labels' standard deviation: errors of 5e-14 are equal, and of a model that
    explains nearly everything what is left is hardly the same in two honest trainings. That of a bounded score is its
    own, at least one row in n. A score that rests on the k rows of one class (of several: on their harmonic mean)
    cannot be told more finely than about 1 / sqrt(k): its floor is 0.8 / sqrt(k) (0.35 / sqrt(k) for roc_auc), at most
    0.1. A rare class is learnt from few rows too, so that honest trainings truly differ: 0.01 over the root of its
    share of the rows. These are twice what forests, boosted trees and linear models of one recipe differ by.
    """
    floor = metric.floor
    if metric.floor_in_deviations:
        values = columns(truth.values)
        scale = float(values.std(axis=0).mean()) or float(np.abs(values).mean()) or 1.0
        floor *= scale
    if metric.part:
        floor = max(floor, min(PART_MOST, _part_floor(metric, truth)))
    if metric.name == "brier" and truth.classes > TWO:
        floor *= 2  # summed over all classes, it is twice what that of two classes is
    if metric.bounded:
        floor = max(floor, 1 / max(1, len(truth)))
    return max(SHARE * abs(baseline), floor)


def _part_floor(metric: Metric, truth: Truth) -> float:
    behind = rows_behind(metric, truth)
    rare = RARE if metric.part == PART_ROWS else 0.0
    return max(metric.part / float(np.sqrt(behind)), rare * float(np.sqrt(len(truth) / behind)))


def rows_behind(metric: Metric, truth: Truth) -> float:
    """Give how many rows a score rests on: those of the positive class, of a ranking of two classes the fewer ones.

    Of C classes, C squared over the sum of 1 / k: what a mean over the classes varies as.
    """
    counts = np.bincount(truth.values.ravel().astype(np.int64), minlength=TWO).astype(np.float64)
    alone = truth.binary or truth.classes <= TWO
    if alone and metric.name != "balanced_accuracy":
        return max(1.0, float(counts[1] if metric.name != "roc_auc" else counts[:TWO].min()))
    seen = counts[counts > 0]
    return float(len(seen) ** 2 / (1 / seen).sum()) if len(seen) else 1.0


def columns(values: Array) -> Floats:
    """Give amounts as (n, t)."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers.reshape(len(numbers), -1)


def _text_in(truth: Truth) -> bool:
    return any(str(truth.levels[code]) for code in np.unique(truth.values))
