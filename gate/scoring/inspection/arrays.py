"""Arrays between opcodes and in files: how many bytes they take, and whether pickles hide in them."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

from gate.scoring.inspection.machine import Made, Symbol
from gate.scoring.inspection.opcodes import NoPickleError
from gate.scoring.inspection.streams import Stream

NPY_MAGIC = b"\x93NUMPY"
_DTYPE = Symbol("numpy", "dtype")
_CODE = re.compile(r"[<>|=]?([?biufcSUVMm])(\d{1,9})")
_MAX_DEPTH = 16
_MAX_HEADER = 1 << 16
_OBJECT = re.compile(r"(?<![A-Za-z_])O(?![A-Za-z_])|object")


def skip_array(stream: Stream, wrapper: Made) -> bool:
    """Pass over an array's bytes where joblib's wrapper announces them; False: a pickle of objects follows instead.

    As joblib.numpy_pickle.NumpyArrayWrapper.read_array does.

    Raises:
        NoPickleError: the wrapper does not say how many bytes they are.
    """
    state = wrapper.state
    known = state.items if isinstance(state, Made) and state.items is not None else {}
    shape, kind = known.get("shape"), known.get("dtype")
    if not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise NoPickleError
    if has_objects(kind):
        return False
    if known.get("numpy_array_alignment_bytes") is not None:
        stream.skip(stream.take(1)[0])
    stream.skip(math.prod(shape) * item_bytes(kind))
    return True


def item_bytes(kind: Any) -> int:  # noqa: ANN401 - what a pickle made
    """Give the bytes of one item of a pickled dtype: `numpy.dtype("f8", False, True)`.

    Raises:
        NoPickleError: it is no dtype, or one of an unknown kind.
    """
    found = _CODE.fullmatch(_code(kind))
    if found is None:
        raise NoPickleError
    return int(found[2]) * (4 if found[1] == "U" else 1)


def has_objects(kind: Any, depth: int = 0) -> bool:  # noqa: ANN401 - what a pickle made
    """Say whether a pickled dtype holds objects, in any field."""
    if _code(kind).lstrip("<>|=").startswith("O"):
        return True
    if depth > _MAX_DEPTH:
        raise NoPickleError
    state = kind.state if isinstance(kind.state, tuple) else ()
    return any(has_objects(field, depth + 1) for field in _fields(state, depth))


def _fields(value: Any, depth: int) -> list[Any]:  # noqa: ANN401 - what a pickle made
    """Find the dtypes in a dtype's state: those of fields, and that of a subarray."""
    if isinstance(value, Made) and value.of == _DTYPE:
        return [value]
    if depth > _MAX_DEPTH:
        raise NoPickleError
    if isinstance(value, Made):
        value = tuple((value.items or {}).values())
    return [found for item in value for found in _fields(item, depth + 1)] if isinstance(value, tuple) else []


def _code(kind: Any) -> str:  # noqa: ANN401 - what a pickle made
    if not isinstance(kind, Made) or kind.of != _DTYPE or not kind.arguments or not isinstance(kind.arguments[0], str):
        raise NoPickleError
    return kind.arguments[0]


def npy_header(stream: Stream) -> tuple[Any, int]:
    """Read the header of an .npy file: its `descr`, the type's description, and where the array's bytes begin.

    Raises:
        NoPickleError, TruncatedError: it is none.
    """
    if stream.take(len(NPY_MAGIC)) != NPY_MAGIC:
        raise NoPickleError
    major, _ = stream.take(2)
    width = 2 if major == 1 else 4
    length = int.from_bytes(stream.take(width), "little")
    if length > _MAX_HEADER:
        raise NoPickleError
    try:
        description = ast.literal_eval(stream.take(length).decode("utf-8").strip())["descr"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise NoPickleError from None
    return description, len(NPY_MAGIC) + 2 + width + length


def npy_has_objects(description: Any) -> bool:  # noqa: ANN401 - a literal of any kind
    """Say whether a type's description has objects, which are stored as a pickle: `|O`, in a field too.

    A field of such a name can only make it True.
    """
    if isinstance(description, str):
        return _OBJECT.search(description) is not None
    return isinstance(description, (list, tuple, dict)) and any(map(npy_has_objects, _parts(description)))


def _parts(description: Any) -> list[Any]:  # noqa: ANN401 - a literal of any kind
    return [*description, *description.values()] if isinstance(description, dict) else list(description)
