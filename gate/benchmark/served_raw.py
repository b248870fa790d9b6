"""Every request that served versions got, beside the report, compressed: all of `benchmark.served` follows from it."""

from __future__ import annotations

import gzip
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from gate.domain import Served, ServedRun
from gate.errors import UsageError

FILE_NAME = "served.json.gz"
SCHEMA = "gate.served/1"
MOST_BYTES = 256 << 20
_ARRAYS = tuple(field.name for field in fields(ServedRun) if field.name != "rate")


def write(served: Served, folder: Path) -> Path:
    """Write it: nanoseconds as whole numbers, one list a column; the same requests give the same bytes."""
    told = {
        "schema": SCHEMA,
        "sides": list(served.sides),
        "problems": dict(served.problems),
        "runs": [{"rate": run.rate, **{name: getattr(run, name).tolist() for name in _ARRAYS}} for run in served.runs],
    }
    path = folder / FILE_NAME
    path.write_bytes(gzip.compress(json.dumps(told, sort_keys=True).encode(), mtime=0))
    return path


def read(path: Path) -> Served:
    """Read what was written.

    Raises:
        UsageError: the file is not there, or is no such file.
    """
    try:
        with gzip.open(path) as file:
            told = json.loads(file.read(MOST_BYTES))
        if told["schema"] != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")  # noqa: TRY301 - one way out for all that is wrong with it
        runs = tuple(_run(each) for each in told["runs"])
        return Served(sides=tuple(told["sides"]), runs=runs, problems=told["problems"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The requests {path} cannot be read: {error}.",
            remedy=f"Keep {FILE_NAME} beside the report that names it, or judge the version again.",
        ) from None


def _run(told: dict[str, Any]) -> ServedRun:
    return ServedRun(rate=told["rate"], **{name: np.asarray(told[name], dtype=np.int64) for name in _ARRAYS})
