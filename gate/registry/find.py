"""Which version is meant: by number, by alias, by stage, as a baseline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gate.domain import Stage
from gate.errors import UsageError
from gate.registry.connection import Registry
from gate.registry.faults import AbsentError
from gate.registry.versions import Model, Version, alias_of, ensure_name, get_model, get_version, list_versions

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_SHOWN = 8
_LEGACY = {Stage.STAGING: "Staging", Stage.PRODUCTION: "Production"}
_NOT_READY = {
    "PENDING_REGISTRATION": "Wait until its registration is complete, then try again.",
    "FAILED_REGISTRATION": "Register it again: MLflow could not finish its registration.",
}

Aliases = Mapping[Stage, str] | Mapping[str, str]
"""Stage -> the alias that stands for it; a stage that is absent has its own name as its alias."""


def resolve(registry: Registry, model: str, version: str) -> int:
    """Give the number of a version.

    `version` is a number, `latest` (the highest that is READY) or `@alias`.

    Raises:
        UsageError: the model, version or alias does not exist, or the version is not READY.
    """
    ensure_form(model, version)
    known = get_model(registry, model)
    if version.startswith("@"):
        return _ready(_get(registry, known, _aliased(known, version[1:])))
    if version == "latest":
        return _latest(registry, model)
    return _ready(_get(registry, known, int(version)))


def ensure_form(model: str, version: str) -> None:
    """Refuse what can be no model's name or no version, without asking the registry.

    Raises:
        UsageError: with the rule.
    """
    ensure_name(model)
    if not (version.startswith("@") or version == "latest" or _NUMBER.fullmatch(version)):
        raise UsageError(
            f"{version!r} is no version.", remedy="Give a whole number like 3, `latest`, or an alias like @production."
        )


def _aliased(model: Model, alias: str) -> int:
    if alias in model.aliases:
        return model.aliases[alias]
    names = [f"@{name}" for name in sorted(model.aliases)]
    known = f"It has: {_few(names)}." if names else "It has no alias yet."
    raise UsageError(f"The model {model.name!r} has no alias {alias!r}.", remedy=known)


def _get(registry: Registry, model: Model, number: int) -> Version:
    try:
        return get_version(registry, model.name, number)
    except AbsentError:
        numbers = [str(version.number) for version in reversed(list_versions(registry, model.name))]
        known = f"It has: {_few(numbers)}." if numbers else "It has no version yet: register one first."
        raise UsageError(f"The model {model.name!r} has no version {number}.", remedy=known) from None


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _ready(version: Version) -> int:
    if version.ready:
        return version.number
    why = f" ({version.status_message})" if version.status_message else ""
    raise UsageError(
        f"Version {version.number} of {version.model!r} has the status {version.status}{why}, not READY.",
        remedy=_NOT_READY.get(version.status, "Register it again."),
    )


def _latest(registry: Registry, model: str) -> int:
    versions = list_versions(registry, model)
    ready = [version.number for version in versions if version.ready]
    if ready:
        return max(ready)
    states = ", ".join(f"{version.number} is {version.status}" for version in versions[-_SHOWN:])
    raise UsageError(
        f"The model {model!r} has no version that is READY{f': {states}' if states else ''}.",
        remedy="Register a version first.",
    )


def holders(registry: Registry, model: str, aliases: Aliases) -> dict[str, int]:
    """Give who holds each stage now; a stage that nobody holds is absent.

    The alias is the truth. Where it is not set, the version in the legacy stage of that name counts, the highest of
    several: so a team that only ever used stages has holders too.
    """
    return holders_of(registry, get_model(registry, model), aliases)


def holders_of(registry: Registry, known: Model, aliases: Aliases) -> dict[str, int]:
    """Give who holds each stage of a model that was read just now."""
    named = {stage.value: known.aliases.get(alias_of(stage, aliases)) for stage in Stage}
    if None in named.values():
        versions = list_versions(registry, known.name)
        for stage in Stage:
            if named[stage.value] is None:
                named[stage.value] = _legacy_holder(versions, stage)
    return {stage: number for stage, number in named.items() if number is not None}


def holder(registry: Registry, model: str, stage: Stage, aliases: Aliases) -> int | None:
    """Give the version that holds a stage now, None where nobody does."""
    return holders(registry, model, aliases).get(stage.value)


def _legacy_holder(versions: Sequence[Version], stage: Stage) -> int | None:
    return max((version.number for version in versions if version.legacy_stage == _LEGACY[stage]), default=None)


def choose_baseline(
    registry: Registry, model: str, candidate: int, wanted: str | None, aliases: Aliases, stage: Stage | None
) -> tuple[int, str] | None:
    """Give the baseline and how it was chosen ("holder of production", "--baseline 3"); None where there is none.

    `wanted` is a version, an alias, `previous`, `none`, or None for the rule of the contract's section 1; `stage` is
    what a release promotes to, None for a check.

    Raises:
        UsageError: the wanted baseline does not exist, is not READY, or is the candidate itself.
    """
    if wanted == "none":
        return None
    if wanted is not None and wanted != "previous":
        return _wanted(registry, model, candidate, wanted)
    versions = {version.number: version for version in list_versions(registry, model)}
    if wanted is None:
        held = _first_holder(holders(registry, model, aliases), stage)
        if held and held[0] != candidate and held[0] in versions and versions[held[0]].ready:
            return held
    lower = [number for number, version in versions.items() if number < candidate and version.ready]
    if lower:
        return max(lower), "previous READY version" if wanted is None else "--baseline previous"
    return None


def _wanted(registry: Registry, model: str, candidate: int, wanted: str) -> tuple[int, str]:
    number = resolve(registry, model, wanted)
    if number == candidate:
        raise UsageError(
            f"The baseline {wanted} is version {number}, the candidate itself.",
            remedy="Give another version with --baseline, or --baseline previous, or --baseline none.",
        )
    return number, f"--baseline {wanted}"


def _first_holder(held: Mapping[str, int], stage: Stage | None) -> tuple[int, str] | None:
    """Look at the stage that is promoted to, then at production; for a check at production, then at staging."""
    order = (stage, Stage.PRODUCTION) if stage else (Stage.PRODUCTION, Stage.STAGING)
    for each in order:
        if each.value in held:
            return held[each.value], f"holder of {each.value}"
    return None
