"""Giving a stage back to who held it before: to a former holder, whose files are there and are what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gate.domain import Artifact, HistoryEntry, JsonValue, Promotion, Stage
from gate.errors import RefusedError
from gate.registry.connection import Registry
from gate.registry.download import fetch_version, temporary_below
from gate.registry.find import resolve
from gate.registry.grounds import Grounds
from gate.registry.history import Chapter
from gate.registry.mlmodel import read_mlmodel
from gate.registry.moving import Desk, PromotionSettings, carry_out, draw
from gate.registry.promotion import Mover, judge
from gate.registry.settling import Settled, Visitor, at_desk, new_identity
from gate.registry.tenures import former_holders, line_of_holders, moment
from gate.registry.tree import ArtifactFaultError, read_tree
from gate.registry.validity import Standing, standing
from gate.registry.versions import alias_of, get_version, list_versions

Loads = Callable[[Artifact, Mapping[str, Mapping[str, JsonValue]]], None]
"""Loads files as what MLmodel says of each flavour, apart from this process; RefusedError where they do not load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A former holder: the verdict and the digest with which it held the stage, None where nobody wrote them down."""

    version: int
    verdict: str | None = None
    digest: str | None = None
    grounds: Grounds | None = None


def rollback(
    registry: Registry,
    model: str,
    wanted: tuple[Stage, str | None],
    settings: PromotionSettings,
    mover: Mover,
    loads: Loads,
) -> Promotion:
    """Give a stage back to a former holder; `wanted` is the stage, and the version, None for the holder before.

    Raises:
        RefusedError: there is nobody to go back to; or his files are gone, were changed, or do not load.
        UsageError: there is no such model or version.
        RegistryError: the registry is out of reach, or others move this model's stages all the time.
        GateError: the local journal cannot be written.
    """
    stage, version = wanted
    before = standing(registry, model, stage, settings)
    target = choose(registry, model, before, version)
    notes = () if target.version == before.holder else _ensure_usable(registry, model, target, mover.into, loads)
    visitor = Visitor(by=mover.by, judge=partial(judge, registry, model, settings, mover), waiting=mover.waiting)
    done = at_desk(registry, model, settings, visitor, partial(_move, before, target, mover.by))
    return replace(done, notes=(*notes, *done.notes))


def choose(registry: Registry, model: str, now: Standing, version: str | None) -> Target:
    """Say whom a rollback goes back to.

    Raises:
        RefusedError: nobody held the stage before, or not this version.
        UsageError: there is no such version.
    """
    if version is not None:
        return _named(registry, model, now, resolve(registry, model, version))
    line = line_of_holders(now.history, now.stage, now.holder)
    there = {each.number for each in list_versions(registry, model)}
    if now.holder is None:
        line = [*(number for number in line[-1:] if number in there), *line[:-1][::-1]]
    else:
        line = line[:-1][::-1]
    if not line:
        holds = f"Version {now.holder} holds {now.stage}" if now.holder is not None else f"Nobody holds {now.stage}"
        raise RefusedError(
            f"{holds}, and nobody is known to have held it before: there is nothing to go back to.",
            remedy=f"`gate history {model}` shows who held what; `gate promote` moves the stage to a judged version.",
        )
    if line[0] not in there:
        rest = [number for number in former_holders(now.history, now.stage) if number in there - {now.holder}]
        raise RefusedError(
            f"Version {line[0]} of {model!r} held {now.stage} before, and somebody deleted it.",
            remedy=_others(rest),
        )
    return _target(now, line[0])


def _named(registry: Registry, model: str, now: Standing, number: int) -> Target:
    ever = former_holders(now.history, now.stage)
    if number not in ever and number != now.holder:
        there = {each.number for each in list_versions(registry, model)}
        rest = [each for each in ever if each in there - {now.holder}]
        raise RefusedError(
            f"Version {number} of {model!r} never held {now.stage}: a rollback goes to a former holder.",
            remedy=f"{_others(rest)} What was judged is promoted: `gate promote {model} {number} --to {now.stage}`.",
        )
    return _target(now, number)


def _others(rest: Sequence[int]) -> str:
    if not rest:
        return "No other former holder is there."
    return f"Former holders: {', '.join(map(str, rest))}; name one with --to."


def _target(now: Standing, number: int) -> Target:
    """What the history keeps of a former holder: of its last promotion, else of who was judged against it."""
    mine = [each for each in now.history if each.entry.stage == now.stage.value]
    for chapter in reversed(mine):
        if chapter.entry.to_version == number and chapter.entry.digest is not None:
            entry = chapter.entry
            return Target(version=number, verdict=entry.verdict, digest=entry.digest, grounds=chapter.grounds)
    return Target(version=number, digest=_as_baseline(mine, number))


def _as_baseline(history: Sequence[Chapter], number: int) -> str | None:
    known = (each.grounds for each in reversed(history) if each.grounds is not None)
    return next((grounds.baseline_digest for grounds in known if grounds.baseline == number), None)


def _ensure_usable(registry: Registry, model: str, target: Target, into: Path, loads: Loads) -> tuple[str, ...]:
    """Its files are there, are what they were, and load; give what could not be looked at."""
    what = f"Version {target.version} of {model!r}"
    with temporary_below(into) as place:
        try:
            folder = fetch_version(registry, get_version(registry, model, target.version), place)
            artifact, flavors = read_tree(folder), read_mlmodel(folder).settings
        except ArtifactFaultError as error:
            raise RefusedError(
                f"{what} cannot be put back: {error}.", remedy="Name another former holder with --to."
            ) from None
        if target.digest is not None and artifact.digest != target.digest:
            raise RefusedError(
                f"The files of version {target.version} of {model!r} are not those that held the stage "
                f"(now {artifact.digest}, then {target.digest}).",
                remedy="Find out who changed them, or name another former holder with --to.",
            )
        loads(artifact, flavors)
    if target.digest is None:
        return (f"{what} held the stage before the gate kept digests: whether its files changed is not known.",)
    return ()


def _move(before: Standing, target: Target, by: str, desk: Desk, _settled: list[Settled]) -> Promotion:
    now = standing(desk.registry, desk.model, before.stage, desk.settings)
    if now.holder != before.holder:
        raise RefusedError(
            f"Version {now.holder} took {now.stage} of {desk.model!r} meanwhile from version {before.holder}.",
            remedy="Look at `gate history`, then say with --to whom to go back to.",
        )
    alias = alias_of(now.stage, desk.settings.aliases)
    done = Promotion(
        model=desk.model, stage=now.stage, alias=alias, version=target.version, former=now.holder, action="rollback"
    )
    if now.holder == target.version:
        why = f"Version {target.version} already holds {now.stage}: there is nothing to roll back."
        return replace(done, former=None, notes=(why,))
    entry = HistoryEntry(
        at=moment(now.history),
        action="rollback",
        stage=now.stage.value,
        from_version=now.holder,
        to_version=target.version,
        verdict=target.verdict,
        digest=target.digest,
        by=by,
    )
    report = target.grounds.report if target.grounds else None
    return replace(done, notes=carry_out(desk, draw(desk, entry, report, new_identity()), target.grounds))
