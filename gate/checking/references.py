"""Limits that come from the baseline's answers or from the labels: `min_value: {baseline: mean, times: 0.9}`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gate.config_file import closest
from gate.errors import UsageError

SOURCES = ("baseline", "label")
STATISTICS: Mapping[str, Callable[[Any], float]] = {
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
    "median": np.median,
    "std": lambda values: np.std(values, ddof=1) if len(values) > 1 else np.nan,
    "sum": np.sum,
}
"""Of the rows that have a value, and that meet the entry's row_condition."""
KEYS = (*SOURCES, "times", "plus", "column")
OWN_MAPPINGS = ("partition_object", "json_schema")
"""Arguments whose mappings are Great Expectations' own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A statistic of one source's values: times it, plus an offset.

    `statistic` is one of STATISTICS, or None where `quantile` says which. `column` names the answer that is meant,
    None for the one that the expectation is about.
    """

    source: str
    statistic: str | None
    quantile: float | None
    column: str | None
    times: float
    plus: float

    def of(self, values: Any) -> float | None:  # noqa: ANN401 - a pandas Series
        """Give the limit that follows from the source's values; None where they give no number."""
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        known = numbers[~np.isnan(numbers)]
        if not len(known):
            return None
        with np.errstate(all="ignore"):
            found = (
                np.quantile(known, self.quantile or 0) if self.statistic is None else STATISTICS[self.statistic](known)
            )
        return float(found) * self.times + self.plus if np.isfinite(found) else None

    def __str__(self) -> str:
        """Say it in words: `0.9 times the baseline's mean`."""
        what = self.statistic or f"{self.quantile:g} quantile"
        words = f"the {self.source}'s {what}"
        words = words if self.times == 1 else f"{self.times:g} times {words}"
        return words if self.plus == 0 else f"{words} {'+' if self.plus > 0 else '-'} {abs(self.plus):g}"


def found_in(arguments: Mapping[str, Any]) -> Iterator[Reference]:
    """Give every reference among an expectation's arguments.

    Raises:
        UsageError: a mapping that is none; with the valid names.
    """
    for key, value in arguments.items():
        if key not in OWN_MAPPINGS:
            yield from _below(value)


def resolved(arguments: Mapping[str, Any], value_of: Callable[[Reference], Any]) -> dict[str, Any]:
    """Put a value in the place of each reference."""
    return {key: value if key in OWN_MAPPINGS else _put(value, value_of) for key, value in arguments.items()}


def _below(value: object) -> Iterator[Reference]:
    if isinstance(value, Mapping) and "value_ranges" not in value:
        yield _read(value)
    elif isinstance(value, Mapping):
        yield from _below(value["value_ranges"])
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _below(part)


def _put(value: object, value_of: Callable[[Reference], Any]) -> Any:  # noqa: ANN401 - an argument of any kind
    if isinstance(value, Mapping) and "value_ranges" not in value:
        return value_of(_read(value))
    if isinstance(value, Mapping):
        return {**value, "value_ranges": _put(value["value_ranges"], value_of)}
    return [_put(part, value_of) for part in value] if isinstance(value, (list, tuple)) else value


def _read(value: Mapping[Any, Any]) -> Reference:
    unknown = [str(key) for key in value if key not in KEYS]
    sources = [source for source in SOURCES if source in value]
    if unknown or len(sources) != 1:
        what = f"{unknown[0]!r} is no part of a reference" if unknown else f"{dict(value)!r} is no reference"
        raise UsageError(
            f"{what}: write {{baseline: mean}} or {{label: mean}}, with times, plus and column as you need them.",
            remedy=closest(unknown[0], list(KEYS)) if unknown else "",
        )
    statistic, quantile = _statistic(value[sources[0]])
    column = value.get("column")
    if column is not None and not isinstance(column, str):
        raise UsageError(f"column: {column!r} in a reference is no name of a column.")
    numbers = {key: _number(key, value.get(key, start)) for key, start in (("times", 1.0), ("plus", 0.0))}
    return Reference(source=sources[0], statistic=statistic, quantile=quantile, column=column, **numbers)


def _statistic(value: object) -> tuple[str | None, float | None]:
    if isinstance(value, str) and value in STATISTICS:
        return value, None
    if isinstance(value, Mapping) and list(value) == ["quantile"]:
        quantile = _number("quantile", value["quantile"])
        if 0 <= quantile <= 1:
            return None, quantile
        raise UsageError(f"A quantile lies between 0 and 1, not at {quantile:g}.")
    valid = [*STATISTICS, "{quantile: 0.05}"]
    remedy = closest(value, valid) if isinstance(value, str) else f"Valid names: {', '.join(valid)}."
    raise UsageError(f"There is no statistic {value!r} to take a limit from.", remedy=remedy)


def _number(key: str, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value):
        return float(value)
    raise UsageError(f"{key}: {value!r} in a reference is no number.")
