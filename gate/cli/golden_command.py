"""gate golden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.cli.options import Common, common

if TYPE_CHECKING:
    from gate.config import Config
    from gate.domain import GoldenCase, JsonValue
    from gate.golden.rows import Wanted


FILE = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Keep cases whose answers must never flip: quality.golden asks them of every version."""


@command.command("add")
@click.argument("model")
@click.option(
    "--from", "report", type=FILE, metavar="FILE", help="A report.json: its offending rows [the newest here]."
)
@click.option("--inputs", type=FILE, metavar="FILE", help="A table instead, with a column `answer` or the target's.")
@click.option("--check", "check_id", metavar="CHECK_ID", help="Rows of this check [of all that did not pass].")
@click.option("--rows", "ids", metavar="ID[,…]", help="These rows [the first 20 of each check].")
@click.option(
    "--tolerance", type=click.FloatRange(min=0), help="How far a number may be off [half way to what failed]."
)
@click.option("--why", default="", metavar="TEXT", help="Why the answer matters [the check and the version].")
@common
def add(  # noqa: PLR0913 - one argument an option
    model: str,
    *,
    report: Path | None,
    inputs: Path | None,
    check_id: str | None,
    ids: str | None,
    tolerance: float | None,
    why: str,
    common: Common,
) -> None:
    """Take offending rows of a report into MODEL's golden cases, with the answers that are right.

    Right is the label, where there is one, else the baseline's answer. Look the file over: it is yours to edit.
    """
    from gate import golden
    from gate.golden.rows import Wanted
    from gate.golden.table import cases_of

    if report is not None and inputs is not None:
        raise click.UsageError("Give --from or --inputs, not both.")
    config = common.settings()
    rows = tuple(name.strip() for name in ids.split(",") if name.strip()) if ids is not None else None
    wanted = Wanted(check=check_id, rows=rows, tolerance=tolerance, why=why)
    cases = cases_of(inputs, config, model, wanted) if inputs is not None else _reported(report, config, model, wanted)
    path = golden.file_of(config, model)
    new = golden.add(path, cases)
    kept = f", {len(cases) - new} were there already" if new < len(cases) else ""
    click.echo(f"Added {new} golden case{'' if new == 1 else 's'} to {path}{kept}.")


def _reported(report: Path | None, config: Config, model: str, wanted: Wanted) -> list[dict[str, JsonValue]]:
    """The offending rows of the report given, else of the newest one under .gate/."""
    from gate import report as reports
    from gate import storing
    from gate.errors import UsageError
    from gate.golden.rows import cases_from

    path = report or storing.newest_report(config, model)
    if path is None:
        raise UsageError(f"There is no report on {model!r} here.", remedy="Give --from report.json.")
    found = reports.read(path)
    if found.model != model:
        raise UsageError(f"{path} is about {found.model!r}, not about {model!r}.", remedy="Give its own report.")
    return cases_from(found, path.parent, wanted, config.model(model).task)


@command.command("list")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print the cases as JSON.")
@common
def list_(model: str, *, as_json: bool, common: Common) -> None:
    """List the golden cases of MODEL."""
    from gate import golden
    from gate.golden.rows import plain

    config = common.settings()
    cases = golden.read(config, model)
    if as_json:
        shown = [plain(_shown(case)) for case in cases]
        click.echo(json.dumps({"model": model, "cases": shown}, indent=1, ensure_ascii=False))
        return
    click.echo(f"{len(cases)} golden case{'' if len(cases) == 1 else 's'} in {golden.file_of(config, model)}")
    for case in cases:
        allowed = f" ± {case.tolerance:g}" if case.tolerance is not None else ""
        click.echo(_line(f"  {case.id}: {case.kind} {case.expected}{allowed}  {case.notes.get('why', '')}"))


def _shown(case: GoldenCase) -> dict[str, object]:
    tolerance = {} if case.tolerance is None else {"tolerance": case.tolerance}
    return {"id": case.id, "inputs": dict(case.inputs), case.kind: case.expected, **tolerance, **case.notes}


def _line(text: str) -> str:
    from gate.cli.result import clean

    return f"  {clean(text)}"[:160]
