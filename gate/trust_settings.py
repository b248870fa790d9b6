"""What gate.yaml may say of trust: what may be loaded, what a promotion needs, who answers for an exception."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from gate.domain import Action, ArtifactClass, Stage, Waiver
from gate.setting_types import Settings

_ALIAS = re.compile(r"[\w-]{1,255}")
_RESERVED = re.compile(r"latest|[vV]\d+")


class SecurityPolicy(Settings):
    """What is done with each class of artifact: allow, sandbox, approval, deny."""

    data: Action = Action.ALLOW
    """Numbers and text alone: ONNX, JSON, UBJSON, safetensors, LightGBM's text."""
    skops: Action = Action.ALLOW
    """skops files with names of the gate's own list alone."""
    pickle: Action = Action.ALLOW
    """Pickles with names of the gate's own list alone."""
    code: Action = Action.ALLOW
    """Code of the artifact's own, names outside the list, and what cannot be read."""

    def of(self, artifact_class: ArtifactClass) -> Action:
        """Give what is done with a class."""
        found: Action = getattr(self, artifact_class.value)
        return found


class Security(Settings):
    """What may be loaded at all, and what must be signed."""

    policy: SecurityPolicy = SecurityPolicy()
    """What is done with each class of artifact."""
    require_model_signature: bool = False
    """Reject versions whose files are not all signed (OpenSSF model signing) by one of `model_keys`."""
    model_keys: tuple[str, ...] = ()
    """Public elliptic-curve keys that may sign models: PEM files below the folder of gate.yaml, or PEM texts."""
    model_signature: str = "model.sig"
    """Where the signature lies in a version's files."""


class Promotion(Settings):
    """What a promotion sets in the registry."""

    aliases: dict[Stage, str] = Field(default_factory=dict)
    """The alias of each stage, where a team has names of its own."""
    legacy_stages: bool = True
    """Mirror the aliases in MLflow's legacy stages where the registry has them."""
    approvals: dict[Stage, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """How many people must approve, for each stage."""
    require_signature: bool = False
    """Promote only verdicts that one of `trusted_keys` signed."""
    trusted_keys: tuple[str, ...] = ()
    """Public ed25519 keys that may sign verdicts: PEM files below the folder of gate.yaml, or PEM texts."""
    order: Literal["any", "staging_first"] = "any"
    """Whether production is only for what a promotion brought to staging before (staging_first)."""

    @model_validator(mode="after")
    def _each_stage_has_an_alias_of_its_own(self) -> Promotion:
        names = [self.alias(stage) for stage in Stage]
        if len(set(names)) != len(names):
            raise ValueError(f"staging and production have the same alias {names[0]!r}: give each its own")
        reserved = [name for name in names if not _ALIAS.fullmatch(name) or _RESERVED.fullmatch(name)]
        if reserved:
            raise ValueError(f"{reserved[0]!r} is no alias: letters, digits, - and _ make one, not latest nor v1")
        return self

    def alias(self, stage: Stage) -> str:
        """Give the alias that stands for a stage."""
        return self.aliases.get(stage, stage.value)


def _iso_date(value: object) -> object:
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    if isinstance(value, str):
        dt.date.fromisoformat(value)
    return value


class WaiverEntry(Settings):
    """A named person's dated exception."""

    check: str
    """The identity of the check."""
    owner: str
    """Who answers for it."""
    reason: str
    """Why."""
    expires: Annotated[str, BeforeValidator(_iso_date), WithJsonSchema({"type": "string", "format": "date"})]
    """The last day on which it holds, YYYY-MM-DD."""

    def waiver(self) -> Waiver:
        """Give the value that the report carries."""
        return Waiver(check=self.check, owner=self.owner, reason=self.reason, expires=self.expires)
