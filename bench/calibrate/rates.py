"""Counts what a simulation found, case by case."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Key = tuple[int, str, str, str]
"""Rows, world, sort, change."""


@dataclass(slots=True)
class Cell:
    """The runs of one change in one world at one number of rows: verdicts, and what each check said that was loud."""

    loss: float = 0.0
    verdicts: Counter[str] = field(default_factory=Counter)
    checks: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return self.verdicts.total()


def cells_of(lines: Iterable[Mapping[str, Any]]) -> dict[Key, Cell]:
    """Count the lines of a simulation."""
    cells: dict[Key, Cell] = {}
    for line in lines:
        cell = cells.setdefault((line["rows"], line["world"], line["sort"], line["change"]), Cell())
        cell.loss = line["loss"]
        cell.verdicts[line["verdict"]] += 1
        for check, found in line["loud"].items():
            cell.checks.setdefault(check, Counter())[found] += 1
    return cells


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read what `simulate` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def as_json(cells: Mapping[Key, Cell]) -> list[dict[str, Any]]:
    """Give the cells in a stable order, each as an object."""
    return [
        {
            "rows": rows,
            "world": world,
            "sort": sort,
            "change": change,
            "loss": round(min(cell.loss, 1e6), 3),
            "verdicts": dict(sorted(cell.verdicts.items())),
            "checks": {name: dict(sorted(found.items())) for name, found in sorted(cell.checks.items())},
        }
        for (rows, world, sort, change), cell in sorted(cells.items())
    ]
