"""MLmodel, read by the gate itself: what is stored with a version is hostile until it is judged."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gate.domain import Signature
from gate.registry.fields import read_signature
from gate.registry.tree import ArtifactFaultError, open_regular

_MAX_BYTES = 16 * 2**20
_MAX_ALIASES = 100
_MAX_DEPTH = 64
_PATH_KEYS = (
    {"artifact_path", "code", "conda", "data", "env", "model_binary", "model_data", "model_path", "path"}
    | {"pickled_model", "python_model", "serialized_explainer", "serving_input_path", "virtualenv"}
)  # fmt: skip
"""What loaders join with the artifact's folder."""
_NO_PATH_KEYS = {"config", "metadata", "model_code_path", "model_config", "uri"}
"""Where things came from, of which loaders take the last part alone; settings that only the team's code reads."""
_DRIVE = re.compile(r"[A-Za-z]:[/\\]|[a-z][a-z0-9+.-]*://")
"""Windows' drives, and addresses."""
_VERSION_SUFFIX = "_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """What MLmodel says, as far as the gate asks."""

    signature: Signature | None
    flavors: tuple[str, ...]
    environment: Mapping[str, str]
    input_example: str | None
    input_example_info: Mapping[str, Any]
    model_id: str | None
    run_id: str | None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What it says of each flavour."""


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # one of two classes
    """Safe YAML that refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Build a mapping, refusing what a reader and a loader could read differently."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else set()
        if twice:
            raise yaml.YAMLError(f"the key {min(twice)!r} is given twice")
        built: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return built


def read_mlmodel(root: Path) -> ModelFile:
    """Read the file MLmodel at the root of an artifact.

    Raises:
        ArtifactFaultError: it is missing, too large, no safe YAML, or points outside the artifact.
    """
    content = _content(root / "MLmodel")
    flavors = _mapping(content, "flavors")
    _ensure_paths_inside(root, flavors)
    example = _mapping(content, "saved_input_example_info")
    _ensure_paths_inside(root, example)
    return ModelFile(
        signature=read_signature(content.get("signature")),
        flavors=tuple(sorted(str(name) for name in flavors)),
        environment=_environment(content, flavors),
        input_example=_existing(root, example.get("artifact_path")),
        input_example_info=example,
        model_id=_text(content.get("model_id")),
        run_id=_text(content.get("run_id")),
        settings={str(name): facts for name, facts in flavors.items() if isinstance(facts, dict)},
    )


def _content(path: Path) -> dict[str, Any]:
    text = read_small(path, _MAX_BYTES)
    if text is None:
        raise ArtifactFaultError("its artifact has no file MLmodel at the root: this is no MLflow model")
    try:
        _ensure_no_bomb(text)
        content = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ArtifactFaultError(f"its MLmodel is no YAML that the gate accepts: {reason}") from None
    if not isinstance(content, dict):
        raise ArtifactFaultError("its MLmodel holds no settings")
    return content


def read_small(path: Path, cap: int) -> str | None:
    """Read a small text file; None where there is none.

    Raises:
        ArtifactFaultError: it is larger than `cap` bytes, no UTF-8, or no regular file.
    """
    try:
        with open_regular(path) as readable:
            raw = readable.read(cap + 1)
    except FileNotFoundError:
        return None
    if len(raw) > cap:
        raise ArtifactFaultError(f"its {path.name} is larger than {cap:,} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ArtifactFaultError(f"its {path.name} is no UTF-8") from None


def _ensure_no_bomb(text: str) -> None:
    """Count aliases and depth on the stream of events, before anything is built."""
    aliases = depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > _MAX_ALIASES or depth > _MAX_DEPTH:
            raise yaml.YAMLError("too many aliases, or nested too deep")


def _mapping(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key) or {}
    if not isinstance(found, dict):
        raise ArtifactFaultError(f"its MLmodel has {key!r} of an unexpected kind")
    return found


def _ensure_paths_inside(root: Path, value: object) -> None:
    for key, path in _paths(value):
        leaves = path.startswith(("/", "~", "\\")) or _DRIVE.match(path) is not None
        climbs = ".." in path.replace("\\", "/").split("/")
        if climbs or (key in _PATH_KEYS and (leaves or "\0" in path or not _is_below(root, path))):
            raise ArtifactFaultError(f"its MLmodel points outside the artifact: {path[:200]!r}")


def _is_below(root: Path, path: str) -> bool:
    """Resolve a path, links and all, and see whether it ends up inside."""
    inside = os.path.realpath(root)
    return os.path.commonpath((inside, os.path.realpath(root / path))) == inside


def _paths(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Give every text below the flavours that may be a path, with its key."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _NO_PATH_KEYS:
                yield from _paths(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, key)
    elif isinstance(value, str):
        yield key, value


def _environment(content: Mapping[str, Any], flavors: Mapping[str, Any]) -> dict[str, str]:
    """Collect `python`, `mlflow` and every flavor's own `<library>_version`."""
    found = {"mlflow": _text(content.get("mlflow_version"))}
    for settings in flavors.values():
        for key, value in settings.items() if isinstance(settings, dict) else ():
            if str(key).endswith(_VERSION_SUFFIX):
                found[str(key).removesuffix(_VERSION_SUFFIX)] = _text(value)
    return {name: version for name, version in sorted(found.items()) if version}


def _existing(root: Path, path: object) -> str | None:
    return path if isinstance(path, str) and (root / path).is_file() else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def read_requirements(root: Path) -> tuple[str, ...]:
    """Give the lines of requirements.txt, or of the pip section of conda.yaml, without comments."""
    text = read_small(root / "requirements.txt", _MAX_BYTES)
    if text is not None:
        lines = (line.split(" #")[0].strip() for line in text.splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))
    conda = read_small(root / "conda.yaml", _MAX_BYTES)
    return tuple(_pip_lines(conda)) if conda else ()


def _pip_lines(conda: str) -> Iterator[str]:
    try:
        _ensure_no_bomb(conda)
        content = yaml.safe_load(conda)
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    entries = content.get("dependencies") if isinstance(content, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        pip = entry.get("pip") if isinstance(entry, dict) else None
        yield from (str(line) for line in pip or () if isinstance(pip, list))
