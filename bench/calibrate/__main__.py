"""Simulate, ask the peers, write bench/calibrate/results.json: `make calibrate`; `make docs` puts it into the page.

It takes about two hours on two cores. `--repeats`, `--minutes`, `--rows`, `--seeds` and `--no-peers` make it shorter.
Each run is a line of build/calibrate/runs.jsonl; with `--more` the lines that are there are kept and counted too.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import Any

from bench.calibrate import peers, rates
from bench.calibrate.judge import LOOKS
from bench.calibrate.simulate import all_kinds, simulate
from bench.calibrate.speed import speed
from bench.calibrate.worlds import WORLDS
from gate import __version__

RUNS = Path("build/calibrate/runs.jsonl")
RESULTS = Path(__file__).parent / "results.json"
QUIET = ("harmless", "better", "slightly worse")


def main() -> int:
    """Run what is asked for, and write the results."""
    asked = _asked()
    if not asked.more:
        RUNS.unlink(missing_ok=True)
    until = time.time() + 60 * asked.minutes
    kinds = list(all_kinds(asked.seeds))
    quiet = [kind for kind in kinds if kind.sort in QUIET]
    for repeat in range(asked.first, asked.first + asked.repeats):
        for rows in asked.rows:
            chosen = quiet if repeat % 4 else kinds
            _say(f"repeat {repeat}: {len(chosen)} cases at {rows:,} rows")
            simulate(chosen, rows, repeat, RUNS, until)
    write(asked_peers=asked.peers)
    return 0


def write(*, asked_peers: bool) -> None:
    """Count the runs, ask the peers where wanted, and write everything down."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    found |= {
        "gate": __version__,
        "measured_at": dt.datetime.now(dt.UTC).date().isoformat(),
        "looks": LOOKS,
        "worlds": {world.name: {"what": world.what, "task": str(world.task)} for world in WORLDS.values()},
        "cells": rates.as_json(rates.cells_of(rates.read_lines(RUNS))),
    }
    if asked_peers:
        found |= {"peers": _peers(), "speed": speed()}
    text = json.dumps(found, sort_keys=True, ensure_ascii=False)
    RESULTS.write_text(text.replace('{"change"', '\n{"change"') + "\n", encoding="utf-8")
    _say(f"written to {RESULTS.name}; `make docs` puts it into docs/error-rates.md")


def _peers(rows: int = 2000) -> list[dict[str, Any]]:
    """Each case that the peers judge, with everybody's verdict."""
    folder = peers.BUILD / f"cases-{rows}"
    cases = peers.write_cases(list(all_kinds([0])), rows, folder)
    for peer in peers.PEERS:
        _say(f"asking {peer} about {len(cases)} cases")
        found = peers.verdicts_of(peer, folder)
        for case in cases:
            said = {name: judged["verdict"] for name, judged in found[case["name"]].items()}
            case.setdefault("peers", {}).update(said)
    return [{key: case[key] for key in ("change", "gate", "peers", "sort", "world")} for case in cases]


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=12, help="runs of each harmless case; of each defect a quarter")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then, and count what there is")
    parser.add_argument("--first", type=int, default=0, help="number of the first repeat: others draw other rows")
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 200, 10_000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="trainings of each world")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--more", action="store_true", help="add to the runs that were judged before, by the same code")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
