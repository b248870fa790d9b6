"""What docs/metric-error-rates.md quotes: the last `python -m bench.metric_error_rates`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "bench" / "metric_error_rates.json"


@cache
def _rates() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def by_size() -> str:
    """Give a row a number of rows: all metrics together, and the worst of them."""
    head = "| rows | comparisons of each | kinds of answers | failed at one margin | worst | passed at two | worst |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for rows in sorted({rate["rows"] for rate in _rates()}):
        chosen = [rate for rate in _rates() if rate["rows"] == rows]
        cells = [f"{rows:,}", f"{max(rate['runs'] for rate in chosen):,}", str(len(chosen))]
        for what in ("failed", "passed"):
            shares = [rate[what] / rate["runs"] for rate in chosen]
            cells += [f"{sum(shares) / len(shares):.2%}", f"{max(shares):.2%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def by_metric() -> str:
    """Give a row a metric: of how many comparisons at each size a true loss of one margin failed, one of two passed."""
    sizes = sorted({rate["rows"] for rate in _rates()})
    lines = ["| made-up answers | " + " | ".join(f"{rows:,} rows" for rows in sizes) + " |"]
    lines.append("|---|" + "---|" * len(sizes))
    for world in dict.fromkeys(rate["world"] for rate in _rates()):
        found = {rate["rows"]: rate for rate in _rates() if rate["world"] == world}
        cells = [_cell(found.get(rows)) for rows in sizes]
        lines.append(f"| {world} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(rate: dict[str, Any] | None) -> str:
    return f"{rate['failed']} and {rate['passed']} of {rate['runs']:,}" if rate else ""
