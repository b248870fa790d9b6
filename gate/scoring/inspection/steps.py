"""What each opcode does to the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gate.scoring.inspection.machine import LIST, SET, Machine, Made, new_dict
from gate.scoring.inspection.opcodes import OPAQUE, NoPickleError

Step = Callable[[Machine, Any], None]


def _constant(value: object) -> Step:
    return lambda machine, _: machine.push(value)


def _argument(machine: Machine, argument: Any) -> None:  # noqa: ANN401 - any value
    machine.push(argument)


def _dropping(replace: Callable[[Machine], None]) -> Step:
    """Take everything down to the last mark, then go on."""

    def do(machine: Machine, _: Any) -> None:  # noqa: ANN401 - any value
        machine.marked()
        replace(machine)

    return do


def _popping(replace: Callable[[Machine], None]) -> Step:
    """Take one value, then go on."""

    def do(machine: Machine, _: Any) -> None:  # noqa: ANN401 - any value
        machine.top(1)
        replace(machine)

    return do


def _out_of_band(_machine: Machine, _argument: Any) -> None:  # noqa: ANN401 - any value
    raise NoPickleError  # a plain unpickler has no such buffers


def _read_only(machine: Machine, _argument: Any) -> None:  # noqa: ANN401 - any value
    machine.push(machine.top(1)[0])


_PUSHED = (
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE",
    "BINUNICODE", "BINUNICODE8",
)  # fmt: skip
_STEPS: Mapping[str, Step] = {
    **dict.fromkeys(_PUSHED, _argument),
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),  # noqa: FBT003 - the value itself
    "NEWFALSE": _constant(False),  # noqa: FBT003 - the value itself
    "EMPTY_TUPLE": _constant(()),
    "PROTO": lambda machine, number: machine.protocol(number),
    "FRAME": lambda _machine, _length: None,
    "STOP": lambda machine, _: machine.pop(),
    "MARK": lambda machine, _: machine.mark(),
    "POP": lambda machine, _: machine.pop(),
    "POP_MARK": _dropping(lambda _: None),
    "DUP": lambda machine, _: machine.duplicate(),
    "PUT": lambda machine, key: machine.put(key),
    "BINPUT": lambda machine, key: machine.put(key),
    "LONG_BINPUT": lambda machine, key: machine.put(key),
    "MEMOIZE": lambda machine, _: machine.memoize(),
    "GET": lambda machine, key: machine.get(key),
    "BINGET": lambda machine, key: machine.get(key),
    "LONG_BINGET": lambda machine, key: machine.get(key),
    "EMPTY_LIST": lambda machine, _: machine.push(Made(LIST)),
    "EMPTY_DICT": lambda machine, _: machine.push(new_dict([])),
    "EMPTY_SET": lambda machine, _: machine.push(Made(SET)),
    "LIST": _dropping(lambda machine: machine.push(Made(LIST))),
    "DICT": lambda machine, _: machine.push(new_dict(machine.marked())),
    "FROZENSET": _dropping(lambda machine: machine.push(OPAQUE)),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.push(machine.top(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.top(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.top(3)),
    "APPEND": _popping(lambda machine: machine.fill([], "append")),
    "APPENDS": _dropping(lambda machine: machine.fill([], "extend")),
    "SETITEM": lambda machine, _: machine.fill(list(machine.top(2)), "__setitem__"),
    "SETITEMS": lambda machine, _: machine.fill(machine.marked(), "__setitem__"),
    "ADDITEMS": _dropping(lambda machine: machine.fill([], "add")),
    "GLOBAL": lambda machine, names: machine.push(machine.symbol(*names)),
    "STACK_GLOBAL": lambda machine, _: machine.stack_global(),
    "INST": lambda machine, names: machine.instance(*names),
    "OBJ": lambda machine, _: machine.first_of_items(),
    "REDUCE": lambda machine, _: machine.call(*machine.top(2)),
    "NEWOBJ": lambda machine, _: machine.call(*machine.top(2)),
    "NEWOBJ_EX": lambda machine, _: machine.call(*machine.top(3)[:2]),
    "BUILD": lambda machine, _: machine.build(),
    "EXT1": lambda machine, _: machine.extension(),
    "EXT2": lambda machine, _: machine.extension(),
    "EXT4": lambda machine, _: machine.extension(),
    "PERSID": lambda machine, _: machine.persistent(),
    "BINPERSID": _popping(lambda machine: machine.persistent()),
    "NEXT_BUFFER": _out_of_band,
    "READONLY_BUFFER": _read_only,
}


def step(machine: Machine, name: str, argument: Any) -> None:  # noqa: ANN401 - what an opcode carries
    """Do what an opcode does.

    Raises:
        NoPickleError: an unpickler fails here.
    """
    try:
        _STEPS[name](machine, argument)
    except (IndexError, KeyError):
        raise NoPickleError from None
