"""Options that several commands share, as the contract names them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from gate.domain import Category, Stage

if TYPE_CHECKING:
    from gate.config import Config

Command = TypeVar("Command", bound=Callable[..., Any])
Color = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every command that touches a registry takes."""

    config: Path | None
    tracking_uri: str | None
    registry_uri: str | None
    quiet: bool
    debug: bool
    color: Color

    def settings(self) -> Config:
        """Read the configuration; a flag beats the file, the file beats the environment."""
        from gate import config

        found = config.read(self.config or config.find(Path.cwd()))
        uris = {"tracking_uri": self.tracking_uri, "registry_uri": self.registry_uri}
        return found.with_uris({key: value for key, value in uris.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What every command that judges takes."""

    baseline: str | None
    data: str | None
    out: Path | None
    only: frozenset[Category] | None
    strict: bool
    served: bool
    json: bool
    junitxml: Path | None
    summary: Path | None


_FILE = click.Path(path_type=Path)
_COMMON: tuple[Callable[[Command], Command], ...] = (
    click.option("--config", type=_FILE, metavar="FILE", help="Settings [nearest gate.yaml]."),
    click.option("--tracking-uri", metavar="URI", help="Where MLflow keeps runs."),
    click.option("--registry-uri", metavar="URI", help="Where MLflow keeps registered models [the tracking URI]."),
    click.option("--quiet", is_flag=True, help="Say nothing while working."),
    click.option("--debug", is_flag=True, help="Show tracebacks."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours [auto]."),
)  # fmt: skip


def _categories(_context: click.Context, _option: click.Parameter, text: str | None) -> frozenset[Category] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in list(Category)]
    if unknown or not names:
        raise click.BadParameter(
            f"{', '.join(unknown) or 'nothing'} is no category. Valid names: {', '.join(Category)}."
        )
    return frozenset(Category(name) for name in names)


_JUDGING: tuple[Callable[[Command], Command], ...] = (
    click.option("--baseline", metavar="VERSION|@alias|previous|none", help="Compared with this [holder]."),
    click.option("--data", metavar="PATH", help="Evaluation data: a file, a folder or an address (s3://, runs:/, …)."),
    click.option("--out", type=_FILE, metavar="DIR", help="Folder of the report [.gate/<model>/v<N>/]."),
    click.option("--only", callback=_categories, metavar="CATEGORY[,…]", help="Judge these alone; not promotable."),
    click.option("--strict", is_flag=True, help="Warnings become critical."),
    click.option("--served", is_flag=True, help="Also load both behind mlflow models serve; needs the extra load."),
    click.option("--json", is_flag=True, help="Print the report as JSON, nothing else."),
    click.option("--junitxml", type=_FILE, metavar="FILE", help="Write the results as JUnit XML."),
    click.option("--summary", type=_FILE, metavar="FILE", help="Append a Markdown summary."),
)  # fmt: skip


def common(function: Command) -> Command:
    """Add the common options; the command gets them as `common`."""
    return _bundled(function, _COMMON, "common", Common)


def judging(function: Command) -> Command:
    """Add the judging options; the command gets them as `judging`."""
    return _bundled(function, _JUDGING, "judging", Judging)


def _bundled(
    function: Command, options: tuple[Callable[[Command], Command], ...], name: str, kind: type[Common | Judging]
) -> Command:
    fields = tuple(field.name for field in dataclasses.fields(kind))

    @functools.wraps(function)
    def command(**given: Any) -> Any:  # noqa: ANN401 - click hands on any option
        bundle: Mapping[str, Any] = {field: given.pop(field) for field in fields}
        return function(**given, **{name: kind(**bundle)})

    wrapped: Any = command
    for option in reversed(options):
        wrapped = option(wrapped)
    result: Command = wrapped
    return result


def stage_option(default: Stage = Stage.STAGING) -> Callable[[Command], Command]:
    """Add `--to`."""
    return click.option(
        "--to",
        "stage",
        type=click.Choice([stage.value for stage in Stage]),
        default=default.value,
        show_default=True,
        callback=lambda _context, _option, value: Stage(value),
        help="The stage to promote to.",
    )


approved_by = click.option("--approved-by", multiple=True, metavar="WHO", help="Who approves; may be repeated.")
lang_option = click.option("--lang", type=click.Choice(["en", "ko"]), help="Language of the note [gate.yaml, else en].")
