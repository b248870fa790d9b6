"""From outcomes to a verdict, by the contract's rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from gate import verdict
from gate.domain import Category, LossTest, Outcome, Severity, Status, Verdict, Waiver
from gate.verdict import Policy

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


def outcome(name, status, severity=CRITICAL, tests=()):
    return Outcome(
        id=f"outliers.{name}", title=name, category=Category.OUTLIERS, severity=severity, status=status, tests=tests
    )


def decided(*outcomes, **policy):
    return verdict.decide(verdict.settle(outcomes, Policy(**policy)))[0]


def loss(name="rmse", p_beyond=1.0, p_within=0.0):
    return LossTest(name=name, loss=1.0, standard_error=0.1, margin=0.5, p_beyond=p_beyond, p_within=p_within)


PASSED = outcome("fine", Status.PASSED)

RULE = {
    "all passed": ([PASSED], Verdict.PASS),
    "critical failed": ([PASSED, outcome("x", Status.FAILED)], Verdict.FAIL),
    "failed before error": ([PASSED, outcome("x", Status.ERROR), outcome("y", Status.FAILED)], Verdict.FAIL),
    "any error": ([PASSED, outcome("x", Status.ERROR, INFO)], Verdict.ERROR),
    "nothing ran": ([], Verdict.ERROR),
    "all skipped": ([outcome("x", Status.SKIPPED)], Verdict.ERROR),
    "critical inconclusive": ([PASSED, outcome("x", Status.INCONCLUSIVE)], Verdict.INCONCLUSIVE),
    "warning failed": ([PASSED, outcome("x", Status.FAILED, WARNING)], Verdict.PASS_WITH_WARNINGS),
    "warning inconclusive": ([PASSED, outcome("x", Status.INCONCLUSIVE, WARNING)], Verdict.PASS_WITH_WARNINGS),
    "info failed": ([PASSED, outcome("x", Status.FAILED, INFO)], Verdict.PASS),
}


@pytest.mark.parametrize("case", RULE)
def test_the_rule_of_the_contract(case):
    """Section 3, in its order."""
    outcomes, expected = RULE[case]
    assert decided(*outcomes) is expected


def test_strict_makes_warnings_critical():
    """--strict changes the severity in the report, too."""
    results = verdict.settle([PASSED, outcome("x", Status.FAILED, WARNING)], Policy(strict=True))
    assert results[1].severity is CRITICAL
    assert verdict.decide(results)[0] is Verdict.FAIL


WAIVER = Waiver(check="outliers.x", owner="me", reason="r", expires="2027-01-31")


def test_a_waived_check_keeps_its_status_and_counts_as_a_warning():
    """A waiver is shown, it does not hide."""
    results = verdict.settle([PASSED, outcome("x", Status.FAILED)], Policy(waivers=[WAIVER], today="2027-01-31"))
    assert (results[1].status, results[1].waiver) == (Status.FAILED, WAIVER)
    assert verdict.decide(results)[0] is Verdict.PASS_WITH_WARNINGS
    assert verdict.count(results).warnings == 1


def test_an_expired_waiver_is_none():
    """The day after its last day it does not hold."""
    assert decided(PASSED, outcome("x", Status.FAILED), waivers=[WAIVER], today="2027-02-01") is Verdict.FAIL


def test_an_ignored_check_is_skipped_with_that_reason():
    """severity: ignore."""
    results = verdict.settle([PASSED, outcome("x", Status.FAILED)], Policy(severity={"outliers.x": "ignore"}))
    assert (results[1].status, results[1].message) == (Status.SKIPPED, "ignored by the configuration")


def test_a_comparison_fails_beyond_the_margin():
    """The whole interval lies beyond the margin."""
    assert decided(outcome("x", Status.PASSED, tests=[loss(p_beyond=0.0001, p_within=1.0)])) is Verdict.FAIL


def test_a_comparison_passes_when_twice_the_margin_is_excluded():
    """Non-inferiority, not superiority."""
    assert decided(outcome("x", Status.PASSED, tests=[loss(p_beyond=0.9, p_within=0.001)])) is Verdict.PASS


def test_a_comparison_between_is_inconclusive_and_says_what_would_decide():
    """Neither end is proven."""
    test = LossTest(name="rmse", loss=1, standard_error=1, margin=0.5, p_beyond=0.3, p_within=0.4, needed_rows=12_000)
    result = verdict.settle([outcome("x", Status.PASSED, tests=[test])], Policy())[0]
    assert result.status is Status.INCONCLUSIVE
    assert "12,000 rows" in result.message


def test_a_comparison_without_a_p_value_is_never_a_pass():
    """NaN proves nothing."""
    nan = float("nan")
    test = loss(p_beyond=nan, p_within=nan)
    assert verdict.settle([outcome("x", Status.PASSED, tests=[test])], Policy())[0].status is Status.INCONCLUSIVE


def test_the_confidence_is_shared_over_all_comparisons():
    """One p-value of 0.008 fails alone, but not among five (Holm)."""
    suspect = outcome("x", Status.PASSED, tests=[loss(p_beyond=0.008)])
    others = [outcome(f"o{n}", Status.PASSED, tests=[loss(p_beyond=1.0)]) for n in range(4)]
    assert decided(suspect) is Verdict.FAIL
    assert decided(suspect, *others) is Verdict.PASS


def test_holm_is_the_published_example():
    """Holm (1979): p = .01, .04, .03, .005 at alpha .05 rejects the first and the last."""
    named = {("c", name): p for name, p in zip("abcd", (0.01, 0.04, 0.03, 0.005), strict=True)}
    assert {name for _, name in verdict.holm(named, 0.05)} == {"a", "d"}


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_rejects_at_least_what_bonferroni_does_and_at_most_what_single_tests_do(p_values):
    """Holm lies between the two."""
    named = {("c", str(index)): p for index, p in enumerate(p_values)}
    rejected = verdict.holm(named, 0.01)
    bonferroni = {name for name, p in named.items() if p <= 0.01 / len(named)}
    assert bonferroni <= rejected <= {name for name, p in named.items() if p <= 0.01}


def test_an_expired_waiver_is_told():
    """Whoever relied on it learns why it no longer helps."""
    results = verdict.settle([outcome("x", Status.FAILED)], Policy(waivers=[WAIVER], today="2027-02-01"))
    assert results[0].message == "the waiver of me expired on 2027-01-31"


def test_loading_alone_is_no_judgement_of_another_category():
    """With --only quality something of quality must have passed."""
    results = verdict.settle([PASSED], Policy())
    assert verdict.decide(results, [Category.QUALITY])[0] is Verdict.ERROR
    assert verdict.decide(results, [Category.OUTLIERS])[0] is Verdict.PASS


def test_twice_the_margin_is_critical_and_once_a_warning():
    """A test of two margins fails critically where the critical one is proven past, else as a warning."""
    worse = replace(loss(p_beyond=1e-9, p_within=1.0), p_critical=1e-9)
    bad = replace(worse, p_critical=0.5)
    settled = verdict.settle(
        [outcome("x", Status.PASSED, tests=(worse,)), outcome("y", Status.PASSED, tests=(bad,))], Policy()
    )
    assert [(r.status, r.severity) for r in settled] == [(Status.FAILED, CRITICAL), (Status.FAILED, WARNING)]


def test_undecided_between_two_margins_is_a_warning():
    """What might be critical, and is shown to be neither good nor bad, does not reject."""
    undecided = replace(loss(p_beyond=0.5, p_within=0.5), p_critical=0.9)
    (found,) = verdict.settle([outcome("x", Status.PASSED, tests=(undecided,))], Policy())
    assert (found.status, found.severity) == (Status.INCONCLUSIVE, WARNING)


def test_planned_looks_share_the_confidence():
    """What would fail at a single look needs more proof where twenty are planned."""
    bad = outcome("x", Status.PASSED, tests=(loss(p_beyond=0.001, p_within=1.0),))
    assert decided(PASSED, bad, looks=1) is Verdict.FAIL
    assert decided(PASSED, bad, looks=20) is Verdict.INCONCLUSIVE


def test_used_up_looks_end_in_inconclusive_warnings():
    """Beyond the planned looks no quality check decides anything, and says to rotate the set."""
    bad = replace(outcome("x", Status.PASSED, tests=(loss(p_beyond=0.0, p_within=1.0),)), category=Category.QUALITY)
    (found,) = verdict.settle([bad], Policy(looks=3, used=4))
    assert (found.status, found.severity) == (Status.INCONCLUSIVE, WARNING)
    assert "rotate the set" in found.message


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_agrees_with_scipy(p_values):
    """The step-up procedure rejects what scipy's adjusted p-values reject."""
    rejected = verdict.benjamini_hochberg({("q", str(at)): p for at, p in enumerate(p_values)}, 0.05)
    adjusted = false_discovery_control(p_values)
    assert all((("q", str(at)) in rejected) == (p <= 0.05) for at, p in enumerate(adjusted) if abs(p - 0.05) > 1e-12)


def test_a_limit_that_a_team_set_holds_with_any_look():
    """Beyond the planned looks a metric below its fixed minimum still rejects: that is no comparison."""
    low = replace(outcome("x", Status.FAILED), category=Category.QUALITY)
    (found,) = verdict.settle([low], Policy(looks=3, used=4))
    assert (found.status, found.severity) == (Status.FAILED, CRITICAL)


def test_undecided_checks_alone_are_no_error():
    """With --only, checks that all warn have judged something."""
    waits = replace(outcome("x", Status.INCONCLUSIVE, WARNING), category=Category.QUALITY)
    loads = replace(PASSED, category=Category.CONTRACT)
    results = verdict.settle([loads, waits], Policy())
    assert verdict.decide(results, [Category.QUALITY])[0] is Verdict.PASS_WITH_WARNINGS
