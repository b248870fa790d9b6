"""Percentiles of latency with intervals that assume no distribution, and how two versions' tails compare.

Sources: H. David and H. Nagaraja, Order Statistics (2003), section 7.1 (intervals); H. Kuensch, The jackknife and the
bootstrap for general stationary observations, Ann. Statist. 17 (1989) (blocks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Floats

CONFIDENCE = 0.99
"""Of a percentile's two-sided interval."""
TAIL_TOLERANCE = 0.20
"""A 95th percentile is judged no more strictly than this: tails are noisy."""
TAIL_PAIRS = 160
"""With fewer pairs the tail is not judged."""

_RESAMPLES = 4000
_BLOCK = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """One percentile of a sample in its unit; the ends are None where the sample is too small to tell them."""

    share: float
    value: float
    low: float | None
    high: float | None


def percentile(values: Floats, share: float, confidence: float = CONFIDENCE) -> Percentile:
    """Give a percentile with its order-statistic interval: ranks from the binomial distribution.

    Args:
        values: shape (n,), n at least 1.
        share: 0.99 is the 99th percentile.
        confidence: of the two-sided interval.
    """
    from scipy.stats import binom

    ordered = np.sort(values)
    count, alpha = len(ordered), 1 - confidence
    low = int(binom.ppf(alpha / 2, count, share)) - 1  # P(B <= low) < alpha / 2: that order statistic lies below
    high = int(binom.ppf(1 - alpha / 2, count, share))
    return Percentile(
        share=share,
        value=float(np.quantile(ordered, share)),
        low=float(ordered[low]) if low >= 0 else None,
        high=float(ordered[high]) if high < count else None,
    )


def tail_ratio(
    candidate: Floats, baseline: Floats, confidence: float, share: float = 0.95
) -> tuple[float, float, float]:
    """Give the ratio of two percentiles with its interval, by resampling blocks of neighbouring pairs.

    Args:
        candidate: seconds a call, shape (pairs,), in the order of time.
        baseline: the same calls of the baseline.
        confidence: of the two-sided interval.
        share: which percentile.
    """
    random = np.random.default_rng(0)
    blocks = -(-len(candidate) // _BLOCK)
    starts = random.integers(0, max(1, len(candidate) - _BLOCK + 1), (_RESAMPLES, blocks))
    chosen = (starts[:, :, None] + np.arange(_BLOCK)).reshape(_RESAMPLES, -1)[:, : len(candidate)]
    chosen = np.minimum(chosen, len(candidate) - 1)
    ratios = np.quantile(candidate[chosen], share, axis=1) / np.quantile(baseline[chosen], share, axis=1)
    low, high = np.quantile(ratios, [(1 - confidence) / 2, (1 + confidence) / 2])
    estimate = np.quantile(candidate, share) / np.quantile(baseline, share)
    return float(estimate), float(low), float(high)
