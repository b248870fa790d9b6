"""Registered versions as the gate sees them: one shape, whatever store they come from."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.domain import Stage
from gate.errors import UsageError
from gate.registry.connection import Registry
from gate.registry.faults import AbsentError

NAME_RULE = "a letter or digit of any script first, then letters, digits, spaces and _ . - up to 128 characters"
_NAME = re.compile(r"[^\W_][\w .-]{0,127}")
LEASE_MARK, DEAD_MARK = "_gate_lease_", "_gate_dead_"
"""How the names of leases begin (in a catalogue: the last part). No model that the gate takes has such a name."""
_NAMES_SHOWN = 5
_NAMES_READ = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One registered version. Times are RFC 3339 in UTC; what is unknown is None."""

    model: str
    number: int
    status: str
    status_message: str | None
    created_at: str | None
    description: str
    source: str | None
    run_id: str | None
    model_id: str | None
    legacy_stage: str | None
    tags: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether its registration is complete."""
        return self.status == "READY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One registered model: its aliases, each with the version it points to, and its tags."""

    name: str
    aliases: Mapping[str, int]
    tags: Mapping[str, str]


def ensure_name(model: str) -> None:
    """Refuse names that no shell, path or page should ever see.

    Raises:
        UsageError: the name breaks the rule.
    """
    if not _NAME.fullmatch(model):
        raise UsageError(f"{model!r} is no model name that gate takes.", remedy=f"The rule: {NAME_RULE}.")


def get_model(registry: Registry, name: str) -> Model:
    """Read one registered model.

    Raises:
        UsageError: there is none of that name; the closest names are given.
    """
    ensure_name(name)
    try:
        found = registry.ask(f"read the model {name!r}", registry.client.get_registered_model, name)
    except AbsentError:
        raise _unknown_model(registry, name) from None
    return model_of(found)


def model_of(found: Any) -> Model:  # noqa: ANN401 - MLflow has no types
    """Turn MLflow's registered model into the gate's."""
    return Model(
        name=str(found.name),
        aliases={str(alias): int(number) for alias, number in (found.aliases or {}).items()},
        tags={str(key): str(value) for key, value in (found.tags or {}).items()},
    )


def _unknown_model(registry: Registry, name: str) -> UsageError:
    found = registry.ask("list registered models", registry.client.search_registered_models, max_results=_NAMES_READ)
    names = [str(model.name) for model in found if not is_lease(str(model.name))]
    close = difflib.get_close_matches(name, names, n=_NAMES_SHOWN, cutoff=0.5)
    if close:
        known = f"Did you mean: {', '.join(close)}?"
    elif names:
        known = f"It holds: {', '.join(sorted(names)[:_NAMES_SHOWN])}{', …' if len(names) > _NAMES_SHOWN else ''}."
    else:
        known = "The registry holds no model yet: register one first."
    return UsageError(f"There is no model {name!r} at {registry.address}.", remedy=known)


def is_lease(name: str) -> bool:
    """Say whether a registered model is no model but a lease of the gate's."""
    return any(part.startswith((LEASE_MARK, DEAD_MARK)) for part in name.split("."))


def get_version(registry: Registry, model: str, number: int) -> Version:
    """Read one version.

    Raises:
        AbsentError: it does not exist.
    """
    doing = f"read version {number} of {model!r}"
    return version_of(registry.ask(doing, registry.client.get_model_version, model, str(number)))


def list_versions(registry: Registry, model: str) -> tuple[Version, ...]:
    """Read all versions of a model, the lowest number first."""
    found: list[Version] = []
    token: str | None = None
    while True:
        page = registry.ask(
            f"list the versions of {model!r}",
            registry.client.search_model_versions,
            f"name='{model}'",
            page_token=token,
        )
        found += [version_of(item) for item in page]
        token = getattr(page, "token", None)
        if not token:
            return tuple(sorted(found, key=lambda version: version.number))


def version_of(found: Any) -> Version:  # noqa: ANN401 - MLflow has no types
    """Turn MLflow's version into the gate's: numbers are int, what is empty is None."""
    stage = str(found.current_stage or "")
    return Version(
        model=str(found.name),
        number=int(found.version),
        status=str(found.status or "READY"),
        status_message=text_or_none(found.status_message),
        created_at=rfc3339(found.creation_timestamp),
        description=str(found.description or ""),
        source=text_or_none(found.source),
        run_id=text_or_none(found.run_id),
        model_id=text_or_none(getattr(found, "model_id", None)),
        legacy_stage=None if stage in {"", "None"} else stage,
        tags={str(key): str(value) for key, value in (found.tags or {}).items()},
    )


def text_or_none(value: object) -> str | None:
    """Stores answer None or '' for what is unknown: None means unknown here."""
    return str(value) if value else None


def rfc3339(milliseconds: object) -> str | None:
    """Write MLflow's milliseconds since 1970 as RFC 3339 in UTC, to the millisecond."""
    if not isinstance(milliseconds, int) or milliseconds <= 0:
        return None
    moment = dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alias_of(stage: Stage, aliases: Mapping[Stage, str] | Mapping[str, str]) -> str:
    """Give the alias that stands for a stage."""
    return dict(aliases).get(stage, stage.value)
