"""gate init."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.options import Common, common


@click.command()
@common
def command(common: Common) -> None:
    """Write gate.yaml, a workflow and an example check into the current repository.

    Looks at the registry and proposes the models, the aliases already in use and the evaluation data that runs logged.
    What exists is kept.
    """
    from gate.setup import initialise

    for line in initialise(Path.cwd(), common.tracking_uri, common.registry_uri):
        click.echo(line)
