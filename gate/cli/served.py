"""What served versions did under real load, as a person reads it on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.domain import Report, ServedLoad, ServedResult

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show_served(out: Console, report: Report) -> None:
    """Print a row for each version and rate, then what each version keeps up with, and what went wrong."""
    from rich.text import Text

    served = report.benchmark.served
    out.print("Behind mlflow models serve, under open-loop load (told, not judged):")
    if any(result.under_load for result in served):
        out.print(_table(served))
    for result in served:
        for line in lines(result):
            out.print(Text(f"  {line}"))


def _table(served: tuple[ServedResult, ...]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("version", no_wrap=True)
    for name in ("requests/s", "requests", "p50", "p99", "p99 in virtual time"):
        table.add_column(name, justify="right")
    for result in served:
        for load in result.under_load:
            table.add_row(*(Text(cell) for cell in _row(result, load)))
    return table


def _row(result: ServedResult, load: ServedLoad) -> tuple[str, ...]:
    failed = f", {load.failed:,} failed" if load.failed else ""
    rate, requests = f"{load.rate:.3g}", f"{load.requests:,}{failed}"
    return (result.side, rate, requests, milliseconds(load.p50_s), milliseconds(load.p99_s), _predicted(load))


def _predicted(load: ServedLoad) -> str:
    """From the model's own time in the queue to the whole round trip in it."""
    whole = milliseconds(load.predicted.p99_s)
    if load.predicted_model is None:
        return whole
    return f"{milliseconds(load.predicted_model.p99_s)} to {whole}"


def lines(result: ServedResult) -> list[str]:
    """Say what one version keeps up with, beside what virtual time says, and what went wrong."""
    from gate.cli.result import clean

    found = []
    if result.under_load:
        found.append(f"{result.side}: {_kept(result)}; virtual time says {result.predicted_per_s or 0:.3g}")
    if result.problem:
        found.append(f"{result.side}: {clean(result.problem)}")
    return found


def _kept(result: ServedResult) -> str:
    objective = f"its p99 within {milliseconds(result.p99_objective_s)}"
    if result.highest_per_s is None:
        return f"does not keep {objective} at {result.beyond_per_s or 0:.3g} requests a second, the lowest rate tried"
    beyond = "the highest rate tried" if result.beyond_per_s is None else f"not at {result.beyond_per_s:.3g}"
    return f"keeps {objective} at {result.highest_per_s:.3g} requests a second, {beyond}"


def milliseconds(seconds: float | None) -> str:
    """Three digits, and no more where there is nothing to tell."""
    return "no answer" if seconds is None else f"{seconds * 1000:.3g} ms"
