"""What a registry already holds, as a proposal for gate.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate.domain import LoggedDataset, Stage
from gate.registry.connection import Registry
from gate.registry.download import local_path
from gate.registry.runs import parse_json, read_run
from gate.registry.versions import Version, is_lease, list_versions, model_of

_MODELS = 50
_VERSIONS = 5
_USUAL = {
    Stage.PRODUCTION: ("production", "prod", "champion", "live", "current", "blue"),
    Stage.STAGING: ("staging", "stage", "challenger", "candidate", "preprod", "shadow", "green"),
}
_TRAINING = {"train", "training", "fit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSurvey:
    """One registered model: what is there, and what gate.yaml could say of it.

    `proposed` is stage -> alias, for the stages whose alias has another name here. `data` are local files that runs
    of the newest versions logged, those for evaluation first.
    """

    model: str
    versions: int
    aliases: Mapping[str, int]
    legacy_stages: tuple[str, ...]
    proposed: Mapping[str, str]
    data: tuple[str, ...]
    other_data: tuple[str, ...] = ()
    """Evaluation data that runs logged and gate cannot read as a local file: their addresses."""


def survey(registry: Registry) -> list[ModelSurvey]:
    """Look at the registered models, at most 50.

    Raises:
        RegistryError: the registry is out of reach.
    """
    found = registry.ask("list registered models", registry.client.search_registered_models, max_results=_MODELS)
    models = sorted((model_of(item) for item in found if not is_lease(str(item.name))), key=lambda model: model.name)
    return [_survey_model(registry, model.name, model.aliases) for model in models]


def _survey_model(registry: Registry, name: str, aliases: Mapping[str, int]) -> ModelSurvey:
    versions = list_versions(registry, name)
    datasets = _datasets(registry, versions[::-1][:_VERSIONS])
    addresses = list(dict.fromkeys(address for dataset in datasets if (address := _address(dataset))))
    local = tuple(address for address in addresses if (path := local_path(address)) is not None and path.exists())
    return ModelSurvey(
        model=name,
        versions=len(versions),
        aliases=aliases,
        legacy_stages=tuple(sorted({version.legacy_stage for version in versions if version.legacy_stage})),
        proposed=propose_aliases(aliases),
        data=tuple(str(local_path(address)) for address in local),
        other_data=tuple(address for address in addresses if address not in local),
    )


def propose_aliases(aliases: Mapping[str, int]) -> dict[str, str]:
    """Propose an alias for each stage from those in use; nothing where the stage's own name is in use, or none fits."""
    proposed: dict[str, str] = {}
    by_lower = {alias.lower(): alias for alias in sorted(aliases, reverse=True)}
    for stage, usual in _USUAL.items():
        found = next((by_lower[name] for name in usual if name in by_lower), None)
        if stage.value not in aliases and found:
            proposed[stage.value] = found
    return proposed


def _datasets(registry: Registry, versions: tuple[Version, ...]) -> list[LoggedDataset]:
    runs = [read_run(registry, version.run_id) for version in versions]
    found = [dataset for run in runs if run for dataset in run.datasets]
    return sorted(found, key=lambda dataset: (dataset.context or "").lower() in _TRAINING)


def _address(dataset: LoggedDataset) -> str | None:
    found = parse_json(dataset.source)
    address = found.get("uri") if isinstance(found, dict) else None
    return address if isinstance(address, str) else None
