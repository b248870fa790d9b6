"""What the pages say of the code, taken from the code. The cog blocks in the pages call these functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from gate.checking.engine import CatalogEntry

CATEGORIES = ("contract", "outliers", "quality", "performance", "reproducibility", "security")


def main_help() -> str:
    """Give what `gate --help` prints, as a block of text."""
    from gate.cli import cli

    return _block(_help(cli, "gate", None))


def command_pages() -> str:
    """Give a section a command, with what its --help prints."""
    from gate.cli import cli
    from gate.cli.commands import COMMANDS

    parent = click.Context(cli, info_name="gate", terminal_width=100)
    sections = []
    for name in COMMANDS:
        command = cli.get_command(parent, name)
        assert command is not None  # noqa: S101 - it is one of the commands
        sections.append(f"## gate {name}\n\n{_block(_help(command, name, parent))}")
        for below, each in getattr(command, "commands", {}).items():
            sections.append(f"### gate {name} {below}\n\n{_block(_help(each, f'{name} {below}', parent))}")
    return "\n".join(sections)


def _help(command: click.Command, name: str, parent: click.Context | None) -> str:
    return command.get_help(click.Context(command, info_name=name, parent=parent, terminal_width=100))


def _block(text: str) -> str:
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    return "\n".join(["```text", *lines, "```", ""])


def check_table(pages: str = "docs/reference/checks") -> str:
    """Give a row a check: identity with a link into the folder of pages, severity, title."""
    rows = [
        f"| [`{entry.id}`]({pages}/{entry.category}.md#{_anchor(entry.id)}) | {entry.severity} "
        f"| {entry.title.rstrip('.')} |"
        for entry in _checks()
    ]
    return "\n".join(["| check | severity by default | what it asks |", "|---|---|---|", *rows, ""])


def _anchor(title: str) -> str:
    """Name a section as GitHub does."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def check_page(category: str) -> str:
    """Give a section a check of a category, with the whole text that `gate explain` prints."""
    from gate.explaining import check_text

    sections = []
    for entry in _checks():
        if entry.category == category:
            change = f"Severity by default: {entry.severity}; `severity: {{{entry.id}: warning}}` changes it."
            sections.append(f"## {entry.id}\n\n{check_text(entry)}\n\n{'' if entry.id[-1] == '*' else change}".rstrip())
    return "\n\n".join(sections) + "\n"


def metric_table() -> str:
    """Give a row a metric: identity, formula, direction, default margin, tasks, source."""
    from gate.evidence.formulas import FORMULAS, smallest_margin
    from gate.evidence.metrics import METRICS

    rows = ["| check | formula | better | default margin | tasks | source |", "|---|---|---|---|---|---|"]
    for name, metric in METRICS.items():
        formula = FORMULAS[name]
        cells = [
            f"`quality.{name}`",
            formula.text,
            "higher" if metric.greater_is_better else "lower",
            smallest_margin(metric),
            ", ".join(sorted(metric.tasks)),
            formula.source,
        ]
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*rows, ""])


def item_table() -> str:
    """Give a row an item of reproducibility."""
    from gate.explaining import ITEMS

    rows = [f"| `reproducibility.{name}` | {text} |" for name, text in ITEMS.items()]
    return "\n".join(["| check | what it asks |", "|---|---|", *rows, ""])


def expectation_text() -> str:
    """Give what `gate explain` says of an expectation."""
    from gate.explaining import EXPECTATION

    return f"{EXPECTATION}\n"


def _checks() -> list[CatalogEntry]:
    from gate.checking.engine import catalog

    return sorted(catalog(["gate.checks"]), key=lambda entry: (CATEGORIES.index(entry.category), entry.id))


def kinds_table() -> str:
    """Give a row a kind of answer: what it needs, how it is told, its standard metrics."""
    from gate.evidence.kinds import KINDS
    from gate.evidence.metrics import standard

    rows = [
        f"| `{kind.task}` | {kind.answers} | {kind.labels} | {kind.inferred} | {', '.join(standard(kind.task))} |"
        for kind in KINDS
    ]
    head = "| `task` | answers | labels | inferred from | standard metrics |"
    return "\n".join([head, "|---|---|---|---|---|", *rows, ""])


def settings_pages() -> str:
    """Give a table an object of gate.yaml: key, type, default, meaning."""
    from gate.config import json_schema

    schema = json_schema()
    sections = [f"## The file\n\n{_settings_table('File', schema)}\n"]
    for name in _met(schema):
        part = schema["$defs"][name]
        if "properties" in part:
            sections.append(f"## {name}\n\n{_paragraph(part)}{_settings_table(name, schema)}\n")
    return "\n".join(sections)


def _met(schema: Mapping[str, Any]) -> list[str]:
    """Name the objects below the file in the order in which a reader meets them."""
    waiting, met = [schema], list[str]()
    while waiting:
        for key in waiting.pop(0).get("properties", {}).values():
            name = _object_name(key)
            if name is not None and name not in met:
                met.append(name)
                waiting.append(schema["$defs"][name])
    return met


def _object_name(part: Mapping[str, Any]) -> str | None:
    """Name the object that a key holds, alone, in a list or behind names."""
    if "$ref" in part:
        return str(part["$ref"]).rsplit("/", 1)[-1]
    inner = (part.get("items"), part.get("additionalProperties"), *part.get("anyOf", ()))
    return next((found for place in inner if isinstance(place, Mapping) and (found := _object_name(place))), None)


def _settings_table(name: str, schema: Mapping[str, Any]) -> str:
    from gate import settings, trust_settings

    part = schema["$defs"].get(name, schema)
    fields = getattr(settings if hasattr(settings, name) else trust_settings, name).model_fields
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, told in part["properties"].items():
        field = fields[key]
        rows.append(f"| `{key}` | {_type(told, schema)} | {_default(field)} | {field.description or ''} |")
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    from gate.settings import Share

    value = field.default
    if field.is_required():
        return "must be given"
    if isinstance(value, Share):
        return f'`"{value.value:.0%}"`'
    if isinstance(value, bool | int | float | str):
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return f"`[{', '.join(map(str, value))}]`" if isinstance(value, tuple) and value else ""


def report_pages() -> str:
    """Give a table of the report's keys, and one of each object in it."""
    from gate.report import json_schema

    schema = json_schema()
    sections = [f"## The report\n\n{_keys_table(schema, schema)}\n"]
    for name in _met(schema):
        part = schema["$defs"][name]
        if "properties" in part:
            sections.append(f"## {name}\n\n{_paragraph(part)}{_keys_table(part, schema)}\n")
    return "\n".join(sections)


def _paragraph(part: Mapping[str, Any]) -> str:
    text = part.get("description", "")
    return f"{text}\n\n" if text else ""


def _keys_table(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    rows = [f"| `{name}` | {_type(key, schema)} |" for name, key in part["properties"].items()]
    return "\n".join(["| key | type |", "|---|---|", *rows])


def _type(key: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Say a JSON Schema's type in a few words."""
    if "$ref" in key:
        return _named(str(key["$ref"]).rsplit("/", 1)[-1], schema)
    if "const" in key:
        return f"`{key['const']}`"
    if "enum" in key:
        return " or ".join(f"`{value}`" for value in key["enum"])
    if "anyOf" in key:
        kinds = dict.fromkeys(_type(entry, schema) for entry in key["anyOf"])
        return " or ".join(kinds)
    return _plain(key, schema)


def _plain(key: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    kind = key.get("type", "any value")
    if kind == "array":
        fixed = key.get("prefixItems")
        if fixed:
            return "[" + ", ".join(_type(entry, schema) for entry in fixed) + "]"
        return f"list of {_type(key.get('items', {}), schema)}"
    if kind == "object":
        return f"object of {_type(_values(key), schema)}" if _values(key) else "object"
    if kind == "string" and "%" in key.get("pattern", ""):
        return "percentage"
    return str({"integer": "whole number", "boolean": "true or false", "string": "text"}.get(kind, kind))


def _values(key: Mapping[str, Any]) -> Mapping[str, Any]:
    found = key.get("additionalProperties")
    return found if isinstance(found, Mapping) else {}


def _named(name: str, schema: Mapping[str, Any]) -> str:
    """Link to an object's section; list the values of an enumeration."""
    part = schema["$defs"][name]
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    return f"[{name}](#{name.lower()})"
