"""Everything that was timed, beside the report, compressed: every number of the benchmark can be recomputed from it."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from gate.domain import Concurrency, Endurance, Start, TimedPairs, Timings
from gate.errors import UsageError

FILE_NAME = "timings.json.gz"
SCHEMA = "gate.timings/1"
MOST_BYTES = 256 << 20


def write(timings: Timings, folder: Path) -> Path:
    """Write it: nanoseconds as whole numbers, one list a column; the same timings give the same bytes."""
    text = json.dumps({"schema": SCHEMA, **asdict(timings)}, default=_plain, sort_keys=True, indent=None)
    path = folder / FILE_NAME
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def read(path: Path) -> Timings:
    """Read what was written.

    Raises:
        UsageError: the file is not there, or is no such file.
    """
    try:
        with gzip.open(path) as file:
            raw = json.loads(file.read(MOST_BYTES))
        return _timings(raw)
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The timings {path} cannot be read: {error}.",
            remedy=f"Keep {FILE_NAME} beside the report that names it, or judge the version again.",
        ) from None


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON takes
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not written")


def _timings(raw: dict[str, Any]) -> Timings:
    if raw.pop("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    return Timings(
        **{
            **raw,
            "pairs": tuple(_pairs(each) for each in raw["pairs"]),
            "starts": tuple(Start(**each) for each in raw["starts"]),
            "endurance": tuple(
                Endurance(side=each["side"], calls=tuple(each["calls"]), rss_bytes=tuple(each["rss_bytes"]))
                for each in raw["endurance"]
            ),
            "concurrency": tuple(Concurrency(**each) for each in raw["concurrency"]),
            "notes": tuple(raw["notes"]),
        }
    )


def _pairs(raw: dict[str, Any]) -> TimedPairs:
    arrays = {
        field.name: np.asarray(raw[field.name], dtype=bool if field.name == "unseen" else np.int64)
        for field in fields(TimedPairs)
        if isinstance(raw[field.name], list)
    }
    return TimedPairs(**{**raw, **arrays})
