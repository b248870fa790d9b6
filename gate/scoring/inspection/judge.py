"""Judges what a pickle does while its machine runs: by the gate's list of names, and by what no honest pickle does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gate.scoring.inspection.machine import Made, Symbol
from gate.scoring.inspection.names import allowed, runs_anything

_ENCODE = Symbol("_codecs", "encode")
_LATIN = {"latin1", "latin-1"}
_MOST_SYMBOLS = 1000
JOBLIB_ARRAY = Symbol("joblib.numpy_pickle", "NumpyArrayWrapper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What is expected of the pickles of an artifact.

    `any_names`: the artifact openly brings code of its own, so that any name may be in its pickles; what runs,
    loads or writes whatever it is told may still not be called. `modules` are the top-level modules it brings.
    """

    any_names: bool = False
    modules: frozenset[str] = frozenset()


class Judge:
    """Collects what is wrong with one pickle: symbol (empty where there is none) -> what it does."""

    def __init__(self, tolerance: Tolerance, on_array: Callable[[Made], None] | None = None) -> None:
        """`on_array` is called when joblib's wrapper of an array is complete; without it, it is no allowed name."""
        self.wrong: dict[tuple[str, str], None] = {}
        self.symbols: dict[Symbol, None] = {}
        self.arrays = False
        self._tolerance, self._on_array = tolerance, on_array

    def named(self, symbol: Symbol) -> None:
        """Hold a name against the list."""
        if len(self.symbols) < _MOST_SYMBOLS:
            self.symbols[symbol] = None
        if symbol == JOBLIB_ARRAY:
            self.arrays = True
        elif not self._may_be_named(symbol):
            self._blame(symbol, "is not among the names that the gate allows")

    def called(self, symbol: Symbol, arguments: tuple[Any, ...] | None) -> None:
        """Hold a call against the list."""
        if symbol == _ENCODE and not _is_plain(arguments):
            self._blame(symbol, "is called with another encoding than Latin-1")
        elif runs_anything(symbol):
            self._blame(symbol, "is called: it runs, loads or writes what it is told")
        elif symbol != JOBLIB_ARRAY and self._may_be_named(symbol) and not self._may_be_called(symbol):
            self._blame(symbol, "is called, where honest models only name it")

    def odd(self, what: str) -> None:
        """Note what no honest pickle does; code of the artifact's own may."""
        if not self._tolerance.any_names:
            self.wrong[("", what)] = None

    def built(self, made: Made) -> None:
        """Hand over joblib's arrays."""
        if made.of == JOBLIB_ARRAY and self._on_array is not None:
            self._on_array(made)

    def _may_be_named(self, symbol: Symbol) -> bool:
        return self._is_own(symbol) or symbol in allowed().named

    def _may_be_called(self, symbol: Symbol) -> bool:
        return self._is_own(symbol) or symbol in allowed().called

    def _is_own(self, symbol: Symbol) -> bool:
        return self._tolerance.any_names or symbol.module.partition(".")[0] in self._tolerance.modules

    def _blame(self, symbol: Symbol, what: str) -> None:
        if len(self.wrong) < _MOST_SYMBOLS:
            self.wrong[(str(symbol), what)] = None


def _is_plain(arguments: tuple[Any, ...] | None) -> bool:
    """`_codecs.encode(text, "latin1")` is how old protocols hold bytes; other codecs unpack, or are imported."""
    encoding = arguments[1] if arguments is not None and len(arguments) == 2 else None  # noqa: PLR2004 - text, encoding
    return isinstance(encoding, str) and encoding in _LATIN
