"""A pickle's stack machine, run without ever importing or calling anything: which names it loads, which it calls.

The stack and the memo are kept as CPython's unpicklers keep them, so that a name that is put together from the memo
is the name that they would import. Values that do not matter are opaque.
"""

from __future__ import annotations

import _compat_pickle
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gate.scoring.inspection.opcodes import OPAQUE, NoPickleError, Opaque

_OLD_PROTOCOL = 3
_HIGHEST_PROTOCOL = 5
_MOST_KEPT = 256


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that is imported: a module, and a name in it (with dots: the name of a name)."""

    module: str
    name: str

    def __str__(self) -> str:
        """Give the full name."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Made:
    """What a call made: of which symbol (None: something else was called), with which arguments, where they are known.

    A list, a dict and a set are made of `builtins`' own names; `items` keeps a dict's first entries of text.
    """

    of: Symbol | None
    arguments: tuple[Any, ...] | None = None
    items: dict[str, Any] | None = None
    state: Any = None


class Watcher(Protocol):
    """Whoever is told what the pickle does."""

    def named(self, symbol: Symbol) -> None:
        """The pickle imports a symbol."""

    def called(self, symbol: Symbol, arguments: tuple[Any, ...] | None) -> None:
        """The pickle calls a symbol; the arguments are None where they are not known."""

    def odd(self, what: str) -> None:
        """The pickle does what no honest one does."""

    def built(self, made: Made) -> None:
        """An object got its state."""


LIST: Final = Symbol("builtins", "list")
DICT: Final = Symbol("builtins", "dict")
SET: Final = Symbol("builtins", "set")
GETATTR: Final = Symbol("builtins", "getattr")
CONTAINERS: Final = frozenset(
    {
        LIST,
        DICT,
        SET,
        Symbol("collections", "OrderedDict"),
        Symbol("collections", "defaultdict"),
        Symbol("collections", "Counter"),
        Symbol("collections", "deque"),
        Symbol("sklearn.utils._bunch", "Bunch"),
        Symbol("copyreg", "_reconstructor"),
    }
)
"""What items may be put into. Others could have an `append` of their own."""


class Machine:
    """The state of one pickle: up to STOP."""

    def __init__(self, watcher: Watcher, *, persistent: bool = False) -> None:
        """`persistent`: the loader knows persistent ids (PyTorch's storages); a plain one refuses them."""
        self._watcher, self._persistent = watcher, persistent
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._protocol = 0

    # constants

    def push(self, value: Any) -> None:  # noqa: ANN401 - any value
        """Put a value on the stack."""
        self._stack.append(value)

    def protocol(self, number: int) -> None:
        """PROTO: names of Python 2 are translated below 3."""
        if number > _HIGHEST_PROTOCOL:
            raise NoPickleError
        self._protocol = number

    # the stack

    def mark(self) -> None:
        """MARK: what follows belongs together."""
        self._below.append(self._stack)
        self._stack = []

    def marked(self) -> list[Any]:
        """Take everything down to the last mark."""
        items, self._stack = self._stack, self._below.pop()
        return items

    def pop(self) -> None:
        """POP: drop the topmost value, or an empty mark."""
        if self._stack:
            self._stack.pop()
        else:
            self.marked()

    def duplicate(self) -> None:
        """DUP: put the topmost value on the stack once more."""
        self.push(self._stack[-1])

    def top(self, count: int) -> tuple[Any, ...]:
        """Take so many values."""
        if len(self._stack) < count:
            raise NoPickleError
        taken = tuple(self._stack[len(self._stack) - count :])
        del self._stack[len(self._stack) - count :]
        return taken

    # the memo

    def put(self, key: int | Opaque) -> None:
        """Remember the topmost value."""
        if isinstance(key, Opaque) or key < 0:
            raise NoPickleError
        self._memo[key] = self._stack[-1]

    def memoize(self) -> None:
        """Remember the topmost value under the next number."""
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, key: Any) -> None:  # noqa: ANN401 - a number, or none
        """Recall a value."""
        self.push(self._memo[key])

    # names

    def symbol(self, module: str, name: str) -> Symbol:
        """Tell of a name that is imported."""
        if self._protocol < _OLD_PROTOCOL:
            mapped = _compat_pickle.NAME_MAPPING.get((module, name))
            module, name = mapped or (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
        found = Symbol(module, name)
        self._watcher.named(found)
        return found

    def stack_global(self) -> None:
        """STACK_GLOBAL: the name lies on the stack."""
        module, name = self.top(2)
        if isinstance(module, str) and isinstance(name, str):
            self.push(self.symbol(module, name))
        else:
            self._watcher.odd("imports a name that it computes")
            self.push(OPAQUE)

    def extension(self) -> None:
        """EXT1, EXT2, EXT4: a name from a table of the process."""
        self._watcher.odd("imports by number, from the table of copyreg")
        self.push(OPAQUE)

    def persistent(self) -> None:
        """PERSID, BINPERSID: a plain unpickler refuses them."""
        if not self._persistent:
            self._watcher.odd("asks for objects by persistent ids")
        self.push(OPAQUE)

    # calls

    def call(self, function: Any, arguments: Any) -> None:  # noqa: ANN401 - any values
        """Tell of a call, and put what it makes on the stack."""
        known = arguments if isinstance(arguments, tuple) else None
        if function == GETATTR and known and len(known) == 2 and isinstance(known[0], Symbol):  # noqa: PLR2004 - both
            self.push(self.symbol(known[0].module, f"{known[0].name}.{known[1]}"))
            return
        if isinstance(function, Symbol):
            self._watcher.called(function, known)
        else:
            self._watcher.odd("calls what it computes")
        self.push(Made(function if isinstance(function, Symbol) else None, known))

    def instance(self, module: str, name: str) -> None:
        """INST: import and call at once."""
        arguments = tuple(self.marked())
        self.call(self.symbol(module, name), arguments)

    def first_of_items(self) -> None:
        """OBJ: the class is the first of the items."""
        function, *arguments = self.marked() or [OPAQUE]
        self.call(function, tuple(arguments))

    def build(self) -> None:
        """BUILD: give an object its state."""
        target, state = self.top(2)
        self.push(target)
        if isinstance(target, Made):
            target.state = state
            self._watcher.built(target)
        elif isinstance(target, Symbol):
            self._watcher.odd(f"changes {target} itself")
        else:
            self._watcher.odd("gives a state to what has none")

    def fill(self, pairs: list[Any], kind: str) -> None:
        """Put items into the topmost value: `append` and `extend` are methods, which only containers may have."""
        target = self._stack[-1]
        if not isinstance(target, Made) or target.of not in CONTAINERS:
            self._watcher.odd(f"calls the method {kind} of something that is no container")
        elif target.items is not None:
            _keep(target.items, pairs)


def _keep(items: dict[str, Any], pairs: list[Any]) -> None:
    """Remember a few entries of a dict: the state of an array's wrapper is one."""
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        if len(items) >= _MOST_KEPT:
            return
        if isinstance(key, str):
            items[key] = value


def new_dict(pairs: list[Any]) -> Made:
    """Make a dict of keys and values in turn."""
    items: dict[str, Any] = {}
    _keep(items, pairs)
    return Made(DICT, items=items)
