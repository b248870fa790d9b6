"""MLflow's legacy stages, kept as a mirror of the aliases: one stage a version, read back and mended.

A version can have both aliases and only one legacy stage: Production wins over Staging.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gate.domain import Stage
from gate.errors import RegistryError, UsageError
from gate.registry.connection import Registry
from gate.registry.versions import Version, list_versions

STAGES = {Stage.STAGING: "Staging", Stage.PRODUCTION: "Production"}
_ARCHIVED = "Archived"
_THREE_PARTS = re.compile(r"[^.]+\.[^.]+\.[^.]+")
_ATTEMPTS = 3


def mirror(
    registry: Registry, model: str, stage: Stage, held: Mapping[str, int], former: int | None
) -> tuple[str, ...]:
    """Set the legacy stages that follow from who holds which alias; give what is worth saying.

    `held` is stage -> version, by alias. The holder gets the stage; the former holder, and every other version that
    is left in that stage, is archived unless another alias of its own says more.
    """
    if _THREE_PARTS.fullmatch(model):
        return (f"{model!r} is a three-part name, as in catalogues without stages: the stage mirror is off.",)
    try:
        wrong = _differences(list_versions(registry, model), stage, held, former)
        for _ in range(_ATTEMPTS):
            for number, name in wrong.items():
                _set(registry, model, number, name)
            wrong = _differences(list_versions(registry, model), stage, held, former)
            if not wrong:
                return ()
    except (RegistryError, UsageError) as error:
        return _explain(registry, model, error)
    left = ", ".join(f"version {number} is not in {name}" for number, name in wrong.items())
    return (f"The legacy stages could not be mended ({left}); the alias holds.",)


def _differences(
    versions: tuple[Version, ...], stage: Stage, held: Mapping[str, int], former: int | None
) -> dict[int, str]:
    """Give the versions whose legacy stage is wrong, each with the right one: those that leave a stage first."""
    right = {version.number: _right(version, stage, held, former) for version in versions}
    wrong = {
        version.number: name
        for version in versions
        if (name := right[version.number]) is not None and name != version.legacy_stage
    }
    return dict(sorted(wrong.items(), key=lambda item: item[1] != _ARCHIVED))


def _right(version: Version, stage: Stage, held: Mapping[str, int], former: int | None) -> str | None:
    """Give the legacy stage that a version should have, None where its stage is nobody's business now."""
    for each in (Stage.PRODUCTION, Stage.STAGING):
        if held.get(each.value) == version.number:
            return STAGES[each]
    left_over = version.number == former or version.legacy_stage == STAGES[stage]
    return _ARCHIVED if left_over else None


def _set(registry: Registry, model: str, number: int, name: str) -> None:
    registry.write("set the legacy stage", registry.client.transition_model_version_stage, model, str(number), name)


def _explain(registry: Registry, model: str, error: Exception) -> tuple[str, ...]:
    """A registry without stages is no fault; one that is out of reach is."""
    try:
        list_versions(registry, model)
    except RegistryError:
        raise error from None
    return (f"The stage mirror is off: {error}",)
