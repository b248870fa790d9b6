"""Find checks and measurements in the plain dict of a report, whatever is absent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gate.notes.values import Number, Phrase, Sentence, Span, Value
from gate.notes.wording import digits_to_tell_apart

Plain = Mapping[str, Any]
"""An object of report.json."""

_CHOSEN = {
    "holder of production": "production",
    "holder of staging": "staging",
    "previous READY version": "previous",
}
RUN = ("passed", "failed", "inconclusive")


def chosen(report: Plain) -> Value:
    """Say how the baseline was chosen, in the note's language where the gate has words for it."""
    text = (report["baseline"] or {}).get("chosen_by") or ""
    return Phrase(f"chosen.{_CHOSEN[text]}") if text in _CHOSEN else Sentence(text)


def whole(text: str) -> Sentence:
    """Give a sentence that ends, so that another can follow it."""
    return Sentence(text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}.")


def check(report: Plain, check_id: str) -> Plain | None:
    """Give a check by its identity; None where it was not collected."""
    return next((each for each in report["checks"] if each["id"] == check_id), None)


def of_category(report: Plain, category: str) -> list[Plain]:
    """Give the checks of a category."""
    return [each for each in report["checks"] if each["category"] == category]


def measured(found: Plain | None, name: str) -> Plain | None:
    """Give a measurement of a check by name."""
    return next((each for each in found["measurements"] if each["name"] == name), None) if found else None


def figure(found: Plain | None, *names: str) -> float | None:
    """Give the first measured number of one of these names; None where there is none, or it is not finite.

    With several output columns a measurement is named "<column>: <name>" or "<name>: <column>".
    """
    for each in found["measurements"] if found else ():
        if {each["name"], *each["name"].split(": ")} & set(names):
            return real(each["value"])
    return None


def real(value: object) -> float | None:
    """Give a finite number as a float, None for anything else."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable and isinstance(value, (int, float)) else None


def is_metric(found: Plain) -> bool:
    """Say whether a quality check judges one metric: it measures what its identity names."""
    return found["category"] == "quality" and measured(found, found["id"].partition(".")[2]) is not None


def metrics(report: Plain) -> list[Plain]:
    """Give the checks that judge one metric each."""
    return [each for each in of_category(report, "quality") if is_metric(each)]


def main_measurement(found: Plain) -> Plain:
    """Give the measurement of a metric's check that is named like the metric."""
    return measured(found, found["id"].partition(".")[2]) or {}


def pair(*values: object) -> list[Value]:
    """Give numbers with as many digits as it takes to tell them apart."""
    digits = digits_to_tell_apart(values)
    return [Number(value, digits) if isinstance(value, float) else _cell(value) for value in values]


def _cell(value: object) -> Value:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def interval(measurement: Plain) -> Value:
    """Give a measurement's interval; None where it has none."""
    ci: Sequence[Any] | None = measurement.get("ci")
    return Span(_cell_number(ci[0]), _cell_number(ci[1]), measurement.get("confidence")) if ci else None


def _cell_number(value: object) -> Value:
    return value if isinstance(value, (int, float, str)) else None


def bad(found: Plain) -> bool:
    """Say whether a check blocks: it failed as critical, with no waiver."""
    return found["status"] == "failed" and found["severity"] == "critical" and not found["waiver"]
