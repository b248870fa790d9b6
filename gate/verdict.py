"""Pure: what all outcomes together say. Shares the confidence over everything that was tested, then decides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gate.domain import Category, CheckResult, Counts, LossTest, Outcome, Severity, Status, Verdict, Waiver

OWN_ROWS = frozenset({"quality.golden"})
"""Checks of quality that do not look at the evaluation data."""

Name = tuple[str, str]
"""A hypothesis: the identity of its check and the test's own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a team decided about results.

    `severity` maps check identities to critical, warning, info or ignore; `today` is an ISO date, on which waivers
    hold or have expired. `looks` is the number of planned uses of the evaluation set that share the confidence;
    `used` says the place of this one among those that were taken.
    """

    confidence: float = 0.99
    looks: int = 1
    used: int = 1
    severity: Mapping[str, str] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    strict: bool = False
    today: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """The hypotheses that were rejected: a loss at most the critical margin, a loss at most the margin."""

    critical: frozenset[Name]
    warning: frozenset[Name]


def settle(outcomes: Sequence[Outcome], policy: Policy) -> tuple[CheckResult, ...]:
    """Give every outcome its final status, severity and waiver.

    Comparisons fail critically where Holm's procedure rejects "the loss is at most m" over all critical comparisons
    at once, at the confidence shared over the planned looks. They fail as a warning where Benjamini and Hochberg's
    procedure rejects it over all that can warn. They pass where "the loss is at least 2m" is rejected at the full
    confidence, and are inconclusive between (contract, section 3).

    Sources: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979);
    Y. Benjamini and Y. Hochberg, Controlling the false discovery rate, J. R. Stat. Soc. B 57 (1995).
    """
    critical, warning = _hypotheses(outcomes, policy)
    alpha = 1 - policy.confidence
    proven = _Proven(
        critical=holm(critical, alpha / policy.looks),
        warning=benjamini_hochberg(warning, alpha),
    )
    return tuple(_settled(outcome, proven, policy) for outcome in outcomes)


def _hypotheses(outcomes: Sequence[Outcome], policy: Policy) -> tuple[dict[Name, float], dict[Name, float]]:
    """The p-values that may reject a version, and those that may warn. A test of two margins is in both."""
    critical: dict[Name, float] = {}
    warning: dict[Name, float] = {}
    for outcome in outcomes:
        weight = _weight(outcome, policy)
        for test in outcome.tests:
            name = (outcome.id, test.name)
            if test.p_critical is not None and weight is None:
                critical[name], warning[name] = test.p_critical, test.p_beyond
            elif (weight or outcome.severity) is Severity.CRITICAL:
                critical[name] = test.p_beyond
            else:
                warning[name] = test.p_beyond
    return critical, warning


def _weight(outcome: Outcome, policy: Policy) -> Severity | None:
    """The severity that settings and strictness give, None where they leave the check's own."""
    wanted = policy.severity.get(outcome.id)
    severity = Severity(wanted) if wanted and wanted != "ignore" else None
    if policy.strict and (severity or outcome.severity) is not Severity.INFO:
        return Severity.CRITICAL
    return severity


def holm(p_values: Mapping[Name, float], alpha: float) -> frozenset[Name]:
    """Name the hypotheses that Holm's step-down procedure rejects at a family-wise error rate of alpha."""
    rejected = set()
    for index, (name, p_value) in enumerate(_ordered(p_values)):
        if p_value > alpha / (len(p_values) - index):
            break
        rejected.add(name)
    return frozenset(rejected)


def benjamini_hochberg(p_values: Mapping[Name, float], alpha: float) -> frozenset[Name]:
    """Name the hypotheses that the step-up procedure rejects at a false discovery rate of alpha."""
    ordered = _ordered(p_values)
    last = max((rank for rank, (_, p) in enumerate(ordered, start=1) if p <= alpha * rank / len(p_values)), default=0)
    return frozenset(name for name, _ in ordered[:last])


def _ordered(p_values: Mapping[Name, float]) -> list[tuple[Name, float]]:
    """From the smallest on; NaN proves nothing."""
    return sorted(((name, p) for name, p in p_values.items() if not math.isnan(p)), key=lambda item: item[1])


def _settled(outcome: Outcome, proven: _Proven, policy: Policy) -> CheckResult:
    found = _found(outcome, proven, policy)
    status, message, severity = found.status, found.message, found.severity
    wanted = policy.severity.get(outcome.id)
    if wanted == "ignore":
        status, message = Status.SKIPPED, "ignored by the configuration" + (f" ({message})" if message else "")
    elif wanted:
        severity = Severity(wanted)
    if policy.strict and severity is Severity.WARNING:
        severity = Severity.CRITICAL
    waiver = _waiver(outcome.id, status, policy)
    message = _joined(message, "" if waiver else _expired(outcome.id, status, policy))
    return CheckResult(
        id=outcome.id,
        title=outcome.title,
        category=outcome.category,
        severity=severity,
        status=status,
        message=message,
        duration_s=outcome.duration_s,
        measurements=outcome.measurements,
        rows=outcome.rows,
        rows_total=outcome.rows_total,
        waiver=waiver,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """How a check ended, by itself."""

    status: Status
    severity: Severity
    message: str


def _found(outcome: Outcome, proven: _Proven, policy: Policy) -> _Found:
    """A check that already failed, or could not run, keeps its status; a comparison is decided here."""
    judged = outcome.status in {Status.PASSED, Status.INCONCLUSIVE}  # a limit that a team set is past with any look
    on_data = outcome.category is Category.QUALITY and outcome.id not in OWN_ROWS
    if judged and on_data and policy.used > policy.looks:
        return _used_up(policy)
    if outcome.status is not Status.PASSED or not outcome.tests:
        return _Found(status=outcome.status, severity=outcome.severity, message=outcome.message)
    critical = [test for test in outcome.tests if (outcome.id, test.name) in proven.critical]
    warning = [test for test in outcome.tests if (outcome.id, test.name) in proven.warning and test not in critical]
    if critical or warning:
        severity = Severity.CRITICAL if critical else _lesser(outcome)
        message = _joined(outcome.message, *(_worse(test) for test in (*critical, *warning)))
        return _Found(status=Status.FAILED, severity=severity, message=message)
    open_ = [test for test in outcome.tests if not test.p_within <= 1 - policy.confidence]
    if open_:
        severity = _lesser(outcome) if all(test.p_critical is not None for test in open_) else outcome.severity
        message = _joined(outcome.message, *(_undecided(test) for test in open_))
        return _Found(status=Status.INCONCLUSIVE, severity=severity, message=message)
    return _Found(status=Status.PASSED, severity=outcome.severity, message=outcome.message)


def _lesser(outcome: Outcome) -> Severity:
    return Severity.WARNING if outcome.severity is Severity.CRITICAL else outcome.severity


def _used_up(policy: Policy) -> _Found:
    return _Found(
        status=Status.INCONCLUSIVE,
        severity=Severity.WARNING,
        message=f"the {policy.looks} planned looks at these evaluation data are used up, and a model that was chosen "
        "by them looks better on them than it is: rotate the set (data.path), or plan more looks (data.looks)",
    )


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _worse(test: LossTest) -> str:
    return f"{test.name} is worse by {test.loss:.4g}, beyond the margin of {test.margin:.4g} (p = {test.p_beyond:.2g})"


def _undecided(test: LossTest) -> str:
    needed = f"; about {test.needed_rows:,} rows would decide" if test.needed_rows else ""
    return (
        f"{test.name} differs by {test.loss:.4g} ± {test.standard_error:.2g} (standard error), "
        f"a loss of twice the margin of {test.margin:.4g} cannot be excluded{needed}"
    )


def _waiver(check_id: str, status: Status, policy: Policy) -> Waiver | None:
    """The waiver that holds today for a check that did not pass; an expired one is no waiver."""
    if status not in {Status.FAILED, Status.INCONCLUSIVE}:
        return None
    return next((w for w in policy.waivers if w.check == check_id and policy.today <= w.expires), None)


def _expired(check_id: str, status: Status, policy: Policy) -> str:
    """Say that a waiver would have held, had it not expired."""
    if status not in {Status.FAILED, Status.INCONCLUSIVE}:
        return ""
    late = [w for w in policy.waivers if w.check == check_id and policy.today > w.expires]
    return f"the waiver of {late[0].owner} expired on {late[0].expires}" if late else ""


def decide(results: Sequence[CheckResult], only: Sequence[Category] | None = None) -> tuple[Verdict, tuple[str, ...]]:
    """Say the verdict and what decided it, by the contract's rule, in its order. What did not run never passes.

    With `only` something must have been judged in these categories: loading alone is no judgement.
    """
    judged = [result for result in results if only is None or result.category in only]
    errors = [result for result in results if result.status is Status.ERROR]
    failed = [result for result in results if _counts(result, Status.FAILED, Severity.CRITICAL)]
    undecided = [result for result in results if _counts(result, Status.INCONCLUSIVE, Severity.CRITICAL)]
    warned = [result for result in results if warns(result)]
    if failed:
        return Verdict.FAIL, _reasons(failed)
    if errors or not any(result.status is Status.PASSED for result in results):
        return Verdict.ERROR, _reasons(errors) or (_nothing(judged),)
    if undecided:
        return Verdict.INCONCLUSIVE, _reasons(undecided)
    if not any(result.status in _ENDED for result in judged):
        return Verdict.ERROR, (_nothing(judged),)
    if warned:
        return Verdict.PASS_WITH_WARNINGS, _reasons(warned)
    return Verdict.PASS, (f"{sum(r.status is Status.PASSED for r in results)} checks passed",)


_ENDED = frozenset({Status.PASSED, Status.FAILED, Status.INCONCLUSIVE})
"""How a check ends that looked at something."""


def looked(results: Sequence[Outcome] | Sequence[CheckResult]) -> bool:
    """Say whether something was judged on the evaluation data: that is a look at them."""
    on_data = {Category.OUTLIERS, Category.QUALITY}
    return any(r.category in on_data and r.status in _ENDED and r.id not in OWN_ROWS for r in results)


def _nothing(judged: Sequence[CheckResult]) -> str:
    """Say that nothing was judged, and why the checks did not run where they say so."""
    skipped = sorted({result.message for result in judged if result.status is Status.SKIPPED and result.message})
    return "nothing was judged, no check passed" + (f": {'; '.join(skipped[:3])}" if skipped else "")


def _counts(result: CheckResult, status: Status, severity: Severity) -> bool:
    return result.status is status and result.severity is severity and result.waiver is None


def warns(result: CheckResult) -> bool:
    """Say whether a result makes the verdict a pass with warnings: a warning, or anything waived."""
    open_ = result.status in {Status.FAILED, Status.INCONCLUSIVE}
    return open_ and (result.severity is Severity.WARNING or result.waiver is not None)


def _reasons(results: Sequence[CheckResult]) -> tuple[str, ...]:
    return tuple(_reason(result) for result in results)


def _reason(result: CheckResult) -> str:
    waived = f" (waived by {result.waiver.owner} until {result.waiver.expires})" if result.waiver else ""
    return f"{result.id} {result.status}{waived}: {result.message or result.title}"


def count(results: Sequence[CheckResult]) -> Counts:
    """Count the results by status, and the warnings."""
    by_status = {status: sum(result.status is status for result in results) for status in Status}
    return replace(
        Counts(**{status.value: number for status, number in by_status.items()}),
        warnings=sum(map(warns, results)),
    )
