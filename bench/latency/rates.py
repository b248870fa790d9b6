"""Counts of live runs in bench/latency/results.json; `python -m bench.latency.rates FILE.jsonl …` adds to them."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gate.evidence.latency import FEWEST

RESULTS = Path(__file__).parent / "results.json"
KEYS = ("method", "processes", "model", "added", "neighbours", "state", "quick")
QUICK_S = 15
"""A run of all scenarios that took no longer than this is quick."""


def main(files: Iterable[str]) -> None:
    """Add the runs of these files."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"cells": [], "highest_load": 0}
    counts = Counter({tuple(cell[key] for key in KEYS): cell["runs"] for cell in found["cells"]})
    rows = [json.loads(line) for name in files for line in Path(name).read_text(encoding="utf-8").splitlines()]
    counts.update(_key(row) for row in rows)
    cells = [{**dict(zip(KEYS, key, strict=True)), "runs": runs} for key, runs in sorted(counts.items(), key=str)]
    written = {
        "cells": cells,
        "highest_load": max([found["highest_load"], *(row["load"] for row in rows)]),
        "measured_at": dt.datetime.now(dt.UTC).date().isoformat(),
    }
    RESULTS.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a run is counted as; one that could not say anything, for want of pairs, is `untimed`."""
    untimed = row["method"] == "gate" and row["pairs"] < FEWEST
    state = "untimed" if untimed else row["state"]
    return (*(row[key] for key in KEYS[:5]), state, row["seconds"] <= QUICK_S)


if __name__ == "__main__":
    main(sys.argv[1:])
