"""gate rollback."""

from __future__ import annotations

import click

from gate.cli.options import Common, common
from gate.domain import Stage


@click.command()
@click.argument("model")
@click.option(
    "--stage",
    type=click.Choice([stage.value for stage in Stage]),
    default=Stage.PRODUCTION.value,
    show_default=True,
    callback=lambda _context, _option, value: Stage(value),
    help="The stage to give back.",
)
@click.option("--to", "version", metavar="VERSION", help="A former holder [the one before].")
@common
def command(model: str, *, stage: Stage, version: str | None, common: Common) -> None:
    """Give a stage of MODEL back to who held it before.

    The former holder's files must be there, be what they were, and load. Twice goes back two.
    """
    from gate import promoting
    from gate.cli.console import Progress
    from gate.cli.result import clean

    for line in promoting.told(promoting.rollback(model, stage, version, common.settings(), Progress(common))):
        click.echo(clean(line))
