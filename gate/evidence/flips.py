"""Rows that the baseline got right and the candidate gets wrong, and what chance alone would give.

Sources: S. Yan et al., Positive-congruent training: towards regression-free model updates, CVPR 2021;
Q. McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12 (1947).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.domain import LossTest
from gate.evidence.arrays import Bools

SMALL = 0.15
"""A net loss is small, and worth a warning, beyond this share of accuracy's margin."""
UNSEEN = 0.1
"""A tenth of the rows may behave otherwise; n rows miss all of them with probability 0.9^n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """How n rows changed sides: `lost` (right before, wrong now), `won` the other way round; both shares right."""

    rows: int
    lost: int
    won: int
    right_before: float
    right_now: float

    @property
    def by_chance(self) -> float:
        """The share of negative flips if both versions erred independently of each other."""
        return self.right_before * (1 - self.right_now)

    @property
    def relative(self) -> float | None:
        """The share of negative flips over that of independent errors (Yan et al. 2021); None where that is 0."""
        return self.lost / self.rows / self.by_chance if self.by_chance > 0 else None


def count(right_before: Bools, right_now: Bools) -> Flips:
    """Count the rows (n,) that changed sides."""
    return Flips(
        rows=len(right_now),
        lost=int((right_before & ~right_now).sum()),
        won=int((right_now & ~right_before).sum()),
        right_before=float(right_before.mean()),
        right_now=float(right_now.mean()),
    )


def net_test(flips: Flips, margin: float) -> LossTest:
    """Test the net loss (lost less won, over all rows): a warning beyond 0.15 of the margin, critical beyond two of it.

    Of the rows that changed sides under a loss of m, (1 + m n / k) / 2 of k are lost: binomial, McNemar's test where
    m is 0.
    """
    net = (flips.lost - flips.won) / flips.rows
    error = float(np.sqrt(max(flips.lost + flips.won + 2, 1))) / flips.rows
    return LossTest(
        name="net share of rows lost",
        loss=net,
        standard_error=error,
        margin=SMALL * margin,
        p_beyond=_p_more(flips, SMALL * margin),
        p_critical=_p_more(flips, 2 * margin),
        p_within=max(_p_fewer(flips, 4 * margin), (1 - UNSEEN) ** flips.rows),
    )


def excess_test(right_before: Bools, right_now: Bools, margin: float) -> LossTest:
    """Test the share of negative flips beyond what independent errors would give, on n rows; a mean, by Student's t."""
    from scipy.special import stdtr

    rows = len(right_now)
    flips = count(right_before, right_now)
    excess = flips.lost / rows - flips.by_chance
    before, now = right_before.astype(np.float64), right_now.astype(np.float64)
    influence = before * (1 - now) - before * (1 - flips.right_now) - flips.right_before * (1 - now)
    error = float(np.sqrt(influence.var() / max(1, rows - 1) + 2 / rows**2))
    above = [float(stdtr(max(1, rows - 1), -(excess - times * margin) / error)) for times in (1, 2)]
    within = float(stdtr(max(1, rows - 1), (excess - 4 * margin) / error))
    return LossTest(
        name="negative flips beyond chance",
        loss=excess,
        standard_error=error,
        margin=margin,
        p_beyond=above[0],
        p_critical=above[1],
        p_within=max(within, (1 - UNSEEN) ** rows),
    )


def _share(flips: Flips, net: float) -> float:
    """The share of the rows that changed sides which are lost, under a net loss."""
    changed = max(1, flips.lost + flips.won)
    return min(1.0, max(0.0, 0.5 + net * flips.rows / (2 * changed)))


def _p_more(flips: Flips, net: float) -> float:
    from scipy.special import bdtrc

    share = _share(flips, net)
    return 1.0 if flips.lost == 0 or share >= 1 else float(bdtrc(flips.lost - 1, flips.lost + flips.won, share))


def _p_fewer(flips: Flips, net: float) -> float:
    from scipy.special import bdtr

    share = _share(flips, net)
    return 0.0 if share >= 1 else float(bdtr(flips.lost, flips.lost + flips.won, share))
