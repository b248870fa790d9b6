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
    from gate import pipeline
    from gate.cli import judged

    progress = judged.Progress(common)
    request = judged.request(model, version, judging, stage=None)
    config = common.settings()
    checked = pipeline.check(request, config, progress)
    if record and checked.fault is None:
        pipeline.record(checked, config, progress)
    return judged.finish(checked, judging, common)
