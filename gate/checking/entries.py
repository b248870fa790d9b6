"""One `expect:` entry of gate.yaml on its way to Great Expectations: what it names is found, its references resolved.

What it says wrongly is a UsageError; what it cannot be asked here ends it as an `Ended`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gate.checking import great, references, vacuous
from gate.checking.offered import Offered
from gate.checking.references import Reference
from gate.config_file import closest
from gate.domain import Severity, Status
from gate.errors import UsageError
from gate.evidence import conditions
from gate.evidence.arrays import Array
from gate.evidence.conditions import ConditionError
from gate.settings import Expectation

OWN = frozenset({"row_condition", "condition_parser", "description", "notes", "meta"})
"""Arguments that the gate reads itself, or that say nothing to it."""
TABLE = frozenset(
    {
        "expect_column_to_exist",
        "expect_table_column_count_to_be_between",
        "expect_table_column_count_to_equal",
        "expect_table_columns_to_match_ordered_list",
        "expect_table_columns_to_match_set",
    }
)
"""About which columns there are: judged on the inputs and answers as they are, not on the columns needed."""


class Ended(Exception):  # noqa: N818 - a way for an entry to end, not an error
    """An entry that cannot be asked here, with its status and why."""

    def __init__(self, status: Status, why: str, severity: Severity | None = None, rows: Array | None = None) -> None:
        """`rows` are the positions of the rows that ended it."""
        super().__init__(why)
        self.status, self.severity = status, severity
        self.rows = np.zeros(0, dtype=np.int64) if rows is None else rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An entry that can be asked: its arguments without references, its columns, the rows that it is about."""

    entry: Expectation
    arguments: Mapping[str, Any]
    columns: tuple[str, ...]
    mask: Array | None
    taken: tuple[tuple[str, float], ...] = field(default=())
    """The limits that came from references: in words, and their values."""


def columns_of(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the columns that an expectation is about."""
    single = [arguments[key] for key in ("column", "column_A", "column_B") if isinstance(arguments.get(key), str)]
    listed = arguments.get("column_list")
    return tuple(dict.fromkeys([*single, *(listed if isinstance(listed, (list, tuple)) else ())]))


def check(entry: Expectation) -> None:
    """Refuse what can be seen to be wrong before anything is judged.

    Raises:
        UsageError: names, arguments, conditions or references that do not exist; limits that could not fail.
    """
    arguments = {key: value for key, value in entry.arguments.items() if key not in OWN}
    found = list(references.found_in(arguments))
    if "row_condition" in entry.arguments:
        _condition(entry)
        arguments["row_condition"] = great.row_condition("any")
    great.build(entry.type, references.resolved(arguments, lambda _: 1.0))
    vacuous.refuse(entry.type, arguments)
    if entry.type in TABLE and found:
        raise UsageError("Columns are not counted in anybody's answers: write a number instead of a reference.")


def _condition(entry: Expectation) -> conditions.Condition:
    text = entry.arguments["row_condition"]
    if not isinstance(text, str):
        raise UsageError(f"row_condition: {text!r} is no text; {conditions.HELP}.")
    try:
        return conditions.parse(text)
    except ConditionError as error:
        raise UsageError(f"row_condition {text!r}: {error}.") from None


def prepare(entry: Expectation, offered: Offered) -> Prepared:
    """Find what an entry names among what is offered.

    Raises:
        UsageError: a column that does not exist.
        Ended: it cannot be asked here.
    """
    arguments = {key: value for key, value in entry.arguments.items() if key not in OWN}
    columns = columns_of(arguments)
    if entry.type in TABLE:
        return Prepared(entry=entry, arguments=arguments, columns=(), mask=None)
    mask = _mask(entry, offered)
    taken: list[tuple[str, float]] = []
    about = arguments.get("column", "prediction")
    arguments = references.resolved(arguments, lambda found: _limit(found, about, offered, mask, taken))
    for name in columns:
        _require(name, offered)
    arguments |= _typed(arguments, offered[columns[0]]) if columns else {}
    prepared = Prepared(entry=entry, arguments=arguments, columns=columns, mask=mask, taken=tuple(taken))
    found = vacuous.nothing(entry.type, arguments, _rows(prepared, offered))
    if found is not None:
        fault = Status.FAILED if len(found.rows) else offered.status_of(columns)
        raise Ended(Status.INCONCLUSIVE if found.too_few else fault, found.why, rows=found.rows)
    return prepared


def _rows(prepared: Prepared, offered: Offered) -> pd.DataFrame:
    here = offered.frame(prepared.columns)
    return here if prepared.mask is None else here[prepared.mask]


def _mask(entry: Expectation, offered: Offered) -> Array | None:
    if "row_condition" not in entry.arguments:
        return None
    condition = _condition(entry)
    for name in sorted(condition.columns):
        _require(name, offered)
    try:
        found = conditions.mask(condition, {name: offered[name] for name in condition.columns})
    except ConditionError as error:
        said = f"row_condition {condition.text!r}: {error}"
        if any(offered.is_answer(name) for name in condition.columns):
            raise Ended(Status.FAILED, said) from None
        raise UsageError(f"{said}.") from None
    if not found.any():
        raise Ended(Status.INCONCLUSIVE, f"nothing was judged: no row meets row_condition {condition.text!r}")
    return found


def _require(name: str, offered: Offered) -> None:
    """End the entry where a column is not there: for a reason, or because nobody knows such a column."""
    if name in offered:
        return
    ending = offered.absent(name)
    if ending is not None:
        raise Ended(*ending)
    raise UsageError(
        f"There is no column {name!r}, neither in the evaluation data nor in the answers.",
        remedy=closest(name, offered.names()),
    )


def _limit(found: Reference, about: str, offered: Offered, mask: Array | None, taken: list[tuple[str, float]]) -> float:
    """The value of a reference, over the rows that the entry is about."""
    name = "label" if found.source == "label" else f"baseline_{found.column or about}"
    if found.source == "baseline" and name not in offered and offered.is_input(found.column or about):
        raise UsageError(
            f"{{baseline: …}} is about the baseline's answers, and {found.column or about!r} is an input.",
            remedy="Say which answer is meant: {baseline: mean, column: prediction}.",
        )
    _require(name, offered)
    values = offered[name] if mask is None else offered[name][mask]
    value = found.of(values)
    if value is None:
        raise Ended(Status.INCONCLUSIVE, f"there is no limit: {found} is no finite number")
    taken.append((str(found), value))
    return value


def _typed(arguments: Mapping[str, Any], column: Any) -> dict[str, Any]:  # noqa: ANN401 - a pandas Series
    """Limits that fit the column: dates as moments in its zone; a text beside numbers is refused."""
    ends = {key: arguments[key] for key in ("min_value", "max_value") if arguments.get(key) is not None}
    moments, numbers = column.dtype.kind == "M", pd.api.types.is_numeric_dtype(column)
    typed: dict[str, Any] = {}
    for key, value in ends.items():
        if moments and isinstance(value, (str, dt.date)):
            typed[key] = _moment(key, value, getattr(column.dtype, "tz", None))
        elif numbers and not isinstance(value, (int, float)) and not _is_number(value):
            raise UsageError(f"{key}: {value!r} is no number, and the column {column.name!r} holds numbers.")
    if moments and isinstance(arguments.get("value_set"), list):
        zone = getattr(column.dtype, "tz", None)
        typed["value_set"] = [_moment("value_set", value, zone) for value in arguments["value_set"]]
    return typed


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _moment(key: str, value: str | dt.date, zone: dt.tzinfo | None) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(value)
    except (ValueError, OverflowError):
        raise UsageError(f"{key}: {value!r} is no date.", remedy="Write 2026-01-31, or 2026-01-31T12:00.") from None
    if zone is None:
        return moment.tz_localize(None) if moment.tzinfo else moment
    return moment.tz_convert(zone) if moment.tzinfo else moment.tz_localize(zone)
