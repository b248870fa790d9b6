"""Formats that hold numbers and text alone, told by their structure."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable
from typing import BinaryIO

from gate.scoring.inspection import onnx
from gate.scoring.inspection.streams import Source

_MAGIC = {
    b"CBM1": "catboost",
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"GGUF": "gguf",
    b"SQLite format 3\0": "sqlite",
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"%PDF-": "pdf",
    b"ORC": "orc",
    b"Obj\x01": "avro",
}
_PROGRAMS = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_TEXT_BYTES = 1 << 16
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_HEADER = 100 * 2**20


def data_format(source: Source, head: bytes) -> str | None:
    """Name the format of a file that no unpickler takes; None where it is none that the gate knows.

    Programs are named `program`: they are no data.
    """
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head.startswith(_PROGRAMS) or (head.startswith(b"MZ") and b"\0" in head):
        return "program"
    if head[4:8] == b"TFL3":
        return "tflite"
    tests: tuple[tuple[str, Callable[[BinaryIO], bool]], ...] = (
        ("safetensors", _is_safetensors),
        ("ubjson", _is_ubjson),
    )
    for name, test in tests:
        with source.open() as file:
            if test(file):
                return name
    return _text(source) or ("onnx" if onnx.is_model(source) else None)


def _size(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:
        return None


def _is_safetensors(file: BinaryIO) -> bool:
    """Eight bytes of length, a JSON object of so many bytes, then numbers."""
    length = int.from_bytes(file.read(8), "little")
    size = _size(file)
    if not 2 <= length <= (_MAX_HEADER if size is None else min(_MAX_HEADER, size)):  # noqa: PLR2004 - {}
        return False
    header = file.read(length)
    try:
        return header.startswith(b"{") and isinstance(json.loads(header), dict)
    except (ValueError, RecursionError):
        return False


def _is_ubjson(file: BinaryIO) -> bool:
    """XGBoost's binary JSON: an object whose first key has a length and a printable name."""
    head = file.read(64)
    kinds = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8}
    size = kinds.get(head[1:2], 0)
    if head[:1] != b"{" or not size:
        return False
    length = int.from_bytes(head[2 : 2 + size], "big")
    key = head[2 + size : 2 + size + length]
    return 0 < length <= 32 and len(key) == length and key.isalnum()  # noqa: PLR2004 - "learner"


def _text(source: Source) -> str | None:
    """UTF-8 without control characters, as far as the first 64 KiB show."""
    with source.open() as file:
        raw = file.read(_TEXT_BYTES)
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(raw, final=len(raw) < _TEXT_BYTES)
    except UnicodeDecodeError:
        return None
    if _NOT_IN_TEXT.search(text):
        return None
    if text.lstrip()[:1] in {"{", "["}:
        return "json"
    return "lightgbm" if text.startswith("tree\n") and "\nversion=" in text else "text"
