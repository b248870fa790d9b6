"""A model's stages as `gate history` tells them: who held what, what does not fit, what was left unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate.domain import Stage
from gate.registry.connection import Registry
from gate.registry.find import Aliases, holders_of
from gate.registry.history import Chapter, chapters
from gate.registry.journal import open_plan
from gate.registry.stages import Aim, differences, has_stages
from gate.registry.tenures import Tenure, drift, tenures
from gate.registry.versions import Model, alias_of, get_model, list_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHistory:
    """The history of a model's stages; `findings` are sentences about what does not fit, with what to do."""

    chapters: tuple[Chapter, ...]
    tenures: tuple[Tenure, ...]
    findings: tuple[str, ...]


def read_history(registry: Registry, model: str, aliases: Aliases, *, legacy_stages: bool) -> ModelHistory:
    """Read the history of a model's stages, and hold it against what the registry says now. Changes nothing.

    Raises:
        UsageError: there is no such model.
        RegistryError: the registry is out of reach.
    """
    known = get_model(registry, model)
    held = holders_of(registry, known, aliases)
    found = tuple(chapters(known.tags))
    findings = [
        *_unfinished(known),
        *(text for stage in Stage if (text := drift(found, held.get(stage.value), stage)) is not None),
    ]
    if legacy_stages and has_stages(model):
        findings += _drifted(registry, known, held, aliases)
    return ModelHistory(chapters=found, tenures=tuple(tenures(found, held)), findings=tuple(findings))


def _unfinished(known: Model) -> list[str]:
    plan = open_plan(known.tags)
    if plan is None:
        return []
    todo = f"where no job is at it, `gate promote --resume {known.name}` finishes or undoes it."
    return [f"{plan.title} is not finished: {todo}"]


def _drifted(registry: Registry, known: Model, held: Mapping[str, int], aliases: Aliases) -> list[str]:
    named = frozenset(stage.value for stage in Stage if alias_of(stage, aliases) in known.aliases)
    versions = {version.number: version for version in list_versions(registry, known.name)}
    wrong = differences(tuple(versions.values()), Aim(held=held, aliased=named))
    return [
        f"Version {number} is in the legacy stage {versions[number].legacy_stage or 'None'}, and by the aliases it "
        f"belongs in {name}: the next promotion mends it."
        for number, name in wrong.items()
    ]
