"""Pure: what all outcomes together say. Shares the confidence over everything that was tested, then decides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gate.domain import Category, CheckResult, Counts, LossTest, Outcome, Severity, Status, Verdict, Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a team decided about results.

    `severity` maps check identities to critical, warning, info or ignore; `today` is an ISO date, on which waivers
    hold or have expired. `looks` is the number of planned uses of the evaluation set that share the confidence.
    """

    confidence: float = 0.99
    looks: int = 1
    severity: Mapping[str, str] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    strict: bool = False
    today: str = ""


def settle(outcomes: Sequence[Outcome], policy: Policy) -> tuple[CheckResult, ...]:
    """Give every outcome its final status, severity and waiver.

    Comparisons fail where Holm's procedure rejects "the loss is at most m" over all comparisons at once, pass where
    "the loss is at least 2m" is rejected at the full confidence, and are inconclusive between (contract, section 3).

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
    """
    beyond = holm(
        {(outcome.id, test.name): test.p_beyond for outcome in outcomes for test in outcome.tests},
        alpha=(1 - policy.confidence) / policy.looks,
    )
    return tuple(_settled(outcome, beyond, policy) for outcome in outcomes)


def holm(p_values: Mapping[tuple[str, str], float], alpha: float) -> frozenset[tuple[str, str]]:
    """Name the hypotheses that Holm's step-down procedure rejects at a family-wise error rate of alpha."""
    rejected = set()
    known = [(name, p_value) for name, p_value in p_values.items() if not math.isnan(p_value)]  # NaN proves nothing
    ordered = sorted(known, key=lambda item: item[1])
    for index, (name, p_value) in enumerate(ordered):
        if p_value > alpha / (len(p_values) - index):
            break
        rejected.add(name)
    return frozenset(rejected)


def _settled(outcome: Outcome, beyond: frozenset[tuple[str, str]], policy: Policy) -> CheckResult:
    status, message = _status(outcome, beyond, 1 - policy.confidence)
    severity = outcome.severity
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


def _status(outcome: Outcome, beyond: frozenset[tuple[str, str]], alpha: float) -> tuple[Status, str]:
    """A check that already failed, or could not run, keeps its status; a comparison is decided here."""
    if outcome.status is not Status.PASSED or not outcome.tests:
        return outcome.status, outcome.message
    worse = [test for test in outcome.tests if (outcome.id, test.name) in beyond]
    if worse:
        return Status.FAILED, _joined(outcome.message, *(_worse(test) for test in worse))
    open_ = [test for test in outcome.tests if not test.p_within <= alpha]
    if open_:
        return Status.INCONCLUSIVE, _joined(outcome.message, *(_undecided(test) for test in open_))
    return Status.PASSED, outcome.message


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

    With `only` the checks of these categories must have passed something: loading alone is no judgement.
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
    if not any(result.status is Status.PASSED for result in judged):
        return Verdict.ERROR, (_nothing(judged),)
    if warned:
        return Verdict.PASS_WITH_WARNINGS, _reasons(warned)
    return Verdict.PASS, (f"{sum(r.status is Status.PASSED for r in results)} checks passed",)


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
