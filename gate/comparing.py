"""From names to a comparison: the candidate, the baseline, and the rows that both answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate.config import Config
from gate.domain import Comparison, EvaluationData, Snapshot, Stage

if TYPE_CHECKING:
    from gate.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a user named; None where the contract's rule decides. `stage` is what a release promotes to."""

    model: str
    version: int
    baseline: str | None
    data: Path | None
    stage: Stage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A comparison, and why there are no evaluation data where there are none."""

    comparison: Comparison
    why_no_data: str = ""


def compare(registry: Registry, asked: Asked, config: Config, room: Path) -> Found:
    """Read both versions and the evaluation data; copies go below `room`.

    Raises:
        UsageError: the baseline, the configured data or their columns do not exist.
        DataError: the data cannot be read, or are empty.
        RegistryError: the registry is out of reach.
    """
    from gate import registry as rooms

    aliases = config.model(asked.model).promotion.aliases
    chosen = rooms.choose_baseline(registry, asked.model, asked.version, asked.baseline, aliases, asked.stage)
    candidate = rooms.snapshot(registry, asked.model, asked.version, room / "candidate")
    baseline = rooms.snapshot(registry, asked.model, chosen[0], room / "baseline") if chosen else None
    data, why = _data(registry, asked, config, (candidate, baseline), room)
    comparison = Comparison(
        candidate=candidate, baseline=baseline, baseline_chosen_by=chosen[1] if chosen else None, data=data
    )
    return Found(comparison=comparison, why_no_data=why)


def _data(
    registry: Registry, asked: Asked, config: Config, pair: tuple[Snapshot, Snapshot | None], room: Path
) -> tuple[EvaluationData | None, str]:
    """Those of the command line, else those of gate.yaml, else what the runs logged."""
    from gate import registry as rooms

    settings = config.model(asked.model).data
    path = asked.data or (config.below(settings.path) if settings.path else None)
    if path is not None:
        return rooms.read_data(path, settings, pair), ""
    found = rooms.logged_data(registry, pair[0], pair[1], settings, room / "data")
    return found.data, "; ".join(found.problems)
