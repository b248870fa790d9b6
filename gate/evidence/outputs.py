"""Reads one column of answers or labels, whatever its type, into numbers or into codes of levels."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats, Ints

SECONDS_A_DAY = 86_400.0
TRUTHS = {"true": "1", "false": "0"}


class Kind(StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    DATE = "date"
    VECTOR = "vector"
    CLASS = "class"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One column of n answers.

    `null` (n,) marks the missing ones. `numbers` is float64: (n,) for numbers and dates (days since 1970), (n, k)
    for vectors, NaN where missing, and None for the others. These have `codes` (n,), int64, -1 where missing: the
    position of each value in `levels`, its distinct values.
    """

    kind: Kind
    null: Bools
    numbers: Floats | None = None
    codes: Ints | None = None
    levels: tuple[Any, ...] = ()

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.null)

    @property
    def valid(self) -> Bools:
        """Mark the rows that hold an answer: not missing and, where numbers, finite."""
        if self.numbers is None:
            return ~self.null
        return np.asarray(np.isfinite(self.numbers).reshape(len(self), -1).all(axis=1))

    def take(self, rows: Array) -> Output:
        """Give some rows, by position or by mask."""
        return Output(
            kind=self.kind,
            null=self.null[rows],
            numbers=None if self.numbers is None else self.numbers[rows],
            codes=None if self.codes is None else self.codes[rows],
            levels=self.levels,
        )


def read(values: Array, null: Bools | None = None) -> Output:
    """Read a column of n values of any type; `null` (n,) marks the missing ones, None and NaN where it is not given."""
    values = np.asarray(values)
    missing = _missing(values) if null is None else np.asarray(null, dtype=bool)
    kind = _kind(values, missing)
    if kind is Kind.VECTOR:
        matrix = _matrix(values, missing)
        return Output(kind=kind, null=missing, numbers=matrix) if matrix is not None else _coded(values, missing, kind)
    if kind is Kind.NUMBER:
        return Output(kind=kind, null=missing, numbers=_floats(values, missing))
    if kind is Kind.DATE:
        return Output(kind=kind, null=missing, numbers=_days(values, missing))
    return _coded(values, missing, kind)


def as_classes(output: Output) -> Output:
    """Take amounts as the names of classes; a column that has names already is left as it is.

    Raises:
        ValueError: a column of vectors has no names.
    """
    if output.codes is not None:
        return output
    if output.numbers is None or output.numbers.ndim > 1:
        raise ValueError("vectors are no names of classes")
    return _coded_numbers(output.numbers, output.null, Kind.CLASS)


def as_numbers(output: Output) -> Output:
    """Take the names of classes as amounts: "1.5" is 1.5, True is 1.

    Raises:
        ValueError: a name is no number.
    """
    if output.codes is None:
        return output
    used = _used_levels(output)
    table = np.full(len(output.levels) + 1, np.nan)
    for code, level in used.items():
        if isinstance(level, (list, tuple)):
            raise ValueError(f"{level!r} is no number")  # noqa: TRY004 - one error for all that is no number
        table[code] = float(TRUTHS.get(str(level).strip().lower(), level))
    return Output(kind=Kind.NUMBER, null=output.null, numbers=table[output.codes])


def common_codes(*outputs: Output) -> tuple[tuple[Ints, ...], tuple[Any, ...]]:
    """Give the codes (n,) of several columns of classes over one list of levels, sorted.

    Levels of one type are compared as they are. Where texts meet numbers or truth values, 1, 1.0, "1" and True
    are one level: a label read from CSV and a prediction rarely have the same type.
    """
    used = [_used_levels(output) for output in outputs]
    kinds = {isinstance(level, str) for levels in used for level in levels.values()}
    mixed = len(kinds) > 1
    keyed = [{code: _key(level, mixed=mixed) for code, level in levels.items()} for levels in used]
    firsts: dict[Hashable, Any] = {}
    for keys, levels in zip(keyed, used, strict=True):
        for code, key in keys.items():
            firsts.setdefault(key, levels[code])
    ordered = sorted(firsts, key=lambda key: _order(firsts[key]))
    position = {key: index for index, key in enumerate(ordered)}
    codes = tuple(_recoded(output, keys, position) for output, keys in zip(outputs, keyed, strict=True))
    return codes, tuple(firsts[key] for key in ordered)


def same_level(one: object, other: object) -> bool:
    """Say whether two names mean one class, 1, 1.0, "1" and True being the same."""
    return one == other or level_key(one) == level_key(other)


def level_key(level: object) -> Hashable:
    """Give what is the same for names of one class, so that many can be matched at once: 1, 1.0, "1" and True."""
    return _key(level, mixed=True)


def _used_levels(output: Output) -> dict[int, Any]:
    if output.codes is None:
        raise ValueError(f"a column of kind {output.kind} has no classes")
    used = np.flatnonzero(np.bincount(output.codes + 1, minlength=1)[1:])
    return {int(code): output.levels[code] for code in used}


def _recoded(output: Output, keys: dict[int, Hashable], position: dict[Hashable, int]) -> Ints:
    table = np.full(len(output.levels) + 1, -1, dtype=np.int64)
    for code, key in keys.items():
        table[code] = position[key]
    return table[output.codes]


def _key(level: object, *, mixed: bool) -> Hashable:
    """The name under which a level is the same as others."""
    if not mixed:
        return level
    text = str(int(level)) if isinstance(level, (bool, np.bool_)) else str(level).strip()
    text = TRUTHS.get(text.lower(), text)
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else str(number)


def _order(level: object) -> tuple[int, float, str]:
    """Numbers by size, before texts by alphabet."""
    if isinstance(level, (numbers.Real, np.bool_)):
        return (0, float(level), "")
    return (1, 0.0, str(level))


def _missing(values: Array) -> Bools:
    if values.dtype.kind == "f":
        return np.isnan(values) if values.ndim == 1 else np.zeros(len(values), dtype=bool)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind != "O":
        return np.zeros(len(values), dtype=bool)
    return np.fromiter((_is_null(value) for value in values), dtype=bool, count=len(values))


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, (float, np.floating, np.datetime64)) and value != value)  # noqa: PLR0124 - NaN and NaT alone differ from themselves


def _kind(values: Array, missing: Bools) -> Kind:
    if values.ndim > 1:
        return Kind.VECTOR
    by_type = {"f": Kind.NUMBER, "i": Kind.NUMBER, "u": Kind.NUMBER, "b": Kind.CLASS, "M": Kind.DATE, "m": Kind.DATE}
    if values.dtype.kind != "O":
        return by_type.get(values.dtype.kind, Kind.CLASS)
    return _kind_of_objects(set(map(type, values[~missing])))


def _kind_of_objects(types: set[type]) -> Kind:
    """The kind that all Python types in a column have; a column with nothing in it is one of numbers."""
    kinds: Sequence[tuple[Kind, tuple[type, ...]]] = (
        (Kind.CLASS, (bool, np.bool_, str, bytes)),
        (Kind.NUMBER, (numbers.Number, np.number)),
        (Kind.DATE, (dt.date, np.datetime64, dt.timedelta, np.timedelta64)),
        (Kind.VECTOR, (list, tuple, np.ndarray)),
    )
    if not types:
        return Kind.NUMBER
    for kind, wanted in kinds:
        if all(issubclass(found, wanted) for found in types):
            return kind
    scalars = (str, bytes, bool, np.bool_, numbers.Number)
    return Kind.CLASS if all(issubclass(found, scalars) for found in types) else Kind.OTHER


def _floats(values: Array, missing: Bools) -> Floats:
    if values.dtype.kind == "f" and not (missing & ~np.isnan(values)).any():
        return values.astype(np.float64, copy=False)
    if not missing.any():
        return values.astype(np.float64)
    out = np.full(len(values), np.nan)
    out[~missing] = values[~missing].astype(np.float64)
    return out


def _days(values: Array, missing: Bools) -> Floats:
    """Dates and durations in days; dates with zones as moments."""
    out = np.full(len(values), np.nan)
    if values.dtype.kind in "mM":
        seconds = values[~missing].astype(f"{values.dtype.kind}8[us]").astype(np.int64) / 1e6
    else:
        seconds = np.array([_seconds(value) for value in values[~missing]], dtype=np.float64)
    out[~missing] = seconds / SECONDS_A_DAY
    return out


def _seconds(value: Any) -> float:  # noqa: ANN401 - any of four kinds of time
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    unit = "m8[us]" if isinstance(value, np.timedelta64) else "M8[us]"
    return float(np.asarray(value, dtype=unit).astype(np.int64)) / 1e6


def _matrix(values: Array, missing: Bools) -> Floats | None:
    """Vectors of one size as a matrix (n, k), nested ones flattened; None where sizes differ or no numbers are in."""
    if values.ndim > 1:
        return values.reshape(len(values), -1).astype(np.float64)
    try:
        rows = np.array([_flat(value) for value in values[~missing]], dtype=np.float64)
    except (ValueError, TypeError):
        return None
    if rows.ndim != 2:  # noqa: PLR2004 - a matrix has two dimensions
        return None
    out = np.full((len(values), rows.shape[1]), np.nan)
    out[~missing] = rows
    return out


def _flat(value: Any) -> Array:  # noqa: ANN401 - a list or an array of any depth
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return value.ravel()
    nested = value.tolist() if isinstance(value, np.ndarray) else value
    if any(isinstance(item, np.ndarray) for item in nested):
        nested = [item.tolist() if isinstance(item, np.ndarray) else item for item in nested]
    return np.array(nested, dtype=np.float64).ravel()


def _coded(values: Array, missing: Bools, kind: Kind) -> Output:
    """Number the distinct values: lists as tuples, what cannot be hashed by what it prints."""
    if values.dtype.kind == "b" and values.ndim == 1:
        return _coded_numbers(values, missing, kind)
    named = values.tolist() if values.ndim == 1 else list(values)
    if values.ndim > 1 or kind in {Kind.OTHER, Kind.VECTOR}:
        named, kind = [_hashable(value) for value in named], Kind.OTHER
    seen: dict[Any, int] = {}
    codes = np.fromiter((seen.setdefault(value, len(seen)) for value in named), np.int64, count=len(values))
    codes[missing] = -1
    return Output(kind=kind, null=missing, codes=codes, levels=tuple(seen))


def _hashable(value: Any) -> Any:  # noqa: ANN401 - whatever a model answers
    """A list or an array of plain items as a tuple, so that its items can still be told; else what it prints."""
    if isinstance(value, (list, tuple, np.ndarray)):
        items = tuple(value.tolist() if isinstance(value, np.ndarray) else value)
        if all(isinstance(item, (str, bytes, int, float, bool)) for item in items):
            return items
    return repr(value)


def _coded_numbers(values: Array, missing: Bools, kind: Kind) -> Output:
    levels, inverse = np.unique(values, return_inverse=True)
    codes = inverse.astype(np.int64)
    codes[missing] = -1
    return Output(kind=kind, null=missing, codes=codes, levels=tuple(levels.tolist()))
