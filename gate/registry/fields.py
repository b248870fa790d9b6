"""A signature as MLmodel keeps it, JSON inside YAML, and as the gate compares it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gate.domain import Field, Signature
from gate.registry.tree import ArtifactFaultError

_NESTED = {"array", "object", "map", "sparkml", "any"}


def read_signature(content: object) -> Signature | None:
    """Turn MLmodel's `signature` into the gate's; None where none was logged.

    Raises:
        ArtifactFaultError: it is no signature.
    """
    if not content:
        return None
    if not isinstance(content, dict):
        raise ArtifactFaultError("its MLmodel has a signature of an unexpected kind")
    inputs, outputs = (_part(content.get(key)) for key in ("inputs", "outputs"))
    params = _part(content.get("params"), _param)
    if inputs is None and outputs is None and params is None:
        return None
    return Signature(inputs=inputs, outputs=outputs, params=params)


def _part(content: object, read: Any = None) -> tuple[Field, ...] | None:  # noqa: ANN401 - one of two functions below
    """Read one part: JSON text, as MLflow writes it, or a list."""
    if content is None:
        return None
    try:
        entries: Any = json.loads(content) if isinstance(content, str) else content
        return None if entries is None else tuple((read or _field)(entry) for entry in entries)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ArtifactFaultError(f"its signature cannot be read: {type(error).__name__}: {str(error)[:100]}") from None


def _field(entry: Mapping[str, Any]) -> Field:
    name = None if entry.get("name") is None else str(entry["name"])
    required = bool(entry["required"]) if "required" in entry else not entry.get("optional", False)
    kind = str(entry["type"])
    if kind == "tensor":
        spec = entry["tensor-spec"]
        shape = tuple(int(size) for size in spec["shape"])
        return Field(name=name, type=str(spec["dtype"]), required=required, shape=shape)
    return Field(name=name, type=kind, required=required, detail=_detail(entry) if kind in _NESTED else None)


def _detail(entry: Mapping[str, Any]) -> str | None:
    rest = {key: value for key, value in entry.items() if key not in {"name", "type", "required", "optional"}}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")) if rest else None


def _param(entry: Mapping[str, Any]) -> Field:
    """A parameter always has a default, so none is required; `detail` holds the default."""
    shape = entry.get("shape")
    return Field(
        name=str(entry["name"]),
        type=str(entry.get("type") or entry["dtype"]),
        required=False,
        shape=None if shape is None else tuple(int(size) for size in shape),
        detail=json.dumps({"default": entry.get("default")}, sort_keys=True, separators=(",", ":")),
    )
