"""Checks of single answers: holes, values that cannot be, values that stand out, answers on wrong rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gate import check, inconclusive
from gate.evidence import outliers
from gate.evidence.assignment import rule
from gate.evidence.outputs import Kind, Output

from . import ranges
from .subject import (
    Case,
    baseline_columns,
    candidate_columns,
    infinite,
    is_probability,
    label_column,
    main_name,
    missing_in,
)
from .versions import agreements

Measure = Callable[..., None]
Rows = Callable[..., None]
Weigh = Callable[[str], None]

FEW = 20
"""Fewer rows than this have no distribution to speak of."""


@check(category="outliers")
def check_finite(predictions: pd.DataFrame, case: Case, measure: Measure, offending_rows: Rows, weigh: Weigh) -> None:
    """No answer is infinite.

    Counts the rows with an infinite number in any column, vectors included.

    Limit: none at all. Only a warning where the baseline is infinite in every one of these rows too.
    A failure means an overflow, a division by zero or a logarithm of 0 in the model or its preprocessing.
    To change it: `severity: {outliers.finite: warning}` in gate.yaml.
    """
    columns = {name: output for name, output in candidate_columns(case).items() if output.numbers is not None}
    if not columns:
        pytest.skip("no answer is a number")
    before = baseline_columns(case) or {}
    found, known = np.zeros(len(predictions), dtype=bool), np.zeros(len(predictions), dtype=bool)
    for name, output in columns.items():
        found |= infinite(output)
        known |= infinite(before[name]) if name in before else False
    rows = np.flatnonzero(found)
    if len(rows) and known[rows].all():
        weigh("warning")
    offending_rows(rows)
    measure("infinite", len(rows), max=0, unit="rows")


@check(category="outliers")
def check_nulls(predictions: pd.DataFrame, case: Case, measure: Measure, offending_rows: Rows, weigh: Weigh) -> None:
    """No answer is missing.

    Counts the rows with None, NaN or NaT in any column, or anywhere in a vector.

    Limit: `outliers.nulls.max`, a share of the rows, 0 by default. Only a warning where that is not set and the
    baseline gives no answer to the very same rows either; never where all answers are missing.
    A failure means that inputs which the baseline handles (unseen categories, missing values) break this version.
    To change it: `outliers: {nulls: {max: 0.01}}` in gate.yaml.
    """
    columns, before = candidate_columns(case), baseline_columns(case) or {}
    missing, known = np.zeros(len(predictions), dtype=bool), np.zeros(len(predictions), dtype=bool)
    for name, output in columns.items():
        missing |= missing_in(output)
        known |= missing_in(before[name]) if name in before else False
    rows = np.flatnonzero(missing)
    limits = case.config.outliers.nulls
    share = len(rows) / max(1, len(predictions))
    if len(rows) and limits.max is None and share < 1 and known[rows].all():
        weigh("warning")
    past = share > (limits.max or 0)
    offending_rows(rows if past else rows[:0])
    measure("missing", share, min=limits.min, max=0 if limits.max is None else limits.max, unit="of the rows")


@check(category="outliers")
def check_constant(predictions: pd.DataFrame, case: Case, measure: Measure, weigh: Weigh) -> None:
    """The answers are not all the same.

    A column has collapsed where all its answers are equal, or vary less than 1 % of the baseline's standard deviation,
    while the baseline's (without one: the labels) vary. Columns beside `prediction` are held against the baseline only.

    Limit: none. A warning where fewer than 10 of the reference's rows vary: a rare class that was missed.
    A failure means a model that ignores its inputs: a lost feature, a saturated output, a default that always wins.
    To change it: `severity: {outliers.constant: warning}` in gate.yaml, where one answer is right.
    """
    if len(predictions) < 2:  # noqa: PLR2004 - one answer is always the same
        pytest.skip("one answer is always the same")
    columns, before = candidate_columns(case), baseline_columns(case)
    main, lost = main_name(columns, case), 0
    collapsed = []
    for name, output in columns.items():
        reference = _reference(name, name == main or len(columns) == 1, case, before)
        if reference is None and name != main:
            continue
        found = outliers.collapse(_values(output), reference)
        collapsed += [name] if found else []
        lost = max(lost, found)
    distinct = outliers.distinct(_values(columns[main])) if main and columns[main].kind is not Kind.VECTOR else None
    measure("distinct_answers", distinct)
    if 0 < lost < 10:  # noqa: PLR2004 - see the docstring
        weigh("warning")
    assert not collapsed, f"all answers are (nearly) the same in {', '.join(collapsed)}: {lost} rows should differ"


def _reference(name: str, main: bool, case: Case, before: Any) -> Any:  # noqa: FBT001 - columns and an array
    """What tells how much answers should vary: the baseline, and where it does not vary either the labels."""
    found = _values(before[name]) if before and name in before else None
    label = label_column(case) if main else None
    if label is not None and (found is None or outliers.collapse(found, None)):
        return _values(label)
    return found


def _values(output: Output) -> Any:
    values = output.codes if output.numbers is None else output.numbers
    return np.asarray(values)[output.valid]


@check(category="outliers")
@pytest.mark.usefixtures("predictions")
def check_range(case: Case, measure: Measure, offending_rows: Rows, weigh: Weigh) -> None:
    """Every answer lies in the allowed range.

    Limits, critical: answers outside `outliers.range` (min, max) of gate.yaml; probabilities outside 0 to 1, or of one
    row that do not sum to 1 within 0.01 where the baseline's do; intervals of a forecast that end before they begin;
    classes that neither `classes:`, the model, the labels nor the baseline know: callers have no branch for them
    (`classes:` names those that are allowed).
    Warning, where gate.yaml sets no range: answers outside the range of baseline and labels together, widened by half
    its width on each side.

    A failure means wrong units, a missing inverse transformation, or inputs far from the training data.
    To change it: `outliers: {range: {min: 0, max: 400}}` or `classes: [no, yes]` in gate.yaml.
    """
    columns, before = candidate_columns(case), baseline_columns(case)
    found = [
        *ranges.configured(columns, case),
        *ranges.impossible(columns, before, case),
        *ranges.unknown_classes(columns, before, case),
    ]
    limits = case.config.outliers.range
    if limits.min is None and limits.max is None:
        found += ranges.derived(columns, before, case)
    if not found:
        pytest.skip("no range applies to these answers: set outliers.range, or give labels or a baseline")
    past = [bound for bound in found if len(bound.rows)]
    if past and not any(bound.critical for bound in past):
        weigh("warning")
    for bound in sorted(found, key=lambda bound: not bound.critical):
        measure(bound.name, bound.value, min=bound.low, max=bound.high)
        offending_rows(bound.rows)


@check(category="outliers", severity="warning")
@pytest.mark.usefixtures("predictions")
def check_robust(case: Case, measure: Measure, offending_rows: Rows) -> None:
    """No answer lies far from all others.

    The distance of each answer from the baseline's median (without one: the labels'), in robust standard deviations
    (1.4826 times the median absolute deviation; Hampel 1974); of vectors that of their length. Far is more than 8,
    and more than twice the farthest of the baseline's and the labels' own values. Not for probabilities and classes.

    Limit: `outliers.robust.max`, the share of rows that may be far, 0 by default.
    A failure means single answers that are wild: look at their inputs.
    To change it: `outliers: {robust: {max: 0.001}}` in gate.yaml.
    """
    before = baseline_columns(case) or {}
    columns = {name: output for name, output in candidate_columns(case).items() if output.numbers is not None}
    columns = {name: output for name, output in columns.items() if not is_probability(name, case)}
    limit, judged = case.config.outliers.robust.max, 0
    for name, output in columns.items():
        references = [before[name]] if name in before else []
        label = label_column(case) if name == main_name(columns, case) else None
        references += [label] if label is not None and label.kind is output.kind else []
        lengths = [_lengths(reference) for reference in references if reference.numbers is not None]
        known = [values[np.isfinite(values)] for values in lengths]
        known = [values for values in known if len(values) >= FEW]
        if not known:
            continue
        judged += 1
        centre, scale = outliers.centre_and_scale(known[0])
        own = max(float(outliers.distances(values, centre, scale).max()) for values in known)
        lengths = _lengths(output)
        away = np.where(np.isfinite(lengths), outliers.distances(lengths, centre, scale), 0.0)
        rows = outliers.worst_first(away, away > max(8.0, 2 * own))
        measure(_named("far", name, columns), len(rows) / len(output), max=limit or 0.0, unit="of the rows")
        offending_rows(rows, distance=away[rows])
    if not judged:
        pytest.skip("needs numbers, and at least 20 answers of a baseline or labels to hold them against")


def _lengths(output: Output) -> Any:
    numbers = np.asarray(output.numbers)
    return numbers if numbers.ndim == 1 else np.sqrt((numbers**2).sum(axis=1))


def _named(what: str, name: str, columns: Any) -> str:
    """Name a measurement: with its column where there are several."""
    return what if len(columns) == 1 else f"{what}: {name}"


@check(category="outliers")
@pytest.mark.usefixtures("predictions", "baseline_predictions")
def check_wrong_rows(
    case: Case,
    measure: Measure,
    offending_rows: Rows,
    weigh: Weigh,
) -> None:
    """Every answer is on its own row.

    Compares answers row by row, since shuffled answers are distributed like the right ones. Fails where both versions
    give the same set of values to other rows; where another order of the rows (shifted, reversed) fits the baseline
    clearly better; where the answers go with the labels no better than shuffled ones while the baseline's do; or,
    without labels, where they go with the baseline's by row no better than shuffled ones though distributed alike. A
    part of the rows fails where 20 rows or more lie 6 robust deviations off what the version usually answers there,
    hold the same values as the baseline does on these rows, but not row by row, and labels do not call them as good.

    The agreement is the cosine between centred scores (numbers: ranks, so Spearman's correlation; classes: indicators,
    close to Cohen's kappa), held against its deviation over all permutations (Mantel 1967), clear at p = 0.001.
    Limit: none. A failure means lost row order: a join, a sort, parallel batches, a reset index.
    To change it: `severity: {outliers.wrong_rows: warning}` in gate.yaml, where the versions answer different things.
    """
    evidence = agreements(case)
    if evidence is None:
        pytest.skip("both versions have no answers of one kind to compare")
    if evidence.same:
        measure("agreement", 1.0)
        return
    found = evidence.evidence.versions
    measure(
        "agreement", found.agreement, ci=(found.agreement - 2.58 * found.chance, found.agreement + 2.58 * found.chance)
    )
    if evidence.evidence.candidate_labels is not None and evidence.evidence.baseline_labels is not None:
        ours, theirs = evidence.evidence.candidate_labels, evidence.evidence.baseline_labels
        measure("agreement with the labels", ours.agreement, baseline=theirs.agreement)
    ruling = rule(evidence.evidence)
    if ruling.ends == "skipped":
        pytest.skip(ruling.why)
    if ruling.warning:
        weigh("warning")
    if ruling.ends == "inconclusive":
        inconclusive(ruling.why)
    if ruling.ends == "failed":
        offending_rows(evidence.rows())
        pytest.fail(ruling.why)
