"""The append-only history of a model's stages, and the lineage of its versions."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.domain import HistoryEntry
from gate.errors import RegistryError
from gate.registry.connection import Registry
from gate.registry.grounds import Grounds, read_grounds
from gate.registry.runs import find_run, parse_json
from gate.registry.versions import Version, get_model, list_versions

_TAG = re.compile(r"gate\.history\.(\d{4,})")
_TEXT_CAP = 200
_ATTEMPTS = 10
_METRICS_SHOWN = 5
_FIRST_METRICS = ("eval", "test", "val", "holdout")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRow:
    """One version in the lineage. `metrics` are a few of its run's, those of evaluation first."""

    version: int
    created_at: str | None
    status: str
    verdict: str | None
    digest: str | None
    checked_at: str | None
    aliases: tuple[str, ...]
    legacy_stage: str | None
    signed_by: str | None
    """Fingerprint of the key that signed the verdict, as the mark says."""
    metrics: Mapping[str, float]


def now() -> str:
    """Give the present moment, RFC 3339 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One entry of the history with its number, and the grounds on which the stage was moved, where they were kept."""

    number: int
    entry: HistoryEntry
    grounds: Grounds | None = None


def history(registry: Registry, model: str) -> list[HistoryEntry]:
    """Read the history of a model's stages, the oldest entry first; what is no entry of the gate's is left out."""
    return [chapter.entry for chapter in chapters(get_model(registry, model).tags)]


def chapters(tags: Mapping[str, str]) -> list[Chapter]:
    """Give the history that the tags of a registered model hold, the oldest entry first."""
    found = ((number, from_line(parse_json(text))) for number, text in sorted(_numbered(tags).items()))
    return [
        Chapter(number=number, entry=entry, grounds=read_grounds(tags, number))
        for number, entry in found
        if entry is not None
    ]


def _numbered(tags: Mapping[str, str]) -> dict[int, str]:
    found = ((_TAG.fullmatch(key), text) for key, text in tags.items())
    return {int(match.group(1)): text for match, text in found if match}


def next_number(tags: Mapping[str, str]) -> int:
    """Give the number of the next entry."""
    return max(_numbered(tags), default=0) + 1


def is_written(tags: Mapping[str, str], entry: HistoryEntry, number: int) -> bool:
    """Say whether the history has this very entry, under this number or a later one."""
    return any(text == _text(entry) for found, text in _numbered(tags).items() if found >= number)


def append(registry: Registry, model: str, entry: HistoryEntry, number: int) -> None:
    """Write one entry under its number, unless it is there, and read it back; under the next where that is taken.

    Raises:
        RegistryError: the entry could not be written.
    """
    for _ in range(_ATTEMPTS):
        tags = get_model(registry, model).tags
        if is_written(tags, entry, number):
            return
        key = f"gate.history.{max(number, next_number(tags)):04d}"
        registry.write("write the history", registry.client.set_registered_model_tag, model, key, _text(entry))
    raise RegistryError(f"The history of {model!r} could not be written: others write it all the time.")


def _text(entry: HistoryEntry) -> str:
    return json.dumps(to_line(entry), ensure_ascii=False, separators=(",", ":"))


def to_line(entry: HistoryEntry) -> dict[str, Any]:
    """Give the contract's keys of an entry, in its order."""
    return {
        "at": entry.at,
        "action": entry.action,
        "stage": entry.stage,
        "from": entry.from_version,
        "to": entry.to_version,
        "verdict": entry.verdict,
        "digest": entry.digest,
        "by": _short(entry.by),
    }


def _short(text: str) -> str:
    """Cut a name so that its JSON is short, whatever has to be escaped in it."""
    text = text[:_TEXT_CAP]
    while len(json.dumps(text, ensure_ascii=False)) > _TEXT_CAP + 2:
        text = text[:-1]
    return text


def from_line(found: object) -> HistoryEntry | None:
    """Read an entry from the contract's keys; None where these are none."""
    if not isinstance(found, dict):
        return None
    words = {key: str(found.get(key) or "")[:_TEXT_CAP] for key in ("at", "action", "stage", "by", "verdict", "digest")}
    return HistoryEntry(
        at=words["at"],
        action=words["action"],
        stage=words["stage"],
        from_version=_number(found.get("from")),
        to_version=_number(found.get("to")),
        verdict=words["verdict"] or None,
        digest=words["digest"] or None,
        by=words["by"],
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def lineage(registry: Registry, model: str, *, limit: int = 50) -> list[LineageRow]:
    """Give the newest versions of a model, the newest first, at most `limit`."""
    aliases = get_model(registry, model).aliases
    newest = list_versions(registry, model)[::-1][:limit]
    return [_row(registry, version, aliases) for version in newest]


def _row(registry: Registry, version: Version, aliases: Mapping[str, int]) -> LineageRow:
    return LineageRow(
        version=version.number,
        created_at=version.created_at,
        status=version.status,
        verdict=version.tags.get("gate.verdict"),
        digest=version.tags.get("gate.digest"),
        checked_at=version.tags.get("gate.checked_at"),
        aliases=tuple(sorted(alias for alias, number in aliases.items() if number == version.number)),
        legacy_stage=version.legacy_stage,
        signed_by=version.tags.get("gate.signed_by") or None,
        metrics=_key_metrics(registry, version),
    )


def _key_metrics(registry: Registry, version: Version) -> dict[str, float]:
    run = find_run(registry, version.run_id)
    found = {str(name): float(value) for name, value in run.data.metrics.items()} if run else {}
    ordered = sorted(found, key=lambda name: (not name.lower().startswith(_FIRST_METRICS), name))
    return {name: found[name] for name in ordered[:_METRICS_SHOWN]}
