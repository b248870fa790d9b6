"""gate doctor."""

from __future__ import annotations

import sys

import click

from gate.cli.console import console
from gate.cli.options import Common, common

SIGNS = {"ok": ("✔", "green"), "note": ("▲", "yellow"), "bad": ("✖", "red")}


@click.command()
@common
def command(common: Common) -> int:
    """Say what is missing or misconfigured here, with the fix, a line each.

    Ends in 0 where nothing is wrong, 2 where the configuration is, 3 where the registry or the machine is.
    """
    from gate.doctor import examine

    out = console(common.color, sys.stdout)
    code = 0
    for finding in examine(common.settings):
        sign, style = SIGNS[finding.state]
        out.print(f"{sign} {finding.what}", style=style if finding.state == "bad" else "")
        if finding.fix:
            out.print(f"    {finding.fix}", style="dim")
        code = max(code, finding.exit_code)
    return code
