"""report.json: the one result that every other output is rendered from. Section 4 of the contract."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.domain import CheckResult, HistoryEntry, JsonValue, Report
from gate.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA = "gate.report/1"
TEXT_CAP = 200
ARRAY_CAP = 5
MORE = "…"
"""The key under which a row says that it has more inputs than are shown."""
ROWS_BYTES = 100_000
"""What all offending rows of a report may take, so that it stays below 200 kB."""
ROWS_SHOWN = ((50, 20), (20, 20), (10, 20), (10, 10), (5, 5), (2, 3), (0, 1))
"""Inputs of a row, and rows of a check: the first that fits is taken."""


def to_dict(report: Report | HistoryEntry) -> dict[str, JsonValue]:
    """Give the plain JSON values of a report: enums as strings, NaN and infinities as strings."""
    value = plain(report)
    assert isinstance(value, dict)  # noqa: S101 - a dataclass is always a mapping here; said for the type checker
    return value


def plain(value: object) -> JsonValue:
    """Turn dataclasses, enums, paths and NumPy scalars into what strict JSON parsers take."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_encodable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> JsonValue:
    if isinstance(value, Enum):
        return _scalar(value.value)
    if value is None or isinstance(value, (bool, str)):
        return _encodable(value) if isinstance(value, str) else value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return value
    return _encodable(str(value))


def _encodable(text: str) -> str:
    """Replace lone surrogates: they are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cell(value: object) -> JsonValue:
    """Cut one value of an offending row: text to 200 characters, bytes and arrays to their size and first values."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_CAP else value[: TEXT_CAP - 1] + "…"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{len(bytes(value))} bytes: {bytes(value)[:8].hex()}…"
    if isinstance(value, Mapping):
        return {cell_key(key): cell(item) for key, item in list(value.items())[:ARRAY_CAP]}
    if getattr(value, "ndim", 0) or isinstance(value, (list, tuple)):
        return _array_cell(value)
    return _timestamp(value)


def cell_key(key: object) -> str:
    """Cut the name of a column like a text."""
    return str(cell(str(key)))


def _timestamp(value: object) -> JsonValue:
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else plain(value)


def _array_cell(value: Any) -> JsonValue:  # noqa: ANN401 - arrays of any library
    shape = getattr(value, "shape", None) or (len(value),)
    flat = value.ravel()[:ARRAY_CAP].tolist() if hasattr(value, "ravel") else list(value)[:ARRAY_CAP]
    few = ", ".join(str(cell(item)) for item in flat)
    dimensions = "x".join(str(size) for size in shape)
    return f"array of {dimensions}: {few}{', …' if math.prod(shape) > ARRAY_CAP else ''}"


def fitted(checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Show fewer inputs of each offending row, then fewer rows, until all rows together fit: the file has them all."""
    cut = tuple(checks)
    for inputs, rows in ROWS_SHOWN:
        cut = tuple(replace(check, rows=tuple(_shorter(row, inputs) for row in check.rows[:rows])) for check in checks)
        if sum(len(json.dumps(plain(check.rows), indent=1)) for check in cut) <= ROWS_BYTES:
            break
    return cut


def _shorter(row: Mapping[str, JsonValue], inputs: int) -> Mapping[str, JsonValue]:
    found = row.get("inputs")
    if not isinstance(found, Mapping) or len(found) <= inputs:
        return row
    few = dict(list(found.items())[:inputs])
    return {**row, "inputs": {**few, MORE: f"{len(found) - inputs} more columns: see rows.parquet"}}


def dumps(report: Report) -> str:
    """Write a report as strict JSON, keys sorted, UTF-8, one newline at the end."""
    return json.dumps(to_dict(report), ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True) + "\n"


def canonical(report: Report) -> str:
    """Write a report as it is recorded: reading and writing it again changes no byte, so a digest can stand for it."""
    text = dumps(report)
    try:
        return dumps(loads(text))
    except UsageError:  # it cannot be read, so nobody will promote by it
        return text


def loads(text: str | bytes) -> Report:
    """Read a report.

    Raises:
        UsageError: the text is no JSON, another schema, or not what the schema says.
    """
    from pydantic import ValidationError

    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The report is not valid JSON: {error}.", remedy="Give the report.json of a check.") from None
    found = raw.get("schema") if isinstance(raw, dict) else None
    if found != SCHEMA:
        raise UsageError(
            f"The report has the schema {found!r}, this gate reads {SCHEMA!r}.",
            remedy="Judge the version again with this gate, or read the report with the gate that wrote it.",
        )
    try:
        return _adapter().validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"The report does not follow {SCHEMA}: {where}: {first['msg']}.",
            remedy="Judge the version again: a report is not edited by hand.",
        ) from None


def read(path: Path) -> Report:
    """Read a report file.

    Raises:
        UsageError: the file does not exist, cannot be read, or is no report.
    """
    try:
        return loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be read: {error.strerror}.", remedy="Run `gate check MODEL VERSION` first."
        ) from None


def json_schema() -> dict[str, Any]:
    """Give the published JSON Schema of the report (draft 2020-12)."""
    schema = _adapter().json_schema(mode="serialization")
    _require_all(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **schema}


def _require_all(schema: dict[str, Any]) -> None:
    """Say that every key is always there: a report has all keys, whatever has a default in the code."""
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            part["required"] = sorted(part["properties"])
            part["additionalProperties"] = False


def _adapter() -> TypeAdapter[Report]:
    from pydantic import TypeAdapter

    return TypeAdapter(Report)
