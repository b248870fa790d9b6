"""Places and paths of the latency figure: pure arithmetic, one decimal, the same bytes on every machine."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from gate.notes.markup import Inert

FOREST, LINES = (160.0, 425.0), (520.0, 660.0)
"""Left and right end of the panel of ratios, and of that of percentiles."""
_RISE = 15.0
"""What a percentile's line rises above and falls below the middle of its row."""
_NAME_WIDTH = 21
_MOST, _LEAST = math.log(8), math.log(1.02)
"""Ratios beyond 8 and below 1/8 lie at the edge; the axis shows no less than 2 % on both sides."""
_PAD = 1.08
_TICKS = (0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 8)
_APART = 44.0
"""Between the middles of two labels."""


class Axis(NamedTuple):
    """Logarithms of the ratios at both ends of the panel of ratios."""

    low: float
    high: float
    left: float = FOREST[0]
    right: float = FOREST[1]

    @classmethod
    def over(cls, ratios: Sequence[float]) -> Axis:
        """Make an axis that has room for no change and for these ratios, all above 0."""
        places = [min(max(math.log(ratio), -_MOST), _MOST) for ratio in ratios]
        return cls(_PAD * min([-_LEAST, *places]), _PAD * max([_LEAST, *places]))

    def x(self, ratio: float) -> float:
        """Give the place of a ratio, at the edge where it lies beyond."""
        inside = min(max(math.log(ratio), self.low), self.high)
        return self.left + (inside - self.low) / (self.high - self.low) * (self.right - self.left)

    def interval(self, low: float | None, high: float | None, y: float) -> str:
        """Give the path of an interval, with an arrow where it goes on beyond the edge; None is an end without end."""
        start, end = self.left if low is None else self.x(low), self.right if high is None else self.x(high)
        path = f"M{at(start)} {at(y)}H{at(end)}"
        if low is None or math.log(low) < self.low:
            path += f"M{at(start + 6)} {at(y - 5)}L{at(start)} {at(y)}l6 5"
        if high is None or math.log(high) > self.high:
            path += f"M{at(end - 6)} {at(y - 5)}L{at(end)} {at(y)}l-6 5"
        return path

    def ticks(self) -> list[float]:
        """Give no change, then as many round ratios on both sides as have room for a label."""
        ticks = [1.0]
        for ratio in sorted(_TICKS, key=lambda each: abs(math.log(each))):
            inside = self.low <= math.log(ratio) <= self.high
            if inside and all(abs(self.x(ratio) - self.x(other)) >= _APART for other in ticks):
                ticks.append(ratio)
        return sorted(ticks)


class Point(NamedTuple):
    """A percentile in its panel; `is_open` where nobody can tell its upper end."""

    x: float
    y: float
    is_open: bool


def at(place: float) -> Inert:
    """Write a coordinate."""
    return Inert(f"{place:.1f}".removesuffix(".0"))


def change(ratio: float) -> Inert:
    """Write a round ratio as a change in per cent."""
    return Inert(f"{(ratio - 1) * 100:+.0f}%" if ratio != 1 else "0%")


def between(ends: tuple[float, float], index: int, count: int) -> float:
    """Give the place of one of several points that are evenly spread between two ends."""
    return ends[0] + (ends[1] - ends[0]) * index / max(1, count - 1)


def height(share: float, y: float) -> float:
    """Give the height of a share from 0 to 1 in the row with this middle."""
    return y + _RISE - 2 * _RISE * min(max(share, 0.0), 1.0)


def line(points: Sequence[Point]) -> str:
    """Give the path through points, at least one."""
    return "M" + "L".join(f"{at(point.x)} {at(point.y)}" for point in points)


def ring(x: float, y: float) -> Inert:
    """Give the path of a small circle."""
    return Inert(f"M{at(x - 4)} {at(y)}a4 4 0 1 0 8 0a4 4 0 1 0-8 0")


def joined(paths: Sequence[object]) -> Inert | None:
    """Give one path of several; None where there is none."""
    return Inert("".join(map(str, paths))) if paths else None


def short(name: str) -> str:
    """Cut a name to the room that it has; an ideograph or a syllable of Korean takes twice as much."""
    width, shown = 0, ""
    for each in name:
        width += 2 if unicodedata.east_asian_width(each) in "WF" else 1
        if width > _NAME_WIDTH:
            return f"{shown[:-1]}…"
        shown += each
    return shown
