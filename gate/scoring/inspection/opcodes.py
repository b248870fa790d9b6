"""A pickle's opcodes with their arguments, read as CPython's unpicklers read them.

After pickletools.genops, with two differences. Arguments of the text protocols are read as leniently as the unpicklers
do (pickletools refuses `I0x1`, they execute what follows). Long bytes are passed over, not held.
"""

from __future__ import annotations

import codecs
import pickletools
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from gate.scoring.inspection.streams import Stream

LONGEST_TEXT = 4096
"""Longer text is no name of a module."""
_NUMBER = re.compile(rb"\s*[+-]?[0-9a-fA-FxXoObB_]+\s*")
_MAX_SIZE = 2**63 - 1


class NoPickleError(Exception):
    """This is no opcode, or no argument of it."""


class Opaque:
    """A value that does not matter: bytes, floats, long text."""


OPAQUE: Final = Opaque()


def read_opcode(stream: Stream) -> tuple[str, Any]:
    """Read the next opcode: its name as pickletools has it, and its argument.

    Raises:
        NoPickleError: it is none.
        TruncatedError: the bytes end inside of it.
    """
    code = stream.take(1)
    found = _OPCODES.get(code)
    if found is None:
        raise NoPickleError
    name, read = found
    return name, read(stream)


def _nothing(_: Stream) -> None:
    return None


def _unsigned(size: int) -> Callable[[Stream], int]:
    def read(stream: Stream) -> int:
        return int.from_bytes(stream.take(size), "little")

    return read


def _signed4(stream: Stream) -> int:
    return int(struct.unpack("<i", stream.take(4))[0])


def _float8(stream: Stream) -> Opaque:
    stream.skip(8)
    return OPAQUE


def _length(stream: Stream, size: int, *, signed: bool = False) -> int:
    length = int.from_bytes(stream.take(size), "little", signed=signed)
    if not 0 <= length <= _MAX_SIZE:
        raise NoPickleError
    return length


def _bytes(size: int, *, signed: bool = False) -> Callable[[Stream], Opaque]:
    def read(stream: Stream) -> Opaque:
        stream.skip(_length(stream, size, signed=signed))
        return OPAQUE

    return read


def _long1(stream: Stream) -> int | Opaque:
    raw = stream.take(stream.take(1)[0])
    return int.from_bytes(raw, "little", signed=True) if len(raw) <= 8 else OPAQUE  # noqa: PLR2004 - 64 bits


def _text(size: int, *, signed: bool = False) -> Callable[[Stream], str | Opaque]:
    def read(stream: Stream) -> str | Opaque:
        length = _length(stream, size, signed=signed)
        if length > LONGEST_TEXT:
            stream.skip(length)
            return OPAQUE
        return _decoded(stream.take(length))

    return read


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise NoPickleError from None


def _text_line(stream: Stream) -> str:
    try:
        return stream.line().decode("raw-unicode-escape")
    except UnicodeDecodeError:
        raise NoPickleError from None


def _quoted_line(stream: Stream) -> str | Opaque:
    raw = stream.line()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in {b'"', b"'"}:  # noqa: PLR2004 - two quotes
        raise NoPickleError
    try:
        return codecs.escape_decode(raw[1:-1])[0].decode("utf-8")
    except UnicodeDecodeError:
        return OPAQUE
    except ValueError:
        raise NoPickleError from None


def _plain_line(stream: Stream) -> str:
    return _decoded(stream.line())


def _two_lines(stream: Stream) -> tuple[str, str]:
    return _decoded(stream.line()), _decoded(stream.line())


def _number_line(stream: Stream) -> int | Opaque:
    """C reads octal and hexadecimal too; which number it is matters only for the memo, where it is decimal."""
    raw = stream.line().removesuffix(b"L")
    if not _NUMBER.fullmatch(raw):
        raise NoPickleError
    try:
        return int(raw)
    except ValueError:
        return OPAQUE


def _float_line(stream: Stream) -> Opaque:
    try:
        float(stream.line())
    except ValueError:
        raise NoPickleError from None
    return OPAQUE


_ARGUMENTS: Mapping[str, Callable[[Stream], Any]] = {
    "uint1": _unsigned(1),
    "uint2": _unsigned(2),
    "uint4": _unsigned(4),
    "uint8": _unsigned(8),
    "int4": _signed4,
    "long1": _long1,
    "long4": _bytes(4, signed=True),
    "float8": _float8,
    "floatnl": _float_line,
    "decimalnl_short": _number_line,
    "decimalnl_long": _number_line,
    "stringnl": _quoted_line,
    "stringnl_noescape": _plain_line,
    "stringnl_noescape_pair": _two_lines,
    "unicodestringnl": _text_line,
    "string1": _text(1),
    "string4": _text(4, signed=True),
    "unicodestring1": _text(1),
    "unicodestring4": _text(4),
    "unicodestring8": _text(8),
    "bytes1": _bytes(1),
    "bytes4": _bytes(4),
    "bytes8": _bytes(8),
    "bytearray8": _bytes(8),
}
_OPCODES: Mapping[bytes, tuple[str, Callable[[Stream], Any]]] = {
    opcode.code.encode("latin-1"): (opcode.name, _ARGUMENTS[opcode.arg.name] if opcode.arg else _nothing)
    for opcode in pickletools.opcodes
}
