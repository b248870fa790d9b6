"""What was timed, computed anew from the raw timings beside a report, as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate.cli.result import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from gate.domain import Benchmark

TIMED = frozenset(f"performance.{name}" for name in ("latency", "throughput", "cold_start", "memory"))
"""The checks whose numbers come from the raw timings."""
_SHOWN = 5


def show_recomputed(out: Console, report: Path) -> None:
    """Compute the benchmark section anew, show it, and say whether the report has the same numbers."""
    from gate import recomputing

    found = recomputing.recomputed(report)
    if found is None:
        out.print("\nNothing was timed for this report.")
        return
    out.print(f"\nComputed anew from {clean(str(found.path))}:", style="bold")
    out.print(_latency(found.section))
    out.print(_throughput(found.section))
    if found.differing:
        shown = ", ".join(clean(name) for name in found.differing[:_SHOWN])
        out.print(
            f"{len(found.differing)} of {found.numbers:,} values are not those of the report: {shown}. Report and "
            "timings do not belong together, or another version of the gate wrote them.",
            style="red",
        )
    else:
        out.print(f"All {found.numbers:,} values of the report's benchmark section came out the same.")


def _latency(section: Benchmark) -> Table:
    table = _table("scenario", "pairs", "calls", "candidate", "baseline", "CPU ratio", "wall ratio", "p95", "p99")
    for each in section.latency:
        tails = {share.share: share for share in each.percentiles}
        table.add_row(
            clean(each.scenario),
            f"{each.pairs:,}",
            str(each.calls_per_block),
            _ms(each.candidate_cpu_s if each.clock == "cpu" else each.candidate_wall_s),
            _ms(each.baseline_cpu_s if each.clock == "cpu" else each.baseline_wall_s),
            _ratio(each.cpu_ratio, each.cpu_ratio_ci),
            _ratio(each.wall_ratio, each.wall_ratio_ci),
            *(f"{_ms(tails[share].candidate_s)} / {_ms(tails[share].baseline_s)}" for share in (0.95, 0.99)),
        )
    return table


def _throughput(section: Benchmark) -> Table:
    table = _table("version", "a call", "a row", "rows/s", "rows/s by threads", "rate at the p99 objective")
    for each in section.throughput:
        table.add_row(
            each.side,
            "" if each.fixed_s is None else _ms(each.fixed_s),
            "" if each.row_s is None else f"{each.row_s * 1e6:.3g} µs",
            _by(each.rows_per_s, "rows"),
            _by(each.rows_per_s_by_threads, "threads"),
            ""
            if each.saturation_per_s is None or each.p99_objective_s is None
            else f"{each.saturation_per_s:,.0f}/s at {_ms(each.p99_objective_s)}",
        )
    return table


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def _ratio(value: float, interval: tuple[float | str, float | str]) -> str:
    low, high = (f"{end:.3f}" if isinstance(end, float) else end for end in interval)
    return f"{value:.3f} ({low} to {high})"


def _by(values: object, unit: str) -> str:
    known = values if isinstance(values, dict) else {}
    return ", ".join(f"{rate:,.0f} at {name}" for name, rate in known.items()) + (f" {unit}" if known else "")
