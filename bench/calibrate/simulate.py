"""Judges samples of every case and appends a line each to a file, so that a long simulation can be cut and read."""

from __future__ import annotations

import gc
import importlib
import json
import pkgutil
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.calibrate.cases import Kind, kinds_of
from bench.calibrate.judge import judge
from bench.calibrate.pools import CACHE, pool_of
from bench.calibrate.worlds import WORLDS
from gate import checks


def simulate(kinds: Sequence[Kind], rows: int, repeat: int, path: Path, until: float = float("inf")) -> int:
    """Judge each case once; give the number of runs. Stops at the time `until` (of time.time)."""
    done, known = 0, _judged_before(path)
    load_checks()
    gc.freeze()  # pytest collects garbage after every run, and the pools are none
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for index in np.random.default_rng(repeat).permutation(len(kinds)):
            kind = kinds[index]
            if time.time() > until:
                break
            if (*_key(kind), rows, repeat) in known:
                continue
            file.write(json.dumps(_line(kind, rows, repeat)) + "\n")
            file.flush()
            done += 1
    return done


def _key(kind: Kind) -> tuple[str, int, str]:
    return kind.pool.world.name, kind.pool.seed, kind.name


def _judged_before(path: Path) -> set[tuple[str, int, str, int, int]]:
    if not path.exists():
        return set()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(line["world"], line["seed"], line["change"], line["rows"], line["repeat"]) for line in lines}


def load_checks() -> None:
    """Import the shipped checks once: what was there before a run is not read anew in it, which saves a fifth."""
    for module in pkgutil.iter_modules(checks.__path__, f"{checks.__name__}."):
        importlib.import_module(module.name)


def all_kinds(seeds: Sequence[int], worlds: Sequence[str] = ()) -> Iterator[Kind]:
    """Give the cases of every world and training."""
    for seed in seeds:
        for world in WORLDS.values():
            if not worlds or world.name in worlds:
                yield from kinds_of(pool_of(world, seed, CACHE))


def _line(kind: Kind, rows: int, repeat: int) -> dict[str, Any]:
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = judge(kind.sample(rows, repeat))
    return {
        "world": kind.pool.world.name,
        "seed": kind.pool.seed,
        "change": kind.name,
        "sort": kind.sort,
        "loss": min(1e9, max(kind.losses.values())),
        "rows": rows,
        "repeat": repeat,
        "verdict": str(found.verdict),
        "loud": dict(found.loud),
        "why": {name: text[:200] for name, text in found.messages.items()},
        "cpu_s": round(time.process_time() - start, 3),
    }
