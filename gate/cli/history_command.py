"""gate history."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from gate.cli.console import console
from gate.cli.options import Common, common
from gate.cli.result import clean, number

if TYPE_CHECKING:
    from rich.table import Table

_DIGITS = 19
"""Of a digest, with its `sha256:`: enough to compare by eye; --json has it whole."""


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common
def command(model: str, *, as_json: bool, common: Common) -> None:
    """Show the lineage of MODEL: versions, verdicts, key metrics; who held which stage from when to when, and why."""
    from gate import releasing

    lineage = releasing.history(model, common.settings())
    if as_json:
        click.echo(json.dumps(lineage, indent=1, sort_keys=True, ensure_ascii=False))
        return
    out = console(common.color, sys.stdout)
    out.print(_versions(lineage["versions"]))
    if lineage["tenures"]:
        out.print(_tenures(lineage["tenures"]))
    else:
        out.print("No promotions yet.")
    for row in lineage["versions"]:
        if row["signed_by"]:
            out.print(clean(f"The verdict on v{row['version']} is signed by {row['signed_by']}"))
    for tenure in lineage["tenures"]:
        for waiver in tenure["waivers"]:
            out.print(clean(f"v{tenure['version']} in {tenure['stage']}: {_waiver(waiver)}"))
    for finding in lineage["findings"]:
        out.print(clean(finding), style="yellow")


def _versions(rows: Sequence[Mapping[str, Any]]) -> Table:
    cells = []
    for row in rows:
        metrics = ", ".join(f"{clean(name)} {number(value)}" for name, value in row["metrics"].items())
        aliases = ", ".join(row["aliases"])
        cells.append((row["version"], row["created_at"], row["verdict"], aliases, row["legacy_stage"], metrics))
    return _table(("version", "registered", "verdict", "held by aliases", "legacy stage", "metrics"), cells)


def _tenures(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The last tenure first: what holds now is what most people look for."""
    names = ("stage", "version", "from", "until", "how", "by", "verdict", "evidence")
    return _table(names, (_tenure(row) for row in reversed(rows)))


def _tenure(row: Mapping[str, Any]) -> tuple[object, ...]:
    until = "now" if row["current"] else row["until"] or "not known"
    evidence = (row["evidence"] or "")[:_DIGITS]
    since = row["from"] or "not known"
    return (row["stage"], f"v{row['version']}", since, until, row["action"], row["by"], row["verdict"], evidence)


def _waiver(waiver: Mapping[str, str]) -> str:
    return f"{waiver['check']} waived by {waiver['owner']} until {waiver['expires']}: {waiver['reason']}"


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=None)
    for name in names:
        table.add_column(name, overflow="fold")
    for cells in rows:
        table.add_row(*(Text(clean(str("" if cell is None else cell))) for cell in cells))
    return table
