"""What must be true of a model whenever nobody moves its stages."""

from __future__ import annotations

import itertools
import warnings

from bench.torture.worlds import MODEL, STAGE
from gate.domain import HistoryEntry
from gate.registry import Registry, history


def broken(registry: Registry) -> list[str]:
    """Say what is not as it must be: one holder, stages that follow, a whole history, nothing left open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = registry.client.get_registered_model(MODEL)
        versions = registry.client.search_model_versions(f"name='{MODEL}'")
        models = registry.client.search_registered_models()
    holder = known.aliases.get(STAGE.value)
    staged = [int(version.version) for version in versions if version.current_stage == "Production"]
    entries = history(registry, MODEL)
    found = _about_history(entries, None if holder is None else int(holder))
    found += [f"open journal: {key}" for key in known.tags if key.startswith("gate.journal")]
    found += [f"left over: {model.name}" for model in models if model.name.startswith("_gate_")]
    if staged != ([] if holder is None else [int(holder)]):
        found.append(f"version {holder} holds the alias, and the stage is that of {staged}")
    numbers = sorted(key.rpartition(".")[2] for key in known.tags if key.startswith("gate.history."))
    grounds = sorted(key.rpartition(".")[2] for key in known.tags if key.startswith("gate.evidence."))
    if numbers != [f"{number:04d}" for number in range(1, len(numbers) + 1)] or not set(grounds) <= set(numbers):
        found.append(f"history {numbers}, grounds {grounds}")
    return found


def _about_history(entries: list[HistoryEntry], holder: int | None) -> list[str]:
    found = [
        f"after {before.to_version} came {after.from_version} -> {after.to_version}"
        for before, after in itertools.pairwise(entries)
        if before.to_version != after.from_version
    ]
    if (entries[-1].to_version if entries else None) != holder:
        found.append(f"version {holder} holds the stage, and the history ends with {entries[-1:]}")
    return found
