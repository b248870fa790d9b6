"""Who held which stage from when to when: the history read as tenures, and held against what the registry says now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gate.domain import Stage
from gate.registry.grounds import Grounds
from gate.registry.history import Chapter, now

BY_HAND = "by hand"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """A version's time in a stage. `since` and `until` are None where nobody wrote down when; `current` where it lasts.

    `action` is promote, rollback, undo, or "by hand" where somebody moved the stage outside the gate.
    """

    stage: str
    version: int
    since: str | None
    until: str | None
    current: bool
    action: str
    by: str | None = None
    verdict: str | None = None
    digest: str | None = None
    grounds: Grounds | None = None


def moment(history: Sequence[Chapter]) -> str:
    """Give the time of the next entry: now, and never before the last one where a clock was set back."""
    before = (chapter.entry.at for chapter in history[-1:])
    return max([now(), *(at for at in before if _MOMENT.fullmatch(at))])


def tenures(history: Sequence[Chapter], held: Mapping[str, int]) -> list[Tenure]:
    """Tell who held each stage, the first tenure first, a stage after the other; `held` is stage -> version now."""
    return [tenure for stage in Stage for tenure in _of_stage(history, stage.value, held.get(stage.value))]


def _of_stage(history: Sequence[Chapter], stage: str, holder: int | None) -> list[Tenure]:
    found: list[Tenure] = []
    for chapter in history:
        entry = chapter.entry
        if entry.stage != stage:
            continue
        if entry.from_version is not None and entry.from_version != _open(found):
            found = [*_ended(found, None), _hand_made(stage, entry.from_version)]
        elif entry.from_version is None and _open(found) != entry.to_version:
            found = _ended(found, None)
        found = _ended(found, entry.at)
        if entry.to_version is not None:
            found.append(_begun(chapter))
    if holder != _open(found):
        found = _ended(found, None)
        found += [_hand_made(stage, holder)] if holder is not None else []
    return found


def _open(found: Sequence[Tenure]) -> int | None:
    return found[-1].version if found and found[-1].current else None


def _ended(found: list[Tenure], at: str | None) -> list[Tenure]:
    if not found or not found[-1].current:
        return found
    return [*found[:-1], replace(found[-1], until=at, current=False)]


def _hand_made(stage: str, version: int) -> Tenure:
    return Tenure(stage=stage, version=version, since=None, until=None, current=True, action=BY_HAND)


def _begun(chapter: Chapter) -> Tenure:
    entry = chapter.entry
    assert entry.to_version is not None  # noqa: S101 - the caller looked; said for the type checker
    return Tenure(
        stage=entry.stage,
        version=entry.to_version,
        since=entry.at,
        until=None,
        current=True,
        action=entry.action,
        by=entry.by,
        verdict=entry.verdict,
        digest=entry.digest,
        grounds=chapter.grounds,
    )


def drift(history: Sequence[Chapter], holder: int | None, stage: Stage) -> str | None:
    """Say that somebody moved a stage outside the gate, None where the history's last word holds."""
    last = next((each.entry for each in reversed(history) if each.entry.stage == stage.value), None)
    if last is None or last.to_version == holder:
        return None
    now_held = f"version {holder} holds" if holder is not None else "nobody holds"
    said = f"version {last.to_version}" if last.to_version is not None else "nobody"
    return (
        f"Somebody moved {stage} outside the gate: {now_held} it, and the history's last word is {said} "
        f"(by {last.by}, {last.at})."
    )


def line_of_holders(history: Sequence[Chapter], stage: Stage, holder: int | None) -> list[int]:
    """Give who held a stage before one another, the present holder last: what a rollback goes back along.

    A rollback takes those after its target away, so that a second one goes further back and never forward again.
    """
    line: list[int] = []
    for entry in (chapter.entry for chapter in history if chapter.entry.stage == stage.value):
        back = entry.action in {"rollback", "undo"}
        if entry.from_version is not None and not back:
            line = _grown(line, entry.from_version)
        if back and entry.to_version in line:
            line = line[: len(line) - line[::-1].index(entry.to_version)]
        elif back and entry.to_version is None:
            line = []
        elif entry.to_version is not None:
            line = _grown(line, entry.to_version)
    return line if holder is None else _grown(line, holder)


def _grown(line: list[int], version: int) -> list[int]:
    return line if line and line[-1] == version else [*line, version]


def former_holders(history: Sequence[Chapter], stage: Stage) -> list[int]:
    """Give every version that ever held a stage, the last first."""
    entries = [chapter.entry for chapter in history if chapter.entry.stage == stage.value]
    ever = [number for entry in entries[::-1] for number in (entry.to_version, entry.from_version)]
    return list(dict.fromkeys(number for number in ever if number is not None))
