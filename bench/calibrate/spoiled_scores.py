"""Defects of probabilities: wrong sums, wrong confidence, no probabilities at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.calibrate.samples import Change, Sample, scores, with_scores
from gate.evidence.arrays import Array

TINY = 1e-6


def _log_odds(values: Array) -> Array:
    """Log-odds of one probability (n, 1), logarithms of several (n, k)."""
    values = np.clip(values, TINY, 1 - TINY)
    return np.log(values / (1 - values)) if values.shape[1] == 1 else np.log(values)


def _probabilities(odds: Array) -> Array:
    if odds.shape[1] == 1:
        return 1 / (1 + np.exp(-odds))
    powers = np.exp(odds - odds.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def logits(change: Callable[[Array], Array]) -> Change:
    """Change all log-odds."""
    return lambda sample: sample.answering(
        with_scores(sample.candidate, _probabilities(change(_log_odds(scores(sample.candidate)))))
    )


def moved(by: float) -> Change:
    """Move the log-odds of the (first) class."""

    def change(odds: Array) -> Array:
        odds[:, 0] += by
        return odds

    return logits(change)


def noisy(size: float) -> Change:
    """Noise in all log-odds."""

    def make(sample: Sample) -> Sample:
        odds = _log_odds(scores(sample.candidate))
        odds += size * sample.draw.normal(size=odds.shape)
        return sample.answering(with_scores(sample.candidate, _probabilities(odds)))

    return make


def raw(sample: Sample) -> Sample:
    """The last step of the network was left out."""
    return sample.answering(with_scores(sample.candidate, _log_odds(scores(sample.candidate))))


def short(share: float) -> Change:
    """Probabilities of a share of the rows that sum to 0.9."""

    def make(sample: Sample) -> Sample:
        values = scores(sample.candidate)
        values[sample.some(share)] *= 0.9
        return sample.answering(with_scores(sample.candidate, values))

    return make


def decisions(sample: Sample) -> Sample:
    """1 for the class that wins, 0 for the others."""
    values = scores(sample.candidate)
    if values.shape[1] == 1:
        return sample.answering({"prediction": (values[:, 0] > 0.5).astype(float)})  # noqa: PLR2004 - the middle
    return sample.answering(with_scores(sample.candidate, np.eye(values.shape[1])[values.argmax(axis=1)]))


def stepped(sample: Sample) -> Sample:
    """Probabilities that were rounded to one digit."""
    values = np.round(scores(sample.candidate), 1)
    if values.shape[1] > 1:
        values[:, 0] += 1 - values.sum(axis=1)
        values = np.clip(values, 0, 1) / np.clip(values, 0, 1).sum(axis=1, keepdims=True)
    return sample.answering(with_scores(sample.candidate, values))


def inverted(sample: Sample) -> Sample:
    """The probability of the other class."""
    return sample.answering({"prediction": 1 - np.asarray(sample.candidate["prediction"])})
