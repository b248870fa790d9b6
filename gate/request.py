"""What the line is asked to judge, and whom it tells how far it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gate.domain import Category, Stage


class Narrator(Protocol):
    """Whoever tells people how far the work is."""

    def step(self, what: str) -> AbstractContextManager[None]:
        """Tell a step while it runs."""

    def say(self, text: str) -> None:
        """Tell one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be judged. `stage` is the one that a release promotes to, None for a check."""

    model: str
    version: str
    baseline: str | None = None
    data: Path | str | None = None
    """A path or another address of evaluation data."""
    out: Path | None = None
    only: frozenset[Category] | None = None
    strict: bool = False
    stage: Stage | None = None
    served: bool = False
    """Serve both versions for real, and load them."""

    def wants(self, category: Category) -> bool:
        """Say whether a category is judged."""
        return self.only is None or category in self.only
