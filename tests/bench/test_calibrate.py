"""The published error rates do not get worse: a fixed part of the simulation, held against what was stored."""

from __future__ import annotations

import pytest

from bench.calibrate import fixed

SLACK = 1
"""Other libraries' rounding may move one borderline case."""


@pytest.fixture(scope="module")
def now():
    """The verdicts of the fixed part, judged now."""
    return fixed.count()


@pytest.fixture(scope="module")
def before():
    """The verdicts that were stored."""
    return fixed.stored()


def test_the_same_cases_are_judged(now, before):
    """As many runs of each sort as were stored: no rate gets better by leaving cases out."""
    assert {sort: sum(counts.values()) for sort, counts in now.items()} == {
        sort: sum(counts.values()) for sort, counts in before.items()
    }


def test_no_harmless_change_is_rejected(now):
    """Not one, and no run ends in an error."""
    assert fixed.alarms(now, "fail", "error") == 0


@pytest.mark.parametrize("verdict", ["pass_with_warnings", "inconclusive"])
def test_harmless_changes_are_not_doubted_more_often(now, before, verdict):
    """Warnings and open verdicts on harmless changes become no more."""
    assert fixed.alarms(now, verdict) <= fixed.alarms(before, verdict) + SLACK


def test_blocking_defects_are_rejected_as_often(now, before):
    """Defects that must block become no fewer among the rejected."""
    assert fixed.missed(now, "blocking", "fail") <= fixed.missed(before, "blocking", "fail") + SLACK


def test_other_defects_are_noticed_as_often(now, before):
    """Defects that must be warned of do not pass more often."""
    noticed = ("fail", "inconclusive", "pass_with_warnings")
    assert fixed.missed(now, "to warn of", *noticed) <= fixed.missed(before, "to warn of", *noticed) + SLACK
