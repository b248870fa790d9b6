"""Looks: each distinct candidate that was judged on one evaluation set counts once; judging it again is free.

A set that decides on many candidates ends up choosing them, and what was chosen by it looks better on it than it is.
So the confidence is shared over the planned looks (contract, section 3). They are kept as tags of the registered
model where a verdict is recorded, and beside the local reports always; what counts is the union of both.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate import verdict
from gate.config import Config
from gate.domain import Comparison, Looks, Outcome
from gate.storing import FOLDER

if TYPE_CHECKING:
    from gate.registry import Registry

FILE = "looks.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One use of an evaluation set: what the report tells, and which of the looks this candidate's is, from 1.

    A candidate keeps its place when it is judged again, whatever was judged since: its verdict stays what it was.
    """

    counted: Looks
    place: int


def take(registry: Registry, comparison: Comparison, outcomes: Sequence[Outcome], config: Config) -> Look:
    """Count this look where something was judged on the data, keep it here, and say how many are used.

    Raises:
        RegistryError: the registry is out of reach.
    """
    from gate import registry as rooms

    candidate, data = comparison.candidate, comparison.data
    if data is None:
        return Look(counted=Looks(), place=1)
    path = local_file(config, candidate.model)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    recorded = rooms.looks(registry, candidate.model, data.digest)
    first = {
        short: (0, at) for short, at in recorded.items()
    }  # what everybody knows of comes before what one folder does
    for digest, at in _kept(path, data.digest):
        first.setdefault(rooms.short_digest(digest), (1, at))
    planned = config.model(candidate.model).data.looks
    mine = None if candidate.digest is None else rooms.short_digest(candidate.digest)
    if mine is not None and verdict.looked(outcomes):
        _append(path, {"data": data.digest, "candidate": candidate.digest, "version": candidate.version, "at": now})
        first.setdefault(mine, (1, now))
    place = sum(at <= first[mine] for at in first.values()) if mine in first else len(first) + 1
    return Look(counted=Looks(used=len(first), planned=planned), place=place)


def local_file(config: Config, model: str) -> Path:
    """Give the file that holds the looks of a model on this machine: one JSON object a line."""
    from gate.notes.files import slug

    return config.root / FOLDER / slug(model) / FILE


def _append(path: Path, look: dict[str, Any]) -> None:
    """Add one line in one write, so that two gates at once lose none; a folder that is read-only keeps none."""
    line = f"{json.dumps(look, sort_keys=True)}\n".encode()
    with suppress(OSError):
        if any(digest == look["candidate"] for digest, _ in _kept(path, look["data"])):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            torn = file.tell() > 0 and not _bytes(path).endswith(b"\n")
            os.write(file.fileno(), (b"\n" if torn else b"") + line)


def _kept(path: Path, data: str) -> Iterable[tuple[str, str]]:
    """Give the candidates that were judged on these data, and when; a line that is no look is passed over."""
    for line in _bytes(path).splitlines():
        try:
            look = json.loads(line)
        except ValueError:
            continue
        if isinstance(look, dict) and look.get("data") == data and isinstance(look.get("candidate"), str):
            yield look["candidate"], str(look.get("at", ""))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
