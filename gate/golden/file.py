"""The file of golden cases: JSON lines that people read and edit, a case a line.

{"id": "r17", "inputs": {"age": 63, "sex": "f"}, "answer": 151.0, "tolerance": 20.0, "why": "…", "added_at": "…"}
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gate.config import Config
from gate.domain import GoldenCase, JsonValue
from gate.domain.golden import Expected
from gate.errors import GateError, UsageError

FOLDER = "golden"
CASES_LIMIT = 10_000
_KINDS: tuple[Expected, ...] = ("answer", "class", "range")
_NOTES = ("why", "added_at", "from")
_KEYS = ("id", "inputs", *_KINDS, "tolerance", *_NOTES)
_BOUNDS = 2


def file_of(config: Config, model: str) -> Path:
    """Give the file of a model's golden cases: the one of the settings, else golden/<model slug>.jsonl."""
    from gate.notes.files import slug

    return config.below(config.model(model).golden or f"{FOLDER}/{slug(model)}.jsonl")


def read(config: Config, model: str) -> tuple[GoldenCase, ...]:
    """Read a model's golden cases; none where no file was configured and the usual one is not there.

    Raises:
        UsageError: a configured file is missing, or a line is no golden case, with file and line.
    """
    path = file_of(config, model)
    if not path.is_file():
        if config.model(model).golden is None and not path.exists():
            return ()
        place = config.place("models", model, "golden")
        raise UsageError(
            f"{place}: there is no file of golden cases at {path}.",
            remedy=f"Correct `golden:`, or make it with `gate golden add {model}`.",
        )
    return parse(path)


def parse(path: Path) -> tuple[GoldenCase, ...]:
    """Read a file of golden cases; empty lines and lines that begin with # are passed over.

    Raises:
        UsageError: with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as UTF-8 text: {error}.", remedy="Correct `golden:`.") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    cases = tuple(_case(line, number, path) for number, line in lines if not line.lstrip().startswith("#"))
    _refuse_twins(cases, path)
    if len(cases) > CASES_LIMIT:
        raise UsageError(f"{path} has more than {CASES_LIMIT:,} cases.", remedy="Keep those that matter.")
    return cases


def _case(text: str, line: int, path: Path) -> GoldenCase:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _bad(path, line, f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise _bad(path, line, "is no JSON object")
    unknown = sorted(set(found) - set(_KEYS))
    if unknown:
        raise _bad(path, line, f"has the unknown key {unknown[0]!r}")
    if not isinstance(found.get("inputs"), dict) or not found["inputs"]:
        raise _bad(path, line, "has no `inputs`: an object of column names and values")
    kinds = [kind for kind in _KINDS if kind in found]
    if len(kinds) != 1:
        raise _bad(path, line, f"must have exactly one of `answer`, `class` and `range`, it has {len(kinds)}")
    return GoldenCase(
        id=str(found.get("id", f"line {line}")),
        inputs={name: _decoded(value) for name, value in found["inputs"].items()},
        kind=kinds[0],
        expected=_range(found["range"], path, line) if kinds[0] == "range" else found[kinds[0]],
        tolerance=_tolerance(found, kinds[0], path, line),
        notes={key: found[key] for key in _NOTES if key in found},
        line=line,
    )


def _range(value: JsonValue, path: Path, line: int) -> list[float | None]:
    numbers = isinstance(value, list) and len(value) == _BOUNDS and all(_is_number(b) or b is None for b in value)
    if not numbers or value == [None, None]:
        raise _bad(path, line, "has a `range` that is not two numbers: write [low, high], null for no bound")
    low, high = value
    if low is not None and high is not None and low > high:
        raise _bad(path, line, f"has the range [{low}, {high}], which nothing lies in")
    return [low, high]


def _tolerance(found: Mapping[str, Any], kind: Expected, path: Path, line: int) -> float | None:
    value = found.get("tolerance")
    if value is None:
        return None
    if kind != "answer" or not _is_number(value) or value < 0:
        raise _bad(path, line, "has a `tolerance` that is no number from 0 on beside an `answer`")
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _decoded(value: JsonValue) -> JsonValue:
    """Bytes are written as {"base64": "…"}."""
    import base64
    import binascii

    if isinstance(value, dict) and set(value) == {"base64"}:
        with contextlib.suppress(TypeError, ValueError, binascii.Error):
            return base64.b64decode(value["base64"])
    return value


def _refuse_twins(cases: Sequence[GoldenCase], path: Path) -> None:
    seen: dict[str, int] = {}
    for case in cases:
        if case.id in seen:
            raise _bad(path, case.line, f"has the id {case.id!r} of line {seen[case.id]}")
        seen[case.id] = case.line


def _bad(path: Path, line: int, what: str) -> UsageError:
    return UsageError(f"{path}:{line}: the golden case {what}.", remedy=f"A case has the keys {', '.join(_KEYS)}.")


def add(path: Path, cases: Sequence[Mapping[str, JsonValue]]) -> int:
    """Write cases at the end of a file, whole or not at all, those left out that are there; give how many are new.

    Raises:
        UsageError: the file that is there is no file of golden cases.
        GateError: it cannot be written.
    """
    known = {case.id for case in parse(path)} if path.is_file() else set()
    fresh = {str(case["id"]): case for case in cases if str(case["id"]) not in known}
    if not fresh:
        return 0
    lines = [json.dumps(case, ensure_ascii=False, allow_nan=False) for case in fresh.values()]
    try:
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        before += "\n" if before and not before.endswith("\n") else ""
        _write(path, before + "\n".join(lines) + "\n")
    except OSError as error:
        raise GateError(f"{path} cannot be written: {error.strerror}.", remedy="Make it writable.") from None
    return len(fresh)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".golden-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
