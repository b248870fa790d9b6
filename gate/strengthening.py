"""Pure: puts what all rows told in place of what a sample told of them, check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gate.checking.case import ROWS_KEPT, Case
from gate.domain import JsonValue, LossTest, Measurement, Offending, Outcome, Severity, Status
from gate.evidence.metrics import find
from gate.evidence.noninferiority import interval, summarised_test
from gate.evidence.summaries.found import AllRows, Bound

if TYPE_CHECKING:
    from gate.checking.case import MetricAsked
    from gate.evidence.summaries.losses import Compared

JUDGED = frozenset({Status.PASSED, Status.FAILED})


def strengthen(outcomes: Sequence[Outcome], case: Case) -> tuple[Outcome, ...]:
    """Judge every check that can be on all rows; those that need them at once stay as the sample has them.

    A case whose data fit in memory leaves all as it is.
    """
    everything = case.everything
    if everything is None:
        return tuple(outcomes)
    return tuple(_strengthened(outcome, everything, case) for outcome in outcomes)


def _strengthened(outcome: Outcome, everything: AllRows, case: Case) -> Outcome:
    if outcome.status in JUDGED:
        name = outcome.id.partition("quality.")[2]
        asked = next((asked for asked in case.metrics if asked.name == name), None)
        if asked is not None:
            return _metric(outcome, asked, everything, case)
        if outcome.id == "contract.types":
            return _types(outcome, everything)
        if outcome.id == "contract.row_count":
            return _noted(outcome, everything)
    bounds = [bound for bound in everything.bounds if bound.check == outcome.id]
    return _bounded(outcome, bounds, everything, case) if bounds and outcome.status is not Status.ERROR else outcome


def _noted(outcome: Outcome, everything: AllRows) -> Outcome:
    """Say on how many rows it rests."""
    parts = (outcome.message, f"over all {everything.rows:,} rows")
    return replace(outcome, message=", ".join(part for part in parts if part))


def _types(outcome: Outcome, everything: AllRows) -> Outcome:
    if not everything.kinds:
        return _noted(outcome, everything)
    text = f"the kind of the values changes among the rows in {', '.join(everything.kinds)}"
    message = "; ".join(part for part in (outcome.message, text) if part)
    return _noted(replace(outcome, status=Status.FAILED, severity=Severity.CRITICAL, message=message), everything)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """A bound that is past its limit: how it is measured and said."""

    bound: Bound
    measurement: Measurement
    message: str
    severity: Severity


def _bounded(outcome: Outcome, bounds: Sequence[Bound], everything: AllRows, case: Case) -> Outcome:
    """A check that holds rows against limits."""
    past = [found for found in (_past(bound, everything, case) for bound in bounds) if found is not None]
    measurements = _with(outcome.measurements, [_measured(bound, everything, case) for bound in bounds])
    if not past and outcome.status not in JUDGED:
        return outcome
    if not past:
        passed = outcome.status is Status.FAILED and _rests_on_bounds(outcome)
        status = Status.PASSED if passed else outcome.status
        message = "" if passed else outcome.message
        rows = () if passed else outcome.rows
        found = replace(outcome, status=status, message=message, rows=rows, measurements=measurements)
        return _noted(replace(found, rows_total=0) if passed else found, everything)
    critical = any(found.severity is Severity.CRITICAL for found in past)
    critical |= (
        outcome.status is Status.FAILED and outcome.severity is Severity.CRITICAL and not _rests_on_bounds(outcome)
    )
    return _noted(
        replace(
            outcome,
            status=Status.FAILED,
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            message="; ".join((*_other_words(outcome), *(found.message for found in past))),
            measurements=measurements,
            rows=(*_rows(past), *(outcome.rows if _other_words(outcome) else ()))[:ROWS_KEPT],
            rows_total=sum(found.bound.fault.rows for found in past),
            offending=(*outcome.offending, *_offending(past, everything, case)),
        ),
        everything,
    )


def _other_words(outcome: Outcome) -> tuple[str, ...]:
    """What the sample's check says beyond the limits that all rows are held against."""
    return (outcome.message,) if outcome.status is Status.FAILED and not _rests_on_bounds(outcome) else ()


def _rests_on_bounds(outcome: Outcome) -> bool:
    """Whether all that a sample's check found wrong is a limit that all rows are held against too."""
    return outcome.id in {"outliers.finite", "outliers.nulls", "outliers.range"}


def _rows(past: Sequence[_Past]) -> tuple[Mapping[str, JsonValue], ...]:
    ordered = sorted(past, key=lambda found: found.severity is not Severity.CRITICAL)
    return tuple(kept.shown for found in ordered for _, kept in found.bound.fault.worst)[:ROWS_KEPT]


def _offending(past: Sequence[_Past], everything: AllRows, case: Case) -> tuple[Offending, ...]:
    """Where the file beside the report finds the rows that the sample does not hold: behind these, bound by bound."""
    data = case.comparison.data
    first = data.rows if data is not None else 0
    held = set(data.positions.tolist()) if data is not None and data.positions is not None else set()
    found = []
    for bound in everything.bounds:
        kept = [record for _, record in bound.fault.worst]
        places = [first + place for place, record in enumerate(kept) if record.number not in held]
        if places and any(bound is one.bound for one in past):
            found.append(Offending(positions=np.array(places, dtype=np.int64), columns={}))
        first += len(kept)
    return tuple(found)


def _past(bound: Bound, everything: AllRows, case: Case) -> _Past | None:
    fault, measured = bound.fault, _measured(bound, everything, case)
    limit = case.config.outliers.nulls.max
    if bound.check == "outliers.nulls" and fault.rows <= (limit or 0) * everything.rows:
        return None
    if not fault.rows:
        return None
    known = fault.known == fault.rows and not (
        bound.check == "outliers.nulls" and (limit or fault.rows == everything.rows)
    )
    holes = bound.check in {"outliers.finite", "outliers.nulls"}
    severity = Severity.CRITICAL if bound.critical and not (holes and known) else Severity.WARNING
    unit = f" {measured.unit}" if measured.unit else ""
    side = "below" if bound.low is not None else "above"
    count = "" if holes else f" ({fault.rows:,} rows)"
    text = f"{bound.name} is {_number(measured.value)}{unit}, {side} the limit of {_number(measured.limit)}{count}"
    return _Past(bound=bound, measurement=measured, message=text, severity=severity)


def _measured(bound: Bound, everything: AllRows, case: Case) -> Measurement:
    if bound.check == "outliers.nulls":
        share = bound.fault.rows / everything.rows
        return Measurement(name=bound.name, value=share, unit="of the rows", limit=case.config.outliers.nulls.max or 0)
    limit = bound.high if bound.high is not None else bound.low
    unit = "rows" if bound.check == "outliers.finite" else None
    return Measurement(name=bound.name, value=bound.value, unit=unit, limit=limit)


def _with(known: Sequence[Measurement], found: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """Measurements with those of the same name replaced, the others after them."""
    by_name = {measurement.name: measurement for measurement in found}
    kept = tuple(by_name.pop(measurement.name, measurement) for measurement in known)
    return (*kept, *by_name.values())


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, (int, float)) else str(value)


def _metric(outcome: Outcome, asked: MetricAsked, everything: AllRows, case: Case) -> Outcome:
    """A metric: its values, its loss and the error of it over all rows; the margin is that of the sample."""
    unfit = everything.unfit.get(asked.name)
    if unfit is not None:
        whose = unfit.startswith("the baseline: ")
        status = Status.INCONCLUSIVE if whose else Status.FAILED
        return _noted(
            replace(outcome, status=status, message=f"{asked.name} cannot be computed: {unfit}", tests=()), everything
        )
    found, metric = everything.metrics.get(asked.name), asked.metric or find(asked.name)
    if found is None or metric is None or all(one.name != asked.name for one in outcome.measurements):
        return outcome
    test = summarised_test(metric, found, outcome.tests[0].margin) if outcome.tests else None
    past = _past_limits(asked, found)
    return _noted(
        replace(
            outcome,
            status=Status.FAILED if past else Status.PASSED,
            message="; ".join(past),
            measurements=_metric_measurements(outcome, asked.name, found, test, case.confidence),
            tests=(test,) if test else (),
        ),
        everything,
    )


def _past_limits(asked: MetricAsked, found: Compared) -> list[str]:
    limits, value = asked.limits, found.candidate
    past = []
    if limits is not None and limits.min is not None and value < limits.min:
        past.append(f"{asked.name} is {_number(value)}, below the limit of {_number(limits.min)}")
    if limits is not None and limits.max is not None and value > limits.max:
        past.append(f"{asked.name} is {_number(value)}, above the limit of {_number(limits.max)}")
    return past


def _metric_measurements(
    outcome: Outcome, name: str, found: Compared, test: LossTest | None, confidence: float
) -> tuple[Measurement, ...]:
    ci = None if test is None else interval(test, confidence)
    measured = []
    for known in outcome.measurements:
        if known.name == name:
            before = None if known.baseline is None else found.baseline
            measured.append(replace(known, value=found.candidate, baseline=before, ci=ci))
        elif known.name == "loss" and test is not None:
            measured.append(replace(known, value=test.loss, ci=ci))
        else:
            measured.append(known)
    return tuple(measured)
