"""The `expect:` entries of gate.yaml, judged by Great Expectations: one validation a run, an outcome an entry.

Great Expectations is imported only where there are entries (`great.py`): it costs seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gate.checking.case import ROWS_KEPT, Case
from gate.domain import Category, JsonValue, Measurement, Offending, Outcome, Severity, Status
from gate.errors import UsageError
from gate.report import cell, plain
from gate.settings import Expectation

if TYPE_CHECKING:
    from gate.checking.entries import Ended, Prepared
    from gate.checking.great import Found
    from gate.checking.offered import Offered
    from gate.evidence.arrays import Array

MASK = "__gate_if_{}__"
"""The column that says which rows an entry is about."""
ROWS = "__gate_rows__"
LISTED = 5
"""Values named in a message."""


def validate(entries: Sequence[Expectation], place: Callable[[int], str] | None = None) -> None:
    """Refuse names, arguments, conditions and references that do not exist, and limits that could not fail.

    Raises:
        UsageError: with the entry's place and id, and the closest valid names.
    """
    from gate.checking.entries import check

    for number, entry in enumerate(entries):
        with _named(entry, place(number) if place else None):
            check(entry)


def run(case: Case, entries: Sequence[Expectation], place: Callable[[int], str] | None = None) -> tuple[Outcome, ...]:
    """Judge all entries on the predictions and their inputs; `place` says where the entry of a number stands.

    Raises:
        UsageError: an entry names a column that does not exist, or asks what its column cannot be asked.
    """
    if not entries:
        return ()
    if case.eval_data is None or case.predictions is None or not case.paired:
        why = case.reasons.get("answers") or case.reasons.get("data") or "the candidate gave no answers to judge"
        return tuple(_outcome(entry, Status.SKIPPED, why) for entry in entries)
    started = time.perf_counter()
    outcomes = _judged(case, entries, place)
    each = round((time.perf_counter() - started) / len(entries), 6)
    return tuple(replace(outcome, duration_s=each) for outcome in outcomes)


def _judged(case: Case, entries: Sequence[Expectation], place: Callable[[int], str] | None) -> list[Outcome]:
    from gate.checking import entries as reading
    from gate.checking import great
    from gate.checking.offered import Offered

    offered = Offered(case)
    asked: dict[str, Prepared] = {}
    outcomes: dict[str, Outcome] = {}
    for number, entry in enumerate(entries):
        with _named(entry, place(number) if place else None):
            try:
                asked[entry.id] = reading.prepare(entry, offered)
            except reading.Ended as ended:
                outcomes[entry.id] = _ended(case, entry, ended)
    tables = {key: one for key, one in asked.items() if one.entry.type in reading.TABLE}
    found = great.judge(_frame(asked, offered), _built({key: asked[key] for key in asked if key not in tables}))
    found |= great.judge(offered.shape(), _built(tables))
    outcomes |= {key: _outcome_of(case, one, found[key], offered) for key, one in asked.items()}
    return [outcomes[entry.id] for entry in entries]


class _named:  # noqa: N801 - used like a function
    """Says in every usage error which entry it is about, and where that stands."""

    def __init__(self, entry: Expectation, place: str | None) -> None:
        self.prefix = f"{place}: expect.{entry.id}" if place else f"expect.{entry.id}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UsageError):
            raise UsageError(f"{self.prefix}: {error.text}", remedy=error.remedy) from None


def _frame(asked: Mapping[str, Prepared], offered: Offered) -> Any:  # noqa: ANN401 - a pandas frame
    """The columns that are asked about, and no more: every validation hashes the whole frame."""
    frame = offered.frame(name for one in asked.values() for name in one.columns)
    masks = {MASK.format(key): one.mask for key, one in asked.items() if one.mask is not None}
    return frame.assign(**masks, **{} if len(frame.columns) else {ROWS: True})


def _built(asked: Mapping[str, Prepared]) -> dict[str, Any]:
    from gate.checking import great

    built = {}
    for key, one in asked.items():
        condition = {} if one.mask is None else {"row_condition": great.row_condition(MASK.format(key))}
        built[key] = great.build(one.entry.type, {**one.arguments, **condition}, key)
    return built


def _outcome_of(case: Case, asked: Prepared, found: Found, offered: Offered) -> Outcome:
    entry = asked.entry
    if found.problem:
        return _outcome(entry, offered.status_of(asked.columns), f"it cannot be judged: {found.problem}")
    measurements = _measurements(asked, found)
    if found.judged == 0:
        return _outcome(entry, offered.status_of(asked.columns), "nothing was judged: there are no rows")
    if found.success and found.observed in (float("inf"), float("-inf")):
        return _outcome(entry, Status.FAILED, f"observed {found.observed}", measurements=measurements)
    if found.success:
        return _outcome(entry, Status.PASSED, "", measurements=measurements)
    failed = _outcome(entry, Status.FAILED, _said(asked, found), measurements=measurements)
    return _with_rows(case, failed, *_worst_first(asked, found, offered), found.unexpected)


def _worst_first(asked: Prepared, found: Found, offered: Offered) -> tuple[Array, dict[str, Any]]:
    """The rows not as expected, the farthest beyond a limit first, with how far where a limit says it."""
    import numpy as np

    ends = [asked.arguments.get(key) for key in ("min_value", "max_value")]
    numbers = offered[asked.columns[0]].iloc[found.rows] if asked.columns else None
    if numbers is None or numbers.dtype.kind not in "iuf" or not any(isinstance(end, (int, float)) for end in ends):
        return found.rows, {}
    low, high = (end if isinstance(end, (int, float)) else None for end in ends)
    values = numbers.to_numpy(dtype=np.float64)
    with np.errstate(all="ignore"):
        under = np.full(len(values), -np.inf) if low is None else low - values
        beyond = np.maximum(under, -np.inf if high is None else values - high)
    order = np.argsort(-beyond, kind="stable")
    return found.rows[order], {"beyond": beyond[order]}


def _with_rows(case: Case, outcome: Outcome, rows: Array, columns: Mapping[str, Any], total: int) -> Outcome:
    kept = [
        {name: cell(values[index]) for name, values in columns.items()} for index in range(min(ROWS_KEPT, len(rows)))
    ]
    shown = tuple(case.row(int(row), extra) for row, extra in zip(rows, kept, strict=False))
    filed = (Offending(positions=rows, columns=columns),) if len(rows) else ()
    return replace(outcome, rows=shown, rows_total=total, offending=filed)


def _said(asked: Prepared, found: Found) -> str:
    """What is not as expected, in words."""
    if found.judged is not None:
        allowed = _allowed(asked)
        limit = f"; at most {allowed:g} % may be" if allowed else ""
        return f"{found.unexpected:,} of {found.judged:,} rows ({found.percent or 0:.3g} %) are not as expected{limit}"
    listed = [f"{_words(key)} {_values(values)}" for key, values in found.listed.items() if _words(key)]
    if listed:
        return "; ".join(listed)
    expected = _limits(asked)
    observed = "nothing" if found.observed is None else _value(found.observed)
    return f"observed {observed}" + (f", expected {expected}" if expected else "")


def _words(key: str) -> str:
    return {"partial_unexpected_list": "there is", "partial_missing_list": "there is no"}.get(key, "")


def _values(values: Sequence[Any]) -> str:
    more = f" and {len(values) - LISTED:,} more" if len(values) > LISTED else ""
    return ", ".join(repr(plain(value)) for value in values[:LISTED]) + more


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping) and "quantiles" in value:
        pairs = zip(value["quantiles"], value["values"], strict=False)
        return ", ".join(f"{float(number):.6g} at {float(quantile):g}" for quantile, number in pairs)
    return str(plain(value))[:300]


def _allowed(asked: Prepared) -> float:
    """The percentage of rows that may be otherwise."""
    return round(100 * (1 - float(asked.arguments.get("mostly", 1))), 6)


def _limits(asked: Prepared, *, explained: bool = True) -> str:
    low, high = (asked.arguments.get(key) for key in ("min_value", "max_value"))
    where = f" ({'; '.join(words for words, _ in asked.taken)})" if asked.taken and explained else ""
    if low is not None and high is not None:
        return f"{_value(low)} to {_value(high)}{where}"
    if low is not None or high is not None:
        return (f"at least {_value(low)}" if high is None else f"at most {_value(high)}") + where
    other = next((asked.arguments[key] for key in ("value", "threshold", "type_") if key in asked.arguments), None)
    return "" if other is None else f"{_value(other)}{where}"


def _measurements(asked: Prepared, found: Found) -> tuple[Measurement, ...]:
    """What was observed, with the limit; each limit that came from a reference."""
    references = tuple(Measurement(name=words, value=value) for words, value in asked.taken)
    if found.judged is not None:
        allowed = _allowed(asked)
        return (Measurement(name="unexpected", value=found.percent, unit="% of the rows", limit=allowed), *references)
    value = found.observed
    if isinstance(value, Mapping) and "quantiles" in value:
        value = _value(value)
    if not isinstance(value, (int, float, str)):
        return references
    ends = [asked.arguments.get(key) for key in ("min_value", "max_value", "threshold", "value")]
    limits = [end for end in ends if isinstance(end, (int, float))]
    limit = limits[0] if len(limits) == 1 else _limits(asked, explained=False) or None
    return (Measurement(name="observed", value=value, limit=limit), *references)


def _ended(case: Case, entry: Expectation, ended: Ended) -> Outcome:
    outcome = _outcome(entry, ended.status, str(ended))
    outcome = replace(outcome, severity=ended.severity or outcome.severity)
    return _with_rows(case, outcome, ended.rows, {}, len(ended.rows))


def _outcome(
    entry: Expectation, status: Status, message: str, *, measurements: tuple[Measurement, ...] = ()
) -> Outcome:
    from gate.checking.entries import columns_of

    about = " and ".join(columns_of(entry.arguments))
    said = entry.arguments.get("description")
    condition: JsonValue = entry.arguments.get("row_condition")
    title = f"{entry.type} holds{f' for {about}' if about else ''}{f' where {condition}' if condition else ''}."
    return Outcome(
        id=f"outliers.expect_{entry.id}",
        title=said if isinstance(said, str) and said else title,
        category=Category.OUTLIERS,
        severity=Severity(entry.severity),
        status=status,
        message=message,
        measurements=measurements,
    )
