"""Searches all inputs for the slice in which the candidate is worse, without being told where to look.

Two searches share the confidence. One tests every slice, at the price of that many tests. The other first looks for
the slice whose answers moved most, which asks no label, and then tests that one (and the part of it that moved most
by a second input) at the price of two tests: a defect in a slice moves its answers. Where honest versions differ
everywhere, they lose in some slices what they gain in others; so a loss must be larger than the largest gain
elsewhere is.

Source: Y. Chung et al., Slice Finder: automated data slicing for model validation, ICDE 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats, Ints
from gate.evidence.slices import POWERS, Judged, Losses, judge, sums
from gate.evidence.slicing import Partition

LARGEST = 0.5
"""A slice that holds a larger share of the rows is no slice: the metric itself sees it."""
GAIN_Z = 2.0
"""A gain counts by so many standard errors less."""
APART = 0.25
"""Gains are looked for outside of the slice that moved most, where that holds no larger share of the rows."""
UNASKED = 2.0
"""A slice that nobody named is looked at beyond twice the margin: the critical one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The worst slice: its name, the rows in it (n,), its loss and what it is held against, and the p-value.

    `p_beyond` is against "the loss is at most `judged.margin[0]`", corrected for all slices that were tested.
    `tested` counts these; `decided` says whether the rows suffice to exclude a loss in any of them.
    """

    name: str
    inside: Bools
    judged: Judged
    p_beyond: float
    tested: int
    decided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slices:
    """All slices of several partitions: partition, first and last code of each (K, 3)."""

    partitions: Sequence[Partition]
    places: Ints

    def inside(self, place: int) -> Bools:
        partition, first, last = self.places[place]
        codes = self.partitions[partition].codes
        return np.asarray((codes >= first) & (codes <= last))

    def name(self, place: int) -> str:
        partition, first, last = self.places[place]
        return str(self.partitions[int(partition)].name(int(first), int(last)))


def search(partitions: Sequence[Partition], losses: Losses, movement: Floats, least: int) -> Found | None:
    """Find the slice of at least `least` rows that is worst; None where no slice is large enough.

    `movement` (n,) is the squared distance between both versions' answers.
    """
    slices, added = _all(partitions, losses, least)
    if not len(added):
        return None
    moved = _movement(movement)
    top = int(np.argmax(_statistic(partitions, moved, least)))
    inside = slices.inside(top)
    usual = ~inside if inside.mean() <= APART else np.ones(len(inside), dtype=bool)
    margin = UNASKED * max(losses.margin, _gain(partitions, losses, usual, least))
    scanned = judge(added, losses, margin)
    chosen = [(slices.name(top), inside), *_narrower(partitions, moved, inside, slices.name(top), least)]
    tested = judge(np.concatenate([sums(np.where(mask, 0, -1), 1, losses) for _, mask in chosen]), losses, margin)
    by_scan, by_movement = int(np.argmin(scanned.p_beyond)), int(np.argmin(tested.p_beyond))
    p_scan = 2 * len(added) * float(scanned.p_beyond[by_scan])
    p_moved = 2 * len(chosen) * float(tested.p_beyond[by_movement])
    decided = bool((judge(added, losses).p_within <= 0.01).any())  # noqa: PLR2004 - 99 %
    if p_moved <= p_scan:
        name, inside, judged = *chosen[by_movement], _one(tested, by_movement)
    else:
        name, inside, judged = slices.name(by_scan), slices.inside(by_scan), _one(scanned, by_scan)
    return Found(
        name=name, inside=inside, judged=judged, p_beyond=min(1.0, p_scan, p_moved), tested=len(added), decided=decided
    )


def _all(partitions: Sequence[Partition], losses: Losses, least: int) -> tuple[_Slices, Floats]:
    """Every level, every run of neighbouring bins, with its sums (K, 6); too small and too large ones left out."""
    added, places = [np.zeros((0, POWERS + 1))], [np.zeros((0, 3), dtype=np.int64)]
    for index, partition in enumerate(partitions):
        own, runs = _joined(sums(partition.codes, len(partition.names), losses), partition.bins)
        added.append(own)
        places.append(np.column_stack([np.full(len(runs), index), runs]))
    every, where = np.concatenate(added), np.concatenate(places)
    kept = (every[:, 0] >= least) & (every[:, 0] <= LARGEST * len(losses.difference))
    return _Slices(partitions=partitions, places=where[kept]), every[kept]


def _joined(own: Floats, bins: int) -> tuple[Floats, Ints]:
    """The sums of all runs of the first `bins` slices and of each other one, with first and last codes."""
    alone = np.arange(bins, len(own))
    first, last = np.triu_indices(bins)
    total = np.vstack([np.zeros(own.shape[1]), np.cumsum(own[:bins], axis=0)])
    runs = np.column_stack([np.concatenate([first, alone]), np.concatenate([last, alone])])
    return np.concatenate([total[last + 1] - total[first], own[bins:]]), runs.astype(np.int64)


def _movement(movement: Floats) -> Losses:
    """How far each row moved, less the mean: as if it were a loss."""
    finite = np.minimum(np.nan_to_num(movement, nan=0.0, posinf=1e140), 1e140)
    return Losses(metric="movement", difference=finite - finite.mean(), baseline=finite, margin=0.0)


def _statistic(partitions: Sequence[Partition], moved: Losses, least: int) -> Floats:
    """How surely each slice moved farther than the rest (K,)."""
    found = judge(_all(partitions, moved, least)[1], moved)
    return np.divide(found.loss, found.error, out=np.zeros(len(found.loss)), where=found.error > 0)


def _narrower(
    partitions: Sequence[Partition], moved: Losses, inside: Bools, name: str, least: int
) -> list[tuple[str, Bools]]:
    """The part of a slice, by a second input, that moved most beyond the rest of it; none where it is too small."""
    rows = np.flatnonzero(inside)
    part = _movement(moved.baseline[rows])
    within = [partition.take(rows) for partition in partitions]
    slices, added = _all(within, part, least)
    if not len(added):
        return []
    best = int(np.argmax(_statistic(within, part, least)))
    mask = np.zeros(len(inside), dtype=bool)
    mask[rows[slices.inside(best)]] = True
    return [(f"{name} and {slices.name(best)}", mask)]


def _gain(partitions: Sequence[Partition], losses: Losses, outside: Array, least: int) -> float:
    """The largest gain beyond the usual in a slice of these rows, by two standard errors less; 0 where none."""
    rest = losses.take(outside)
    added = _all([partition.take(outside) for partition in partitions], rest, least)[1]
    if not len(added):
        return 0.0
    found = judge(added, rest)
    size = found.margin / losses.margin if losses.margin > 0 else np.ones(len(added))
    gain = np.median(found.loss / size) - found.loss / size - GAIN_Z * found.error / size
    return max(0.0, float(gain.max()))


def _one(judged: Judged, place: int) -> Judged:
    return Judged(**{name: getattr(judged, name)[place : place + 1] for name in Judged.__slots__})
