"""What pairs of calls say of a check: the findings of all scenarios together, and in which words it ends."""

import math
from dataclasses import dataclass

import pytest

from gate import Severity, inconclusive
from gate.evidence.benchmarked import sharing_of
from gate.evidence.latency import SHARES
from gate.evidence.pairs import (
    KEPT_SHARE,
    Finding,
    findings,
    kept_share,
    seconds,
    sides,
    waits,
)
from gate.evidence.percentiles import TAIL_PAIRS, TAIL_TOLERANCE, tail_ratio
from gate.evidence.throughput import SIZES
from gate.verdict import holm


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """How the 95th percentiles of single calls compare."""

    scenario: str
    ratio: float
    ci: tuple[float, float]

    @property
    def beyond(self):
        """Whether the whole interval lies beyond the tolerance."""
        return self.ci[0] > 1 + TAIL_TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All findings, those that block, warn, are open, and what each says of itself."""

    findings: tuple[Finding, ...]
    tails: tuple[Tail, ...]
    blocked: tuple[str, ...]
    warned: tuple[str, ...]
    open: tuple[str, ...]
    passed: tuple[str, ...]
    confidence: float


def refuse_breakdown(timings, weigh):
    """A candidate that broke down while it was timed fails; a baseline that did leaves the question open."""
    if timings.failed == "candidate":
        weigh(Severity.CRITICAL)
        pytest.fail(timings.problem)
    if timings.failed == "baseline":
        weigh(Severity.CRITICAL)
        inconclusive(f"{timings.problem}; compare with another version (--baseline N) or with none (--baseline none)")


def judge(timings, judged_as):
    """Judge all scenarios of a kind; those of throughput are the large batches, whatever else they are judged as."""
    pairs = [each for each in timings.pairs if _belongs(each, judged_as)]
    sharing = sharing_of(timings, judged_as)
    found = {each.scenario: _findings(each, timings, judged_as, sharing.confidence) for each in pairs}
    flat = [finding for each in found.values() for finding in each]
    blocking = holm({finding.name: finding.p_block * SHARES for finding in flat}, sharing.alpha)
    warning = holm({finding.name: finding.p_warn * SHARES for finding in flat}, sharing.alpha)
    tails = tuple(_tail(each, sharing.confidence) for each in pairs if judged_as == "latency" and _has_tail(each))
    blocked, warned, open_, passed = [], [], [], []
    for each in pairs:
        worst = _worst(found[each.scenario], blocking, warning, sharing)
        where = {"block": blocked, "warn": warned, "open": open_, "within": passed}[worst[0]]
        where.append(_words(each, worst))
    blocked += [_tail_words(tail) for tail in tails if tail.beyond]
    return Judged(
        findings=tuple(flat),
        tails=tails,
        blocked=tuple(blocked),
        warned=tuple(warned),
        open=tuple(open_),
        passed=tuple(passed),
        confidence=sharing.confidence,
    )


def end(result, weigh, notes):
    """End the running check as the findings say; the notes of the timing may say why nothing is certain."""
    if result.blocked:
        weigh(Severity.CRITICAL)
        pytest.fail("; ".join((*result.blocked, *result.warned)))
    if result.warned:
        pytest.fail("; ".join(result.warned))
    if result.open:
        inconclusive("; ".join((*result.open, *notes, LONGER)))
    if not result.passed:
        inconclusive("; ".join(("nothing was timed", *notes, LONGER)))


LONGER = "a longer latency.budget_s, or a quieter machine, would decide"


def measure_ratio(finding, confidence, measure):
    """Record the ratio with its interval."""
    measure(
        f"{finding.clock}_ratio_{finding.scenario}",
        finding.ratio.estimate,
        baseline=1.0,
        margin=1 + finding.tolerances.block,
        ci=(finding.ratio.low, finding.ratio.high),
        confidence=confidence,
    )


def remarks(timings):
    """Say what a reader of the numbers must know."""
    texts = []
    for pairs in timings.pairs:
        for side, share in kept_share(pairs).items():
            if share < KEPT_SHARE:
                texts.append(
                    f"the {side} answers repeated rows in {share:.0%} of the time of new ones: it keeps its answers, "
                    "and was judged by rows that it had not seen"
                )
    return list(dict.fromkeys(texts))


def _belongs(pairs, judged_as):
    return pairs.judged_as == judged_as or (judged_as == "throughput" and pairs.batch_size in SIZES)


def _findings(pairs, timings, judged_as, confidence):
    from dataclasses import replace

    if pairs.judged_as != judged_as:  # a latency scenario of 256 rows, judged as throughput
        limits = next((each for each in timings.pairs if each.judged_as == judged_as), None)
        pairs = replace(pairs, warn=limits.warn, block=limits.block) if limits else pairs
    return findings(pairs, timings.processes, confidence)


def _worst(found, blocking, warning, sharing):
    """(state, the finding that says so): block, warn, open or within."""
    for state, names in (("block", blocking), ("warn", warning)):
        beyond = [finding for finding in found if finding.name in names]
        if beyond:
            return state, beyond[0]
    open_ = [finding for finding in found if finding.p_within_block > sharing.to_pass]
    if open_ or not found:
        return "open", open_[0] if open_ else None
    return "within", found[0]


def _words(pairs, worst):
    state, finding = worst
    if finding is None:
        return f"{pairs.scenario}: no pair was timed ({pairs.stopped_by})"
    clock = {"cpu": "CPU", "wall": "wall"}[finding.clock]
    change = f"{finding.ratio.estimate - 1:+.1%} {clock} time"
    if state == "open":
        return f"{pairs.scenario}: {change}, but {_visible(finding)} ({_count(finding.pairs)}, {pairs.stopped_by})"
    ours, theirs = seconds(pairs, finding.clock)
    limit = finding.tolerances.warn if state == "warn" else finding.tolerances.block
    where = f"{'within' if state == 'within' else 'beyond'} {limit * 100:.3g} %"
    told = f"{change}, interval {_signed(finding.ratio)}"
    return f"{pairs.scenario}: {_time(ours)} a call against {_time(theirs)} ({told}), {where}"


def _visible(finding):
    if math.isinf(finding.visible):
        return "too few pairs to tell any slowdown"
    return f"only slowdowns above {finding.visible:.1%} could have been seen"


def _count(pairs):
    return f"{pairs} pair{'' if pairs == 1 else 's'}"


def _has_tail(pairs):
    return pairs.batch_size == 1 and pairs.calls == 1 and pairs.pairs >= TAIL_PAIRS and pairs.scenario != "sustained"


def _tail(pairs, confidence):
    estimate, low, high = tail_ratio(*sides(pairs, "wall" if waits(pairs) else "cpu"), confidence)
    return Tail(scenario=pairs.scenario, ratio=estimate, ci=(low, high))


def _tail_words(tail):
    return (
        f"{tail.scenario}: the slowest twentieth of the calls takes {tail.ratio - 1:+.0%} (interval "
        f"{tail.ci[0] - 1:+.0%} to {tail.ci[1] - 1:+.0%}), beyond 20 %: some rows are slow"
    )


def _time(seconds_):
    return f"{seconds_ * 1000:.3g} ms" if seconds_ < 1 else f"{seconds_:.3g} s"


def _signed(found):
    high = "more" if math.isinf(found.high) else f"{found.high - 1:+.1%}"
    return f"{found.low - 1:+.1%} to {high}"
