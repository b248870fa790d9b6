"""gate note."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gate.cli.options import Common, common, lang_option


@click.command()
@click.argument("model", required=False)
@click.argument("version", required=False)
@click.option(
    "--format", "format_", type=click.Choice(["md", "html"]), help="One format [Markdown, and HTML if configured]."
)
@lang_option
@click.option("--draft", is_flag=True, help="Print the note instead of writing it.")
@click.option("--from", "report", type=click.Path(path_type=Path), metavar="FILE", help="Write from this report.json.")
@common
def command(  # noqa: PLR0913 - one argument an option
    model: str | None,
    version: str | None,
    *,
    format_: str | None,
    lang: str | None,
    draft: bool,
    report: Path | None,
    common: Common,
) -> None:
    """Write the release note of VERSION of MODEL from the stored report alone, and print where.

    With --from FILE neither MODEL nor VERSION is needed, nor the registry.
    """
    from gate import releasing

    if report is None and (model is None or version is None):
        raise click.UsageError("Give MODEL and VERSION, or --from report.json.")
    config = common.settings()
    found = releasing.stored_report(model, version, report, config)
    if draft:
        sys.stdout.write(releasing.rendered(found, config, format_ or "md", lang))
        return
    for path in releasing.write_notes(found, config, formats=(format_,) if format_ else None, lang=lang):
        click.echo(path)
