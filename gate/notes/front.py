"""Write the front matter of a Markdown note."""

from __future__ import annotations

import json
import re

from gate.notes.markup import Inert
from gate.notes.values import Value

_LINKED = re.compile(r"(?i)www|gh-")


def quoted(value: Value) -> Inert:
    """Write front matter: JSON is YAML, and what could be markup to a reader that knows no front matter is escaped."""
    if value is None or isinstance(value, (bool, int)):
        return Inert(json.dumps(value))
    text = str(value)
    escaped = "".join(each if _harmless(text, index) else _escape(each) for index, each in enumerate(text))
    return Inert(f'"{escaped}"')


def _harmless(text: str, index: int) -> bool:
    each = text[index]
    if (each.isascii() and each.isalnum()) or each == " ":
        return True
    inside = 0 < index < len(text) - 1 and text[index - 1].isalnum() and text[index + 1].isalnum()
    digest = text.startswith("sha256:") and index == len("sha256")
    return inside and (digest or (each in "-_." and not _LINKED.search(text)))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the end of the basic plane
