"""Write values so that no markup of theirs is ever live, in Markdown, in HTML and in SVG.

Every value from a registry is hostile text. A template prints values only through a dialect: plain text becomes
a code span, sentences keep their plain words and have everything else in code spans. Only `Inert` text, which a
dialect or a message table made, is printed as it is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

VALUE_CAP = 600
SENTENCE_CAP = 1_500
COMMAND_CAP = 2_000
PIPE = "\ue000"
"""Stands for a value's `|` until the line that it lands in is known; cleaned out of every value."""

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff"
    "\ue000\U000e0000-\U000e0fff]"
)
_FOLDED = re.compile(r"[ \t\r\n\v\f\x85\u2028\u2029]+")
_WORD = r"[^\W_]+"
# The signs below are those that sentences of checks use, minus and multiplication sign among them.
_PLAIN_WORD = re.compile(
    rf"[(“\"']{{0,2}}[-+−±≥≤×]?{_WORD}(?:(?:[-'’,:;%]|(?<=\d)\.(?=\d)){{1,2}}{_WORD})*[%°]?[)”\"']{{0,2}}[.,:;?!]?[)”\"']?"  # noqa: RUF001 - as said above
)
_SIGN = re.compile(r"[-–—+=±≥≤→×·…%.,:;)]\Z|%[.,:;)]\Z|\.\.\.\Z")  # noqa: RUF001 - as said above
_QUOTED = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_EDGES = re.compile(r"(\(?)(.*?[^)\"'.,:;])([)\"'.,:;]*)\Z")
_REFERENCE = re.compile(r"(?i)\bGH-\d|\bwww\b|(?<!\w)(?=\d*[a-f])[0-9a-f]{7,}(?!\w)|:\w+:")
_FENCE = re.compile(r"`+")
_LIST_MARK = re.compile(r"\d+[.)]|[-+=…—–]+")  # noqa: RUF001 - what a line could begin with


@dataclass(frozen=True, slots=True)
class Inert:
    """Text that is safe to print as it is. No `str`, so that joining or formatting it gives ordinary, unsafe text."""

    text: str

    def __str__(self) -> str:
        """Give the text, for a template's output."""
        return self.text


class Dialect(Protocol):
    """How values, sentences, commands and tables are written in one markup language."""

    def code(self, text: str) -> str:
        """Write a value."""

    def sentence(self, text: str) -> str:
        """Write a sentence that may hold values."""

    def words(self, text: str) -> str:
        """Write text of a message table, which is ours: trusted, but not markup."""

    def block(self, text: str) -> str:
        """Write commands, a line each."""

    def note(self, text: str) -> str:
        """Write a remark that is written already as a paragraph."""

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> str:
        """Write a table of cells that are written already; `numbers` says which columns align to the right."""


def clean(text: str) -> str:
    """Fold white space, and show what is invisible or turns the writing direction as the replacement character."""
    return _CONTROL.sub("\ufffd", _FOLDED.sub(" ", text))


def capped(text: str, cap: int) -> str:
    """Clean a text and keep its first `cap` characters."""
    short = clean(text[: 2 * cap])
    return short if len(text) <= cap and len(short) <= cap else short[:cap] + "…"


def parts(text: str) -> Iterator[tuple[bool, str]]:
    """Split a sentence into stretches of plain words (True), spaces included, and of everything else (False).

    What the sentence itself has in backticks is one stretch of its own; the last full stop or comma after a stretch
    that is not plain stays outside of it.
    """
    for index, piece in enumerate(_QUOTED.split(text)):
        if index % 2:
            yield False, piece
        else:
            yield from _stretches(piece, first=not index)


def _stretches(text: str, *, first: bool) -> Iterator[tuple[bool, str]]:
    words = re.findall(r" +|[^ ]+", text)
    kinds = [word == " " or _is_plain(word, first=first and not index) for index, word in enumerate(words)]
    for index in range(1, len(words) - 1):  # a space between two words that are not plain belongs to them
        if words[index].isspace():
            kinds[index] = kinds[index - 1] or kinds[index + 1]
    for plain, stretch in groupby(zip(kinds, words, strict=True), key=lambda pair: pair[0]):
        joined = "".join(word for _, word in stretch)
        yield from [(True, joined)] if plain else _bare(joined)


def _bare(text: str) -> Iterator[tuple[bool, str]]:
    """Leave brackets and full stops around a stretch outside of its code, unless they are part of it."""
    found = None if _LIST_MARK.fullmatch(text) else _EDGES.fullmatch(text)
    if not found or re.search(r"[()\"']", found.group(2)):
        yield False, text
        return
    yield from ((not index % 2, part) for index, part in enumerate(found.groups()) if part)


def _is_plain(word: str, *, first: bool) -> bool:
    if first and _LIST_MARK.fullmatch(word):
        return False
    return bool(_PLAIN_WORD.fullmatch(word) or _SIGN.match(word)) and not _REFERENCE.search(word)


def _joined(text: str, plainly: Callable[[str], str], as_code: Callable[[str], str]) -> str:
    """Write the parts of a sentence; two code spans never touch, since their fences would run together."""
    written, after_code = "", False
    for plain, part in parts(text):
        written += plainly(part) if plain else f"{' ' if after_code else ''}{as_code(part)}"
        after_code = not plain if part else after_code
    return written or "—"


class Markdown:
    """GitHub-flavoured Markdown. A code span is the only thing that stops a mention there, so values are code spans."""

    def code(self, text: str) -> str:
        """Write a value as a code span, with a fence longer than any run of backticks in it."""
        short = capped(text, VALUE_CAP) or '""'
        fence = "`" * (max((len(run) for run in _FENCE.findall(short)), default=0) + 1)
        pad = " " if short[0] in " `" or short[-1] in " `" else ""
        return f"{fence}{pad}{short}{pad}{fence}".replace("|", PIPE)

    def sentence(self, text: str) -> str:
        """Write plain words as they are and the rest of a sentence as code spans."""
        short = capped(text, SENTENCE_CAP).strip()
        return _joined(short, lambda part: part, self.code)

    def words(self, text: str) -> str:
        """Message texts are written as Markdown."""
        return text

    def block(self, text: str) -> str:
        """Write a fenced block, with a fence longer than any run of backticks in it."""
        lines = "\n".join(capped(line, COMMAND_CAP) for line in text.splitlines())
        fence = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(lines)), default=0))
        return f"{fence}sh\n{lines}\n{fence}"

    def note(self, text: str) -> str:
        """Write a paragraph."""
        return text

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> str:
        """Write a pipe table."""
        rule = ["---:" if right else "---" for right in numbers]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


class Html:
    """HTML 5, for text between tags only."""

    def code(self, text: str) -> str:
        """Write a value as a code element."""
        return f"<code>{html.escape(capped(text, VALUE_CAP)) or '&quot;&quot;'}</code>"

    def sentence(self, text: str) -> str:
        """Write a sentence, with the same stretches as code as in Markdown."""
        short = capped(text, SENTENCE_CAP).strip()
        return _joined(short, lambda part: html.escape(part, quote=False), self.code)

    def words(self, text: str) -> str:
        """Message texts hold no HTML; `**` and backticks are Markdown's."""
        strong = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text, quote=False))
        return re.sub(r"`(.+?)`", r"<code>\1</code>", strong)

    def block(self, text: str) -> str:
        """Write preformatted text."""
        lines = "\n".join(capped(line, COMMAND_CAP) for line in text.splitlines())
        return f'<pre tabindex="0"><code>{html.escape(lines)}</code></pre>'

    def note(self, text: str) -> str:
        """Write a paragraph."""
        return f"<p>{text}</p>"

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> str:
        """Write a table inside a box that scrolls by itself."""
        kinds = [' class="n"' if right else "" for right in numbers]
        top = "".join(f'<th scope="col"{kind}>{cell}</th>' for kind, cell in zip(kinds, head, strict=True))
        body = "".join(f"<tr>{_cells(row, kinds)}</tr>\n" for row in rows)
        return (
            f'<div class="box" tabindex="0">\n<table>\n<thead><tr>{top}</tr></thead>\n'
            f"<tbody>\n{body}</tbody>\n</table>\n</div>"
        )


class Svg:
    """Text between the tags of an SVG, which can hold no elements of its own: everything is plain, escaped text."""

    def code(self, text: str) -> str:
        """Write a value."""
        return html.escape(capped(text, VALUE_CAP))

    def sentence(self, text: str) -> str:
        """Write a sentence."""
        return html.escape(capped(text, SENTENCE_CAP).strip())

    def words(self, text: str) -> str:
        """Message texts lose what is Markdown in them."""
        return html.escape(re.sub(r"\*\*|`", "", text))

    def block(self, text: str) -> str:
        """Write commands on one line."""
        return self.code(text)

    def note(self, text: str) -> str:
        """Write a remark after what it is about."""
        return text

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> str:  # noqa: ARG002 - text is not aligned
        """Write the cells one after the other."""
        return "; ".join(" ".join(cells) for cells in (head, *rows))


def _cells(row: Sequence[str], kinds: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True))


def settle_pipes(text: str) -> str:
    """Put values' pipes back: escaped in lines that have pipes of the template's own, which is what a table is."""
    lines = text.split("\n")
    return "\n".join(line.replace(PIPE, "\\|" if "|" in line else "|") for line in lines)
