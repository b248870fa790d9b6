"""Is it slower? The one scenario that decides, with its number, where the time went, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from gate.notes import found
from gate.notes.found import Plain
from gate.notes.values import Duration, Phrase, Share, Span, Value

JUDGED = ("performance.latency", "performance.throughput")
_WORST_FIRST = ("failed", "inconclusive", "passed")
_TAIL_LIMIT, _LIMIT = 1.2, 1.05
"""What performance.latency holds a 95th percentile and any other ratio to where the measurement carries no limit."""
_ROWS = 256
"""Rows a call at which a dearer call and dearer rows are weighed against each other, as the checks do."""
_TOLD = 1e-12


class Mark(NamedTuple):
    """One measured ratio, candidate over baseline: its check, scenario, kind ("cpu", "wall", "p95"), and interval.

    An end is infinite where it is not known. `limit` is the ratio that blocks, None where it is not carried.
    """

    check: Plain
    measurement: Plain
    kind: str
    scenario: str
    low: float
    high: float
    limit: float | None

    @property
    def slack(self) -> float:
        """The share over 1 that the limit leaves."""
        limit = self.limit or (_TAIL_LIMIT if self.kind == "p95" else _LIMIT)
        return max(limit - 1, _TOLD)


def marks(check: Plain) -> list[Mark]:
    """Give the ratios of a check that have an interval."""
    return [_mark(check, each) for each in check["measurements"] if "_ratio_" in each["name"] and each["ci"]]


def _mark(check: Plain, measurement: Plain) -> Mark:
    kind, _, scenario = measurement["name"].partition("_ratio_")
    low, high = (found.real(end) for end in measurement["ci"])
    limit = found.real(measurement["limit"])
    return Mark(
        check=check,
        measurement=measurement,
        kind=kind if kind in ("cpu", "wall", "p95") else "other",
        scenario=scenario,
        low=-math.inf if low is None else low,
        high=math.inf if high is None else high,
        limit=limit if limit is not None and limit > 1 else None,
    )


def slower(report: Plain) -> tuple[str, Phrase, list[Value]] | None:
    """Give the level, the word and the sentences; None where no ratio tells."""
    judged = [each for name in JUDGED if (each := found.check(report, name)) is not None]
    status = next((each for each in _WORST_FIRST if each in [check["status"] for check in judged]), None)
    if status is None or (status != "failed" and any(each["status"] == "error" for each in judged)):
        return None
    known = [mark for check in judged if check["status"] == status for mark in marks(check)]
    if not known:
        return None
    tell = {"failed": _failed, "inconclusive": _undecided, "passed": _passed}[status]
    return tell(report, known)


def _failed(report: Plain, known: Sequence[Mark]) -> tuple[str, Phrase, list[Value]]:
    mark = max(known, key=lambda each: (found.bad(each.check), (each.low - 1) / each.slack))
    where = _dearer(report) if mark.kind == "cpu" and mark.scenario != "sustained" else "plain"
    bad = any(found.bad(each.check) for each in known)
    lines = [*_told(report, mark), *_costs(report, where), _look(mark, where), _consequence(mark)]
    return "bad" if bad else "notice", Phrase("word.yes"), lines


def _undecided(report: Plain, known: Sequence[Mark]) -> tuple[str, Phrase, list[Value]]:
    mark = max(known, key=lambda each: (each.high - 1) / each.slack)
    lines = [*_told(report, mark), _visible(report, mark), *_costs(report, "plain"), Phrase("answer.slower.next.again")]
    warned = [Phrase("answer.slower.warned")] if mark.check["severity"] != "critical" else []
    return "unknown", Phrase("word.undecided"), [*lines, *warned]


def _passed(report: Plain, known: Sequence[Mark]) -> tuple[str, Phrase, list[Value]]:
    slow = [mark for mark in known if mark.low > 1]
    fast = [mark for mark in known if mark.high < 1]
    if slow:
        word, mark = "slightly", max(slow, key=lambda each: (each.low - 1) / each.slack)
    elif fast:
        word, mark = "faster", min(fast, key=lambda each: each.high)
    else:
        word, mark = "not_beyond", max(known, key=lambda each: (each.high - 1) / each.slack)
    lines = [*_told(report, mark), *_costs(report, "plain"), Phrase("answer.slower.next.nothing")]
    return "good", Phrase(f"word.{word}"), lines


def _told(report: Plain, mark: Mark) -> list[Value]:
    """The ratio with its interval and limit, and the seconds a call behind it."""
    ends = mark.measurement["ci"]
    span = Span(_change(ends[0]), _change(ends[1]), found.real(mark.measurement["confidence"]))
    args: dict[str, Value] = {"scenario": mark.scenario, "change": _change(mark.measurement["value"]), "span": span}
    lines: list[Value] = [Phrase(f"answer.slower.{mark.kind}", args)]
    if mark.limit is not None:
        lines.append(Phrase("answer.slower.limit", {"limit": Share(mark.limit - 1)}))
    after, before = _seconds(report, mark)
    if after is None or before is None:
        return lines
    return [*lines, Phrase("answer.slower.times", {"after": Duration(after), "before": Duration(before)})]


def _change(ratio: object) -> Value:
    value = found.real(ratio)
    if value is not None:
        return Share(value - 1, signed=True)
    return Phrase("no_end") if ratio in ("Infinity", "-Infinity", None) else str(ratio)


def scenario_of(report: Plain, name: str) -> Plain | None:
    """Give the benchmark's entry for a scenario."""
    return next((each for each in report["benchmark"]["latency"] if each["scenario"] == name), None)


def _seconds(report: Plain, mark: Mark) -> tuple[float | None, float | None]:
    entry = scenario_of(report, mark.scenario)
    if entry is None:
        return None, None
    if mark.kind in ("cpu", "wall"):
        return found.real(entry[f"candidate_{mark.kind}_s"]), found.real(entry[f"baseline_{mark.kind}_s"])
    tail: Plain = next((each for each in entry["percentiles"] if f"p{each['share'] * 100:.0f}" == mark.kind), {})
    return found.real(tail.get("candidate_s")), found.real(tail.get("baseline_s"))


def _visible(report: Plain, mark: Mark) -> Phrase:
    """The smallest slowdown that could have been told from none."""
    entry, value = scenario_of(report, mark.scenario), found.real(mark.measurement["value"])
    visible = mark.high / value - 1 if value is not None and value > 0 else math.inf
    if not math.isfinite(visible):
        return Phrase("answer.slower.blind")
    if entry is None:
        return Phrase("answer.slower.visible_alone", {"visible": Share(visible)})
    pairs = entry["pairs"]
    return Phrase("answer.slower.visible", {"visible": Share(visible), "n": pairs, "pairs": pairs})


def _models(report: Plain) -> dict[str, tuple[float, float]]:
    """(seconds a call, seconds a row) of each version where both are known."""
    models = {}
    for each in report["benchmark"]["throughput"]:
        fixed, row = found.real(each["fixed_s"]), found.real(each["row_s"])
        if fixed is not None and row is not None:
            models[each["side"]] = (fixed, row)
    return models if {"candidate", "baseline"} <= set(models) else {}


def _dearer(report: Plain) -> str:
    """Say what became dearer: "calls", "rows", or "neither"."""
    models = _models(report)
    if not models:
        return "plain"
    fixed, row = (after - before for after, before in zip(models["candidate"], models["baseline"], strict=True))
    if max(fixed, row) <= 0:
        return "neither"
    return "calls" if fixed > row * _ROWS else "rows"


def _costs(report: Plain, where: str) -> list[Value]:
    models = _models(report)
    if not models:
        return []
    (call_after, row_after), (call_before, row_before) = models["candidate"], models["baseline"]
    args: dict[str, Value] = {
        "call_after": Duration(call_after),
        "call_before": Duration(call_before),
        "row_after": Duration(row_after),
        "row_before": Duration(row_before),
    }
    return [Phrase(f"answer.slower.cost.{where}", args)]


def _look(mark: Mark, where: str) -> Phrase:
    """Say where to look."""
    if mark.scenario == "sustained":
        return Phrase("answer.slower.next.sustained")
    if mark.kind == "p95":
        return Phrase("answer.slower.next.tail")
    if mark.kind == "wall":
        return Phrase("answer.slower.next.waits")
    return Phrase(f"answer.slower.next.{where if where in ('calls', 'rows') else 'profile'}")


def _consequence(mark: Mark) -> Phrase:
    """Say what the failure means for a release, and what else would let it pass."""
    if mark.check["waiver"]:
        return Phrase("answer.slower.waived")
    if not found.bad(mark.check):
        return Phrase("answer.slower.warned")
    setting = mark.check["id"].replace("performance.", "") + ".block"
    return Phrase("answer.slower.blocked", {"setting": setting, "id": mark.check["id"]})
