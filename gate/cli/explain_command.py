"""gate explain."""

from __future__ import annotations

import inspect
import sys

import click

from gate.cli.console import console
from gate.cli.options import Common, common


@click.command()
@click.argument("check_id")
@common
def command(check_id: str, common: Common) -> None:
    """Say what a check tests, why, its limits, and how to change them."""
    from gate.checking import engine
    from gate.errors import UsageError
    from gate.policy import check_targets, known_ids

    config = common.settings()
    entries = engine.catalog(check_targets(config))
    known = known_ids(config, entries)
    if check_id not in known and not check_id.startswith("outliers.expect_"):
        from gate.config_file import closest

        raise UsageError(f"There is no check {check_id!r}.", remedy=closest(check_id, sorted(known)))
    if check_id.startswith("outliers.expect_"):
        text = "An `expect:` entry of gate.yaml: Great Expectations judges the predictions and their inputs."
        title, severity = text, "as the entry says"
    else:
        family = f"{check_id.partition('.')[0]}.*"
        entry = next((e for e in entries if e.id == check_id), None) or next(e for e in entries if e.id == family)
        title, text, severity = entry.title, inspect.cleandoc(entry.doc), entry.severity.value
    out = console(common.color, sys.stdout)
    out.print(check_id, style="bold")
    out.print(text if text.startswith(title) else f"{title}\n\n{text}")
    out.print(f"\nSeverity by default: {severity}. To change it, in gate.yaml:")
    out.print(f"  defaults:\n    severity: {{{check_id}: warning}}    # critical | warning | info | ignore")
