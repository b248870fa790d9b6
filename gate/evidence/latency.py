"""The ratio of two latencies from interleaved pairs, and when enough has been seen.

x = ln(candidate / baseline) of each pair, shape (pairs,). The Hodges-Lehmann estimate is the median of the Walsh
averages (x_i + x_j) / 2, i <= j; its interval and the p-values come from the signed-rank distribution. Two processes
that run the same model differ for as long as they live, which more pairs do not mend: the variance between pairs of
processes is added to that of the estimate.

Sources: J. Hodges and E. Lehmann, Estimates of location based on rank tests, Ann. Math. Statist. 34 (1963);
M. Hollander, D. Wolfe and E. Chicken, Nonparametric Statistical Methods (2014), sections 3.1 to 3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Floats, Ints

LOOKS = (40, 80, 160, 320, 640, 1280)
"""Numbers of pairs at which the evidence is looked at."""

SHARES = len(LOOKS) + 1
"""How many ways the error is split evenly (Bonferroni): the looks, and the end of the time budget between two."""

FEWEST = 6
"""With fewer pairs than this nothing is said: the smallest p-value of five signed ranks is 1/32."""

PROCESS_SD = {"forked": 0.006, "fresh": 0.022}
"""Standard deviation of ln(ratio) between identical models in one pair of processes, by how these came about.

Measured by `python -m bench.latency processes`, rounded up; see docs/decisions/013.
"""

_SEEN_CREWS = 4
_MOST_PAIRS = 1280
"""Walsh averages are n (n + 1) / 2 numbers: beyond this the pairs are thinned evenly, at 6 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Candidate over baseline, with an interval. Infinite ends mean that there are too few pairs."""

    estimate: float
    low: float
    high: float


def process_error(x: Floats, crew: Ints, processes: str) -> float:
    """Give the standard error of ln(ratio) that comes from the processes alone.

    Each pair of processes weighs by its share of the pairs. With four or more, what they show counts where it is
    larger than what is known.

    Args:
        x: ln(ratio) of each pair, shape (pairs,).
        crew: which pair of processes it came from, shape (pairs,).
        processes: "forked" or "fresh", a key of PROCESS_SD.
    """
    crews, counts = np.unique(crew, return_counts=True)
    spread = PROCESS_SD[processes]
    if len(crews) == 0:
        return spread
    if len(crews) >= _SEEN_CREWS:
        spread = max(spread, float(np.std([np.median(x[crew == each]) for each in crews], ddof=1)))
    return spread * float(np.linalg.norm(counts / counts.sum()))


def ratio(x: Floats, confidence: float, process_se: float = 0.0) -> Ratio:
    """Estimate exp(median shift) of x (pairs,) with a two-sided interval at the confidence.

    `process_se` widens both sides in quadrature.

    Raises:
        ValueError: there are no pairs.
    """
    walsh = _walsh(np.asarray(x, dtype=np.float64))
    left_out = _left_out(min(len(x), _MOST_PAIRS), 1 - confidence)
    middle = float(np.median(walsh))
    if left_out < 1:
        return Ratio(estimate=math.exp(middle), low=0.0, high=math.inf)
    low, high = np.partition(walsh, (left_out - 1, len(walsh) - left_out))[[left_out - 1, len(walsh) - left_out]]
    extra = _quantile(1 - confidence) * process_se
    return Ratio(
        estimate=math.exp(middle),
        low=math.exp(middle - math.hypot(middle - float(low), extra)),
        high=math.exp(middle + math.hypot(float(high) - middle, extra)),
    )


def hodges_lehmann(x: Floats) -> float:
    """Give the median of the Walsh averages of x (pairs,), NaN where there are none."""
    return float(np.median(_walsh(np.asarray(x, dtype=np.float64)))) if len(x) else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftTest:
    """One-sided tests of ln(ratio): the pairs, shape (pairs,), their Hodges-Lehmann estimate, the processes' error."""

    x: Floats
    middle: float
    process_se: float

    @classmethod
    def of(cls, x: Floats, process_se: float = 0.0) -> ShiftTest:
        """Estimate once, for all tolerances."""
        return cls(x=np.asarray(x, dtype=np.float64), middle=hodges_lehmann(x), process_se=process_se)

    def beyond(self, tolerance: float) -> float:
        """Give the p-value against "the ratio is at most 1 + tolerance": small means slower beyond it."""
        return self._p(self.x - math.log1p(tolerance), self.middle - math.log1p(tolerance))

    def within(self, tolerance: float) -> float:
        """Give the p-value against "the ratio is at least 1 + tolerance": small means not so slow."""
        return self._p(math.log1p(tolerance) - self.x, math.log1p(tolerance) - self.middle)

    def _p(self, shifted: Floats, middle: float) -> float:
        """The signed-rank test; the processes' error is added to the standard error that its z implies."""
        from scipy.stats import norm, wilcoxon

        if len(shifted) < FEWEST or not np.any(shifted):
            return 1.0
        p = float(wilcoxon(shifted, alternative="greater").pvalue)
        if self.process_se == 0:
            return p
        z = float(norm.isf(p))
        if middle * z <= 0:  # the estimate and the ranks do not agree on a side: nothing is proven
            return max(p, 0.5)
        implied = middle / z if math.isfinite(z) else 0.0
        return float(norm.sf(middle / math.hypot(implied, self.process_se)))


def at_each_look(confidence: float) -> float:
    """Give the confidence of one look's two-sided interval, so that all looks together keep `confidence` a side."""
    return 1 - 2 * (1 - confidence) / SHARES


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
    mean = pairs * (pairs + 1) / 4
    deviation = math.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
    return math.floor(mean - _quantile(alpha) * deviation)


def _quantile(alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(alpha / 2))
