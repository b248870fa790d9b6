"""Which columns of a forecast are its middle, the bounds of its interval, its quantiles: read off their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MEDIAN = 0.5

_SIDES = (("lower", "upper"), ("lo", "hi"), ("low", "high"))
_CENTRES = ("yhat", "mean", "median", "forecast", "predicted_mean", "point", "prediction_mean", "prediction_median")
_QUANTILE = re.compile(
    r"(?:^|.*[_.-])(?:q|quantile|p)[_.-]?(?P<level>0?\.\d+|\d{2}(?:\.\d+)?)|(?P<bare>0?\.\d+)", re.IGNORECASE
)


def interval_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """Give the lower and the upper bound's columns: `lower` and `upper`, `yhat_lower`, `lo-90`, `prediction_low`.

    Where none are named so, the lowest and the highest of at least two quantiles; None where there is no interval.
    """
    for low, high in _SIDES:
        word = re.compile(rf"(?:^|(?<=[_.-])){low}(?=$|[_.-])", re.IGNORECASE)
        for name in names:
            partner = word.sub(high, name, count=1)
            if partner != name and partner in names:
                return name, partner
    levels = quantile_columns(names)
    ordered = sorted(levels, key=lambda name: levels[name])
    return (ordered[0], ordered[-1]) if len(ordered) > 1 else None


def quantile_columns(names: Sequence[str]) -> Mapping[str, float]:
    """Give the level of each column that is named like a quantile: `q0.1`, `quantile_0.9`, `p10`, `0.5`.

    One such column alone says nothing: {} then.
    """
    found = {}
    for name in names:
        match = _QUANTILE.fullmatch(name)
        if match:
            text = match["level"] or match["bare"]
            level = float(text) if "." in text[:2] else float(text) / 100
            if 0 < level < 1:
                found[name] = level
    return found if len(found) > 1 else {}


def centre_column(names: Sequence[str]) -> str | None:
    """Give the column of a forecast's middle, beside those of its interval; None where no name says so.

    It is named `yhat`, `mean`, `median` or alike, is the quantile 0.5, or is the only other column.
    """
    bounds = interval_columns(names)
    if bounds is None:
        return None
    by_lower = {name.lower(): name for name in names}
    named = next((by_lower[name] for name in _CENTRES if name in by_lower), None)
    if named is not None:
        return named
    quantiles = quantile_columns(names)
    rest = [name for name in names if name not in quantiles and name not in bounds]
    return next((name for name, level in quantiles.items() if level == MEDIAN), rest[0] if len(rest) == 1 else None)


def is_forecast(names: Sequence[str]) -> bool:
    """Say whether columns are a forecast: an interval beside anything, or quantiles."""
    return interval_columns(names) is not None
