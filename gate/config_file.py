"""Reading gate.yaml: safe YAML, every value with its line, duplicate keys refused, `${NAME}` from the environment."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gate.errors import UsageError

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET_IN_URI = re.compile(r"^[a-z0-9+.-]+://[^/@\s]*:[^/@\s]+@", re.IGNORECASE)
SIZE_CAP = 1_000_000
PLAIN_TAG = "tag:yaml.org,2002:"

Where = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML file's value, and the line of each part of it."""

    path: Path
    value: dict[str, Any]
    lines: Mapping[Where, int]

    def place(self, where: Where) -> str:
        """Say `file:line` of a part, or of the nearest part above it."""
        while where and where not in self.lines:
            where = where[:-1]
        return f"{self.path}:{self.lines.get(where, 1)}"


def load(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        UsageError: the file cannot be read, is no YAML mapping, repeats a key, or names an unset variable.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"The configuration {path} does not exist.", remedy="Correct --config, or write one with `gate init`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The configuration {path} cannot be read: {error}.", remedy="Give --config FILE.") from None
    if len(text) > SIZE_CAP:
        raise UsageError(f"The configuration {path} is larger than 1 MB.", remedy="Split it by model.")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"{_yaml_place(path, error)}: not valid YAML: {_problem(error)}.") from None
    reader = _Reader(path)
    value = reader.construct(node, ()) if node is not None else {}
    if not isinstance(value, dict):
        raise UsageError(f"{path}:1: the configuration must be a mapping of keys, not a {type(value).__name__}.")
    return Document(path=path, value=value, lines=reader.lines)


def closest(name: str, valid: list[str]) -> str:
    """Say which of the valid names was probably meant, or all of them where none is near."""
    near = difflib.get_close_matches(name, valid, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}?" if near else f"Valid names: {', '.join(sorted(valid))}."


class _Reader:
    """Builds values from YAML nodes and remembers their lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Where, int] = {}
        self._scalars = yaml.SafeLoader("")
        self._nodes = 0

    def construct(self, node: yaml.Node, where: Where) -> Any:  # noqa: ANN401 - any YAML value
        """Build the value of a node; aliases count each time, so that a bomb of them is refused."""
        self._nodes += 1
        line = node.start_mark.line + 1
        self.lines.setdefault(where, line)
        if self._nodes > 100_000 or len(where) > 50:  # noqa: PLR2004 - caps against alias bombs and recursion
            raise UsageError(f"{self.path}:{line}: the configuration is too large or refers to itself.")
        if not node.tag.startswith(PLAIN_TAG) or "python" in node.tag:
            raise UsageError(f"{self.path}:{line}: not valid YAML: the tag {node.tag!r} is not allowed.")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.construct(item, (*where, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, where)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node, where) if isinstance(key_node, yaml.ScalarNode) else None
            line = key_node.start_mark.line + 1
            if not isinstance(key, (str, int)):
                raise UsageError(f"{self.path}:{line}: a key must be a plain name.")
            if key in result:
                raise UsageError(f"{self.path}:{line}: the key {key!r} is there twice.", remedy="Keep one of them.")
            self.lines[(*where, key)] = line
            result[key] = self.construct(value_node, (*where, key))
        return result

    def _scalar(self, node: yaml.Node, where: Where) -> Any:  # noqa: ANN401 - any YAML scalar
        try:
            value = self._scalars.construct_object(node)
        except yaml.YAMLError as error:
            place = _yaml_place(self.path, error)
            raise UsageError(f"{place}: not valid YAML: {_problem(error)}.") from None
        if not isinstance(value, str):
            return value
        line = node.start_mark.line + 1
        if where and str(where[-1]).endswith("_uri") and SECRET_IN_URI.match(value) and "${" not in value:
            raise UsageError(
                f"{self.path}:{line}: {where[-1]} holds a literal password.",
                remedy="Write ${NAME} and set NAME in the environment, or use MLflow's own variables.",
            )
        return VARIABLE.sub(lambda match: self._variable(match.group(1), line), value)

    def _variable(self, name: str, line: int) -> str:
        if name not in os.environ:
            raise UsageError(
                f"{self.path}:{line}: the environment variable {name} is not set.", remedy=f"Set {name}, or remove it."
            )
        return os.environ[name]


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).strip().rstrip(".")


def _yaml_place(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f"{path}:{mark.line + 1}" if mark else f"{path}:1"
