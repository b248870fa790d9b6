"""Talking to people: progress and hints on standard error, results on standard output."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from gate.cli.options import Color, Common

if TYPE_CHECKING:
    from rich.console import Console


def console(color: Color, stream: TextIO) -> Console:
    """Make a console that honours --color, NO_COLOR, FORCE_COLOR, TERM=dumb and COLUMNS."""
    from rich.console import Console

    dumb = os.environ.get("TERM") == "dumb"
    forced = True if color == "always" else None
    plain = color == "never" or (color == "auto" and (dumb or "NO_COLOR" in os.environ))
    return Console(
        file=stream,
        force_terminal=False if plain and not stream.isatty() else forced,
        no_color=plain,
        color_system=None if plain else "auto",
        highlight=False,
        emoji=False,
        markup=False,
        width=_width(stream),
    )


def _width(stream: TextIO) -> int | None:
    """A pipe has no width: wide enough that lines are not broken, unless COLUMNS says otherwise."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    return None if stream.isatty() else 120


class Progress:
    """One line a finished step; on a terminal the running step is shown while it runs."""

    def __init__(self, common: Common) -> None:
        """Say nothing where --quiet was given."""
        self._quiet = common.quiet
        self._console = None if common.quiet else console(common.color, sys.stderr)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show a step while it runs, and how long it took."""
        if self._console is None:
            yield
            return
        start = time.perf_counter()
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            with self._console.status(f"{what} …"):
                yield
        else:
            yield
        self._console.print(f"  {what} ({time.perf_counter() - start:.1f} s)", style="dim")

    def say(self, text: str) -> None:
        """Say one line."""
        if self._console is not None:
            self._console.print(f"  {text}", style="dim")
