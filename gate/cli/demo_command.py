"""gate demo."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.options import Common, common


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--example", default="elasticnet", show_default=True, metavar="NAME", help="elasticnet, pipeline or xgboost."
)
@common
def command(folder: Path | None, example: str, common: Common) -> int:
    """Train, register, check, promote and write the notes of a small real model, in an empty FOLDER [this one]."""
    from gate import config, demo, releasing
    from gate.cli.console import Progress
    from gate.cli.result import EXIT_CODES, show
    from gate.domain import Stage
    from gate.request import Request

    progress = Progress(common)
    project = demo.prepare(example, (folder or Path.cwd()).absolute(), progress.say)
    settings = config.read(project.config)
    code, notes = 0, []
    for version in project.versions:
        progress.say(f"gate release {project.model} {version}")
        request = Request(model=project.model, version=str(version), stage=Stage.STAGING)
        released = releasing.release(request, settings, progress, approved_by=("gate demo",))
        show(released.checked.report, common.color)
        notes += released.lines()
        if released.refused is not None:
            raise released.refused
        code = EXIT_CODES[released.checked.report.verdict]
    for line in (*notes, *_look_around(project.folder, project.model)):
        click.echo(line)
    return code


def _look_around(folder: Path, model: str) -> list[str]:
    """The commands to go on with."""
    return [
        "",
        "Look around:",
        f"  cd {folder}",
        f"  gate history {model}",
        f"  gate check {model} 2 --baseline 1",
        "  mlflow ui --backend-store-uri sqlite:///mlflow.db",
    ]
