"""Looks at bytes as a pickle: whether they are one, and what is wrong with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata

from gate.scoring.inspection.arrays import skip_array
from gate.scoring.inspection.judge import JOBLIB_ARRAY, Judge, Tolerance
from gate.scoring.inspection.machine import Machine, Made, Symbol
from gate.scoring.inspection.names import allowed
from gate.scoring.inspection.opcodes import NoPickleError, read_opcode
from gate.scoring.inspection.steps import step
from gate.scoring.inspection.streams import Source, Stream, TruncatedError

_HIGHEST_PROTOCOL = 5
_STEPS_AT_ONCE = 1024
_MOST_PICKLES = 1000
"""One after another in one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickleLook:
    """What bytes are as a pickle: (symbol, what it does) of all that is wrong; `problem` where the end was not reached.

    `is_pickle` is False where nothing is ever imported or called before an unpickler fails: some other format.
    """

    is_pickle: bool
    wrong: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def look_at_pickle(source: Source, tolerance: Tolerance, *, persistent: bool = False) -> PickleLook:
    """Run the bytes as a plain unpickler reads them and, where they hold joblib's arrays, as joblib does.

    `persistent` allows persistent ids: PyTorch's own loader knows them.

    Raises:
        UnscannableError: the budget is used up.
    """
    plain = _Run(source, tolerance, persistent=persistent)
    if not plain.judge.arrays:
        return plain.look()
    by_joblib = _Run(source, tolerance, joblib=True).look()
    # a plain unpickler takes the arrays' bytes for opcodes and fails there, or finds what hides in them
    hidden = [entry for entry in plain.judge.wrong if entry[0] and entry not in by_joblib.wrong]
    return PickleLook(is_pickle=True, wrong=(*by_joblib.wrong, *hidden), problem=by_joblib.problem)


class _Run:
    """One way to read the bytes."""

    def __init__(self, source: Source, tolerance: Tolerance, *, persistent: bool = False, joblib: bool = False) -> None:
        self._source, self._tolerance, self._persistent = source, tolerance, persistent
        self._complete = 0
        self._problem = ""
        with source.open() as file:
            stream = Stream(file)
            self.judge = Judge(tolerance, partial(self._array, stream) if joblib else None)
            self._starts_as_pickle = _is_protocol(source.head(2))
            self._all(stream)

    def look(self) -> PickleLook:
        """Say what the bytes are."""
        names = self.judge.symbols
        if not self._starts_as_pickle and not (names if self._complete else any(map(_exists, names))):
            return PickleLook(is_pickle=False)
        if self._starts_as_pickle and not self._complete and not names:
            return PickleLook(is_pickle=False, problem=self._problem)
        problem = "" if self._tolerance.any_names and self._complete else self._problem
        return PickleLook(is_pickle=True, wrong=tuple(self.judge.wrong), problem=problem)

    def _all(self, stream: Stream) -> None:
        """One pickle after another, until the bytes end or are none."""
        while self._complete < _MOST_PICKLES:
            try:
                first = read_opcode(stream)
            except TruncatedError:
                return  # the end, or nothing at all
            except NoPickleError:
                self._problem = "goes on after its end with bytes that are no pickle"
                return
            if not self._one(stream, first):
                return
        self._problem = f"holds more than {_MOST_PICKLES:,} pickles"

    def _one(self, stream: Stream, opcode: tuple[str, object]) -> bool:
        machine, count = Machine(self.judge, persistent=self._persistent), 0
        try:
            while True:
                step(machine, *opcode)
                count += 1
                if count % _STEPS_AT_ONCE == 0:
                    self._source.budget.take_steps(_STEPS_AT_ONCE)
                if opcode[0] == "STOP":
                    self._complete += 1
                    return True
                opcode = read_opcode(stream)
        except TruncatedError:
            self._problem = "is a pickle that ends too early"
        except NoPickleError:
            self._problem = "is a pickle that breaks off: what follows are no opcodes"
        return False

    def _array(self, stream: Stream, made: Made) -> None:
        if skip_array(stream, made):
            return
        if not self._one(stream, read_opcode(stream)):  # an array of objects: a pickle inside of the pickle
            raise NoPickleError
        self._complete -= 1


def _is_protocol(head: bytes) -> bool:
    return len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= _HIGHEST_PROTOCOL  # noqa: PLR2004 - PROTO and its number


def _exists(symbol: Symbol) -> bool:
    """Say whether something of this name may be there: text can begin like a pickle, and name what nobody has."""
    top = symbol.module.partition(".")[0]
    return symbol in allowed().named or symbol == JOBLIB_ARRAY or top in _installed()


@cache
def _installed() -> frozenset[str]:
    return frozenset(sys.stdlib_module_names) | frozenset(metadata.packages_distributions())
