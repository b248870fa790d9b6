"""Changes that no gate should stop: the same model, or one that is as good or better."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.calibrate.samples import Change, Sample, reordered, scores, with_scores
from gate.evidence.arrays import Array

NUMBERS = frozenset({"number", "probability", "matrix"})
ALL = NUMBERS | {"label"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmless:
    """A harmless change: the versions that are compared, and what is done to their answers."""

    name: str
    candidate: str = "baseline"
    baseline: str = "baseline"
    make: Change = lambda sample: sample
    shapes: frozenset[str] = ALL
    better: bool = False

    @property
    def trained(self) -> bool:
        """Whether another training made it, so that it must be shown to be as good."""
        return self.candidate != self.baseline


def _numbers(change: Array) -> Change:
    """Change the numbers that were answered: change(values (n, k), draw)."""

    def make(sample: Sample) -> Sample:
        values = change(scores(sample.candidate), sample.draw)
        if sample.world.shape == "matrix":
            values = np.clip(values, 0, None)
            values = values / values.sum(axis=1, keepdims=True)
        elif sample.world.shape == "probability":
            values = np.clip(values, 0, 1)
        return sample.answering(with_scores(sample.candidate, values))

    return make


def _in_single_precision(sample: Sample) -> Sample:
    return sample.answering(
        {n: np.asarray(v).astype(np.float32) if np.asarray(v).dtype.kind == "f" else v for n, v in _items(sample)}
    )


def _through_json(sample: Sample) -> Sample:
    return sample.answering({n: np.array(json.loads(json.dumps(np.asarray(v).tolist()))) for n, v in _items(sample)})


def _items(sample: Sample) -> list[tuple[str, Array]]:
    return list(sample.candidate.items())


def _arranged(order_of: Array) -> Change:
    """Put the rows of the file into another order: order_of(sample) gives the rows."""

    def make(sample: Sample) -> Sample:
        order = order_of(sample)
        return replace(
            sample,
            frame=sample.frame.iloc[order].reset_index(drop=True),
            labels=sample.labels[order],
            baseline=reordered(sample.baseline, order),
            candidate=reordered(sample.candidate, order),
        )

    return make


def _any_order(sample: Sample) -> Array:
    return sample.draw.permutation(len(sample))


def _by_label(sample: Sample) -> Array:
    return np.argsort(sample.labels, kind="stable")


def _twice(sample: Sample) -> Array:
    return np.repeat(np.arange(len(sample) // 2), 2)


def _slices_declared(sample: Sample) -> Sample:
    names = [name for name in sample.frame.columns if sample.frame[name].dtype.kind not in "fi" and name != "text"]
    slices = [*names, *({name: 4} for name in sample.frame.columns if sample.frame[name].dtype.kind == "f")][:4]
    return replace(sample, settings={"data": {"slices": slices}})


def _digits(values: Array, _: Array) -> Array:
    return np.round(values / np.abs(values).max(), 7) * np.abs(values).max()


def _noise(share: float) -> Array:
    return lambda values, draw: values + share * values.std(axis=0) * draw.normal(size=values.shape)


def _bent(values: Array, _: Array) -> Array:
    """A tiny monotone change."""
    low, width = values.min(axis=0), np.ptp(values, axis=0)
    width = np.where(width > 0, width, 1)
    return low + width * ((values - low) / width) ** 1.001


AS_GOOD = (
    "other seed", "refit on 2 % more rows", "refit on 2 % fewer rows", "refit on resampled rows",
    "rows in another order", "columns in another order", "a column of noise added", "more iterations",
    "a little more regularised", "another solver", "another scaler", "another algorithm", "calibrated anew",
)  # fmt: skip
"""Trained anew; harmless where the pool shows them to be."""

HARMLESS: Mapping[str, Harmless] = {
    change.name: change
    for change in (
        Harmless(name="the same bytes"),
        *(Harmless(name=name, candidate=name) for name in AS_GOOD),
        Harmless(name="half as many rows again", candidate="half as many rows again", better=True),
        Harmless(name="four times the rows", candidate="four times the rows", better=True),
        Harmless(name="a column that matters is used", baseline="never saw the main column", better=True),
        Harmless(name="single precision", make=_in_single_precision, shapes=NUMBERS),
        Harmless(name="rounded to seven digits", make=_numbers(_digits), shapes=NUMBERS),
        Harmless(name="threads that add in another order", make=_numbers(_noise(1e-7)), shapes=NUMBERS),
        Harmless(name="half precision inside", make=_numbers(_noise(5e-4)), shapes=NUMBERS),
        Harmless(name="weights of 8 bits", make=_numbers(_noise(5e-3)), shapes=NUMBERS),
        Harmless(name="a tiny monotone change", make=_numbers(_bent), shapes=NUMBERS),
        Harmless(name="through JSON and back", make=_through_json),
        Harmless(name="the file in another order", candidate="refit on 2 % more rows", make=_arranged(_any_order)),
        Harmless(name="the file sorted by label", candidate="refit on 2 % more rows", make=_arranged(_by_label)),
        Harmless(name="each row twice in the file", candidate="refit on 2 % more rows", make=_arranged(_twice)),
        Harmless(name="a refit, slices declared", candidate="refit on 2 % more rows", make=_slices_declared),
    )
}
