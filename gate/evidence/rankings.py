"""How well items are ranked: gains in the order that was answered, held against the best order.

Source: K. Järvelin and J. Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20 (2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.metric import Truth
from gate.evidence.outputs import Kind, Output
from gate.evidence.weighing import Mean, Statistic


def ndcg(truth: Truth, answer: Array) -> Statistic:
    """Mean of each row's discounted gain, sum of gain / log2(place + 1), as a share of the best order's."""
    best = _discounted(truth.values)
    return Mean(rows=np.divide(_discounted(answer), best, out=np.zeros(len(best)), where=best > 0)[:, None])


def mean_average_precision(truth: Truth, answer: Array) -> Statistic:
    """Mean over rows of the precision at each relevant item, over the number of items that are relevant."""
    relevant = np.minimum(answer, 1.0)
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    wanted = (truth.values > 0).sum(axis=1)
    found = (relevant * precision).sum(axis=1)
    return Mean(rows=np.divide(found, wanted, out=np.zeros(len(found)), where=wanted > 0)[:, None])


def _discounted(gains: Array) -> Floats:
    return np.asarray((gains / np.log2(np.arange(2, gains.shape[1] + 2))).sum(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """Lists of items, one a row: `items` (m,) are codes, `row` (m,) and `place` (m,) say where each stands."""

    items: tuple[Any, ...]
    row: Ints
    place: Ints
    rows: int


def lists_of(output: Output) -> Lists:
    """Give a column's lists; a row with one value is a list of one.

    Raises:
        ValueError: the column holds neither lists nor names.
    """
    if output.numbers is not None:
        matrix = output.numbers.reshape(len(output), -1)
        rows, width = matrix.shape
        items = tuple(matrix.ravel().tolist())
        return Lists(
            items=items, row=np.repeat(np.arange(rows), width), place=np.tile(np.arange(width), rows), rows=rows
        )
    if output.codes is None:
        raise ValueError("the answers hold no lists")
    levels = [level if isinstance(level, tuple) else (level,) for level in output.levels]
    chosen = [levels[code] if code >= 0 else () for code in output.codes.tolist()]
    size = np.fromiter(map(len, chosen), np.int64, count=len(chosen))
    start = np.repeat(np.cumsum(size) - size, size)
    items = tuple(chain.from_iterable(chosen))
    return Lists(
        items=items, row=np.repeat(np.arange(len(chosen)), size), place=np.arange(len(items)) - start, rows=len(chosen)
    )


def are_scores(truth: Output, answer: Output) -> bool:
    """Say whether answers are a score for each item of a label list: numbers of one length, not all whole."""
    if truth.kind is not Kind.VECTOR or answer.kind is not Kind.VECTOR or truth.numbers is None:
        return False
    if answer.numbers is None or answer.numbers.shape != truth.numbers.shape:
        return False
    known = answer.numbers[np.isfinite(answer.numbers)]
    return bool((known % 1 != 0).any())


def ideal_gains(truth: Output, *, scores: bool) -> Floats:
    """Give the gains (n, k) of the best order: relevances, largest first, or 1 for each item of the label's list."""
    if scores:
        return np.asarray(-np.sort(-np.nan_to_num(np.asarray(truth.numbers)), axis=1))
    lists = lists_of(truth)
    size = np.bincount(lists.row, minlength=lists.rows)
    return (np.arange(max(1, int(size.max(initial=0)))) < size[:, None]).astype(np.float64)


def gains_by_score(truth: Output, answer: Output) -> Floats:
    """Give the gains (n, k) in the order of the scores; items of equal scores share theirs evenly."""
    relevance, scores = np.nan_to_num(np.asarray(truth.numbers)), np.asarray(answer.numbers)
    order = np.argsort(-scores, axis=1, kind="stable")
    sorted_scores = np.take_along_axis(scores, order, axis=1)
    gains = np.take_along_axis(relevance, order, axis=1)
    first = np.ones(gains.shape, dtype=bool)
    first[:, 1:] = sorted_scores[:, 1:] != sorted_scores[:, :-1]
    group = np.cumsum(first.ravel()) - 1
    shared = np.bincount(group, gains.ravel()) / np.bincount(group)
    return np.asarray(shared[group].reshape(gains.shape))


def gains_by_list(truth: Output, answer: Output) -> Floats:
    """Give the gains (n, k) of answered lists: 1 where an item is in the label's list, at its first mention only."""
    wanted, given = lists_of(truth), lists_of(answer)
    codes = _coded((*wanted.items, *given.items))
    size = int(codes.max(initial=0)) + 1
    keys = np.concatenate([wanted.row, given.row]) * size + codes
    relevant, answered = keys[: len(wanted.items)], keys[len(wanted.items) :]
    hit = np.isin(answered, relevant)
    again = np.ones(len(answered), dtype=bool)
    again[np.unique(answered, return_index=True)[1]] = False
    gains = np.zeros((given.rows, max(1, int(given.place.max(initial=0)) + 1)))
    gains[given.row, given.place] = hit & ~again
    return gains


def _coded(items: Sequence[Any]) -> Ints:
    seen: dict[Any, int] = {}
    return np.fromiter((seen.setdefault(item, len(seen)) for item in items), np.int64, count=len(items))
