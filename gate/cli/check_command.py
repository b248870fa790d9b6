"""gate check."""

from __future__ import annotations

import click

from gate.cli.options import Common, Judging, common, judging


@click.command()
@click.argument("model")
@click.argument("version")
@judging
@click.option("--record", is_flag=True, help="Record the verdict in the registry.")
@common
def command(model: str, version: str, *, record: bool, judging: Judging, common: Common) -> int:
    """Judge VERSION (a number, latest or @alias) of MODEL against its baseline.

    Changes nothing in the registry, unless --record is given.
    """
    from gate import pipeline, releasing, storing
    from gate.cli import judged
    from gate.errors import UsageError

    if record and judging.only is not None:
        raise UsageError("A verdict made with --only is not recorded.", remedy="Leave out --only or --record.")

    progress = judged.Progress(common)
    request = judged.request(model, version, judging, stage=None)
    config = common.settings()
    checked = pipeline.check(request, config, progress)
    if record and checked.fault is None:
        with progress.step("Record the verdict"):
            releasing.record(storing.connect(config), checked)
    return judged.finish(checked, judging, common)
