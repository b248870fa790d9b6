"""gate promote."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.options import Common, approved_by, common, stage_option
from gate.domain import Stage


@click.command()
@click.argument("model")
@click.argument("version")
@stage_option()
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="A report.json: verified, then recorded."
)
@approved_by
@common
def command(
    model: str, version: str, *, stage: Stage, report: Path | None, approved_by: tuple[str, ...], common: Common
) -> None:
    """Move VERSION of MODEL, which has a valid verdict, to a stage."""
    from gate import releasing
    from gate.cli.console import Progress

    promotion = releasing.promote(
        releasing.PromotionRequest(model=model, version=version, stage=stage, report=report, approved_by=approved_by),
        common.settings(),
        Progress(common),
    )
    for line in releasing.told(promotion):
        click.echo(line)
