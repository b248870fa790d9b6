"""How much of an artifact is looked at. What is larger is not clean, since nobody looked at the rest."""

from __future__ import annotations

from dataclasses import dataclass

MAX_UNPACKED = 4 * 2**30
"""Bytes that come out of all compressed files together."""
MAX_ENTRIES = 100_000
"""Files inside of archives, all together."""
MAX_NESTING = 5
"""Containers in containers."""
MAX_STEPS = 50_000_000
"""Opcodes of all pickles together: a minute or so."""


class UnscannableError(Exception):
    """A file cannot be read to its end; the text says why."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """What is left for one artifact."""

    unpacked: int = MAX_UNPACKED
    entries: int = MAX_ENTRIES
    steps: int = MAX_STEPS

    def take_unpacked(self, count: int) -> None:
        """Count bytes that came out of a compressed file.

        Raises:
            UnscannableError: they are too many.
        """
        self.unpacked -= count
        if self.unpacked < 0:
            raise UnscannableError(f"unpacks to more than {MAX_UNPACKED:,} bytes")

    def take_entries(self, count: int) -> None:
        """Count files inside of archives.

        Raises:
            UnscannableError: they are too many.
        """
        self.entries -= count
        if self.entries < 0:
            raise UnscannableError(f"holds more than {MAX_ENTRIES:,} files")

    def take_steps(self, count: int) -> None:
        """Count opcodes.

        Raises:
            UnscannableError: they are too many.
        """
        self.steps -= count
        if self.steps < 0:
            raise UnscannableError(f"has more than {MAX_STEPS:,} opcodes")
