"""The table of metrics: for each its direction, its tasks, its smallest margin, and how it is bound to rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from gate.domain import Task
from gate.evidence import forecasts, rankings, texts
from gate.evidence.arrays import Array, Floats
from gate.evidence.metric import (
    EPSILON,
    PART,
    PART_ROWS,
    RANKED_ROWS,
    SHARE,
    TWO,
    Metric,
    Needs,
    Truth,
    columns,
    margin,
)
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

__all__ = ["ALIASES", "METRICS", "PART", "SHARE", "Metric", "Needs", "Truth", "find", "margin", "standard"]

Bind = Callable[[Truth, Array], Statistic]


def find(name: str) -> Metric | None:
    """Give the metric of a name, be it the gate's own or MLflow's and scikit-learn's; None where there is none."""
    return METRICS.get(ALIASES.get(name, name))


def standard(task: Task, answered: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Name the metrics that judge a task where gate.yaml names none; `answered` are the columns of the answers.

    Few, and each sees what the others do not: every further test costs the others power. Of a probability its ranking
    (roc_auc) and its size (brier, which sees confident mistakes). Not log_loss: a forest's honest 0 in one wrong row
    of 2,000 moves it by 0.018, so that equal forests cannot be told from bad ones; accuracy would add a threshold
    that nobody chose. The floors of log_loss (0.02) and brier (0.005) are about what one row in a hundred costs that
    changes sides: what the floor of accuracy (0.01) allows. A forecast with an interval is also held to its coverage
    or, where its columns are quantiles, to their pinball loss.
    """
    names = _STANDARD.get(task, ())
    if task is not Task.FORECAST or not forecasts.is_forecast(answered):
        return names
    return (*names, "pinball" if forecasts.quantile_columns(answered) else "coverage")


def _errors(truth: Truth, answer: Array) -> Floats:
    return np.asarray(columns(truth.values) - columns(answer))


def _mape(truth: Truth, answer: Array) -> Statistic:
    size = np.maximum(np.abs(columns(truth.values)), EPSILON)
    return Mean(rows=np.abs(_errors(truth, answer)) / size)


def _r2(truth: Truth, answer: Array) -> Statistic:
    return Determination(truth=columns(truth.values), errors=_errors(truth, answer))


def _hits(truth: Truth, answer: Array) -> Statistic:
    return Mean(rows=columns(truth.values == answer))


def _cosine(truth: Truth, answer: Array) -> Statistic:
    """1 minus the cosine between label and answer, 1 where one of them is nought."""
    wanted, given = columns(truth.values), columns(answer)
    size = np.linalg.norm(wanted, axis=1) * np.linalg.norm(given, axis=1)
    cosine = np.divide((wanted * given).sum(axis=1), size, out=np.zeros(len(size)), where=size > 0)
    return Mean(rows=1 - cosine[:, None])


def _pinball(truth: Truth, answer: Array) -> Statistic:
    """Koenker and Bassett 1978: the error times the level where the label lies above, times 1 - level below."""
    levels = np.array(truth.levels, dtype=np.float64)
    error = columns(truth.values) - columns(answer)
    return Mean(rows=np.maximum(levels * error, (levels - 1) * error).mean(axis=1, keepdims=True))


def _coverage(truth: Truth, answer: Array) -> Statistic:
    inside = (truth.values >= answer[:, 0]) & (truth.values <= answer[:, 1])
    return Mean(rows=inside.astype(np.float64)[:, None])


def _confusion(
    ratio: Literal["precision", "recall", "f1", "balanced_accuracy"],
) -> Callable[[Truth, Array], Statistic]:
    """A ratio of the positive class where there are two classes, else the mean over all."""

    def bind(truth: Truth, answer: Array) -> Statistic:
        if truth.values.ndim > 1:
            return Average(parts=tuple(bind(part, answer[:, place]) for place, part in enumerate(_parts(truth))))
        alone = (truth.binary or truth.classes <= TWO) and ratio != "balanced_accuracy"
        return Confusion(
            ratio=ratio, truth=truth.values, answer=answer, classes=max(2, truth.classes), positive_alone=alone
        )

    return bind


def _parts(truth: Truth) -> list[Truth]:
    """Each of several targets by itself."""
    return [Truth(values=values, classes=truth.classes, binary=truth.binary) for values in truth.values.T]


def _log_loss(truth: Truth, answer: Array) -> Statistic:
    chosen = answer[np.arange(len(truth)), truth.values]
    return Mean(rows=-np.log(np.clip(chosen, EPSILON, 1 - EPSILON))[:, None])


def _brier(truth: Truth, answer: Array) -> Statistic:
    """Squared distance from the certain answer; of two classes, of the positive one alone."""
    wanted = np.zeros_like(answer)
    wanted[np.arange(len(truth)), truth.values] = 1.0
    squares = (answer - wanted) ** 2
    return Mean(rows=squares[:, 1:] if truth.classes == TWO else squares.sum(axis=1, keepdims=True))


def _area(curve: Literal["roc", "pr"]) -> Callable[[Truth, Array], Statistic]:
    """The area for the positive class of two; for more, each class against the rest, then the mean."""

    def bind(truth: Truth, answer: Array) -> Statistic:
        sides = (1,) if truth.classes == TWO else range(truth.classes)
        return Average(
            parts=tuple(
                Ranking(curve=curve, group=rank_groups(answer[:, side]), positive=truth.values == side)
                for side in sides
            )
        )

    return bind


_NUMBERS = frozenset({Task.REGRESSION, Task.FORECAST, Task.EMBEDDING})
_CLASSES = frozenset({Task.CLASSIFICATION, Task.PROBABILITY})
_PROBABILITIES = frozenset({Task.PROBABILITY})
_TEXTS = frozenset({Task.TEXT})
_ANY = frozenset({Task.TEXT, Task.CLASSIFICATION, Task.OTHER})


def _error(name: str, title: str, bind: Bind, *, exact: bool = False) -> Metric:
    return Metric(
        name=name, title=title, tasks=_NUMBERS, needs="number", greater_is_better=False, bind=bind, exact=exact,
        floor=0.001 if name == "mape" else 0.005, floor_in_deviations=name != "mape",
    )  # fmt: skip


def _score(name: str, title: str, needs: Needs, bind: Bind) -> Metric:
    return Metric(
        name=name, title=title, tasks=_PROBABILITIES if needs == "probability" else _CLASSES, needs=needs,
        greater_is_better=True, bind=bind, floor=0.01, bounded=True,
    )  # fmt: skip


def _part(name: str, title: str, needs: Needs, bind: Bind) -> Metric:
    return replace(_score(name, title, needs, bind), floor=PART, part=PART_ROWS)


def _penalty(name: str, title: str, bind: Bind, floor: float) -> Metric:
    return Metric(
        name=name, title=title, tasks=_PROBABILITIES, needs="probability", greater_is_better=False, bind=bind,
        floor=floor,
    )  # fmt: skip


def _text(name: str, title: str, bind: Bind) -> Metric:
    return Metric(
        name=name, title=title, tasks=_TEXTS, needs="text", greater_is_better=False, bind=bind, floor=0.01,
    )  # fmt: skip


def _order(name: str, title: str, bind: Bind) -> Metric:
    return Metric(
        name=name, title=title, tasks=frozenset({Task.RANKING}), needs="ranking", greater_is_better=True, bind=bind,
        floor=0.01, bounded=True,
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
        _part("balanced_accuracy", "mean recall of the classes", "class", _confusion("balanced_accuracy")),
        _part("precision", "share of a class's answers that are right", "class", _confusion("precision")),
        _part("recall", "share of a class's rows that are found", "class", _confusion("recall")),
        _part("f1", "harmonic mean of precision and recall", "class", _confusion("f1")),
        replace(_score("roc_auc", "area under the ROC curve", "probability", _area("roc")), part=RANKED_ROWS),
        _part("pr_auc", "average precision", "probability", _area("pr")),
        _penalty("log_loss", "mean negative log of the right class's probability", _log_loss, 0.02),
        _penalty("brier", "mean squared error of the probabilities", _brier, 0.005),
        Metric(
            name="exact_match", title="share of answers equal to the label", tasks=_ANY, needs="class",
            greater_is_better=True, bind=_hits, floor=0.01, bounded=True,
        ),
        _text("character_error_rate", "edits, as a share of the labels' characters", texts.character_error_rate),
        _text("word_error_rate", "edits, as a share of the labels' words", texts.word_error_rate),
        replace(
            _text("rouge_l", "longest common subsequence of words, as a share of both", texts.rouge_l),
            greater_is_better=True, bounded=True,
        ),
        _order("ndcg", "discounted gain, as a share of the best order's", rankings.ndcg),
        _order("map", "mean average precision", rankings.mean_average_precision),
        Metric(
            name="pinball", title="mean quantile loss", tasks=_NUMBERS, needs="quantile", greater_is_better=False,
            bind=_pinball, floor=0.002, floor_in_deviations=True,
        ),
        Metric(
            name="coverage", title="share of labels inside the interval", tasks=_NUMBERS, needs="interval",
            greater_is_better=True, bind=_coverage, floor=0.01, bounded=True,
        ),
        Metric(
            name="cosine_distance", title="mean cosine distance from the label's vector",
            tasks=frozenset({Task.EMBEDDING}), needs="number", greater_is_better=False, bind=_cosine, floor=0.005,
        ),
    )
})  # fmt: skip
"""All metrics by name."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "root_mean_squared_error": "rmse",
        "mean_absolute_error": "mae",
        "mean_absolute_percentage_error": "mape",
        "r2_score": "r2",
        "accuracy_score": "accuracy",
        "balanced_accuracy_score": "balanced_accuracy",
        "precision_score": "precision",
        "recall_score": "recall",
        "f1_score": "f1",
        "roc_auc_score": "roc_auc",
        "average_precision": "pr_auc",
        "average_precision_score": "pr_auc",
        "precision_recall_auc": "pr_auc",
        "brier_score": "brier",
        "brier_score_loss": "brier",
        "cer": "character_error_rate",
        "wer": "word_error_rate",
        "rougeL": "rouge_l",
        "ndcg_score": "ndcg",
        "mean_average_precision": "map",
        "mean_pinball_loss": "pinball",
    }
)
"""What MLflow and scikit-learn call them."""

_STANDARD: Mapping[Task, tuple[str, ...]] = {
    Task.REGRESSION: ("rmse", "mae", "r2"),
    Task.FORECAST: ("rmse", "mae"),
    Task.CLASSIFICATION: ("accuracy", "f1"),
    Task.PROBABILITY: ("roc_auc", "brier"),
    Task.TEXT: ("exact_match", "character_error_rate"),
    Task.EMBEDDING: ("cosine_distance", "mae"),
    Task.RANKING: ("ndcg", "map"),
}
