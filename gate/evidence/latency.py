"""The ratio of two latencies from interleaved pairs, and when enough has been seen.

x = ln(candidate / baseline) of each pair of blocks, shape (pairs,). The Hodges-Lehmann estimate is the median of the
Walsh averages (x_i + x_j) / 2, i <= j; its interval comes from the signed-rank distribution.

Sources: J. Hodges and E. Lehmann, Estimates of location based on rank tests, Ann. Math. Statist. 34 (1963);
M. Hollander, D. Wolfe and E. Chicken, Nonparametric Statistical Methods (2014), sections 3.1 to 3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Floats

LOOKS = (20, 40, 80, 160, 320, 640)
"""Numbers of pairs at which the evidence is looked at; the confidence is split evenly over them."""

_MOST_PAIRS = 1280
"""Walsh averages are n (n + 1) / 2 numbers: beyond this the pairs are thinned evenly, at 6 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Candidate over baseline, with an interval. Infinite ends mean that there are too few pairs."""

    estimate: float
    low: float
    high: float


def ratio(x: Floats, confidence: float) -> Ratio:
    """Estimate exp(median shift) of x (pairs,) with a two-sided interval at the confidence.

    Raises:
        ValueError: there are no pairs.
    """
    walsh = _walsh(np.asarray(x, dtype=np.float64))
    left_out = _left_out(min(len(x), _MOST_PAIRS), 1 - confidence)
    estimate = math.exp(float(np.median(walsh)))
    if left_out < 1:
        return Ratio(estimate=estimate, low=0.0, high=math.inf)
    ends = np.partition(walsh, (left_out - 1, len(walsh) - left_out))
    return Ratio(
        estimate=estimate,
        low=math.exp(float(ends[left_out - 1])),
        high=math.exp(float(ends[len(walsh) - left_out])),
    )


def verdict_so_far(x: Floats, *, warn: float, block: float, confidence: float) -> str:
    """Say what is certain after len(x) pairs, "" while nothing is. Tolerances are shares: 0.02 is 2 %.

    Each look has its share of the confidence, so that looking early costs no false alarms (Bonferroni over LOOKS).
    """
    found = ratio(x, at_each_look(confidence))
    if found.low > 1 + block:
        return "slower beyond the blocking tolerance"
    if found.high < 1 + warn:
        return "within the warning tolerance"
    if found.low > 1 + warn and found.high < 1 + block:
        return "slower beyond the warning tolerance, within the blocking one"
    return ""


def at_each_look(confidence: float) -> float:
    """Give the confidence of one look's two-sided interval, so that all looks together keep `confidence` a side."""
    return 1 - 2 * (1 - confidence) / len(LOOKS)


def _walsh(x: Floats) -> Floats:
    if len(x) == 0:
        raise ValueError("a ratio needs at least one pair")
    if len(x) > _MOST_PAIRS:
        x = x[np.linspace(0, len(x) - 1, _MOST_PAIRS).astype(np.int64)]
    rows, columns = np.triu_indices(len(x))
    return np.asarray((x[rows] + x[columns]) / 2)


def _left_out(pairs: int, alpha: float) -> int:
    """Count the Walsh averages beyond each end: the normal approximation of the signed-rank quantile.

    Exact for few pairs would change the rank by less than one from 20 pairs on (Hollander and Wolfe, comment 18);
    the count is rounded down, towards the wider interval.
    """
    from scipy.stats import norm

    mean = pairs * (pairs + 1) / 4
    deviation = math.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
    return math.floor(mean - float(norm.isf(alpha / 2)) * deviation)
