"""What rows say on which two versions differ: exact tests of right and wrong, and bounds without labels.

Sources: Q. McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12
(1947); C. Clopper and E. Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Bools


def mcnemar(lost: int, won: int) -> float:
    """Give the exact one-sided p-value against "no more rows are lost than won".

    `lost` rows were right and are wrong, `won` rows the other way round; under no difference each of them is lost
    with probability 1/2.
    """
    from scipy.special import bdtrc

    return float(bdtrc(lost - 1, lost + won, 0.5)) if lost > 0 else 1.0


def share_at_most(count: int, rows: int, confidence: float) -> float:
    """Give the one-sided upper bound of a share of which `count` of `rows` were seen (Clopper and Pearson)."""
    from scipy.special import betaincinv

    return 1.0 if count >= rows else float(betaincinv(count + 1, rows - count, confidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Rows that two versions answer with different classes, their share, and the upper bound of it."""

    count: int
    rows: int
    share: float
    bound: float


def disagreement(differs: Bools, confidence: float) -> Disagreement:
    """Bound how much accuracy can have changed, without any label.

    Where both versions say the same they are right or wrong together, so their accuracies differ by no more than the
    share of rows on which they disagree. `differs` (n,) marks these rows.
    """
    count, rows = int(np.count_nonzero(differs)), len(differs)
    return Disagreement(
        count=count,
        rows=rows,
        share=count / max(1, rows),
        bound=share_at_most(count, rows, confidence) if rows else 1.0,
    )
