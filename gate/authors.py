"""What the author of a check imports from `gate`: the decorator, and the third way to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeVar

from gate.domain import Category, Failure, Severity

Check = TypeVar("Check", bound=Callable[..., None])

MARK = "__gate_check__"
"""The attribute that the decorator leaves on a check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckMark:
    """What a check says of itself. `each` names what it runs once for."""

    category: Category
    severity: Severity
    each: Literal["metrics", "reproducibility"] | None = None


class Inconclusive(Exception):  # noqa: N818 - a way for a check to end, not an error
    """Raised by `inconclusive`: the evidence does not suffice."""


class ModelFailedError(AssertionError):
    """The candidate could not answer what a check asked it: the check fails, unless it expects just that."""

    def __init__(self, failure: Failure, side: str = "candidate") -> None:
        """Say which version failed, and how."""
        super().__init__(f"the {side} failed: {failure.kind}: {failure.text}")
        self.failure, self.side = failure, side


def check(
    *, category: str, severity: str = "critical", each: Literal["metrics", "reproducibility"] | None = None
) -> Callable[[Check], Check]:
    """Mark a function `check_*` as a check of a category, with the severity of its failures.

    Raises:
        ValueError: the category or the severity is none of the contract's.
    """
    mark = CheckMark(category=Category(category), severity=Severity(severity), each=each)

    def decorate(function: Check) -> Check:
        setattr(function, MARK, mark)
        return function

    return decorate


def inconclusive(why: str) -> NoReturn:
    """End the running check as inconclusive. `why` says what would suffice."""
    raise Inconclusive(why)


def mark_of(function: object) -> CheckMark | None:
    """The mark that the decorator left, None on a function without one."""
    mark = getattr(function, MARK, None)
    return mark if isinstance(mark, CheckMark) else None


def identity(function_name: str, mark: CheckMark) -> str:
    """`category.name`: what gate.yaml, reports and waivers call a check, wherever its file lies.

    A check that runs once for each metric or item has one identity for each; this is then the category with `*`.
    """
    name = "*" if mark.each else function_name.removeprefix("check_")
    return f"{mark.category}.{name}"
