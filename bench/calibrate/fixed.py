"""A small fixed part of the simulation, for CI: the same samples each time, held against what was right before.

`python -m bench.calibrate.fixed` writes bench/calibrate/fixed.json anew.
"""

from __future__ import annotations

import gc
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bench.calibrate.cases import kinds_of
from bench.calibrate.judge import judge
from bench.calibrate.pools import made
from bench.calibrate.simulate import load_checks
from bench.calibrate.worlds import WORLDS, World

STORED = Path(__file__).parent / "fixed.json"
ROWS, POOL = 2000, 6000
CHANGES = (
    "the same bytes", "refit on 2 % more rows", "single precision", "the file in another order",
    "a column that matters is used", "0.5 % without an answer",
    "0.5 % stuck at one value", "a slice of 5 % shifted far", "20 % of the rows permuted", "all rows permuted",
    "shifted by one row", "5 % flipped", "0.5 % above 1", "overconfident", "one answer to all", "10 % too large",
    "the label leaked",
)  # fmt: skip
Counts = Mapping[str, Mapping[str, int]]
"""How many runs of each sort ended in which verdict."""


def worlds() -> Iterable[World]:
    """Give four worlds whose models train in a second: numbers, two kinds of probabilities, labels."""
    yield from (WORLDS[name] for name in ("diabetes", "cancer", "wine"))
    yield replace(WORLDS["churn"], learner="linear")


def count() -> dict[str, dict[str, int]]:
    """Judge the fixed part."""
    found: dict[str, Counter[str]] = {}
    load_checks()
    gc.freeze()  # pytest collects garbage after every run, and what is there already is none
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for world in worlds():
            for kind in kinds_of(made(world, 0, POOL), CHANGES):
                if kind.sort != "no effect":
                    verdict = judge(kind.sample(ROWS, 0)).verdict
                    found.setdefault(_told(kind.sort), Counter())[str(verdict)] += 1
    gc.unfreeze()
    return {sort: dict(sorted(counts.items())) for sort, counts in sorted(found.items())}


def _told(sort: str) -> str:
    return "harmless" if sort in {"better", "slightly worse"} else sort


def stored() -> Counts:
    """Give what was counted when the file was written."""
    found: Counts = json.loads(STORED.read_text(encoding="utf-8"))
    return found


def alarms(counts: Counts, *verdicts: str) -> int:
    """Count the harmless changes that ended in one of these verdicts."""
    return sum(counts["harmless"].get(verdict, 0) for verdict in verdicts)


def missed(counts: Counts, sort: str, *verdicts: str) -> int:
    """Count the defects of a sort that ended in none of these verdicts."""
    return sum(times for verdict, times in counts[sort].items() if verdict not in verdicts)


if __name__ == "__main__":
    STORED.write_text(json.dumps(count(), indent=2) + "\n", encoding="utf-8")
