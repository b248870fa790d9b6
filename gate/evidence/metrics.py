"""The table of metrics: for each its direction, its tasks, its smallest margin, and how it is bound to rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from gate.domain import Task
from gate.evidence.arrays import Array, Floats
from gate.evidence.weighing import (
    Average,
    Confusion,
    Determination,
    Largest,
    Mean,
    Ranking,
    Statistic,
    rank_groups,
)

Needs = Literal["number", "class", "probability"]
SHARE = 0.02
"""The default margin: this share of the baseline's value."""
PART = 0.02
"""The smallest margin of a score that rests on a part of the rows: each of them moves it more."""
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The labels of n rows: amounts (n,) or (n, t), or codes (n,) of `classes` levels, code 1 of two the positive."""

    values: Array
    classes: int = 0
    binary: bool = False
    """Whether the labels have two classes, whatever else was answered."""

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    `needs` says what it is computed from: amounts, codes of classes, or a matrix (n, classes) of probabilities.
    `floor` is the smallest default margin, in the metric's unit, or in standard deviations of the labels where
    `floor_in_deviations`. `bounded` scores move in steps of at least 1/n, so their margin is no smaller.
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
    exact: bool = False
    """An extreme of the rows at hand: compared as it is, without a standard error."""

    def value(self, truth: Truth, answer: Array) -> float | None:
        """Give the metric of n answers, None where these labels do not define it (`undefined` says why)."""
        if self.undefined(truth):
            return None
        number = self.bind(truth, answer).value()
        return number if np.isfinite(number) else None

    def undefined(self, truth: Truth) -> str:
        """Say why these labels do not define the metric, "" where they do."""
        if len(truth) == 0:
            return "there are no labelled rows"
        if self.name == "r2" and bool((np.ptp(_columns(truth.values), axis=0) == 0).any()):
            return "all labels are equal, so there is no variation to explain"
        if self.name in {"roc_auc", "pr_auc"} and len(np.unique(truth.values)) < 2:  # noqa: PLR2004 - two classes
            return "the labels hold one class only"
        return ""

    def loss(self, candidate: float, baseline: float) -> float:
        """Give how much worse the candidate is, in the metric's unit; negative where it is better."""
        return baseline - candidate if self.greater_is_better else candidate - baseline


def margin(metric: Metric, truth: Truth, baseline: float) -> float:
    """Give the default margin: 2 % of the baseline's value, with a floor for values near 0.

    The floor of an error is 0.1 % of the labels' standard deviation, so that errors of 5e-14 are equal; that of a
    bounded score its own, at least one row in n.
    """
    floor = metric.floor
    if metric.floor_in_deviations:
        values = _columns(truth.values)
        scale = float(values.std(axis=0).mean()) or float(np.abs(values).mean()) or 1.0
        floor *= scale
    if metric.bounded:
        floor = max(floor, 1 / max(1, len(truth)))
    return max(SHARE * abs(baseline), floor)


def standard(task: Task) -> tuple[str, ...]:
    """Name the metrics that judge a task where gate.yaml names none.

    Few, and each sees what the others do not: every further test costs the others power. Of a probability its ranking
    (roc_auc) and its size (brier, which sees confident mistakes). Not log_loss: a forest's honest 0 in one wrong row
    of 2,000 moves it by 0.018, so that equal forests cannot be told from bad ones; accuracy would add a threshold
    that nobody chose. The floors of log_loss (0.02) and brier (0.005) are about what one row in a hundred costs that
    changes sides: what the floor of accuracy (0.01) allows.
    """
    return _STANDARD.get(task, ())


def _columns(values: Array) -> Floats:
    """Amounts as (n, t)."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers.reshape(len(numbers), -1)


def _errors(truth: Truth, answer: Array) -> Floats:
    return np.asarray(_columns(truth.values) - _columns(answer))


def _mape(truth: Truth, answer: Array) -> Statistic:
    size = np.maximum(np.abs(_columns(truth.values)), EPSILON)
    return Mean(rows=np.abs(_errors(truth, answer)) / size)


def _r2(truth: Truth, answer: Array) -> Statistic:
    return Determination(truth=_columns(truth.values), errors=_errors(truth, answer))


def _hits(truth: Truth, answer: Array) -> Statistic:
    return Mean(rows=(truth.values == answer).astype(np.float64)[:, None])


def _confusion(
    ratio: Literal["precision", "recall", "f1", "balanced_accuracy"],
) -> Callable[[Truth, Array], Statistic]:
    """A ratio of the positive class where there are two classes, else the mean over all."""

    def bind(truth: Truth, answer: Array) -> Statistic:
        alone = (truth.binary or truth.classes <= 2) and ratio != "balanced_accuracy"  # noqa: PLR2004 - two classes
        return Confusion(
            ratio=ratio, truth=truth.values, answer=answer, classes=max(2, truth.classes), positive_alone=alone
        )

    return bind


def _log_loss(truth: Truth, answer: Array) -> Statistic:
    chosen = answer[np.arange(len(truth)), truth.values]
    return Mean(rows=-np.log(np.clip(chosen, EPSILON, 1 - EPSILON))[:, None])


def _brier(truth: Truth, answer: Array) -> Statistic:
    """Squared distance from the certain answer; of two classes, of the positive one alone."""
    wanted = np.zeros_like(answer)
    wanted[np.arange(len(truth)), truth.values] = 1.0
    squares = (answer - wanted) ** 2
    return Mean(rows=squares[:, 1:] if truth.classes == 2 else squares.sum(axis=1, keepdims=True))  # noqa: PLR2004 - two classes


def _area(curve: Literal["roc", "pr"]) -> Callable[[Truth, Array], Statistic]:
    """The area for the positive class of two; for more, each class against the rest, then the mean."""

    def bind(truth: Truth, answer: Array) -> Statistic:
        sides = (1,) if truth.classes == 2 else range(truth.classes)  # noqa: PLR2004 - two classes
        return Average(
            parts=tuple(
                Ranking(curve=curve, group=rank_groups(answer[:, side]), positive=truth.values == side)
                for side in sides
            )
        )

    return bind


_NUMBERS = frozenset({Task.REGRESSION, Task.FORECAST})
_CLASSES = frozenset({Task.CLASSIFICATION, Task.PROBABILITY})
_PROBABILITIES = frozenset({Task.PROBABILITY})
_ANY = frozenset({Task.TEXT, Task.CLASSIFICATION, Task.OTHER})


def _error(name: str, title: str, bind: Callable[[Truth, Array], Statistic], *, exact: bool = False) -> Metric:
    return Metric(
        name=name, title=title, tasks=_NUMBERS, needs="number", greater_is_better=False, bind=bind, exact=exact,
        floor=0.001, floor_in_deviations=name != "mape",
    )  # fmt: skip


def _score(
    name: str, title: str, needs: Needs, bind: Callable[[Truth, Array], Statistic], *, floor: float = 0.01
) -> Metric:
    return Metric(
        name=name, title=title, tasks=_PROBABILITIES if needs == "probability" else _CLASSES, needs=needs,
        greater_is_better=True, bind=bind, floor=floor, bounded=True,
    )  # fmt: skip


def _penalty(name: str, title: str, bind: Callable[[Truth, Array], Statistic], floor: float) -> Metric:
    return Metric(
        name=name, title=title, tasks=_PROBABILITIES, needs="probability", greater_is_better=False, bind=bind,
        floor=floor,
    )  # fmt: skip


METRICS: Mapping[str, Metric] = MappingProxyType({
    metric.name: metric
    for metric in (
        _error("rmse", "root of the mean squared error", lambda y, p: Mean(rows=_errors(y, p) ** 2, root=True)),
        _error("mae", "mean absolute error", lambda y, p: Mean(rows=np.abs(_errors(y, p)))),
        _error("mape", "mean absolute error as a share of the label", _mape),
        Metric(
            name="r2", title="share of the labels' variance that is explained", tasks=_NUMBERS, needs="number",
            greater_is_better=True, bind=_r2, floor=0.02,
        ),
        _error(
            "max_error", "largest absolute error",
            lambda y, p: Largest(rows=np.abs(_errors(y, p)).max(axis=1)), exact=True,
        ),
        _score("accuracy", "share of right answers", "class", _hits),
        _score("balanced_accuracy", "mean recall of the classes", "class", _confusion("balanced_accuracy"), floor=PART),
        _score("precision", "share of a class's answers that are right", "class", _confusion("precision"), floor=PART),
        _score("recall", "share of a class's rows that are found", "class", _confusion("recall"), floor=PART),
        _score("f1", "harmonic mean of precision and recall", "class", _confusion("f1"), floor=PART),
        _score("roc_auc", "area under the ROC curve", "probability", _area("roc")),
        _score("pr_auc", "average precision", "probability", _area("pr"), floor=PART),
        _penalty("log_loss", "mean negative log of the right class's probability", _log_loss, 0.02),
        _penalty("brier", "mean squared error of the probabilities", _brier, 0.005),
        Metric(
            name="exact_match", title="share of answers equal to the label", tasks=_ANY, needs="class",
            greater_is_better=True, bind=_hits, floor=0.01, bounded=True,
        ),
    )
})  # fmt: skip
"""All metrics by name."""

_STANDARD: Mapping[Task, tuple[str, ...]] = {
    Task.REGRESSION: ("rmse", "mae", "r2"),
    Task.FORECAST: ("rmse", "mae"),
    Task.CLASSIFICATION: ("accuracy", "f1"),
    Task.PROBABILITY: ("roc_auc", "brier"),
    Task.TEXT: ("exact_match",),
}
