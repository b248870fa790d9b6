"""What is timed: versions in processes, as the benchmark sees them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Positions = np.ndarray[Any, Any]
"""Row numbers of the evaluation data, int32, shape (calls * batch,)."""


class OutOfTimeError(Exception):
    """A call did not end before the time budget did; the process is given up."""


class Arm(Protocol):
    """One version in one process, with the rows of the evaluation data in it."""

    def stage(self, positions: Positions, batch: int) -> None:
        """Cut the inputs of the next calls, `batch` rows each, outside of every measured moment."""

    def call(self, count: int) -> tuple[int, int]:
        """Make the next `count` calls together, 0 for a ping: (CPU, wall) in nanoseconds.

        Raises:
            OutOfTimeError: the budget ended first.
        """

    def crowd(self, threads: int, calls: int) -> float:
        """Make `calls` of the staged calls from several threads at once: wall seconds."""

    def seat(self, processors: frozenset[int]) -> None:
        """Run on these processors alone, where the system lets a process be seated."""

    def rss_bytes(self) -> int | None:
        """Resident memory now, None where the system does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """One process of each version, started one right after the other."""

    candidate: Arm
    baseline: Arm

    def seat(self, processors: frozenset[int]) -> None:
        """Run both on the same processors.

        Processors differ: one may share its core with a busy neighbour for seconds.
        """
        for arm in (self.candidate, self.baseline):
            arm.seat(processors)


def processors() -> tuple[int, ...]:
    """The processors that this process may use; none where the system does not say (macOS)."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
