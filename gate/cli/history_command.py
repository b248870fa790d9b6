"""gate history."""

from __future__ import annotations

import json
import sys

import click

from gate.cli.console import console
from gate.cli.options import Common, common
from gate.cli.result import clean, number


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common
def command(model: str, *, as_json: bool, common: Common) -> None:
    """Show the lineage of MODEL: versions, verdicts, key metrics, promotions."""
    from gate import releasing

    lineage = releasing.history(model, common.settings())
    if as_json:
        click.echo(json.dumps(lineage, indent=1, sort_keys=True, ensure_ascii=False))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console(common.color, sys.stdout)
    versions = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=None)
    for name in ("version", "registered", "verdict", "held by aliases", "legacy stage", "metrics"):
        versions.add_column(name, overflow="fold")
    for row in lineage["versions"]:
        metrics = ", ".join(f"{clean(name)} {number(value)}" for name, value in row["metrics"].items())
        cells = (
            row["version"],
            row["created_at"],
            row["verdict"],
            ", ".join(row["aliases"]),
            row["legacy_stage"],
            metrics,
        )
        versions.add_row(*(Text(clean(str("" if cell is None else cell))) for cell in cells))
    out.print(versions)
    for row in lineage["versions"]:
        if row["signed_by"]:
            out.print(clean(f"The verdict on v{row['version']} is signed by {row['signed_by']}"))
    if not lineage["history"]:
        out.print("No promotions yet.")
    for entry in lineage["history"]:
        before = f"after v{entry['from']}" if entry["from"] else "the first to hold it"
        out.print(
            clean(f"{entry['at']}  {entry['action']}: {entry['stage']} is v{entry['to']}, {before}; by {entry['by']}")
        )
