"""What a template prints: values that know how they are to be written, whatever the markup and the language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Phrase:
    """An entry of the message table, `{name}` in it replaced by arguments. `n` among them chooses the plural form."""

    key: str
    args: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the report: plain words stay words, everything else becomes code."""

    text: str


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A whole number that names something, a version say: written without separators."""

    number: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number with that many significant digits."""

    number: float
    digits: int = 4


@dataclass(frozen=True, slots=True)
class Share:
    """A share, written as a percentage; `signed` as a change."""

    share: float
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """A number of bytes."""

    count: int


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds, written with three digits in the unit that suits them."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Span:
    """An interval, with its confidence where known."""

    low: Value
    high: Value
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """Values after one another, with commas."""

    items: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `numbers` says which columns are aligned to the right; `more` what was left out."""

    head: Sequence[Phrase]
    rows: Sequence[Sequence[Value]]
    numbers: Sequence[bool] = ()
    more: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands for a shell, each with a comment above it."""

    lines: Sequence[tuple[Phrase, str]]


Value: TypeAlias = (
    "bool | int | float | str | Phrase | Sentence | Ordinal | Number | Share | Size | Duration | Span | Several | None"
)
"""What a cell or a phrase's argument can be. Plain text is always written as code."""
