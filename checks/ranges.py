"""In which range answers may lie: as configured, as their kind allows, as baseline and labels suggest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gate.evidence import outliers
from gate.evidence.arrays import Array, Floats, Ints
from gate.evidence.impossible import IMPOSSIBLE
from gate.evidence.outputs import Output, level_key
from gate.evidence.pairing import Columns

from .subject import CLASS_TASKS, Case, amounts, is_probability, label_column, main_name

FEW = 20
"""Fewer values than this span no range to speak of."""
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A value that is held against a limit, and the rows past it, worst first."""

    name: str
    value: float
    rows: Ints
    critical: bool
    low: float | None = None
    high: float | None = None


def configured(columns: Columns, case: Case) -> list[Bound]:
    """Hold the answers against the limits of gate.yaml: the main column, or all where there is none."""
    limits = case.config.outliers.range
    main, numbers = main_name(columns, case), amounts(columns)
    wanted = numbers if main is None or main not in numbers else {main: numbers[main]}
    return [
        bound
        for name, output in wanted.items()
        for bound in _bounds(name, output, limits.min, limits.max, critical=True)
    ]


def impossible(columns: Columns, before: Columns | None, case: Case) -> list[Bound]:
    """Find probabilities outside 0 to 1, or of one row that do not sum to 1; intervals that end before they begin."""
    names = [name for name in amounts(columns) if is_probability(name, case)]
    found = [bound for name in names for bound in _bounds(name, columns[name], -ROUNDING, 1 + ROUNDING, critical=True)]
    if len(names) > 2:  # noqa: PLR2004 - of a whole matrix only what is off is worth a line
        found = [bound for bound in found if len(bound.rows)] or found[:1]
    for rule in IMPOSSIBLE:
        off = rule.off(columns, case.task)
        if off is not None and not rule.excused(before or {}, case.task):
            rows, value = outliers.worst_first(off, off > rule.allowed), float(off.max(initial=0))
            found.append(Bound(name=rule.name, value=value, rows=rows, critical=True, high=rule.allowed))
    return found


def unknown_classes(columns: Columns, before: Columns | None, case: Case) -> list[Bound]:
    """Count answers with classes that neither settings, model, labels nor baseline know."""
    main = main_name(columns, case)
    if case.task not in CLASS_TASKS or main is None or columns[main].codes is None:
        return []
    output, known = columns[main], _known_classes(main, before, case)
    if not known:
        return []
    names = {level_key(one) for one in known}
    strange = [code for code, level in enumerate(output.levels) if level_key(level) not in names]
    rows = np.flatnonzero(np.isin(np.asarray(output.codes), strange)).astype(np.int64)
    return [Bound(name="answers with an unknown class", value=len(rows), rows=rows, critical=True, high=0)]


def derived(columns: Columns, before: Columns | None, case: Case) -> list[Bound]:
    """Hold the answers against what baseline and labels span, widened by half of it on each side."""
    found: list[Bound] = []
    for name, output in amounts(columns).items():
        references = _references(name, columns, before, case)
        if not is_probability(name, case) and len(references) >= FEW:
            low, high = outliers.room(references, 0.5)
            found += _bounds(name, output, low, high, critical=False)
    return found


def _bounds(name: str, output: Output, low: float | None, high: float | None, *, critical: bool) -> list[Bound]:
    values = np.asarray(output.numbers)
    finite: Array = values[np.isfinite(values)]
    found = []
    if low is not None and len(finite):
        rows = outliers.outside(values, low, np.inf)
        value = float(finite.min())
        found.append(Bound(name=f"lowest {name}", value=value, rows=rows, critical=critical, low=low))
    if high is not None and len(finite):
        rows = outliers.outside(values, -np.inf, high)
        value = float(finite.max())
        found.append(Bound(name=f"highest {name}", value=value, rows=rows, critical=critical, high=high))
    return found


def _known_classes(main: str, before: Columns | None, case: Case) -> list[Any]:
    if case.config.classes:
        return list(case.config.classes)
    label = label_column(case)
    known = list(case.answers.classes)
    known += _levels(label) if label is not None else []
    return known + (_levels(before[main]) if before and main in before else [])


def _levels(output: Output) -> list[Any]:
    if output.codes is not None:
        return list(output.levels)
    return list(np.unique(output.numbers[output.valid])) if output.numbers is not None else []


def _references(name: str, columns: Columns, before: Columns | None, case: Case) -> Floats:
    parts = [before[name]] if before and name in before else []
    label = label_column(case) if name == main_name(columns, case) else None
    parts += [label] if label is not None else []
    values = [part.numbers[part.valid] for part in parts if part.numbers is not None and part.numbers.ndim == 1]
    return np.concatenate(values) if values else np.zeros(0)
