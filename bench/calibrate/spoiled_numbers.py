"""Defects of numbers: impossible values, wrong units, noise, lost resolution."""

from __future__ import annotations

import numpy as np

from bench.calibrate.samples import Change, Sample, scores, with_scores
from gate.evidence.arrays import Array


def _change(change: Array) -> Change:
    """Change the numbers that were answered: change(values (n, k), sample)."""

    def make(sample: Sample) -> Sample:
        values = change(scores(sample.candidate), sample)
        return sample.answering(with_scores(sample.candidate, values, decide=False))

    return make


def _in_some(share: float, change: Array) -> Change:
    def some(values: Array, sample: Sample) -> Array:
        rows = sample.some(share)
        values[rows] = change(values[rows], sample)
        return values

    return _change(some)


def put(value: float, share: float) -> Change:
    """One value in a share of the rows, at least in one; of a matrix in the first column."""

    def change(values: Array, sample: Sample) -> Array:
        values[sample.some(share), 0] = value
        return values

    return _change(change)


def stuck(share: float) -> Change:
    """A share of the rows get the mean answer."""

    def change(values: Array, sample: Sample) -> Array:
        values[sample.some(share)] = values.mean(axis=0)
        return values

    return _change(change)


def scaled(factor: float) -> Change:
    """All answers times a factor."""
    return _change(lambda values, _: factor * values)


def some_scaled(share: float, factor: float) -> Change:
    """A share of the answers times a factor."""
    return _in_some(share, lambda values, _: factor * values)


def _error(sample: Sample) -> float:
    """The baseline's root mean squared error."""
    return float(np.sqrt(np.mean((np.asarray(sample.baseline["prediction"]) - sample.labels) ** 2)))


def offset(share: float) -> Change:
    """All answers higher by a share of the baseline's error."""
    return _change(lambda values, sample: values + share * _error(sample))


def logarithm(sample: Sample) -> Sample:
    """A model of the logarithm whose answers were not brought back."""
    values = scores(sample.candidate)
    return sample.answering({"prediction": np.log1p(np.clip(values[:, 0], 0, None))})


def noise(share: float) -> Change:
    """Noise whose deviation is a share of the baseline's error."""
    return _change(lambda values, sample: values + share * _error(sample) * sample.draw.normal(size=values.shape))


def some_noise(share: float, size: float) -> Change:
    """Noise of `size` deviations of the answers in a share of the rows."""

    def change(values: Array, sample: Sample) -> Array:
        rows = sample.some(share)
        values[rows] += size * values.std() * sample.draw.normal(size=(len(rows), 1))
        return values

    return _change(change)


def rounded(step: float) -> Change:
    """Answers on a grid with steps of a share of their deviation."""

    def change(values: Array, _: Sample) -> Array:
        width = step * values.std()
        return np.round(values / width) * width

    return _change(change)


def clipped(share: float) -> Change:
    """Answers cut at the quantiles of a share on both sides."""
    return _change(lambda values, _: np.clip(values, *np.quantile(values, [share, 1 - share])))


def shrunk(factor: float) -> Change:
    """Answers drawn towards their mean."""
    return _change(lambda values, _: values.mean() + factor * (values - values.mean()))


def lagged(sample: Sample) -> Sample:
    """A forecast that repeats what was there the day before."""
    return sample.answering({"prediction": sample.frame["day_before"].to_numpy()})
