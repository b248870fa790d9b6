"""Expectations that hold of anything: refused when they are read, and no pass when there was nothing to judge.

Great Expectations lets an interval without ends pass, and nearly every expectation on a column without values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gate.checking import great
from gate.errors import UsageError
from gate.evidence.arrays import Ints

NEEDED = ("regex", "regex_list", "column_set", "type_list")
"""Arguments without which an expectation holds of anything."""
OF_MISSING = frozenset(
    {
        "expect_column_values_to_be_null",
        "expect_column_values_to_not_be_null",
        "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_values_to_be_of_type",
        "expect_column_values_to_be_in_type_list",
        "expect_column_type_to_be",
    }
)
"""What is missing counts for these; all others look away from it, and pass where all is missing."""
OF_SPREAD = frozenset({"expect_column_value_z_scores_to_be_less_than", "expect_column_values_to_not_be_outliers"})
"""They measure values in the column's own spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Why there is nothing to judge; `rows` are the positions of values that spoil it, `too_few` that rows lack."""

    why: str
    rows: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    too_few: bool = False


def refuse(kind: str, arguments: Mapping[str, Any]) -> None:
    """Refuse what could not fail, or not pass.

    Raises:
        UsageError: which argument it lacks.
    """
    why = _without_limit(kind, arguments) or _with_empty_limit(kind, arguments)
    if why:
        raise UsageError(f"{kind} {why}, so it could not fail.", remedy="Give it a limit, or take the entry out.")
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        raise UsageError(f"{kind}: min_value {low} is above max_value {high}, so it could not pass.")
    for pattern in [arguments.get("regex"), *(arguments.get("regex_list") or ())]:
        _refuse_bad_pattern(kind, pattern)


def _refuse_bad_pattern(kind: str, pattern: object) -> None:
    if not isinstance(pattern, str):
        return
    try:
        re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{kind}: {pattern!r} is no regular expression: {error}.") from None


def _without_limit(kind: str, arguments: Mapping[str, Any]) -> str:
    takes = set(great.arguments_of(great.kinds()[kind]))
    ends = ("threshold",) if "threshold" in takes else ("min_value", "max_value")
    if set(ends) <= takes and not any(_says(arguments.get(end)) for end in ends):
        return f"has no {' nor '.join(ends)}"
    needed = [*NEEDED, "column_list"] if kind.startswith("expect_table_columns") else NEEDED
    lacks = [key for key in needed if key in takes and not _says(arguments.get(key))]
    return f"has no {lacks[0]}" if lacks else ""


def _with_empty_limit(kind: str, arguments: Mapping[str, Any]) -> str:
    if arguments.get("mostly") == 0:
        return "has mostly: 0"
    if kind.endswith(("not_be_in_set", "to_contain_set")) and not arguments.get("value_set"):
        return "has an empty value_set"
    if "quantile_ranges" in arguments:
        ranges = arguments["quantile_ranges"]
        pairs = ranges.get("value_ranges") if isinstance(ranges, Mapping) else None
        return "" if any(_says(end) for pair in pairs or () for end in pair) else "has no value_ranges with an end"
    return ""


def _says(value: object) -> bool:
    return value is not None and value != [] and not (isinstance(value, float) and not math.isfinite(value))


def nothing(kind: str, arguments: Mapping[str, Any], rows: pd.DataFrame) -> Nothing | None:
    """Say why an expectation has nothing to judge in these rows of its columns, None where it has."""
    if not len(rows.columns):
        return None
    if not len(rows):
        return Nothing(why="nothing was judged: there are no rows", too_few=True)
    if kind in OF_MISSING:
        return None
    names = " and ".join(repr(str(name)) for name in rows.columns)
    strict = str(arguments.get("ignore_row_if", "")).startswith(("either", "any"))
    known = rows.notna()
    if not (known.all(axis=1) if strict else known.any(axis=1)).any():
        return Nothing(why=f"nothing was judged: no value in {names}")
    return _no_spread(arguments, rows.iloc[:, 0].dropna(), names) if kind in OF_SPREAD else None


def _no_spread(arguments: Mapping[str, Any], values: Any, names: str) -> Nothing | None:  # noqa: ANN401 - a pandas Series
    """One infinite value, or no two different ones, and nothing stands out of the column's own spread."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = values.index[np.isinf(numbers)].to_numpy(dtype=np.int64)
    if len(infinite):
        return Nothing(why=f"{len(infinite):,} values in {names} are infinite, so none stands out", rows=infinite)
    if len(np.unique(numbers)) < 2:  # noqa: PLR2004 - a spread needs two
        return Nothing(why=f"nothing was judged: all values in {names} are the same, so none can stand out")
    with np.errstate(all="ignore"):
        if not np.isfinite(numbers[~np.isnan(numbers)].std()):
            return Nothing(why=f"nothing was judged: the values in {names} are too large to have a spread")
    threshold = _standard_deviations(arguments)
    if threshold is not None and threshold >= math.sqrt(len(values) - 1):
        why = f"no value of {len(values):,} can be {threshold:g} of their own standard deviations from their mean"
        return Nothing(why=f"nothing was judged: {why}; {math.ceil(threshold**2) + 2:,} rows could", too_few=True)
    return None


def _standard_deviations(arguments: Mapping[str, Any]) -> float | None:
    """How many standard deviations an outlier is away; None where quartiles say it."""
    if "threshold" in arguments:
        return float(arguments["threshold"])
    return float(arguments.get("multiplier", 1.5)) if arguments.get("method") == "std" else None
