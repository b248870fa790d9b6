"""MLflow's legacy stages, kept as a mirror of the aliases: one stage a version, read back and mended.

A version can have both aliases and only one legacy stage: Production wins over Staging. Every stage that has an alias
is mended, not only the one that is moved; a stage without one is left to the team that uses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from gate.domain import Stage
from gate.registry.connection import Registry
from gate.registry.faults import AbsentError, UnsupportedError
from gate.registry.versions import Version, list_versions

STAGES = {Stage.STAGING: "Staging", Stage.PRODUCTION: "Production"}
NO_STAGE = "None"
_ARCHIVED = "Archived"
_THREE_PARTS = re.compile(r"[^.]+\.[^.]+\.[^.]+")
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What the stages follow from: who holds which stage (stage -> version), and who held the moved one before.

    `aliased` are the stages for which an alias says who holds them.
    """

    held: Mapping[str, int]
    aliased: frozenset[str]
    former: int | None = None


def has_stages(model: str) -> bool:
    """Say whether a model's registry can have stages: a name of three parts is one of a catalogue without."""
    return not _THREE_PARTS.fullmatch(model)


def differences(versions: tuple[Version, ...], aim: Aim) -> dict[int, str]:
    """Give the versions whose legacy stage is wrong, each with the right one: those that leave a stage first.

    The holder gets the stage; the former holder, and every other version that is left in a stage that an alias gave
    to another, is archived.
    """
    right = {version.number: _right(version, aim) for version in versions}
    wrong = {
        version.number: name
        for version in versions
        if (name := right[version.number]) is not None and name != version.legacy_stage
    }
    return dict(sorted(wrong.items(), key=lambda item: item[1] != _ARCHIVED))


def _right(version: Version, aim: Aim) -> str | None:
    """Give the legacy stage that a version should have, None where its stage is nobody's business now."""
    for stage in (Stage.PRODUCTION, Stage.STAGING):
        if aim.held.get(stage.value) == version.number:
            return STAGES[stage]
    mirrored = {STAGES[Stage(stage)] for stage in aim.aliased}
    return _ARCHIVED if version.number == aim.former or version.legacy_stage in mirrored else None


def mirror(registry: Registry, model: str, aim: Aim, before_write: Callable[[], None]) -> tuple[str, ...]:
    """Set the legacy stages that follow from the aliases, and read them back; give what is worth saying."""
    if not has_stages(model):
        return (f"{model!r} is a three-part name, as in catalogues without stages: the stage mirror is off.",)
    try:
        wrong = differences(list_versions(registry, model), aim)
        for _ in range(_ATTEMPTS):
            for number, name in wrong.items():
                before_write()
                _set(registry, model, number, name)
            wrong = differences(list_versions(registry, model), aim) if wrong else wrong
            if not wrong:
                return ()
    except UnsupportedError as error:  # a registry that has no stages is no fault; one that fails to set them is
        return (f"The stage mirror is off: {error}",)
    left = ", ".join(f"version {number} is not in {name}" for number, name in wrong.items())
    return (f"The legacy stages could not be mended ({left}); the alias holds.",)


def restore(
    registry: Registry, model: str, before: Mapping[int, str], aim: Aim, before_write: Callable[[], None]
) -> None:
    """Put stages back to what they were, where they still are what a mirror of `aim` made of them."""
    for version in list_versions(registry, model) if before else ():
        was = before.get(version.number)
        if was is None or (version.legacy_stage or NO_STAGE) == was:
            continue
        if _right(replace(version, legacy_stage=was), aim) == version.legacy_stage:
            before_write()
            _set(registry, model, version.number, was)


def _set(registry: Registry, model: str, number: int, name: str) -> None:
    with suppress(AbsentError):  # deleted at this moment: it has no stage any more
        registry.write("set the legacy stage", registry.client.transition_model_version_stage, model, str(number), name)
