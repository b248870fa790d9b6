"""What can go wrong, each with its exit code and what to do next."""

from __future__ import annotations


class GateError(Exception):
    """The gate could not do its work: no verdict.

    The text is one sentence that says what happened and why; `remedy` says what to do next.
    """

    exit_code = 3

    def __init__(self, text: str, *, remedy: str = "") -> None:
        """Keep the sentence and the remedy."""
        super().__init__(text)
        self.text = text
        self.remedy = remedy

    def __str__(self) -> str:
        """Say what happened and what to do next."""
        return f"{self.text} {self.remedy}".strip()


class UsageError(GateError):
    """A wrong option or setting, or something named that does not exist."""

    exit_code = 2


class RefusedError(GateError):
    """The gate refuses a promotion: what was judged is not what would be promoted, or was not judged."""

    exit_code = 1


class InconclusiveError(GateError):
    """The evidence does not suffice for what was asked."""

    exit_code = 4


class RegistryError(GateError):
    """The registry is out of reach, or answered with an error."""


class DataError(GateError):
    """The evaluation data cannot be read, or hold nothing."""
