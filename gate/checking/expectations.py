"""Great Expectations as a measuring library: the `expect:` entries of gate.yaml, one validation a run.

The only importer of great_expectations, which costs seconds: imported where there are entries, never before.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gate.checking.case import ROWS_KEPT, Case
from gate.config_file import closest
from gate.domain import Category, JsonValue, Measurement, Outcome, Severity, Status
from gate.errors import UsageError
from gate.report import plain
from gate.settings import Expectation

if TYPE_CHECKING:
    import pandas as pd

ROW_KEY = "__gate_row__"


def validate(entries: Sequence[Expectation]) -> None:
    """Refuse names and arguments that Great Expectations does not know.

    Raises:
        UsageError: with the entry's id and the closest valid names.
    """
    for entry in entries:
        _build(entry)


def run(case: Case, entries: Sequence[Expectation]) -> tuple[Outcome, ...]:
    """Judge all entries on the predictions and their inputs."""
    if not entries:
        return ()
    expectations = {entry.id: _build(entry) for entry in entries}
    if case.eval_data is None or case.predictions is None or not case.paired:
        why = case.reasons.get("answers", "the candidate gave no answers to judge")
        return tuple(_outcome(entry, Status.SKIPPED, why) for entry in entries)
    frame = _frame(case, entries)
    results = _validated(frame, expectations)
    return tuple(_judged(case, entry, results.get(entry.id)) for entry in entries)


def _frame(case: Case, entries: Sequence[Expectation]) -> pd.DataFrame:
    """The columns that the entries name, since every validation hashes the whole frame."""
    import pandas as pd

    assert case.eval_data is not None  # noqa: S101 - the caller looked
    assert case.predictions is not None  # noqa: S101 - the caller looked
    both = pd.concat([case.eval_data.drop(columns=case.predictions.columns, errors="ignore"), case.predictions], axis=1)
    named = {text for entry in entries for text in _texts(entry.arguments)}
    if all("column" in argument for entry in entries for argument in list(entry.arguments)[:1]):
        both = both[[name for name in both.columns if name in named]]
    return both.assign(**{ROW_KEY: range(len(both))})


def _texts(value: object) -> set[str]:
    """All texts inside an argument: a column may be named anywhere, also in a row condition."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(_texts, value))
    return set()


def _build(entry: Expectation) -> Any:  # noqa: ANN401 - a great_expectations class
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations.expectations as gxe

    name = "".join(part.capitalize() for part in entry.type.split("_"))
    kind = getattr(gxe, name, None)
    if kind is None:
        valid = [_snake(item) for item in dir(gxe) if item.startswith("Expect")]
        raise UsageError(
            f"expect.{entry.id}: Great Expectations has no expectation {entry.type!r}.",
            remedy=closest(entry.type, valid),
        )
    _refuse_boundless(entry, kind)
    try:
        return kind(**entry.arguments, meta={"gate_id": entry.id})
    except Exception as error:  # noqa: BLE001 - pydantic v1 inside Great Expectations raises classes of its own
        detail = " ".join(str(error).split())[:300]
        raise UsageError(
            f"expect.{entry.id}: {entry.type} does not take these arguments: {detail}",
            remedy=f"See Great Expectations' documentation of {entry.type}.",
        ) from None


def _refuse_boundless(entry: Expectation, kind: Any) -> None:  # noqa: ANN401 - a great_expectations class
    """An interval without an end passes on anything; Great Expectations accepts it, the gate does not."""
    takes = set(getattr(kind, "__fields__", {}))
    ends = {"min_value", "max_value"}
    if ends <= takes and not (ends & {key for key, value in entry.arguments.items() if value is not None}):
        raise UsageError(
            f"expect.{entry.id}: {entry.type} has neither min_value nor max_value, so it could not fail.",
            remedy="Give at least one of them.",
        )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _validated(frame: pd.DataFrame, expectations: Mapping[str, Any]) -> dict[str, Any]:
    """One suite, one call; results come back in another order and are found by the entry's id."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas(f"gate-{uuid.uuid4()}")
    batch = (
        source.add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("frame")
        .get_batch({"dataframe": frame})
    )
    suite = gx.ExpectationSuite(name="gate", expectations=list(expectations.values()))
    result_format = {
        "result_format": "SUMMARY",
        "partial_unexpected_count": ROWS_KEPT,
        "unexpected_index_column_names": [ROW_KEY],
    }
    results = batch.validate(suite, result_format=result_format).results
    return {result.expectation_config.meta["gate_id"]: result for result in results}


def _judged(case: Case, entry: Expectation, result: Any) -> Outcome:  # noqa: ANN401 - a great_expectations class
    if result is None:
        return _outcome(entry, Status.ERROR, "Great Expectations gave no result")
    found: dict[str, Any] = result.result or {}
    problem = _problem(result.exception_info)
    if problem:
        return _outcome(entry, Status.ERROR, problem)
    observed = found.get("observed_value")
    if result.success and found.get("element_count") == 0:
        return _outcome(entry, Status.FAILED, "there are no rows to judge")
    measurements = _measurements(entry, found)
    if result.success:
        return _outcome(entry, Status.PASSED, "", measurements=measurements)
    unexpected = int(found.get("unexpected_count") or 0)
    said = f"{unexpected:,} of the rows not as expected" if unexpected else f"observed {plain(observed)}"
    rows = tuple(case.row(int(row[ROW_KEY]), {}) for row in found.get("partial_unexpected_index_list") or ())
    message = f"{entry.type} does not hold: {said}"
    return _outcome(entry, Status.FAILED, message, measurements=measurements, rows=rows, rows_total=unexpected)


def _problem(info: object) -> str:
    """What went wrong inside Great Expectations, a missing column for example: nested by metric, or flat."""
    if not isinstance(info, Mapping):
        return ""
    candidates = [info, *(value for value in info.values() if isinstance(value, Mapping))]
    raised = [item for item in candidates if item.get("raised_exception")]
    return " ".join(str(raised[0].get("exception_message")).split())[:300] if raised else ""


def _measurements(entry: Expectation, found: Mapping[str, Any]) -> tuple[Measurement, ...]:
    ends = [entry.arguments[name] for name in ("min_value", "max_value") if entry.arguments.get(name) is not None]
    limit = " to ".join(str(end) for end in ends) if len(ends) > 1 else next(iter(ends), None)
    value = found.get("observed_value", found.get("unexpected_percent"))
    unit = "%" if "observed_value" not in found and value is not None else None
    if hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, (int, float, str)):
        return ()
    return (Measurement(name=entry.id, value=value, unit=unit, limit=_limit(limit)),)


def _limit(value: object) -> float | str | None:
    return value if isinstance(value, (int, float, str)) else None


def _outcome(
    entry: Expectation,
    status: Status,
    message: str,
    *,
    measurements: tuple[Measurement, ...] = (),
    rows: tuple[Mapping[str, JsonValue], ...] = (),
    rows_total: int = 0,
) -> Outcome:
    return Outcome(
        id=f"outliers.expect_{entry.id}",
        title=f"{entry.type} holds.",
        category=Category.OUTLIERS,
        severity=Severity(entry.severity),
        status=status,
        message=message,
        measurements=measurements,
        rows=rows,
        rows_total=rows_total,
    )
