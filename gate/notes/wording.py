"""Write values in one language and one markup: numbers, plural forms, sentences of the message table."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, cast

from gate.errors import UsageError
from gate.notes.markup import Dialect, Inert
from gate.notes.values import (
    Commands,
    Duration,
    Number,
    Ordinal,
    Phrase,
    Sentence,
    Several,
    Share,
    Size,
    Span,
    Table,
    Value,
)

LANGUAGES = ("en", "ko")
_SLOT = re.compile(r"\{(\w+)\}")
_HUGE, _TINY = 1e9, 1e-4
_KILO = 1000
_QUANTITIES = (Ordinal, Number, Share, Size, Duration)


@cache
def messages(lang: str) -> Mapping[str, Any]:
    """Read the message table of a language.

    Raises:
        UsageError: there is none.
    """
    import yaml

    if lang not in LANGUAGES:
        raise UsageError(f"There are no messages in {lang!r}.", remedy=f"Use one of {', '.join(LANGUAGES)}.")
    text = files("gate.templates").joinpath("i18n").joinpath(f"{lang}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return cast("Mapping[str, Any]", yaml.load(text, Loader=loader))  # noqa: S506 - both are safe loaders


class Words:
    """One language in one markup. Its `show` is the only way from a value to a template's output."""

    def __init__(self, lang: str, dialect: Dialect, value_cap: int = 600) -> None:
        """Keep the message table, the markup, and how many characters of a value are shown."""
        self._messages = messages(lang)
        self._dialect = dialect
        self._cap = value_cap

    def show(self, value: object) -> Inert:
        """Write anything so that nothing of it is live."""
        if isinstance(value, Inert):
            return value
        if isinstance(value, Table):
            return Inert(self._table(value))
        if isinstance(value, Commands):
            lines = [line for comment, command in value.lines for line in (f"# {self.plain(comment)}", command)]
            return Inert(self._dialect.block("\n".join(lines)))
        return Inert(self._inline(value))

    def say(self, key: str, **args: Value) -> Inert:
        """Write an entry of the message table."""
        return self.show(Phrase(key, args))

    def plain(self, phrase: Phrase) -> str:
        """Give a phrase without arguments as plain text."""
        return str(self._entry(phrase))

    def _inline(self, value: object) -> str:
        if isinstance(value, (Phrase, Sentence, Several)):
            return self._text(value)
        if value is None:
            return "—"
        if isinstance(value, Span):
            return self._span(value)
        if isinstance(value, (int, float, *_QUANTITIES)) and not isinstance(value, bool):
            return quantity(value)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return self._dialect.code(_short(text, self._cap))

    def _text(self, value: Phrase | Sentence | Several) -> str:
        if isinstance(value, Sentence):
            return self._dialect.sentence(_short(value.text, 2 * self._cap))
        if isinstance(value, Several):
            return ", ".join(self._inline(item) for item in value.items) or "—"
        entry = self._dialect.words(self._entry(value))
        return _SLOT.sub(lambda slot: self._inline(value.args[slot.group(1)]), entry)

    def _entry(self, phrase: Phrase) -> str:
        entry: Any = self._messages
        for part in phrase.key.split("."):
            entry = entry[part]
        if isinstance(entry, Mapping):
            form = "one" if phrase.args.get("n") == 1 and "one" in entry else "other"
            entry = entry[form]
        return str(entry)

    def _span(self, value: Span) -> str:
        args: dict[str, Value] = {"low": value.low, "high": value.high}
        if value.confidence is None:
            return self._text(Phrase("span.bare", args))
        return self._text(Phrase("span.confident", {**args, "confidence": Share(value.confidence)}))

    def _table(self, table: Table) -> str:
        numbers = table.numbers or [False] * len(table.head)
        head = [self._inline(cell) for cell in table.head]
        rows = [[self._inline(cell) for cell in row] for row in table.rows]
        more = f"\n\n{self._dialect.note(self._inline(table.more))}" if table.more else ""
        return self._dialect.table(head, rows, numbers) + more


def _short(text: str, cap: int) -> str:
    return text if len(text) <= cap else text[: cap - 1] + "…"


def quantity(value: float | Ordinal | Number | Share | Size | Duration) -> str:
    """Write a number as its kind wants it."""
    match value:
        case Ordinal():
            return str(value.number)
        case Share():
            return percent(value.share, signed=value.signed)
        case Size():
            return size(value.count)
        case Duration():
            return duration(value.seconds)
        case Number():
            return number(value.number, value.digits)
        case _:
            return number(value)


def number(value: float, digits: int = 4) -> str:
    """Write a number with thousands separators and that many significant digits; whole numbers in full."""
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    size_ = abs(value)
    if size_ == 0:
        return "0"
    if not _TINY <= size_ < _HUGE:
        return f"{value:.{digits - 1}e}"
    places = max(0, digits - 1 - math.floor(math.log10(size_)))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float, *, signed: bool = False) -> str:
    """Write a share as a percentage with three significant digits, four next to 100 %; a change with one decimal."""
    if not math.isfinite(share):
        return str(share)
    if signed:
        text = f"{share * 100:+.1f}%"
        return "0.0%" if text == "-0.0%" else text
    close = 0 < 1 - abs(share) < 0.005  # noqa: PLR2004 - 99.5 %: here rounding would say 100 %
    text = number(share * 100, 4 if close else 3)
    return f"{text}%"


def size(count: int) -> str:
    """Write a number of bytes in decimal units."""
    value, units = float(count), iter(("bytes", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= _KILO and unit != "TB":
        value, unit = value / _KILO, next(units)
    return f"{number(value, 3)} {unit}"


def duration(seconds: float) -> str:
    """Write seconds in the largest unit that leaves at least one digit before the point."""
    value, units = seconds, iter(("s", "ms", "µs", "ns"))
    unit = next(units)
    while 0 < abs(value) < 1 and unit != "ns":
        value, unit = value * _KILO, next(units)
    return f"{number(value, 3)} {unit}"


def digits_to_tell_apart(values: Sequence[object]) -> int:
    """Give the significant digits, at least 4, with which different numbers look different."""
    floats = [value for value in values if isinstance(value, float) and math.isfinite(value)]
    for digits in range(4, 17):
        if len({number(value, digits) for value in floats}) == len(set(floats)):
            return digits
    return 17
