"""One drawn sample of a pool: the rows, and what both versions answer to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from bench.calibrate.models import Columns
from bench.calibrate.pools import Pool, take
from bench.calibrate.worlds import World
from gate.evidence.arrays import Array

PROBA = "proba_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """n rows of a world, both versions' answers to them, settings, and a generator for what a change draws."""

    world: World
    frame: pd.DataFrame
    labels: Array
    baseline: Columns
    candidate: Columns
    draw: np.random.Generator
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.labels)

    def answering(self, candidate: Columns) -> Sample:
        """The same rows with other answers of the candidate."""
        return replace(self, candidate=candidate)

    def some(self, share: float) -> Array:
        """Draw a share of the rows, at least one."""
        return self.draw.choice(len(self), max(1, round(share * len(self))), replace=False)


Change = Callable[[Sample], Sample]


def sample_of(pool: Pool, rows: Array, draw: np.random.Generator, candidate: str, baseline: str = "baseline") -> Sample:
    """Give both versions' answers to some rows of a pool."""
    return Sample(
        world=pool.world,
        frame=pool.frame.iloc[rows].reset_index(drop=True),
        labels=np.asarray(pool.labels)[rows],
        baseline=take(pool.versions[baseline], rows),
        candidate=take(pool.versions[candidate], rows),
        draw=draw,
    )


def scores(columns: Columns) -> Array:
    """The numbers that were answered (n, k): one column, or all probabilities of a matrix."""
    names = [name for name in columns if name.startswith(PROBA)] or ["prediction"]
    return np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in names])


def with_scores(columns: Columns, values: Array, *, decide: bool = True) -> Columns:
    """Put other numbers (n, k) in their place; a matrix's class follows them where `decide`."""
    names = [name for name in columns if name.startswith(PROBA)]
    if not names:
        return {"prediction": values[:, 0]}
    prediction = np.asarray(columns["prediction"])
    if decide:
        classes = np.array([name.removeprefix(PROBA) for name in names]).astype(prediction.dtype)
        prediction = classes[np.nan_to_num(values, nan=-1.0).argmax(axis=1)]
    return {"prediction": prediction, **{name: values[:, index] for index, name in enumerate(names)}}


def reordered(columns: Columns, order: Array) -> Columns:
    """Give each row another row's answer."""
    return {name: np.asarray(values)[order] for name, values in columns.items()}
