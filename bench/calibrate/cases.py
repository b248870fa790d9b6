"""Every case of the simulation: a world, a change, what is true of it, and samples of n rows of it."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.calibrate.defects import Defect, defects_of
from bench.calibrate.harmless import HARMLESS, Harmless
from bench.calibrate.pools import Pool
from bench.calibrate.samples import Sample, sample_of
from bench.calibrate.truth import true_losses
from gate.evidence.arrays import Array

Sort = Literal["harmless", "better", "slightly worse", "blocking", "to warn of", "no effect"]
AS_GOOD = 0.3
"""A version is as good as the baseline where its true loss is at most this share of each metric's margin."""
BLOCKING = 2.0
"""A defect must be rejected where its true loss is beyond so many margins: what a pass promises to exclude."""
NO_EFFECT = 0.5
"""A loss below this share of each margin is no defect: nothing is asked of the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A change in a world, with its true losses (of the whole pool, in margins) and what the gate should say."""

    pool: Pool
    change: Harmless | Defect
    losses: dict[str, float]
    sort: Sort

    @property
    def name(self) -> str:
        """The change's name."""
        return self.change.name

    def sample(self, rows: int, repeat: int) -> Sample:
        """Draw n rows of the pool, laid under the change; the same repeat gives the same sample again."""
        draw = np.random.default_rng([rows, repeat + 10**6 * self.pool.seed, *_hashed(self.pool.world.name, self.name)])
        return _applied(self.pool, self.change, draw.choice(len(self.pool), rows, replace=False), draw)


def kinds_of(pool: Pool, names: Collection[str] | None = None) -> Iterator[Kind]:
    """Give every change (of those named) that a world can have, without the trainings that came out truly worse."""
    changes: list[Harmless | Defect] = [c for c in HARMLESS.values() if pool.world.shape in c.shapes]
    changes += defects_of(pool.world.name, pool.world.shape)
    for change in (change for change in changes if names is None or change.name in names):
        whole = _applied(pool, change, np.arange(len(pool)), np.random.default_rng(1))
        losses = true_losses(whole)
        sort = _sort(change, max(losses.values()))
        if sort is not None:
            yield Kind(pool=pool, change=change, losses=losses, sort=sort)


def _applied(pool: Pool, change: Harmless | Defect, rows: Array, draw: np.random.Generator) -> Sample:
    baseline = change.baseline if isinstance(change, Harmless) else "baseline"
    return change.make(sample_of(pool, rows, draw, change.candidate, baseline))


def _sort(change: Harmless | Defect, loss: float) -> Sort | None:
    """What is true of a change, None where a training came out worse than the margin: neither harmless nor seeded."""
    if isinstance(change, Harmless):
        if loss <= AS_GOOD:
            return "better" if change.better else "harmless"
        return "slightly worse" if loss <= 1 else None
    if change.weight == "critical" or (change.weight == "loss" and loss > BLOCKING):
        return "blocking"
    return "no effect" if change.weight == "loss" and loss <= NO_EFFECT else "to warn of"


def _hashed(*names: str) -> list[int]:
    return [zlib.crc32(name.encode()) for name in names]
