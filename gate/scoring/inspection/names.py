"""Which names pickles and skops files may hold: exact ones, of the libraries that models are made with.

No prefixes: numpy, pandas, joblib and MLflow have functions that load, run or write whatever they are told. No dots in
names, but for a few that honest models hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gate.scoring.inspection.machine import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The gate's own list: what may be called with any arguments, and what may be imported."""

    called: frozenset[Symbol]
    named: frozenset[Symbol]


@cache
def allowed() -> Allowed:
    """Read the list once."""
    called = frozenset(symbol for kind, symbol in _lines() if kind == "call")
    return Allowed(called=called, named=called | {symbol for kind, symbol in _lines() if kind == "name"})


@cache
def _lines() -> tuple[tuple[str, Symbol], ...]:
    return tuple(_read_lines())


def _read_lines() -> Iterator[tuple[str, Symbol]]:
    """Read `KIND MODULE: NAME NAME` lines; without names the whole module is meant."""
    for file in (files("gate.scoring.inspection") / "lists").iterdir():
        for line in file.read_text(encoding="utf-8").splitlines() if file.name.endswith(".txt") else ():
            head, _, names = line.partition(": ")
            kind, _, module = head.partition(" ")
            if kind != "#":
                yield from ((kind, Symbol(module, name)) for name in names.split() or [""])


def runs_anything(symbol: Symbol) -> bool:
    """Say whether calling a symbol runs, loads or writes whatever its arguments say."""
    return symbol in _running_names() or symbol.module.partition(".")[0] in _running_modules()


@cache
def _running_names() -> frozenset[Symbol]:
    return frozenset(symbol for kind, symbol in _lines() if kind == "runs" and symbol.name)


@cache
def _running_modules() -> frozenset[str]:
    return frozenset(symbol.module for kind, symbol in _lines() if kind == "runs" and not symbol.name)
