"""gate.yaml -> Config: section 7 of the contract. The only reader of YAML settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gate.config_file import Document, Where, closest, load
from gate.errors import UsageError
from gate.settings import File, ModelConfig, Share

FILE_NAME = "gate.yaml"
_NO_POLICY = ("data", "promotion")

__all__ = ["FILE_NAME", "Config", "File", "ModelConfig", "Share", "find", "json_schema", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, resolved once; paths are absolute."""

    file: File
    root: Path
    document: Document | None = None

    @property
    def path(self) -> Path | None:
        """The file that was read, None where there is none."""
        return self.document.path if self.document else None

    def model(self, name: str) -> ModelConfig:
        """Give one model's settings, the defaults merged in. A model that the file does not name has the defaults."""
        return ModelConfig.model_validate(self._merged(name))

    def with_uris(self, uris: Mapping[str, str]) -> Config:
        """Give the same settings with other addresses: a flag beats the file."""
        return replace(self, file=self.file.model_copy(update=dict(uris)))

    def policy_digest(self, name: str) -> str:
        """Digest everything that decides a verdict on this model: `sha256:` over canonical JSON, the same anywhere.

        Where the data lie is no policy, and the rules of promotion are asked at the promotion itself.
        """
        policy = {
            "model": {key: value for key, value in self._merged(name).items() if key not in _NO_POLICY},
            "confidence": self.file.confidence,
            "isolation": self.file.isolation.minimum,
            "checks": self.file.checks,
        }
        text = json.dumps(policy, sort_keys=True, default=str, ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def below(self, path: str) -> Path:
        """Resolve a path of the file: relative ones start at its folder."""
        return self.root / Path(path).expanduser()

    def place(self, *where: str | int) -> str:
        """Say `file:line` of a setting."""
        return self.document.place(where) if self.document else "the defaults"

    def place_of(self, model: str, *where: str | int) -> str:
        """Say `file:line` of a setting of a model, whether it stands with the model or with the defaults."""
        raw = self.document.value if self.document else {}
        own = (raw.get("models") or {}).get(model) or {}
        return self.place("models", model, *where) if where[0] in own else self.place("defaults", *where)

    def _merged(self, name: str) -> dict[str, Any]:
        raw = self.document.value if self.document else {}
        own = (raw.get("models") or {}).get(name) or {}
        return _merge(raw.get("defaults") or {}, own)


def find(start: Path) -> Path | None:
    """Find gate.yaml in a folder or the nearest above it."""
    return next((path for folder in (start, *start.parents) if (path := folder / FILE_NAME).is_file()), None)


def read(path: Path | None) -> Config:
    """Read the settings; None gives the defaults.

    Raises:
        UsageError: the file is missing, broken, or says something the gate does not know, with file and line.
    """
    if path is None:
        return Config(file=File(), root=Path.cwd())
    document = load(path.absolute())
    file = _validated(document)
    for name in file.models:
        _check_merged(document, name)
    root = document.path.parent
    uris = {key: _absolute_sqlite(getattr(file, key), root) for key in ("tracking_uri", "registry_uri")}
    return Config(file=file.model_copy(update=uris), root=root, document=document)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of gate.yaml (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **File.model_json_schema(), "title": FILE_NAME}


def _validated(document: Document) -> File:
    try:
        return File.model_validate(_without_nulls(document.value))
    except ValidationError as error:
        raise _explained(document, error) from None


def _check_merged(document: Document, name: str) -> None:
    """What defaults and a model say together must hold too (an expectation's id, say)."""
    try:
        ModelConfig.model_validate(_merge(document.value.get("defaults") or {}, document.value["models"][name] or {}))
    except ValidationError as error:
        raise _explained(document, error, prefix=("models", name)) from None


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """A key with nothing behind it (`models:`) means the default."""
    return {
        key: _without_nulls(item) if isinstance(item, dict) else item for key, item in value.items() if item is not None
    }


def _explained(document: Document, error: ValidationError, prefix: Where = ()) -> UsageError:
    first = error.errors()[0]
    where: Where = (*prefix, *(part for part in first["loc"] if not str(part).startswith("function-")))
    name = ".".join(str(part) for part in where) or FILE_NAME
    if first["type"] == "extra_forbidden":
        valid = _keys_at(where[:-1])
        return UsageError(
            f"{document.place(where)}: unknown key {name!r}.", remedy=closest(str(where[-1]), valid) if valid else ""
        )
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    given = f" (given: {first['input']!r})" if isinstance(first["input"], (str, int, float, bool)) else ""
    return UsageError(f"{document.place(where)}: {name}: {message}{given}.")


def _keys_at(where: Where) -> list[str]:
    """The keys that a place of the file may hold."""
    model: Any = File
    for part in where:
        inside = _inside(model, part)
        if inside is None:
            continue
        model = inside
    return list(model.model_fields)


def _inside(model: type[BaseModel], part: str | int) -> type[BaseModel] | None:
    """The settings behind one key: the class itself, or that of a mapping's or list's entries."""
    field = model.model_fields.get(str(part))
    if field is None:
        return None
    pending: list[Any] = [field.annotation]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        pending.extend(getattr(kind, "__args__", ()))
    return None


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge deeply: mappings key by key, everything else replaced."""
    result = dict(below)
    for key, value in above.items():
        if value is None:
            continue
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merge(result[key], value) if both else value
    return {key: value for key, value in result.items() if value is not None}


def _absolute_sqlite(uri: str | None, root: Path) -> str | None:
    """Relative SQLite addresses start at the folder of gate.yaml."""
    prefix = "sqlite:///"
    if uri is None or not uri.startswith(prefix) or uri.startswith("sqlite:////"):
        return uri
    return prefix + str(root / uri.removeprefix(prefix))
