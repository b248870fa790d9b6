"""What a look at one file gives."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.scoring.inspection.budget import UnscannableError
from gate.scoring.inspection.pickles import PickleLook

PICKLE = "pickle"
SKOPS = "skops"
CODE = "code"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that is wrong with a file: the symbol, empty where there is none, and what it does."""

    file: str
    symbol: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file's format, what is wrong with it, and what is inside of it."""

    format: str
    wrong: tuple[Wrong, ...] = ()
    inside: tuple[Seen, ...] = ()
    points_to: tuple[str, ...] = ()
    """Other files that hold a part of this one's numbers, as it names them."""

    def all_wrong(self) -> tuple[Wrong, ...]:
        """Everything that is wrong, here and inside."""
        return (*self.wrong, *(wrong for inner in self.inside for wrong in inner.all_wrong()))

    def packed_in(self, compression: str) -> Seen:
        """Say how it was compressed."""
        return replace(self, format=f"{self.format} in {compression}")

    def with_more(self, other: Seen) -> Seen:
        """What is two things at once is wrong in both ways."""
        return replace(self, format=f"{self.format} and {other.format}", inside=(*self.inside, other))


def of_pickle(name: str, found: PickleLook, *, must_be: bool = False) -> Seen:
    """Turn what was found in a pickle into what was seen; `must_be` where nothing else may stand there.

    Raises:
        UnscannableError: it is no pickle, and must be.
    """
    if must_be and not found.is_pickle:
        raise UnscannableError(found.problem or "holds no pickle where one must be")
    wrong = [Wrong(file=name, symbol=symbol, what=what) for symbol, what in found.wrong]
    if found.problem:
        wrong.append(Wrong(file=name, symbol="", what=found.problem))
    return Seen(format=PICKLE, wrong=tuple(wrong))
