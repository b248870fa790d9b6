"""What the pages quote of the last `make bench`, taken from the file that it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "bench" / "results.json"


def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def table() -> str:
    """Give a row a measurement: what, how much, the limit that the project set itself."""
    rows = [
        f"| {entry['what']} | {_number(entry['value'])} {entry['unit']} | {_number(entry['limit'])} {entry['unit']} |"
        for entry in _results()["measurements"]
    ]
    return "\n".join(["| what | measured | allowed |", "|---|---|---|", *rows, ""])


def methods() -> str:
    """Give a paragraph a measurement: the command, the repetitions and their range."""
    parts = []
    for entry in _results()["measurements"]:
        values = ", ".join(_number(value) for value in entry["values"])
        parts.append(f"**{entry['what']}**: {entry['method']}.\nEach repetition, in {entry['unit']}: {values}.\n")
        parts.append(f"```console\n$ {entry['command']}\n```\n")
    return "\n".join(parts)


def machine() -> str:
    """Say what it was measured on, and when."""
    found = _results()
    machine = found["machine"]
    return (
        f"Measured on {found['measured_at']} with gate {found['gate']}: {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_gb']} GB of memory, {machine['system']}, Python {machine['python']}; "
        f"load average before the run {machine['load']}.\n"
    )


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"  # noqa: PLR2004 - three significant digits or so
