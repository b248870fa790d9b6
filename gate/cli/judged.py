"""What the judging commands share: the request, and telling the result in every form that was asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gate.cli.console import Progress
from gate.cli.options import Common, Judging
from gate.cli.result import EXIT_CODES, show, show_next
from gate.domain import Report, Stage
from gate.errors import GateError
from gate.pipeline import Checked
from gate.request import Request

__all__ = ["Progress", "finish", "request", "tell"]


def request(model: str, version: str, judging: Judging, stage: Stage | None) -> Request:
    """Turn the options into what the pipeline takes."""
    return Request(
        model=model,
        version=version,
        baseline=judging.baseline,
        data=judging.data,
        out=judging.out,
        only=judging.only,
        strict=judging.strict,
        stage=stage,
        served=judging.served,
    )


def finish(checked: Checked, judging: Judging, common: Common) -> int:
    """Tell the result and give the exit code."""
    tell(checked, judging, common)
    if not judging.json and not common.quiet:
        show_next(checked.report, checked.folder, common.color)
    return EXIT_CODES[checked.report.verdict]


def tell(checked: Checked, judging: Judging, common: Common) -> None:
    """Write JUnit and summary files where asked for, then print the report or the table."""
    from gate import notes

    if judging.junitxml:
        _write(judging.junitxml, notes.junit(checked.report), append=False)
    if judging.summary:
        _write(judging.summary, notes.summary(checked.report), append=True)
    if judging.json:
        print_json(checked.report)
    else:
        show(checked.report, common.color)
    if checked.fault is not None and common.debug:
        import traceback

        traceback.print_exception(checked.fault)


def print_json(report: Report) -> None:
    """Print a report, and nothing else, on standard output."""
    from gate.report import canonical

    sys.stdout.buffer.write(canonical(report).encode())
    sys.stdout.flush()


def _write(path: Path, text: str, *, append: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if append else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise GateError(f"{path} cannot be written: {error.strerror}.", remedy="Name another file.") from None


def hint(text: str, common: Common) -> None:
    """Say something on standard error, unless --quiet was given."""
    if not common.quiet:
        click.echo(text, err=True)
