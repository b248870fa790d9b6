"""Looks: each distinct candidate that was judged on one evaluation set counts once; judging it again is free.

A set that decides on many candidates ends up choosing them, and what was chosen by it looks better on it than it is.
So the confidence is shared over the planned looks (contract, section 3). They are kept as tags of the registered
model where a verdict is recorded, and beside the local reports always; what counts is the union of both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate import verdict
from gate.config import Config
from gate.domain import Comparison, Looks, Outcome
from gate.storing import FOLDER

if TYPE_CHECKING:
    from gate.registry import Registry

FILE = "looks.jsonl"


def take(registry: Registry, comparison: Comparison, outcomes: Sequence[Outcome], config: Config) -> Looks:
    """Count this look where something was judged on the data, keep it here, and say how many are used.

    Raises:
        RegistryError: the registry is out of reach.
    """
    from gate import registry as rooms

    candidate, data = comparison.candidate, comparison.data
    if data is None:
        return Looks()
    path = local_file(config, candidate.model)
    if verdict.looked(outcomes) and candidate.digest is not None:
        _append(path, {"data": data.digest, "candidate": candidate.digest, "version": candidate.version})
        mine = {rooms.short_digest(candidate.digest)}
    else:
        mine = set()
    kept = (rooms.short_digest(digest) for digest in _candidates(path, data.digest))
    used = mine | set(kept) | rooms.looks(registry, candidate.model, data.digest)
    return Looks(used=len(used), planned=config.model(candidate.model).data.looks)


def local_file(config: Config, model: str) -> Path:
    """Give the file that holds the looks of a model on this machine: one JSON object a line."""
    from gate.notes.files import slug

    return config.root / FOLDER / slug(model) / FILE


def _append(path: Path, look: dict[str, Any]) -> None:
    """Add one line in one write, so that two gates at once lose none; a folder that is read-only keeps none."""
    line = f"{json.dumps(look, sort_keys=True)}\n".encode()
    with suppress(OSError):
        if line in _bytes(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            torn = file.tell() > 0 and not _bytes(path).endswith(b"\n")
            os.write(file.fileno(), (b"\n" if torn else b"") + line)


def _candidates(path: Path, data: str) -> Iterable[str]:
    """Give the candidates that were judged on these data; a line that is no look is passed over."""
    for line in _bytes(path).splitlines():
        try:
            look = json.loads(line)
        except ValueError:
            continue
        if isinstance(look, dict) and look.get("data") == data and isinstance(look.get("candidate"), str):
            yield look["candidate"]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
