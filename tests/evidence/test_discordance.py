"""Exact tests of rows that changed sides, and bounds without labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gate.evidence.discordance import disagreement, mcnemar, share_at_most


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (5, 0), (8, 2), (40, 31)])
def test_mcnemar_is_the_binomial_test(lost, won):
    """One-sided: rows are lost more often than won."""
    expected = stats.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    assert mcnemar(lost, won) == pytest.approx(expected)


@pytest.mark.parametrize(("count", "rows"), [(0, 100), (3, 100), (100, 100)])
def test_the_bound_of_a_share_is_clopper_and_pearsons(count, rows):
    """The one-sided bound at 99 % is the end of the two-sided interval at 98 %."""
    expected = stats.binomtest(count, rows).proportion_ci(0.98, method="exact").high
    assert share_at_most(count, rows, 0.99) == pytest.approx(expected)


def test_accuracy_cannot_change_by_more_than_the_disagreement():
    """Whatever the labels are."""
    rng = np.random.default_rng(0)
    ours, theirs, labels = rng.integers(0, 3, (3, 500))
    found = disagreement(ours != theirs, 0.99)
    assert abs(np.mean(ours == labels) - np.mean(theirs == labels)) <= found.share <= found.bound
