"""Checks of answers that lost their variety: a lost class, a coarse grid, cut tails, a value that is stuck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gate import check
from gate.evidence import degenerate, outliers, repeated
from gate.evidence.assignment import fingerprint
from gate.evidence.outputs import Output, common_codes

from . import repeats
from .subject import Case, amounts, baseline_columns, candidate_columns, is_probability, label_column, main_name
from .versions import harmed, together

Measure = Callable[..., None]
Rows = Callable[..., None]
Weigh = Callable[[str], None]

FEW = 20
"""Fewer rows than this have no variety to lose."""


def _named(what: str, name: str, columns: Any) -> str:
    """Name a measurement: with its column where there are several."""
    return what if len(columns) == 1 else f"{what}: {name}"


@check(category="outliers", severity="warning")
@pytest.mark.usefixtures("predictions")
def check_collapsed_class(case: Case, measure: Measure, offending_rows: Rows, weigh: Weigh) -> None:
    """No class is lost.

    A class that the baseline answers (without a baseline: that the labels have) in at least 20 rows, and that this
    version never answers, or less than a tenth as often. Critical where labels show that these rows' accuracy fell by
    more than the margin of accuracy, beyond chance (p < 0.0001).

    Limit: none.
    A failure means that a rare class drowned: training data without it, classes in another order, a threshold moved.
    To change it: `severity: {outliers.collapsed_class: critical}` (or ignore) in gate.yaml.
    """
    columns, before = candidate_columns(case), baseline_columns(case)
    main = main_name(columns, case)
    label = label_column(case)
    reference = before.get(main) if before is not None and main is not None else label if before is None else None
    if main is None or columns[main].codes is None or reference is None or reference.numbers is not None:
        pytest.skip("the answers are no classes, or there is neither a baseline nor labels to know the classes from")
    (ours, theirs), levels = common_codes(columns[main], reference)
    if len(levels) > len(theirs) / 2:
        pytest.skip("nearly every answer is another one")
    lost = degenerate.lost_classes(ours, theirs)
    rows = np.flatnonzero(np.isin(theirs, lost) & (ours != theirs))
    done = harmed(main, rows, case)
    if done is not None and done.proven:
        weigh("critical")
    offending_rows(rows)
    measure("classes lost", len(lost), unit="classes")
    names = ", ".join(f"{str(levels[code])[:40]!r}" for code in lost[:5])
    whose = "the baseline" if before is not None else "the labels"
    assert not len(lost), f"{names}: {len(rows)} rows have it in {whose}, next to none in these answers"


@check(category="outliers", severity="warning")
@pytest.mark.usefixtures("predictions", "baseline_predictions")
def check_rounded(case: Case, measure: Measure) -> None:
    """The answers are not rounded more coarsely than the baseline's.

    All answers are multiples of one step (1, 2 or 5 times a power of ten) of at least a hundredth of the baseline's
    robust standard deviation, or lie on another even grid with steps of a tenth; the baseline's do not on one half as
    coarse. Of probabilities the step is 0.1: forests and neighbours vote in finer ones.

    Limit: none.
    A failure means an integer cast, a rounding for display, or a model that tells fewer cases apart.
    To change it: `severity: {outliers.rounded: ignore}` in gate.yaml, where rounding is meant.
    """
    columns, before = amounts(candidate_columns(case)), amounts(baseline_columns(case) or {})
    shared = [name for name in columns if name in before and _enough(columns[name]) and _enough(before[name])]
    if not shared:
        pytest.skip("needs numbers of both versions, at least 20")
    coarse = {}
    for name in shared:
        ours, theirs = (np.asarray(output.numbers)[output.valid] for output in (columns[name], before[name]))
        step = degenerate.coarse_step(ours, theirs, probability=is_probability(name, case))
        coarse |= {} if step is None else {name: step}
    measure("columns that were rounded", len(coarse))
    text = "; ".join(f"{name} comes in steps of {step:g}" for name, step in coarse.items())
    assert not coarse, f"{text}, the baseline's answers do not"


def _enough(output: Output) -> bool:
    return int(output.valid.sum()) >= FEW


@check(category="outliers", severity="warning")
@pytest.mark.usefixtures("predictions", "baseline_predictions")
def check_clipped(case: Case, measure: Measure, offending_rows: Rows) -> None:
    """The tails of the answers are not cut off.

    A bound cuts where 0.2 % of the rows and at least 5 share the lowest or highest answer, three times as many as
    share other values and as share the baseline's own bound, and the baseline's answers lie beyond it in four of five.

    Limit: none.
    A failure means a limit where there was none: a clip, a type that is too narrow, a tree that cannot extrapolate.
    To change it: `severity: {outliers.clipped: ignore}` in gate.yaml, where the bound is meant.
    """
    columns, before = amounts(candidate_columns(case)), amounts(baseline_columns(case) or {})
    shared = [name for name in columns if name in before and _enough(columns[name]) and _enough(before[name])]
    if not shared:
        pytest.skip("needs numbers of both versions, at least 20")
    for name in shared:
        found = degenerate.cuts(np.asarray(columns[name].numbers), np.asarray(before[name].numbers))
        for cut in found:
            measure(_named(f"cut at {cut.value:.6g}", name, shared), len(cut.rows), max=0, unit="rows")
            offending_rows(cut.rows)
        if not found:
            measure(_named("cut", name, shared), 0, unit="rows")


@check(category="outliers")
@pytest.mark.usefixtures("predictions")
def check_stuck(case: Case, measure: Measure, offending_rows: Rows) -> None:
    """No exact value is repeated far too often.

    A continuous answer hardly ever repeats, but for equal inputs, saturated answers and leaves of trees, and these the
    baseline answers alike. A value (or a whole vector) is stuck where 0.2 % of the rows and at least 5 have it, the
    baseline has it a third as often at most, and the ranks of the baseline's answers to these rows scatter as if the
    rows had been chosen at random (a deviation of 0.2; 0.29 at random), twice as far from the value as the
    versions usually differ. Without a baseline: three times as often as
    other values, and as the labels hold it, where the inputs differ and the other answers are distinct. A text or a
    list likewise, where a quarter of them is distinct and the baseline's answers to these rows are. Values at which
    the tails were cut are `outliers.clipped`.

    Limit: `outliers.stuck.max`, the share of rows that may get one exact value, instead of this rule.
    A failure means a default that is answered where the model has none: a failed lookup, a caught exception.
    To change it: `outliers: {stuck: {max: 0.02}}` in gate.yaml.
    """
    columns, before = _comparable(candidate_columns(case)), _comparable(baseline_columns(case) or {})
    limit, judged = case.config.outliers.stuck.max, 0
    for name, output in columns.items():
        if int(output.valid.sum()) < FEW:
            continue
        finding = _Finding.of(name, output, before.get(name), case, limit)
        if finding is None:
            continue
        judged += 1
        found = finding.stuck
        if found is not None:
            offending_rows(found.rows)
            allowed = limit if limit is not None else max(0.002, 3 * found.explained / finding.rows)
            share = len(found.rows) / finding.rows
            measure(_named(f"share of {finding.what}", name, columns), share, max=allowed * (1 - 1e-9))
    for name, found in _stuck_names(case).items():
        judged += 1
        if found is not None:
            offending_rows(found.rows)
            allowed = 3 * found.explained if limit is None else limit * len(case.predictions)
            measure(f"rows with one and the same {name}", len(found.rows), max=allowed, unit="rows")
    if not judged:
        pytest.skip("no answer is a continuous number, a text or a list (at least 20 rows, most of them distinct)")


def _stuck_names(case: Case) -> dict[str, outliers.Stuck | None]:
    """Look for texts and lists that are stuck, by column; columns of a few names are classes, which repeat."""
    columns, before = candidate_columns(case), baseline_columns(case) or {}
    found = {}
    for name, output in columns.items():
        if output.codes is None or len(output.levels) < max(FEW, repeated.DISTINCT * len(output)):
            continue
        other = before.get(name)
        paired = other is not None and other.codes is not None
        codes = common_codes(output, other)[0] if paired else (output.codes, None)
        found[name] = repeated.stuck_name(*codes)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What came of one column of `rows` answers: the stuck value, if one is, and what to call it."""

    stuck: outliers.Stuck | None
    rows: int
    what: str

    @classmethod
    def of(cls, name: str, output: Output, before: Output | None, case: Case, limit: float | None) -> _Finding | None:
        """Look for a stuck value; None where the column is not continuous."""
        numbers, valid = _single(output), output.valid
        values = numbers[valid]
        paired = limit is None and before is not None and output.numbers is not None
        paired = paired and before.numbers.ndim == output.numbers.ndim and bool(before.valid.any())
        least = repeated.DISTINCT if paired else outliers.CONTINUOUS / 2
        if limit is None and outliers.distinct(values) < least * len(values):
            return None
        found = _by_baseline(numbers, valid, before) if paired else _by_itself(name, output, numbers, case, limit)
        vector = output.numbers is not None and output.numbers.ndim > 1
        what = "" if found is None else "one vector" if vector else f"{found.value:.6g}"
        return cls(stuck=found, rows=len(values), what=what)


def _by_baseline(numbers: Any, valid: Any, before: Output) -> outliers.Stuck | None:
    theirs = np.where(before.valid, _single(before), np.nan)
    ours = np.where(valid, numbers, np.nan)
    found = repeated.stuck(ours, theirs)
    cut = {one.value for one in degenerate.cuts(ours, theirs)} if found is not None else set()
    return None if found is not None and found.value in cut else found


def _by_itself(name: str, output: Output, numbers: Any, case: Case, limit: float | None) -> outliers.Stuck | None:
    references = repeats.references_of(name, case) if np.asarray(output.numbers).ndim == 1 else ()
    found = outliers.stuck(numbers[output.valid], references, limit)
    if found is None:
        return None
    rows = np.flatnonzero(output.valid)[found.rows]
    if limit is None and repeats.inputs_repeat(rows, case):
        return None
    return outliers.Stuck(value=found.value, rows=rows, explained=found.explained)


def _comparable(columns: Any) -> dict[str, Output]:
    """The columns of numbers and vectors, probabilities of one row taken together."""
    return {name: output for name, output in together(columns).items() if output.numbers is not None}


def _single(output: Output) -> Any:
    """One number a row: a vector by a projection that keeps different ones apart."""
    numbers = np.asarray(output.numbers)
    return numbers if numbers.ndim == 1 else fingerprint(numbers)
