"""Metrics that are functions of others: nothing is known of them but their value on any rows.

Without a formula there is no influence function, so the standard error of a difference comes from the delete-a-group
jackknife: the rows are dealt to groups, the metric is computed without each, and the pseudo-values of the groups are
treated as so many independent observations. It holds for smooth functions, and for quantiles too as long as a group
has more rows than the root of all.

Sources: J. Tukey, Bias and confidence in not-quite large samples, Ann. Math. Statist. 29 (1958);
J. Shao and C. F. J. Wu, A general theory for jackknife variance estimation, Ann. Statist. 17 (1989).
"""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gate.domain import Task
from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.metric import TWO, Metric, Needs, Truth

Function = Callable[[Any, Any], Any]
"""`f(y_true, y_pred) -> float`."""

GROUPS = 50
GROUPS_AT_LEAST = 30
"""Of few rows there are fewer groups: a median does not feel the loss of two or three rows."""
ROWS_AT_MOST = 50_000
"""The jackknife looks at no more rows than these; the standard error of all follows from theirs."""
SECONDS = 30.0
"""A function that is slower is computed on fewer rows."""
ROWS_AT_LEAST = 1_000
SCORE_FLOOR = 0.01
"""The smallest default margin of a score of classes; functions of unknown unit have none."""

_LOWER = ("error", "loss", "cost", "distance", "deviance", "penalty", "regret", "rmse", "mae", "mse", "mape", "risk")


class MetricRaisedError(Exception):
    """A function raised, or gave no number. The text names its class and says what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A function bound to n rows: `truth` and `answer` are what it is given, n rows each."""

    name: str
    function: Function
    truth: Array
    answer: Array

    def value(self, weights: Floats | None = None) -> float:
        """Give the function's value; rows of the whole weight k are given k times.

        Raises:
            MetricRaisedError: the function raised, or gave no number.
        """
        if weights is None:
            return self.on(slice(None))
        return self.on(np.repeat(np.arange(len(self.truth)), weights.astype(np.int64)))

    def on(self, rows: Ints | slice) -> float:
        """Give the value on some rows. The function gets copies: it may do with them what it likes."""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                found = self.function(self.truth[rows].copy(), self.answer[rows].copy())
            return float(found)
        except (Exception, SystemExit) as error:
            text = " ".join(str(error).split())[:300]
            raise MetricRaisedError(f"{self.name} raised {type(error).__name__}: {text}") from error

    def influence(self) -> Floats:
        """Give zeros: nothing is known row by row (`jackknife` knows groups)."""
        return np.zeros(len(self.truth))


def jackknife(ours: Foreign, theirs: Foreign, rows: int, seed: int) -> Floats:
    """Give the pseudo-values of the difference ours - theirs, one a group; those that are undefined are left out.

    Of more than 50,000 rows (fewer where the function is slow) a random part is looked at, and the pseudo-values are
    drawn together, so that their deviation over the root of their number is the standard error on all rows.
    """
    draw = np.random.default_rng(seed)
    start = time.perf_counter()
    ours.value()
    seconds = max(1e-9, time.perf_counter() - start)
    affordable = SECONDS / (2 * GROUPS * seconds) * rows
    used = int(min(rows, ROWS_AT_MOST, max(ROWS_AT_LEAST, affordable)))
    chosen = draw.permutation(rows)[:used]
    groups = min(used, GROUPS, max(GROUPS_AT_LEAST, math.isqrt(used)))
    group = np.arange(used) % groups
    whole = _difference(ours, theirs, chosen)
    without = np.array([_difference(ours, theirs, chosen[group != index]) for index in range(groups)])
    pseudo = groups * whole - (groups - 1) * without
    pseudo = pseudo[np.isfinite(pseudo)]
    if not len(pseudo):
        return pseudo
    middle = float(pseudo.mean())
    return np.asarray(middle + (pseudo - middle) * math.sqrt(used / rows))


def _difference(ours: Foreign, theirs: Foreign, rows: Ints) -> float:
    """The difference on some rows, NaN where the function is not defined on so few."""
    try:
        return ours.on(rows) - theirs.on(rows)
    except MetricRaisedError:
        return math.nan


def needs_of(task: Task, *, probabilities: bool = True) -> Needs:
    """Say in what form a function gets labels and answers, by task."""
    if task is Task.PROBABILITY:
        return "probability" if probabilities else "class"
    if task is Task.TEXT:
        return "text"
    return "number" if task in {Task.REGRESSION, Task.FORECAST, Task.EMBEDDING} else "class"


def foreign_metric(
    name: str,
    function: Function,
    needs: Needs,
    better: bool | None,  # noqa: FBT001 - three states
    *,
    codes: bool = False,
) -> Metric:
    """Make a metric of a function. `better` says whether greater is; None where nobody said (see `orient`).

    Classes and texts are given as they are, or with `codes` as 0, 1, …, the positive class of two as 1;
    probabilities of two classes as those of the positive one.
    """

    def bind(truth: Truth, answer: Array) -> Foreign:
        wanted, given = truth.values, answer
        if needs in {"class", "text"} and not codes:
            wanted, given = _named(wanted, truth.levels), _named(given, truth.levels)
        if needs == "probability":
            wanted = wanted if codes else _named(wanted, truth.levels)
            given = answer[:, 1] if answer.shape[1] == TWO else answer
        return Foreign(name=name, function=function, truth=wanted, answer=given)

    return Metric(
        name=name, title="a function of your own", tasks=frozenset(Task), needs=needs,
        greater_is_better=bool(better), bind=bind, floor=SCORE_FLOOR if codes and needs == "class" else 0.0,
        directed=better is not None,
    )  # fmt: skip


def _named(codes: Array, levels: tuple[Any, ...]) -> Array:
    """What codes stand for: whole numbers as numbers where all are, else texts or objects."""
    kinds = {type(level) for level in levels}
    if len(kinds) == 1 and kinds <= {str, int, float, bool}:
        return np.asarray(np.array(levels)[codes])
    table = np.empty(len(levels), dtype=object)
    for place, level in enumerate(levels):
        table[place] = level
    return np.asarray(table[codes])


def orient(metric: Metric, truth: Truth) -> Metric:
    """Find out whether greater is better: right answers are better than those of other rows.

    Where that does not tell (the function raises, or gives both the same), its name does: error, loss, cost and
    their like are better low, all else high.
    """
    if metric.directed:
        return metric
    found = _by_right_answers(metric, truth)
    if found is None:
        found = not any(word in metric.name.lower() for word in _LOWER)
    return replace(metric, greater_is_better=found, directed=True)


def _by_right_answers(metric: Metric, truth: Truth) -> bool | None:
    right = _right_answers(metric, truth)
    order = np.random.default_rng(0).permutation(len(truth))
    try:
        best, other = (metric.bind(truth, answer).value() for answer in (right, right[order]))
    except MetricRaisedError:
        return None
    return best > other if math.isfinite(best) and math.isfinite(other) and best != other else None


def _right_answers(metric: Metric, truth: Truth) -> Array:
    if metric.needs == "probability":
        return np.asarray(np.eye(truth.classes)[truth.values])
    return truth.values
