"""gate schema."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("what", type=click.Choice(["report", "config"]))
def command(what: str) -> None:
    """Print the JSON Schema of the report, or of gate.yaml."""
    if what == "report":
        from gate.report import json_schema
    else:
        from gate.config import json_schema
    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False))
