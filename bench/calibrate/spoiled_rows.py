"""Defects of any kind of answer: missing, on wrong rows, in a slice, flipped, misnamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.calibrate.models import Columns
from bench.calibrate.samples import PROBA, Change, Sample, reordered, scores, with_scores
from gate.evidence.arrays import Array


def missing(share: float) -> Change:
    """No answer in a share of the rows, at least in one."""

    def make(sample: Sample) -> Sample:
        rows = sample.some(share)
        if sample.world.shape == "label":
            values = np.asarray(sample.candidate["prediction"]).astype(object)
            values[rows] = None
            return sample.answering({"prediction": values})
        values = scores(sample.candidate)
        values[rows] = np.nan
        return sample.answering(with_scores(sample.candidate, values, decide=False))

    return make


def constant(sample: Sample) -> Sample:
    """Every row gets the answer of one row."""
    return _in_order(sample, np.zeros(len(sample), dtype=int))


def permuted(share: float) -> Change:
    """A share of the rows get each other's answers."""

    def make(sample: Sample) -> Sample:
        rows = sample.some(share)
        order = np.arange(len(sample))
        order[rows] = np.roll(rows, 1) if share < 1 else sample.draw.permutation(len(sample))
        return _in_order(sample, order)

    return make


def rolled(sample: Sample) -> Sample:
    """Each row gets the answer of the row before."""
    return _in_order(sample, np.roll(np.arange(len(sample)), 1))


def half_rolled(sample: Sample) -> Sample:
    """A row was lost in the middle, and the last answer fills up."""
    middle = len(sample) // 2
    order = np.arange(len(sample))
    order[middle:] = np.minimum(order[middle:] + 1, len(sample) - 1)
    return _in_order(sample, order)


def backwards(sample: Sample) -> Sample:
    """The answers come in the reverse order."""
    return _in_order(sample, np.arange(len(sample))[::-1])


def ascending(sample: Sample) -> Sample:
    """The answers come sorted."""
    main = scores(sample.candidate)[:, 0] if sample.world.shape != "label" else _codes(sample)
    return _in_order(sample, np.argsort(main, kind="stable"))


def batches_swapped(sample: Sample) -> Sample:
    """Each batch of 50 rows comes before the one that it follows."""
    batch = np.arange(len(sample)) // 50
    return _in_order(sample, np.lexsort((np.arange(len(sample)), batch ^ 1)))


def repeated(sample: Sample) -> Sample:
    """Each tenth row gets the answer of the one before."""
    order = np.arange(len(sample))
    order[9::10] -= 1
    return _in_order(sample, order)


def _in_order(sample: Sample, order: Array) -> Sample:
    return sample.answering(reordered(sample.candidate, order))


def _codes(sample: Sample) -> Array:
    return np.unique(np.asarray(sample.candidate["prediction"]).astype(str), return_inverse=True)[1]


def _slice(sample: Sample, share: float) -> Array:
    """The rows with the highest values of a number that is not the main one."""
    values = sample.frame[_other_number(sample)].to_numpy() + 1e-9 * sample.draw.normal(size=len(sample))
    return np.argsort(values)[-max(2, round(share * len(sample))) :]


def _other_number(sample: Sample) -> str:
    """Name the number that varies most of those that are not the main one."""
    frame = sample.frame
    names = [name for name in frame.columns if frame[name].dtype.kind == "f"]
    names.sort(key=lambda name: name == sample.world.matters)
    varied = [name for name in names if frame[name].nunique() > len(frame) / 2]
    return (varied or sorted(names, key=lambda name: -frame[name].nunique()))[0]


def slice_shifted(share: float, size: float) -> Change:
    """A slice moved: numbers by `size` deviations, log-odds by twice that, and `size` / 4 of its labels to another."""

    def make(sample: Sample) -> Sample:
        rows = _slice(sample, share)
        if sample.world.shape == "label":
            return sample.answering(_others(sample, sample.draw.choice(rows, max(1, round(size / 4 * len(rows))))))
        values = scores(sample.candidate)
        if sample.world.shape == "number":
            values[rows] += size * values.std()
        else:
            values[rows] = _shifted_odds(values[rows], 2 * size)
        return sample.answering(with_scores(sample.candidate, values))

    return make


def _shifted_odds(values: Array, by: float) -> Array:
    odds = np.clip(values, 1e-9, 1) / np.clip(1 - values, 1e-9, 1) if values.shape[1] == 1 else np.clip(values, 1e-9, 1)
    odds[:, 0] *= np.exp(by)
    return odds / (1 + odds) if values.shape[1] == 1 else odds / odds.sum(axis=1, keepdims=True)


def slice_default(share: float) -> Change:
    """The rows of a slice get the commonest answer: the mean, or the class that most rows have."""

    def make(sample: Sample) -> Sample:
        rows = _slice(sample, share)
        if sample.world.shape == "label":
            values = np.asarray(sample.candidate["prediction"]).copy()
            names, counts = np.unique(values.astype(str), return_counts=True)
            values[rows] = values[values.astype(str) == names[counts.argmax()]][0]
            return sample.answering({"prediction": values})
        values = scores(sample.candidate)
        values[rows] = values.mean(axis=0)
        return sample.answering(with_scores(sample.candidate, values))

    return make


def declared(change: Change) -> Change:
    """The same, with the slice's column declared in the settings."""

    def make(sample: Sample) -> Sample:
        return replace(change(sample), settings={"data": {"slices": [{_other_number(sample): 10}]}})

    return make


def flipped(share: float) -> Change:
    """A share of the rows get another class."""
    return lambda sample: sample.answering(_others(sample, sample.some(share)))


def class_flipped(share: float) -> Change:
    """A share of the rows that are in the commonest class get another one."""

    def make(sample: Sample) -> Sample:
        _, codes, counts = np.unique(sample.labels.astype(str), return_inverse=True, return_counts=True)
        rows = np.flatnonzero(codes == counts.argmax())
        return sample.answering(_others(sample, sample.draw.choice(rows, max(1, round(share * len(rows))))))

    return make


def _others(sample: Sample, rows: Array) -> Columns:
    """Give rows the next class: labels are changed, of probabilities the largest is exchanged with the next column."""
    if sample.world.shape == "label":
        values = np.asarray(sample.candidate["prediction"]).copy()
        names = np.unique(np.asarray(sample.labels))
        place = np.searchsorted(names.astype(str), values[rows].astype(str)) % len(names)
        values[rows] = names[(place + 1) % len(names)]
        return {"prediction": values}
    values = scores(sample.candidate)
    if values.shape[1] == 1:
        values[rows] = 1 - values[rows]
    else:
        top = values[rows].argmax(axis=1)
        other = (top + 1) % values.shape[1]
        values[rows, top], values[rows, other] = values[rows, other].copy(), values[rows, top].copy()
    return with_scores(sample.candidate, values)


def collapsed(sample: Sample) -> Sample:
    """The rarest class is never answered: its rows go to the commonest."""
    names, counts = np.unique(sample.labels, return_counts=True)
    rare, common = counts.argmin(), counts.argmax()
    if sample.world.shape == "label":
        values = np.asarray(sample.candidate["prediction"]).copy()
        values[values == names[rare]] = names[common]
        return sample.answering({"prediction": values})
    values = scores(sample.candidate)
    values[:, common] += values[:, rare]
    values[:, rare] = 0
    return sample.answering(with_scores(sample.candidate, values))


def swapped(sample: Sample) -> Sample:
    """The first two classes are exchanged."""
    return _mapped(sample, lambda size: np.array([1, 0, *range(2, size)]))


def next_class(sample: Sample) -> Sample:
    """Every class is the next one."""
    return _mapped(sample, lambda size: np.roll(np.arange(size), 1))


def _mapped(sample: Sample, order_of: Callable[[int], Array]) -> Sample:
    if sample.world.shape == "label":
        names = np.unique(sample.labels)
        values = np.asarray(sample.candidate["prediction"])
        place = np.searchsorted(names.astype(str), values.astype(str))
        return sample.answering({"prediction": names[order_of(len(names))][place]})
    values = scores(sample.candidate)
    return sample.answering(with_scores(sample.candidate, values[:, order_of(values.shape[1])]))


def unknown(share: float) -> Change:
    """A share of the rows get a class that nobody knows."""

    def make(sample: Sample) -> Sample:
        values = np.asarray(sample.candidate["prediction"]).copy()
        values[sample.some(share)] = "unknown" if values.dtype == object else 99
        return sample.answering({"prediction": values})

    return make


def renamed(change: Callable[[str], str]) -> Change:
    """Every class has another name."""
    return lambda sample: sample.answering(
        {"prediction": np.array([change(str(name)) for name in sample.candidate["prediction"]], dtype=object)}
    )


def leaked(sample: Sample) -> Sample:
    """The label was among the inputs: nearly every answer is right."""
    if sample.world.shape == "label":
        return sample.answering({"prediction": sample.labels.copy()})
    values = scores(sample.candidate)
    if sample.world.shape == "matrix":
        names = [name.removeprefix(PROBA) for name in sample.candidate if name.startswith(PROBA)]
        truth = (sample.labels.astype(str)[:, None] == np.array(names)).astype(float)
    else:
        truth = np.asarray(sample.labels, dtype=float)[:, None]
    return sample.answering(with_scores(sample.candidate, 0.95 * truth + 0.05 * values))
