"""A report as a person reads it on a terminal: the table, failures first, then what decided and what to do next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gate.cli.console import console
from gate.cli.options import Color
from gate.cli.served import show_served
from gate.domain import CheckResult, Coverage, Measurement, Report, Severity, Status, Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXIT_CODES = {
    Verdict.PASS: 0,
    Verdict.PASS_WITH_WARNINGS: 0,
    Verdict.FAIL: 1,
    Verdict.ERROR: 3,
    Verdict.INCONCLUSIVE: 4,
}
SIGNS = {
    Verdict.PASS: ("✔", "green"),
    Verdict.PASS_WITH_WARNINGS: ("▲", "yellow"),
    Verdict.FAIL: ("✖", "red"),
    Verdict.ERROR: ("!", "red"),
    Verdict.INCONCLUSIVE: ("◐", "magenta"),
}
ORDER = (Status.ERROR, Status.FAILED, Status.INCONCLUSIVE, Status.PASSED, Status.SKIPPED)
STYLES = {
    Status.ERROR: "red",
    Status.FAILED: "red",
    Status.INCONCLUSIVE: "magenta",
    Status.PASSED: "green",
    Status.SKIPPED: "dim",
}
ROWS_SHOWN = 3


def show(report: Report, color: Color) -> None:
    """Print the whole result on standard output."""
    out = console(color, sys.stdout)
    open_ = [result for result in _ordered(report.checks) if result.status is not Status.SKIPPED]
    skipped = [result for result in report.checks if result.status is Status.SKIPPED]
    if open_:
        out.print(_table(open_))
    if skipped:
        out.print(f"Skipped {len(skipped)}:", style="dim")
        for result in skipped:
            out.print(f"  {result.id}: {clean(result.message)}", style="dim")
    for result in open_:
        _show_rows(out, result)
    if report.benchmark.served:
        show_served(out, report)
    _show_verdict(out, report)


def _ordered(checks: Sequence[CheckResult]) -> list[CheckResult]:
    severities = list(Severity)
    return sorted(checks, key=lambda result: (ORDER.index(result.status), severities.index(result.severity), result.id))


def _table(results: Sequence[CheckResult]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    for result in results:
        table.add_row(Text(result.id), Text(_word(result), style=_style(result)), Text(found(result)))
    return table


def _word(result: CheckResult) -> str:
    """The status, and how much it weighs where that matters."""
    if result.status in {Status.PASSED, Status.ERROR}:
        return result.status.value
    return f"{result.status} ({'waived' if result.waiver else result.severity})"


def _style(result: CheckResult) -> str:
    weak = result.waiver or result.severity is not Severity.CRITICAL
    return "yellow" if weak and result.status is Status.FAILED else STYLES[result.status]


def found(result: CheckResult) -> str:
    """Say what a check found: its message, else its first measurements."""
    if result.message:
        return clean(result.message)
    return "; ".join(measured(item) for item in result.measurements[:3])


def measured(item: Measurement) -> str:
    """One number with what it is held against."""
    unit = f" {item.unit}" if item.unit else ""
    parts = [f"{clean(item.name)} {number(item.value)}{unit}"]
    if item.baseline is not None:
        parts.append(f"baseline {number(item.baseline)}")
    if item.limit is not None:
        parts.append(f"limit {number(item.limit)}")
    return ", ".join(parts)


def number(value: object) -> str:
    """Four significant digits, thousands apart."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return clean(str(value))
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else clean(str(value))


def clean(text: str) -> str:
    """Take control and direction characters out of text that others wrote, and fold it into one line.

    Two colons would start a command in the log of GitHub Actions, wherever a line happens to break.
    """
    return "".join(letter if letter.isprintable() else " " for letter in text).strip().replace("::", ": :")


def _show_rows(out: Console, result: CheckResult) -> None:
    """The first offending rows of a check that did not pass."""
    if result.status is Status.PASSED or not result.rows:
        return
    out.print(f"{result.id}: {result.rows_total:,} row{'' if result.rows_total == 1 else 's'}, the first of them:")
    for row in result.rows[:ROWS_SHOWN]:
        answers = ", ".join(
            f"{clean(key)}={number(value)}" for key, value in row.items() if key not in {"id", "inputs"}
        )
        out.print(f"  row {number(row.get('id'))}: {answers}"[:300])


def _against(report: Report) -> str:
    """What the version was held against; nothing where the gate failed before it knew."""
    if report.baseline:
        return f" against v{report.baseline.version} ({report.baseline.chosen_by})"
    return " as a first version" if report.checks else ""


def _show_verdict(out: Console, report: Report) -> None:
    sign, style = SIGNS[report.verdict]
    counts = report.counts
    out.print(
        f"{sign} {report.verdict}: {clean(report.model)} v{report.candidate.version}{_against(report)}",
        style=f"bold {style}",
    )
    out.print(
        f"  {counts.passed} passed, {counts.failed} failed, {counts.inconclusive} inconclusive, "
        f"{counts.skipped} skipped, {counts.error} errors; {counts.warnings} of them warnings"
    )
    if report.data.looks.used:
        out.print(f"  {report.data.looks.used} of {report.data.looks.planned} planned looks at these data", style="dim")
    if report.data.coverage:
        out.print(f"  {coverage_words(report.data.coverage)}", style="dim")
    if report.verdict is not Verdict.PASS:
        for reason in report.reasons:
            out.print(f"  - {clean(reason)}")


def _rows_words(coverage: Coverage | None) -> str:
    if coverage is None or coverage.rows_judged == coverage.rows_sampled:
        return "All offending rows, at most 100,000 a check"
    return "The offending rows of the sample, and the worst of all rows"


def coverage_words(coverage: Coverage) -> str:
    """Say which rows of the set were judged."""
    total, judged, sampled = coverage.rows_total, coverage.rows_judged, coverage.rows_sampled
    drawn = f"drawn with the seed {coverage.seed}"
    if judged == sampled:
        return f"{judged:,} of {total:,} rows were judged, {drawn}"
    asked = f"all {total:,}" if judged == total else f"{judged:,} of {total:,}"
    return f"{asked} rows were judged; checks that need them all at once saw {sampled:,}, {drawn}"


def show_next(report: Report, folder: Path, color: Color) -> None:
    """Say where the report lies and what to do next, on standard error."""
    err = console(color, sys.stderr)
    err.print(f"Report: {folder / 'report.json'}", style="dim")
    if any(result.rows_total for result in report.checks) and (folder / "rows.parquet").is_file():
        err.print(f"{_rows_words(report.data.coverage)}: {folder / 'rows.parquet'}", style="dim")
    for line in next_steps(report, folder):
        err.print(line, style="dim")


def next_steps(report: Report, folder: Path) -> list[str]:
    """The commands that a person may want next."""
    target = f"{report.model} {report.candidate.version}"
    bad = [result for result in _ordered(report.checks) if result.status in {Status.FAILED, Status.INCONCLUSIVE}]
    where = shlex.quote(str(folder / "report.json"))
    lines = [f"Why: gate explain {bad[0].id} --from {where}"] if bad and report.verdict is not Verdict.PASS else []
    if report.verdict in {Verdict.PASS, Verdict.PASS_WITH_WARNINGS} and report.gate.only is None:
        lines.append(f"Next: gate release {target}")
    return lines
