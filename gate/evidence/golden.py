"""Whether an answer is the one that a golden case demands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gate.domain import JsonValue
from gate.domain.golden import GoldenCase
from gate.evidence.outputs import same_level

ROUNDING = 1e-6
"""Share of the expected number that a case without a tolerance allows: float32 and other summation orders."""
THRESHOLD = 0.5


def flipped(case: GoldenCase, answer: Mapping[str, Any], positive: JsonValue = None) -> str:
    """Say in words what is wrong with an answer (its columns), "" where nothing is.

    `positive` is the class that a single probability is about: such an answer is of that class from 0.5 on.
    """
    if case.kind == "answer" and isinstance(case.expected, Mapping):
        found = [_differs(value, answer.get(name), case.tolerance) for name, value in case.expected.items()]
        wrong = [f"{name} is {why}" for name, why in zip(case.expected, found, strict=True) if why]
        return "; ".join(wrong)
    given = _main(answer)
    if case.kind == "class":
        return _other_class(case.expected, given, None if _has_matrix(answer) else positive)
    if case.kind == "range":
        return _outside(case.expected, given)
    return _differs(case.expected, given, case.tolerance)


def _main(answer: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what a model may answer
    """The answer proper: `prediction`, else the only column, else all of them."""
    if "prediction" in answer:
        return answer["prediction"]
    return next(iter(answer.values())) if len(answer) == 1 else dict(answer)


def _has_matrix(answer: Mapping[str, Any]) -> bool:
    return any(name.startswith("proba_") for name in answer)


def _other_class(expected: Any, given: Any, positive: Any) -> str:  # noqa: ANN401 - as above
    if given is None:
        return "no answer"
    if positive is not None and isinstance(given, float) and 0 <= given <= 1:
        agrees = (given >= THRESHOLD) == same_level(expected, positive)
        return "" if agrees else f"{given:.6g}, on the other side of {THRESHOLD}"
    return "" if same_level(given, expected) else _short(given)


def _outside(bounds: Sequence[float | None], given: Any) -> str:  # noqa: ANN401 - as above
    low, high = bounds
    if not _is_number(given):
        return _short(given)
    inside = (low is None or given >= low) and (high is None or given <= high)
    return "" if inside else f"{given:.6g}"


def _differs(expected: Any, given: Any, tolerance: float | None) -> str:  # noqa: ANN401 - as above
    if isinstance(expected, list):
        return _list_differs(expected, given, tolerance)
    if _is_number(expected) and _is_number(given):
        allowed = ROUNDING * max(1.0, abs(expected)) if tolerance is None else tolerance
        return "" if abs(given - expected) <= allowed else f"{given:.6g}"
    if isinstance(expected, str) or expected is None:
        return "" if given == expected else _short(given)
    return "" if given is not None and same_level(expected, given) else _short(given)


def _list_differs(expected: list[Any], given: Any, tolerance: float | None) -> str:  # noqa: ANN401 - as above
    if not isinstance(given, list) or len(given) != len(expected):
        return _short(given)
    places = [place for place, pair in enumerate(zip(expected, given, strict=True)) if _differs(*pair, tolerance)]
    return f"different at {len(places)} of {len(expected)} places, first at {places[0]}" if places else ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _short(value: object) -> str:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    text = "no answer" if missing else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 - fits a line
