"""A pool: rows that no version was trained on, with every version's answers, made once and kept in build/calibrate."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.calibrate.models import Columns, train_all
from bench.calibrate.worlds import World
from gate.evidence.arrays import Array

CACHE = Path("build/calibrate")
ROWS = 24_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Rows of a world with their labels and each version's answers to them; `seed` is that of the trainings."""

    world: World
    seed: int
    frame: pd.DataFrame
    labels: Array
    versions: dict[str, Columns]

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.labels)


def take(columns: Columns, rows: Array) -> Columns:
    """Give some rows of answers."""
    return {name: np.asarray(values)[rows] for name, values in columns.items()}


def pool_of(world: World, seed: int, folder: Path = CACHE) -> Pool:
    """Train a world's versions and let them answer its pool, or read what they answered before."""
    path = folder / f"{world.name}-{seed}.pickle"
    if path.exists():
        frame, labels, versions = pickle.loads(path.read_bytes())  # noqa: S301 - written below, by this module
        return Pool(world=world, seed=seed, frame=frame, labels=labels, versions=versions)
    pool = made(world, seed)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps((pool.frame, pool.labels, pool.versions)))
    return pool


def made(world: World, seed: int, rows: int = ROWS) -> Pool:
    """Draw a pool of rows, train a world's versions on others, and let them answer it."""
    draw = np.random.default_rng([seed, *world.name.encode()])
    frame, labels = world.draw(4 * world.train_rows, draw)
    pool, truth = world.draw(rows, draw)
    return Pool(world=world, seed=seed, frame=pool, labels=truth, versions=train_all(world, seed, frame, labels, pool))
