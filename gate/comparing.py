"""From names to a comparison: the candidate, the baseline, and the rows that both answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gate.config import Config
from gate.domain import Comparison, EvaluationData, Snapshot, Stage
from gate.errors import UsageError

if TYPE_CHECKING:
    from gate.registry import Registry


def resolve(registry: Registry, model: str, version: str) -> int:
    """Give the number of a version that was named by number, `latest` or `@alias`."""
    from gate import registry as rooms

    return rooms.resolve(registry, model, version)


def ensure_form(model: str, version: str) -> None:
    """Refuse what can be no model's name or no version, before anything is started."""
    from gate import registry as rooms

    rooms.ensure_form(model, version)


def holders(registry: Registry, model: str, config: Config) -> dict[str, int]:
    """Give who holds each stage now."""
    from gate import registry as rooms

    return rooms.holders(registry, model, config.model(model).promotion.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a user named; None where the contract's rule decides. `stage` is what a release promotes to."""

    model: str
    version: int
    baseline: str | None
    data: str | None
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
    candidate = rooms.snapshot(registry, asked.model, asked.version, _neutral(room))
    baseline = rooms.snapshot(registry, asked.model, chosen[0], _neutral(room)) if chosen else None
    try:
        data, why = _data(registry, asked, config, (candidate, baseline), room)
    except rooms.NoSuchColumnError as error:
        place = config.place_of(asked.model, "data", error.setting)
        raise UsageError(f"{place}: {error.text}", remedy=error.remedy) from None
    data = rooms.with_repeats_said(data) if data else None
    data = rooms.capped(data, config.model(asked.model).data.max_rows) if data else None
    comparison = Comparison(
        candidate=candidate, baseline=baseline, baseline_chosen_by=chosen[1] if chosen else None, data=data
    )
    return Found(comparison=comparison, why_no_data=why)


def models_in(room: Path) -> Path:
    """Give the folder of a room that holds the copies of models, and nothing else ever; made where it is missing."""
    folder = room / "models"
    folder.mkdir(exist_ok=True)
    return folder


def _neutral(room: Path) -> Path:
    """A place for a copy, whose name does not tell a model what it is judged as."""
    return models_in(room) / secrets.token_hex(8)


def _data(
    registry: Registry, asked: Asked, config: Config, pair: tuple[Snapshot, Snapshot | None], room: Path
) -> tuple[EvaluationData | None, str]:
    """Those of the command line, else those of gate.yaml, else what the runs logged."""
    from gate import registry as rooms

    settings = config.model(asked.model).data
    columns = rooms.Columns(target=settings.target, id=settings.id, slices=settings.slices, max_rows=settings.max_rows)
    address = asked.data or settings.path
    if address is not None:
        root = Path() if asked.data else config.root
        place = rooms.locate_data(registry, address, root, room / "data")
        with place.naming():
            data = rooms.read_large(place.path, columns) or rooms.read_data(
                place.path, settings.target, settings.id, settings.slices
            )
        return rooms.infer_columns(place.named(data), pair[0].signature), ""
    found = rooms.logged_data(registry, pair[0], pair[1], room / "data", columns)
    why = "; ".join(found.problems) or "the runs logged none"
    return found.data, f"there are no evaluation data ({why}): give --data PATH, or set data.path in gate.yaml"
