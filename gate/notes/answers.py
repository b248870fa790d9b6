"""A reviewer's six questions, each answered from what was measured, and honestly where it was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gate.notes import found, speed
from gate.notes.found import Plain
from gate.notes.values import Ordinal, Phrase, Several, Share, Value

NAMES_SHOWN = 6
_HURT = ("quality.slices", "quality.negative_flips")


class Answer(NamedTuple):
    """`level` is good, notice, bad or unknown; the template gives each a shape of its own."""

    question: Phrase
    level: str
    word: Phrase
    lines: Sequence[Value]


def answers(report: Plain) -> list[Answer]:
    """Answer all six questions, always in the same order."""
    askers = {
        "better": _better,
        "hurt": _hurt,
        "notice": _notice,
        "slower": _slower,
        "rebuild": _rebuild,
        "back": _back,
    }
    return [Answer(Phrase(f"question.{name}"), *ask(report)) for name, ask in askers.items()]


_Parts = tuple[str, Phrase, Sequence[Value]]


def _unmeasured(report: Plain, category: str, checks: Sequence[Plain]) -> _Parts:
    """Say why nothing is known: the category did not run, or its checks were skipped, and why."""
    said = next((each["message"] for each in checks if each["message"] and each["status"] != "passed"), "")
    if said:
        why = Phrase("answer.unmeasured.because", {"why": found.whole(said)})
    elif report["checks"]:
        why = Phrase("answer.unmeasured.category", {"category": category})
    else:
        why = Phrase("answer.unmeasured.nothing")
    return "unknown", Phrase("word.unmeasured"), [why]


def _better(report: Plain) -> _Parts:
    checks = found.metrics(report)
    if not checks:
        level, word, lines = _unmeasured(report, "quality", found.of_category(report, "quality"))
        return level, word, [*lines, *_logged(report)]
    sides: dict[str, list[Value]] = {"better": [], "worse": [], "same": [], "alone": []}
    for each in checks:
        sides[_direction(each)].append(_metric(each))
    lines = [
        Phrase(f"answer.better.{side}", {"metrics": Several(items[:NAMES_SHOWN])})
        for side, items in sides.items()
        if items
    ]
    level = "bad" if any(found.bad(each) for each in checks) else _better_level(sides)
    return level, Phrase(f"word.better_{_better_word(sides)}"), lines


def _logged(report: Plain) -> list[Value]:
    """The metrics that the run of a first version logged: not the gate's own, and better than nothing."""
    metrics = [] if report["baseline"] else report["diff"]["metrics"][:NAMES_SHOWN]
    items = [
        Phrase("answer.metric_alone", {"name": each["name"], "value": found.pair(each["candidate"])[0]})
        for each in metrics
    ]
    return [Phrase("answer.better.logged", {"metrics": Several(items)})] if items else []


def _better_level(sides: dict[str, list[Value]]) -> str:
    if sides["worse"]:
        return "notice"
    return "good" if sides["better"] else "unknown"


def _better_word(sides: dict[str, list[Value]]) -> str:
    if sides["better"]:
        return "partly" if sides["worse"] else "yes"
    if sides["worse"]:
        return "no"
    return "unproven" if sides["same"] else "alone"


def _direction(metric: Plain) -> str:
    """Better or worse only where the whole interval of the loss lies on one side of 0."""
    main = found.main_measurement(metric)
    if main.get("baseline") is None:
        return "alone"
    low, high = (found.real(end) for end in main.get("ci") or (None, None))
    if high is not None and high < 0:
        return "better"
    return "worse" if low is not None and low > 0 else "same"


def _metric(metric: Plain) -> Phrase:
    main = found.main_measurement(metric)
    if main.get("baseline") is None:
        return Phrase("answer.metric_alone", {"name": main["name"], "value": found.pair(main["value"])[0]})
    before, after = found.pair(main["baseline"], main["value"])
    return Phrase("answer.metric", {"name": main["name"], "before": before, "after": after})


def _hurt(report: Plain) -> _Parts:
    checks = [each for name in _HURT if (each := found.check(report, name)) and each["status"] in found.RUN]
    moved = found.check(report, "outliers.paired_delta")
    checks += _odd(report)
    lines: list[Value] = [_told(each) for each in checks]
    if moved and moved["status"] in found.RUN:
        lines.append(_moved(moved))
        checks.append(moved)
    if not checks:
        return _unmeasured(report, "quality and outliers", [moved] if moved else [])
    if not found.check(report, "quality.slices"):
        lines.append(Phrase("answer.hurt.no_slices"))
    if any(found.bad(each) for each in checks):
        return "bad", Phrase("word.yes"), lines
    if any(each["status"] != "passed" for each in checks):
        return "notice", Phrase("word.some"), lines
    sure = found.check(report, "quality.slices") is not None
    return "good" if sure else "unknown", Phrase("word.none_found"), lines


def _odd(report: Plain) -> list[Plain]:
    """Outlier checks that did not pass, other than the two that have lines of their own."""
    own = ("outliers.paired_delta", "outliers.drift")
    outliers = found.of_category(report, "outliers")
    return [each for each in outliers if each["status"] in ("failed", "inconclusive") and each["id"] not in own]


def _told(each: Plain) -> Value:
    """Tell one check by its identity, how it ended, and its message."""
    ended = Phrase(f"status.{each['status']}")
    return Phrase(
        "answer.told", {"id": each["id"], "status": ended, "message": found.whole(each["message"] or each["title"])}
    )


def _moved(moved: Plain) -> Value:
    total = moved["rows_total"]
    if not total:
        return Phrase("answer.hurt.no_rows")
    ids = [_text(row.get("id")) for row in moved["rows"] if row.get("id") is not None][:NAMES_SHOWN]
    args: dict[str, Value] = {"n": total, "rows": total}
    return Phrase("answer.hurt.rows_named", {**args, "ids": Several(ids)}) if ids else Phrase("answer.hurt.rows", args)


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _notice(report: Plain) -> _Parts:
    broken = [each for each in found.of_category(report, "contract") if each["status"] in ("failed", "inconclusive")]
    lines: list[Value] = [_told(each) for each in broken]
    odd = _odd(report)
    lines += [Phrase("answer.notice.outliers", {"ids": Several([each["id"] for each in odd])})] if odd else []
    lines += _identical(report) + _signature(report) + _shift(report)
    if not lines:
        return _unmeasured(report, "contract and outliers", [])
    if any(found.bad(each) for each in (*broken, *odd)):
        return "bad", Phrase("word.yes"), lines
    moved = found.check(report, "outliers.paired_delta")
    size = found.figure(moved, *_CHANGED, *_LARGEST)
    if not report["baseline"]:
        return "unknown" if not broken else "notice", Phrase("word.first"), lines
    identical = report["diff"]["files"]["computes_identical"]
    if not odd and (identical or (size == 0 and not _changed_signature(report))):
        return "good", Phrase("word.no"), lines
    return (
        ("unknown", Phrase("word.unmeasured"), lines)
        if size is None and not broken
        else ("notice", Phrase("word.yes"), lines)
    )


def _identical(report: Plain) -> list[Value]:
    return [Phrase("answer.notice.identical")] if report["diff"]["files"]["computes_identical"] else []


def _changed_signature(report: Plain) -> int:
    return len(report["diff"]["signature"]) + int(report["diff"]["omitted"].get("signature", 0))


def _signature(report: Plain) -> list[Value]:
    if not report["baseline"]:
        return [Phrase("answer.notice.first")] if report["checks"] else []
    changes = _changed_signature(report)
    if changes:
        return [Phrase("answer.notice.signature", {"n": changes, "changes": changes})]
    known = report["diff"]["unchanged"].get("signature")
    return [Phrase("answer.notice.same_signature" if known else "answer.notice.no_signature")]


def _shift(report: Plain) -> list[Value]:
    """How far the answers move, as far as the shipped checks measured it."""
    lines: list[Value] = []
    moved = found.check(report, "outliers.paired_delta")
    share = found.figure(moved, *_CHANGED)
    if share is not None:
        lines.append(Phrase("answer.notice.share", {"share": Share(share)}))
    middle, most = found.figure(moved, *_MEDIAN), found.figure(moved, *_LARGEST)
    if middle is not None and most is not None:
        lines.append(Phrase("answer.notice.delta", {"median": middle, "max": most}))
    effect = found.figure(found.check(report, "outliers.drift"), "effect_size", "shift")
    return lines if effect is None else [*lines, Phrase("answer.notice.drift", {"effect": effect})]


_CHANGED = ("share_changed", "changed")
_MEDIAN = ("median_abs_delta", "median difference")
_LARGEST = ("max_abs_delta", "largest difference")


def _slower(report: Plain) -> _Parts:
    level, word, lines = speed.slower(report) or _untimed(report)
    others = [
        each
        for each in found.of_category(report, "performance")
        if each["status"] == "failed" and each["id"] not in speed.JUDGED
    ]
    if any(found.bad(each) for each in others):
        level = "bad"
    elif others and level != "bad":
        level = "notice"
    return level, word, [*lines, *map(_told, others)]


def _untimed(report: Plain) -> _Parts:
    """Say why there are no ratios; a version that broke down while it was timed is worse than a slow one."""
    judged = [each for name in speed.JUDGED if (each := found.check(report, name))]
    level, word, lines = _unmeasured(report, "performance", judged)
    return "bad" if any(found.bad(each) for each in judged) else level, word, lines


def _rebuild(report: Plain) -> _Parts:
    items = report["reproducibility"]["items"]
    if not items or not report["checks"]:
        return _unmeasured(report, "reproducibility", [])
    by_state = {state: [item["name"] for item in items if item["state"] == state] for state in _STATES}
    counted = {state: len(names) for state, names in by_state.items()}
    lines: list[Value] = [Phrase("answer.rebuild.counts", {"all": len(items), **counted})]
    lines += [
        Phrase(f"answer.rebuild.{state}", {"names": Several([Phrase(f"item.{name}") for name in by_state[state]])})
        for state in ("missing", "contradictory")
        if by_state[state]
    ]
    if by_state["contradictory"]:
        return "notice", Phrase("word.doubtful"), lines
    if by_state["missing"]:
        return "notice", Phrase("word.not_all"), lines
    return "good", Phrase("word.kept"), lines


_STATES = ("verified", "present", "missing", "contradictory")


def _back(report: Plain) -> _Parts:
    baseline = report["baseline"]
    if not baseline:
        known = bool(report["checks"])
        why = Phrase("answer.back.first" if known else "answer.unmeasured.nothing")
        return ("notice", Phrase("word.no"), [why]) if known else ("unknown", Phrase("word.unmeasured"), [why])
    args: dict[str, Value] = {"version": Ordinal(baseline["version"]), "chosen": found.chosen(report)}
    if not baseline["digest"]:
        return "bad", Phrase("word.no"), [Phrase("answer.back.gone", args)]
    lines: list[Value] = [Phrase("answer.back.there", args)]
    broken = found.check(report, "contract.signature")
    if broken and broken["status"] == "failed":
        return "notice", Phrase("word.with_care"), [*lines, Phrase("answer.back.signature")]
    return "good", Phrase("word.yes"), lines
