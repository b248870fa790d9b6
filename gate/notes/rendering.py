"""Render notes and summaries from a report, through Jinja. The only module that knows Jinja.

There is no clock and no chance in it: the same report gives the same bytes. Every value that a template prints goes
through `Words.show`, set as the environment's `finalize`, so that a template cannot forget to escape: plain text,
the result of any filter and even `|safe` come out as inert code. That is why Jinja's own autoescaping is off.
"""

from __future__ import annotations

import hashlib
import html
import json
import traceback
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gate.domain import Report
from gate.errors import GateError, UsageError
from gate.notes.figure import NAME, figure
from gate.notes.found import Plain
from gate.notes.front import quoted
from gate.notes.markup import Dialect, Html, Inert, Markdown, Svg, capped, settle_pipes
from gate.notes.view import Room, view
from gate.notes.wording import Words
from gate.report import dumps

if TYPE_CHECKING:
    from jinja2 import Environment

FORMATS = ("md", "html")
BUDGET_BYTES = {"md": 60_000, "html": 200_000, "summary": 900_000}
_ROOMS = (
    Room(rows=5, changes=40, checks=60, value=300),
    Room(rows=3, changes=12, checks=25, value=160),
    Room(rows=2, changes=5, checks=10, value=100),
    Room(rows=1, changes=2, checks=4, value=60),
)
_RUNTIME_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_FIGURE_VALUE = 80
_WIDE_ROOM = Room(rows=20, changes=60, checks=150, value=400)


def render(
    report: Report,
    *,
    format: str = "md",  # noqa: A002 - the name that the command line has
    lang: str = "en",
    template: Path | None = None,
    fragment: str = "",
) -> str:
    """Render the release note of a report.

    Args:
        report: all that the note says comes from here.
        format: "md" (Markdown under 60 kB) or "html" (one self-contained page under 200 kB).
        lang: "en" or "ko".
        template: a Jinja template of the user's for the format that its name says (`….html` or `….html.j2` for
            HTML, else Markdown); it can extend the shipped one, `gate/note.md.j2` or `gate/note.html.j2`.
        fragment: Markdown written by people about this version, put under "why".

    Raises:
        UsageError: an unknown format or language, or an error in the user's template, with its line.
    """
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r}.", remedy=f"Use one of {', '.join(FORMATS)}.")
    if template is not None and not template.is_file():
        raise UsageError(f"The template {template} does not exist.", remedy="Correct release_notes.template.")
    own = template if template is not None and _format_of(template) == format else None
    rooms = _ROOMS if format == "md" else (_WIDE_ROOM, *_ROOMS)
    return _fitting(report, _Page(f"note.{format}.j2", format, lang, rooms, BUDGET_BYTES[format], own, fragment))


def summary(report: Report, lang: str = "en") -> str:
    """Render the Markdown of a CI job summary, under 900 kB."""
    return _fitting(report, _Page("summary.md.j2", "summary", lang, _ROOMS, BUDGET_BYTES["summary"]))


def figures(report: Report, lang: str = "en") -> dict[str, str]:
    """Draw the figures that a Markdown note refers to, by their names in the folder beside it; empty without any."""
    drawn = _drawn(json.loads(dumps(report)), lang, alone=True)
    return {NAME: str(drawn)} if drawn is not None else {}


def _format_of(template: Path) -> str:
    return "html" if template.name.removesuffix(".j2").endswith(".html") else "md"


class _Page(NamedTuple):
    """What a rendering depends on, beside the report."""

    template: str
    format: str
    lang: str
    rooms: Sequence[Room]
    budget: int
    own: Path | None = None
    fragment: str = ""

    @property
    def dialect(self) -> Dialect:
        return Html() if self.format == "html" else Markdown()


def _fitting(report: Report, page: _Page) -> str:
    """Render with less and less room until the text keeps within its size."""
    text = dumps(report)
    plain, digest = json.loads(text), "sha256:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    fixed = {"lang": page.lang, "fragment": _fragment(page.fragment, page.format), "figure": _figure(plain, page)}
    rendered = ""
    for room in page.rooms:
        words = Words(page.lang, page.dialect, room.value)
        rendered = _rendered(page.template, words, {**view(plain, digest, room), **fixed}, page.own)
        if len(rendered.encode()) < page.budget:
            break
    return rendered


def _figure(plain: Plain, page: _Page) -> Inert | None:
    """The figure itself in HTML; its place beside a Markdown note; none in a summary, which has nothing beside it."""
    if page.format == "html":
        return _drawn(plain, page.lang, alone=False)
    known = page.format == "md" and figure(plain) is not None
    return Inert(f"v{plain['candidate']['version']}/{NAME}") if known else None


def _drawn(plain: Plain, lang: str, *, alone: bool) -> Inert | None:
    found = figure(plain)
    if found is None:
        return None
    svg = _rendered("latency.svg.j2", Words(lang, Svg(), _FIGURE_VALUE), {**found, "alone": alone}, None)
    return Inert(svg if alone else svg.rstrip())


def _fragment(text: str, format_: str) -> Inert | None:
    """People's own Markdown: as it is in Markdown, as plain paragraphs in HTML."""
    if not text.strip():
        return None
    if format_ != "html":
        return Inert(text.strip())
    paragraphs = (part for part in text.strip().split("\n\n") if part.strip())
    return Inert("\n".join(f'<p class="own" lang="">{html.escape(part)}</p>' for part in paragraphs))


def _rendered(name: str, words: Words, values: Mapping[str, Any], own: Path | None) -> str:
    from jinja2 import TemplateError

    environment = _environment(words, own)
    wanted = f"own/{own.name}" if own else f"gate/{name}"
    try:
        text = str(environment.get_template(wanted).render(values))
    except (TemplateError, *_RUNTIME_FAULTS) as error:
        raise _template_fault(error, own) from error
    return settle_pipes(text).rstrip("\n") + "\n"


def _environment(words: Words, own: Path | None) -> Environment:
    from jinja2 import BaseLoader, FileSystemLoader, FunctionLoader, PrefixLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    loaders: dict[str, BaseLoader] = {"gate": FunctionLoader(_shipped)}
    if own is not None:
        loaders["own"] = FileSystemLoader(own.parent)
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,  # `finalize` writes every value, more strictly than autoescaping would
        finalize=words.show,
        keep_trailing_newline=True,
        loader=PrefixLoader(loaders),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.concat = _inert  # type: ignore[assignment,method-assign] # what a block or macro made is inert already
    environment.globals = {"t": words.say, "quoted": quoted, "title": _title, "css": _css}
    return environment


def _inert(pieces: Iterable[object]) -> Inert:
    return Inert("".join(map(str, pieces)))


def _shipped(name: str) -> str | None:
    place = files("gate.templates").joinpath(name)
    return place.read_text(encoding="utf-8") if place.is_file() else None


def _title(value: object) -> Inert:
    """Write text for a place that can hold no elements: an HTML page's title."""
    return Inert(html.escape(capped(str(value), 120)))


def _css(value: object) -> Inert:
    """Write the name of a class: letters and underscores."""
    return Inert("".join(each for each in str(value) if each.isalpha() or each == "_"))


def _template_fault(error: Exception, own: Path | None) -> GateError:
    if own is None:
        return GateError(f"The note could not be rendered: {type(error).__name__}: {error}.")
    text = " ".join(str(error).split())[:300].rstrip(".")
    return UsageError(
        f"The template {own}{_line(error, own)} has an error: {text}.",
        remedy="Correct it, or take release_notes.template out of gate.yaml.",
    )


def _line(error: Exception, own: Path) -> str:
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return f", line {error.lineno}," if error.lineno else ""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == own]
    return f", line {lines[-1]}," if lines else ""
