"""Cold starts: both versions loaded in new processes, in turns, with the CPU and the memory that it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from gate.benchmark.arms import OutOfTimeError
from gate.domain import Start

STARTS = 5
"""Of each version: with fewer nothing is judged."""

Starter = Callable[[Sequence[str]], Sequence[Start]]
"""Start these versions ("candidate", "baseline") side by side, in this order, each in a new process, and end them."""


def cold_starts(start: Starter, end: float) -> tuple[Start, ...]:
    """Start both versions five times, who is first in turns; fewer times where the time does not suffice."""
    found: list[Start] = []
    sides = ["candidate", "baseline"]
    longest = 0.0
    for _ in range(STARTS):
        began = time.perf_counter()
        if began + longest > end:
            break
        try:
            found += start(sides)
        except OutOfTimeError:
            break
        longest = max(longest, time.perf_counter() - began)
        sides.reverse()
    return tuple(found)
