"""gate promote."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.options import Common, approved_by, common, stage_option
from gate.domain import Stage


@click.command()
@click.argument("model")
@click.argument("version", required=False)
@stage_option()
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="A report.json: verified, then recorded."
)
@approved_by
@click.option("--resume", is_flag=True, help="Finish or undo what a job left open that died; takes no VERSION.")
@common
def command(  # noqa: PLR0913 - click hands on each option by its name
    model: str,
    version: str | None,
    *,
    stage: Stage,
    report: Path | None,
    approved_by: tuple[str, ...],
    resume: bool,
    common: Common,
) -> None:
    """Move VERSION of MODEL, which has a valid verdict, to a stage.

    Both versions are downloaded and hashed anew; a verdict that is stale is refused.
    """
    from gate import promoting, releasing
    from gate.cli.console import Progress
    from gate.cli.result import clean

    progress = Progress(common)
    if resume:
        if version is not None or report is not None:
            raise click.UsageError("--resume finishes what was begun: leave VERSION and --report out.")
        click.echo(clean(promoting.resume(model, common.settings(), progress)))
        return
    if version is None:
        raise click.UsageError("Missing argument 'VERSION': a number, `latest` or an alias like @staging.")
    request = promoting.PromotionRequest(
        model=model, version=version, stage=stage, report=report, approved_by=approved_by
    )
    for line in promoting.told(releasing.promote(request, common.settings(), progress)):
        click.echo(clean(line))
