"""The latency figure: what its template writes down, every line as a path and every word with its place.

A row for each scenario. On the left the candidate's time as a share of the baseline's with its interval, on an axis of
logarithms, with lines at no change and at the limit that blocks; on the right the percentiles of a call of both
versions, from 0 to the larger of the two. Colours are Okabe and Ito's blue and vermilion, which stay legible on light
and on dark ground; dashes and words say the same without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gate.notes import drawing, found, speed, timed
from gate.notes.drawing import LINES, Axis, Point, at
from gate.notes.found import Plain
from gate.notes.values import Duration, Ordinal, Phrase, Share, Value

NAME = "latency.svg"
SHOWN = 8
"""Scenarios in the figure; the tables have the others."""
_WIDTH, _TOP, _ROW, _FOOT = 760, 30, 42, 68


class Interval(NamedTuple):
    """A ratio with its interval and the limit that blocks; None where it is not known or has no end."""

    estimate: float | None
    low: float | None
    high: float | None
    limit: float | None


def figure(report: Plain) -> dict[str, Any] | None:
    """Lay the figure out; None where no two versions were timed."""
    scenarios = report["benchmark"]["latency"][:SHOWN]
    if not scenarios or not report["baseline"]:
        return None
    middles = [_TOP + _ROW * (index + 0.5) for index in range(len(scenarios))]
    bottom = _TOP + _ROW * len(scenarios)
    forest = _forest([_interval(report, each) for each in scenarios], middles, bottom)
    lines = _percentiles(scenarios, middles, bottom)
    return {
        **forest,
        **lines,
        "ticks": [*forest["ticks"], *lines["ticks"]],
        "frame": drawing.joined([forest["frame"], lines["frame"]]),
        "width": at(_WIDTH),
        "height": at(bottom + _FOOT),
        "below": at(bottom + 14),
        "rows": [
            _row(each, y, max(timed.shares(scenarios), default=None))
            for each, y in zip(scenarios, middles, strict=True)
        ],
        "title": _title(report),
        "told": [_told(each) for each in scenarios],
        "keys": _keys(len(report["benchmark"]["latency"]) - len(scenarios), bottom),
        "left": at(drawing.FOREST[0]),
        "right": at(drawing.LINES[0]),
    }


def _title(report: Plain) -> Phrase:
    versions = {side: Ordinal(report[side]["version"]) for side in ("candidate", "baseline")}
    return Phrase("figure.title", {"model": report["model"], **versions})


def _told(each: Plain) -> Phrase:
    """The row of a scenario for whoever hears the figure."""
    return Phrase(f"figure.told.{_clock(each)}", {"scenario": each["scenario"], "change": _change(each)})


def _change(each: Plain) -> Value:
    ratio = found.real(each[f"{_clock(each)}_ratio"])
    return Phrase("not_estimable") if ratio is None else Share(ratio - 1, signed=True)


def _clock(each: Plain) -> str:
    return "wall" if each["clock"] == "wall" else "cpu"


def _row(each: Plain, y: float, share: float | None) -> dict[str, Any]:
    """The words of a row: how high the lines are is told by the candidate's percentile at the last share."""
    last = next((found.real(entry["candidate_s"]) for entry in each["percentiles"] if entry["share"] == share), None)
    return {
        "y": at(y + 4),
        "name": drawing.short(each["scenario"]),
        "clock": Phrase("figure.wall") if _clock(each) == "wall" else None,
        "change": _change(each),
        "last": None if last is None else Duration(last),
    }


def _interval(report: Plain, each: Plain) -> Interval:
    clock = _clock(each)
    low, high = each[f"{clock}_ratio_ci"]
    limit = _limit(report, f"{clock}_ratio_{each['scenario']}")
    return Interval(_ratio(each[f"{clock}_ratio"]), _ratio(low), _ratio(high), limit)


def _limit(report: Plain, name: str) -> float | None:
    measured = (found.measured(found.check(report, check_id), name) for check_id in speed.JUDGED)
    return next((_ratio(each["limit"]) for each in measured if each is not None), None)


def _ratio(value: object) -> float | None:
    number = found.real(value)
    return number if number is not None and number > 0 else None


def _forest(intervals: Sequence[Interval], middles: Sequence[float], bottom: float) -> dict[str, Any]:
    """The left panel: intervals, estimates and limits, each kind as one path."""
    axis = Axis.over([ratio for each in intervals for ratio in each if ratio is not None])
    told = [(each, y) for each, y in zip(intervals, middles, strict=True) if each.estimate is not None]
    limited = [(each.limit, y) for each, y in told if each.limit is not None]
    return {
        "frame": f"M{at(axis.left)} {at(bottom)}H{at(axis.right)}M{at(axis.x(1))} {at(_TOP - 6)}V{at(bottom)}",
        "intervals": drawing.joined([axis.interval(each.low, each.high, y) for each, y in told]),
        "estimates": drawing.joined([f"M{at(axis.x(each.estimate or 1))} {at(y)}h0" for each, y in told]),
        "limits": drawing.joined([f"M{at(axis.x(limit))} {at(y - _ROW / 2)}v{_ROW}" for limit, y in limited]),
        "ticks": [{"x": at(axis.x(ratio)), "label": drawing.change(ratio)} for ratio in axis.ticks()],
    }


def _percentiles(scenarios: Sequence[Plain], middles: Sequence[float], bottom: float) -> dict[str, Any]:
    """The right panel: the percentiles of both versions, each version as one path."""
    names = timed.shares(scenarios)
    places = {share: drawing.between(LINES, index, len(names)) for index, share in enumerate(names)}
    rows = list(zip(scenarios, middles, strict=True))
    sides = {side: [_points(each, side, places, y) for each, y in rows] for side in timed.SIDES}
    rings = [drawing.ring(x, y) for points in sides.values() for row in points for x, y, is_open in row if is_open]
    return {
        **{side: drawing.joined([drawing.line(row) for row in points if row]) for side, points in sides.items()},
        "frame": f"M{at(LINES[0])} {at(bottom)}H{at(LINES[1])}",
        "open": drawing.joined(rings),
        "last": timed.percentile_name(names[-1]) if names else None,
        "ticks": [{"x": at(x), "label": timed.percentile_name(share)} for share, x in places.items()],
    }


def _points(each: Plain, side: str, places: dict[float, float], y: float) -> list[Point]:
    times = [found.real(entry[f"{name}_s"]) for entry in each["percentiles"] for name in timed.SIDES]
    most = max((time for time in times if time is not None), default=0.0)
    return [
        Point(places[entry["share"]], drawing.height(value / most, y), found.real(entry[f"{side}_ci"][1]) is None)
        for entry in sorted(each["percentiles"], key=lambda entry: float(entry["share"]))
        if most > 0 and (value := found.real(entry[f"{side}_s"])) is not None
    ]


def _keys(left: int, bottom: float) -> dict[str, Any]:
    """The places of the legend; what the figure leaves out."""
    return {
        "first": at(bottom + 40),
        "first_line": at(bottom + 36),
        "second": at(bottom + 60),
        "second_line": at(bottom + 56),
        "ring": drawing.ring(342, bottom + 56),
        "more": Phrase("more.entries", {"n": left, "left": left}) if left else None,
    }
