"""gate release."""

from __future__ import annotations

import click

from gate.cli.options import Common, Judging, approved_by, common, judging, stage_option
from gate.domain import Stage


@click.command()
@click.argument("model")
@click.argument("version")
@judging
@stage_option()
@approved_by
@common
def command(
    model: str, version: str, *, stage: Stage, approved_by: tuple[str, ...], judging: Judging, common: Common
) -> int:
    """Check VERSION of MODEL, record the verdict, promote on a pass, and write the release note: what CI runs."""
    from gate import releasing
    from gate.cli import judged
    from gate.cli.result import EXIT_CODES

    progress = judged.Progress(common)
    request = judged.request(model, version, judging, stage=stage)
    released = releasing.release(request, common.settings(), progress, approved_by=approved_by)
    judged.tell(released.checked, judging, common)
    for line in released.lines():
        judged.hint(line, common) if judging.json else click.echo(line)
    if released.refused is not None:
        raise released.refused
    return EXIT_CODES[released.checked.report.verdict]
