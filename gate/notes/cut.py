"""Keep texts from the registry short, and keep passwords out of them."""

from __future__ import annotations

import hashlib
import re

VALUE_CAP = 200
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


def cut(text: str, cap: int = VALUE_CAP) -> str:
    """Cut a text to `cap` characters; a cut one ends in its length and 8 digits of its SHA-256.

    The digest lets two long texts that differ only beyond the cut be told apart.
    """
    shown = _PASSWORD.sub("***@", text[: cap * 4])[:cap]
    if len(text) <= cap:
        return shown
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{shown}… ({len(text)} characters, sha256 {digest})"
