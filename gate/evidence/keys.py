"""A number for each row that depends on what the row holds alone: the same rows are drawn in any order of a file.

Source: G. Steele, D. Lea and C. Flood, Fast splittable pseudorandom number generators, OOPSLA (2014): the finaliser of
SplitMix64, which makes every bit of the result depend on every bit of the input.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gate.evidence.arrays import Array, Ints

Keys = np.ndarray[Any, np.dtype[np.uint64]]

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def row_keys(columns: Iterable[Array], rows: int, seed: int) -> Keys:
    """Give a key (n,) for each of n rows from its columns (n,), numbers or uint64 fingerprints of anything else.

    0.0 and -0.0 are one value, and so are all NaN.
    """
    keys = np.full(rows, np.uint64((seed * _GOLDEN) % 2**64))
    for column in columns:
        keys ^= _bits(column)
        keys += np.uint64(_GOLDEN)
        _mix(keys)
    return keys


def lowest(keys: Keys, wanted: int) -> Ints:
    """Give the positions of the `wanted` rows with the lowest keys, in the rows' own order; of equal keys the first."""
    if wanted >= len(keys):
        return np.arange(len(keys), dtype=np.int64)
    limit = np.partition(keys, wanted - 1)[wanted - 1]
    below = np.flatnonzero(keys < limit)
    at_limit = np.flatnonzero(keys == limit)[: wanted - len(below)]
    return np.sort(np.concatenate([below, at_limit])).astype(np.int64)


def _bits(column: Array) -> Keys:
    if column.dtype.kind == "f":
        numbers = column.astype(np.float64) + 0.0
        numbers[np.isnan(numbers)] = np.nan
        return numbers.view(np.uint64)
    return column.astype(np.int64, copy=False).view(np.uint64) if column.dtype.kind != "u" else column.astype(np.uint64)


def _mix(keys: Keys) -> None:
    keys ^= keys >> np.uint64(30)
    keys *= _FIRST
    keys ^= keys >> np.uint64(27)
    keys *= _SECOND
    keys ^= keys >> np.uint64(31)
