"""ONNX by its structure: protobuf messages, walked without the library, and the files that hold the large tensors.

Field numbers: onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from gate.scoring.inspection.budget import UnscannableError
from gate.scoring.inspection.streams import Source

_MODEL_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})
_GRAPH, _IR_VERSION = 7, 1
_BELOW: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
_MAX_DEPTH = 32
_STEPS_AT_ONCE = 1


class _BrokenError(Exception):
    """This is no protobuf."""


def is_model(source: Source) -> bool:
    """Say whether a file is an ONNX model: its fields are those of ModelProto, and fill it to its end."""
    with source.open() as file:
        end = file.seek(0, 2) if file.seekable() else None
        if not end:
            return False
        file.seek(0)
        try:
            numbers = [number for number, _, _ in _fields(file, end)]
        except _BrokenError:
            return False
    return _GRAPH in numbers and _IR_VERSION in numbers and set(numbers) <= _MODEL_FIELDS


def external_files(source: Source) -> tuple[str, ...]:
    """Name the files that hold tensors of a model, as it writes them: relative to its folder.

    Raises:
        UnscannableError: messages are nested too deep, or are none.
    """
    with source.open() as file:
        end = file.seek(0, 2)
        file.seek(0)
        try:
            return tuple(dict.fromkeys(_locations(file, end, "model", source, 0)))
        except _BrokenError:
            raise UnscannableError("is an ONNX model with a broken part") from None


def _locations(file: BinaryIO, end: int, message: str, source: Source, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise UnscannableError(f"is an ONNX model nested more than {_MAX_DEPTH} deep")
    for number, start, stop in _fields(file, end):
        source.budget.take_steps(_STEPS_AT_ONCE)
        below = _BELOW[message].get(number)
        if below is None or start == stop:
            continue
        file.seek(start)
        if below == "entry":
            yield from _location(file, stop)
        else:
            yield from _locations(file, stop, below, source, depth + 1)
        file.seek(stop)


def _location(file: BinaryIO, end: int) -> Iterator[str]:
    """A tensor's external data are pairs of key and value; `location` is the file."""
    found = {}
    for number, start, stop in _fields(file, end):
        file.seek(start)
        found[number] = file.read(min(stop - start, 4096))
        file.seek(stop)
    if found.get(1) == b"location":
        yield found.get(2, b"").decode("utf-8", "replace")


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int, int]]:
    """Give each field of a message: its number, and where its content starts and stops (the same: a number)."""
    while file.tell() < end:
        tag = _varint(file)
        number, kind = tag >> 3, tag & 7
        start, stop = _extent(file, kind)
        if stop > end or number == 0:
            raise _BrokenError
        yield number, start, stop
        file.seek(stop)
    if file.tell() != end:
        raise _BrokenError


def _extent(file: BinaryIO, kind: int) -> tuple[int, int]:
    if kind == 0:
        _varint(file)
        return file.tell(), file.tell()
    if kind == 2:  # noqa: PLR2004 - a length and so many bytes
        length = _varint(file)
        return file.tell(), file.tell() + length
    if kind in {1, 5}:
        place = file.tell() + (8 if kind == 1 else 4)
        return place, place
    raise _BrokenError


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise _BrokenError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:  # noqa: PLR2004 - the last byte of a number
            return value
    raise _BrokenError
