"""What a promotion is about to do, written down before it does it: here with fsync, and in the registry as tags.

The plan holds everything that another process needs to finish it or to undo it: what is to hold the stage, who held
it, and the state before of everything that will be touched. Steps are told apart by what the registry says now, so
nothing depends on how far the line of a dead process got; the local lines are for people, and are there even where
the registry is not. Where both are gone, nothing was moved: the plan is mirrored before the first step.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gate.domain import HistoryEntry
from gate.errors import GateError
from gate.registry.connection import Registry
from gate.registry.history import from_line, now, to_line
from gate.registry.runs import parse_json

PLAN_TAG, BEFORE_TAG = "gate.journal", "gate.journal.before"
_TAG_CAP = 499
_LETTERS = {"None": "N", "Staging": "S", "Production": "P", "Archived": "A"}
_STAGES = {letter: stage for stage, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Where things stood: the stage's alias, the alias of its former holder, the legacy stages of who will be moved."""

    alias: int | None
    previous: int | None
    stages: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One move of a stage.

    `entry` is what the history will say, under `number`; `evidence` the recorded report's digest; `alias` stands for
    the stage.
    """

    id: str
    number: int
    alias: str
    entry: HistoryEntry
    evidence: str | None
    before: Before

    @property
    def title(self) -> str:
        """What it is, who began it and when."""
        entry = self.entry
        to = f"version {entry.to_version}" if entry.to_version is not None else "nobody"
        moved = {"promote": f"promotion of {to} to {entry.stage}"}.get(entry.action, f"return of {entry.stage} to {to}")
        return f"The {moved} that {entry.by} began at {entry.at}"


class Ledger:
    """The local journal of a model: a line a step, each on the disk before the step is taken."""

    def __init__(self, path: Path) -> None:
        """Nothing is written yet."""
        self._path = path

    def write(self, plan: Plan, step: str, **more: Any) -> None:  # noqa: ANN401 - any JSON
        """Append a line and wait until the disk has it.

        Raises:
            GateError: no space, or the folder cannot be written.
        """
        line = json.dumps({"at": now(), "id": plan.id, "step": step, **more}, ensure_ascii=False)
        try:
            is_new = not self._path.exists()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            with os.fdopen(descriptor, "ab", buffering=0) as file:
                _write_whole(file.fileno(), f"{line}\n".encode())
                os.fsync(file.fileno())
            if is_new:
                _sync_folder(self._path.parent)
        except OSError as error:
            raise GateError(
                f"The journal {self._path} cannot be written: {error.strerror}; no stage is moved without it.",
                remedy="Free some space, or run it where the folder of gate.yaml can be written.",
            ) from None

    def before(self, plan: Plan) -> Before | None:
        """Give the whole state before, where this machine began the plan; the mirror has room for some of it."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return None
        for line in reversed(lines):
            found = parse_json(line)
            if isinstance(found, dict) and found.get("id") == plan.id and found.get("step") == "begin":
                before = found.get("before")
                return _before_of(before) if isinstance(before, dict) else None
        return None


def _write_whole(descriptor: int, line: bytes) -> None:
    """Append in one write; a line that a full disk cut off is ended, so that it spoils no other."""
    written = os.write(descriptor, line)
    if written < len(line):
        os.write(descriptor, b"\n")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync_folder(folder: Path) -> None:
    """A new file is there after a crash only where its folder is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_down(plan: Plan, ledger: Ledger) -> None:
    """Write the plan into the local journal, before anything is changed.

    Raises:
        GateError: it cannot be written.
    """
    ledger.write(plan, "begin", told=_plan_values(plan), before=_before_values(plan))


def publish(registry: Registry, model: str, plan: Plan) -> None:
    """Write the plan into the registry, where another machine finds it; no stage is moved before this returns.

    Raises:
        RegistryError: the registry refuses, or is out of reach.
    """
    before = _before_values(plan)
    while len(_text(before)) > _TAG_CAP and before["stages"]:
        before = {**before, "stages": before["stages"].rpartition(" ")[0]}
    _tag(registry, model, BEFORE_TAG, _text(before))
    _tag(registry, model, PLAN_TAG, _text(_plan_values(plan)))


def close(registry: Registry, model: str) -> None:
    """Take the plan out of the registry: it was carried out, or undone."""
    for key in (PLAN_TAG, BEFORE_TAG):
        registry.write("close the journal", registry.client.delete_registered_model_tag, model, key)


def open_plan(tags: Mapping[str, str]) -> Plan | None:
    """Give the plan that somebody left in a model's tags, None where there is none that can be read."""
    told, rest = parse_json(tags.get(PLAN_TAG)), parse_json(tags.get(BEFORE_TAG))
    if not isinstance(told, dict) or not isinstance(rest, dict) or told.get("id") != rest.get("id"):
        return None
    entry, number, alias = from_line(told), told.get("number"), rest.get("name")
    if entry is None or not isinstance(number, int) or not isinstance(alias, str):
        return None
    return Plan(
        id=str(told["id"]),
        number=number,
        alias=alias,
        entry=entry,
        evidence=str(rest.get("evidence") or "") or None,
        before=_before_of(rest),
    )


def _plan_values(plan: Plan) -> dict[str, Any]:
    return {**to_line(plan.entry), "id": plan.id, "number": plan.number}


def _before_values(plan: Plan) -> dict[str, Any]:
    """The rest of a plan. Two tags, since no value of the gate's is longer than 500 characters."""
    before = plan.before
    stages = " ".join(f"{number}{_LETTERS.get(stage, 'N')}" for number, stage in sorted(before.stages.items()))
    return {
        "id": plan.id,
        "name": plan.alias,
        "evidence": plan.evidence,
        "alias": before.alias,
        "previous": before.previous,
        "stages": stages,
    }


def _before_of(told: Mapping[str, Any]) -> Before:
    alias, previous = (told.get(key) for key in ("alias", "previous"))
    words = [word for word in str(told.get("stages") or "").split() if word[:-1].isdigit() and word[-1] in _STAGES]
    return Before(
        alias=alias if isinstance(alias, int) else None,
        previous=previous if isinstance(previous, int) else None,
        stages={int(word[:-1]): _STAGES[word[-1]] for word in words},
    )


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _tag(registry: Registry, model: str, key: str, value: str) -> None:
    registry.write("write the journal", registry.client.set_registered_model_tag, model, key, value)
