"""gate explain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.cli.console import console
from gate.cli.options import Common, common
from gate.cli.recomputed import TIMED, show_recomputed
from gate.cli.result import clean, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from gate.domain import Measurement
    from gate.explaining import Explanation, FoundIn


ROWS_SHOWN = 20


@click.command()
@click.argument("check_id")
@click.option(
    "--from",
    "report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show what this report.json says of the check.",
)
@common
def command(check_id: str, *, report: Path | None, common: Common) -> None:
    """Say what a check tests, why, its limits, and how to change them.

    CHECK_ID is a name as a report has it: outliers.nulls, quality.rmse, outliers.expect_<id>, a team's own.
    With --from FILE what was found there comes with it: measurements, limits, rows; of what was timed every number,
    computed anew from the raw timings beside the report.
    """
    from gate import explaining

    config = common.settings()
    found = explaining.found_in(report, check_id) if report is not None else None
    result = found.result if found is not None else None
    explanation = explaining.explain(check_id, config, explaining.catalog(config), result)
    out = console(common.color, sys.stdout)
    out.print(check_id, style="bold")
    _show(out, explanation)
    if found is not None:
        _show_found(out, found)
    if report is not None and check_id in TIMED:
        show_recomputed(out, report)


def _show(out: Console, explanation: Explanation) -> None:
    out.print(explanation.text)
    out.print(f"\nSeverity by default: {explanation.severity}. To change it, in gate.yaml:")
    out.print(f"  defaults:\n    severity: {{{explanation.id}: warning}}    # critical | warning | info | ignore")
    if explanation.configured:
        out.print("\nIn force:")
    for line in explanation.configured:
        out.print(f"  {line}")


def _show_found(out: Console, found: FoundIn) -> None:
    """What one report says of the check."""
    result = found.result
    out.print(f"\nIn the report on {clean(found.model)} v{found.version} ({found.finished_at}):", style="bold")
    waived = f", waived by {clean(result.waiver.owner)} until {clean(result.waiver.expires)}" if result.waiver else ""
    out.print(
        f"  {result.status} ({result.severity}){waived}" + (f": {clean(result.message)}" if result.message else "")
    )
    if result.measurements:
        out.print(_table(result.measurements))
    if result.rows_total:
        shown = min(ROWS_SHOWN, len(result.rows))
        out.print(f"  {result.rows_total:,} row{'' if result.rows_total == 1 else 's'}, the first {shown}:")
    for row in result.rows[:ROWS_SHOWN]:
        values = [f"{clean(key)}={number(value)}" for key, value in row.items() if key not in {"id", "inputs"}]
        out.print(f"  row {number(row.get('id'))}: {', '.join(values)}"[:300])
        inputs = row.get("inputs")
        if isinstance(inputs, dict) and inputs:
            told = ", ".join(f"{clean(key)}={number(value)}" for key, value in inputs.items())
            out.print(f"    {told}"[:300], style="dim")


def _table(measurements: Sequence[Measurement]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=True)
    for column in ("measured", "value", "baseline", "limit", "interval"):
        table.add_column(column, overflow="fold")
    for item in measurements:
        unit = f" {clean(item.unit)}" if item.unit else ""
        interval = "" if item.ci is None else f"{number(item.ci[0])} to {number(item.ci[1])}"
        at = f" at {item.confidence:.4%}" if item.confidence and item.ci else ""
        told = [
            f"{number(item.value)}{unit}",
            *("" if one is None else number(one) for one in (item.baseline, item.limit)),
        ]
        table.add_row(clean(item.name), *told, interval + at)
    return table
