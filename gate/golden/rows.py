"""Offending rows as golden cases: their inputs, and the answer that is right.

Right is the label, where there is one, else the baseline's answer. A number gets a tolerance half way between how far
from it the baseline was and how far the candidate: the one passes with room, the other does not.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate import storing
from gate.domain import CheckResult, JsonValue, Report, Status, Task
from gate.errors import UsageError

ROWS_TAKEN = 20
"""Rows of each check that are taken where none are named."""
_NUMBERS = {f"quality.{name}" for name in ("rmse", "mae", "mape", "r2", "max_error", "pinball", "coverage")}
_AMOUNTS = {Task.REGRESSION, Task.FORECAST}
_SHARE = 0.1
"""Tolerance as a share of the answer, where no other answer says how far is too far."""
_THRESHOLD = 0.5
_PARTS = ("inputs", "prediction", "baseline_prediction", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows are taken; None takes the first of each check that did not pass, or of the one named."""

    check: str | None = None
    rows: tuple[str, ...] | None = None
    tolerance: float | None = None
    why: str = ""


def cases_from(report: Report, folder: Path, wanted: Wanted, task: Task | None = None) -> list[dict[str, JsonValue]]:
    """Make golden cases of a report's offending rows, whole from the file of rows beside it, else from the report.

    Where no rows are named, those of which the baseline gets the class wrong too are left out: no release would pass.

    Raises:
        UsageError: the check or a row is not there, no row can be taken, or a row of the report is cut.
    """
    _refuse_unknown_check(report, wanted.check)
    found = list(_rows(report, folder, wanted))
    missing = [name for name in wanted.rows or () if name not in {str(row["id"]) for row in found}]
    if missing:
        raise UsageError(
            f"The row {missing[0]!r} is not among the offending rows of this report"
            + (f" and its check {wanted.check}." if wanted.check else "."),
            remedy=f"It has: {', '.join(dict.fromkeys(str(row['id']) for row in _rows(report, folder, Wanted())))}.",
        )
    numbers = task in _AMOUNTS or any(check.id in _NUMBERS for check in report.checks)
    cases = [(row, _case(row, report, wanted, numbers=numbers)) for row in found]
    known = [(row, case) for row, case in cases if case is not None]
    if wanted.rows is None:
        known = [(row, case) for row, case in known if _baseline_agrees(row, case)]
    kept = {str(case["id"]): case for _, case in known}
    if not kept:
        raise UsageError(
            "This report has no offending row of which the right answer is known, and which the baseline gets right.",
            remedy="Name rows with --rows, or write the case by hand: `gate explain quality.golden` has its form.",
        )
    return list(kept.values())


def _baseline_agrees(row: Mapping[str, Any], case: Mapping[str, JsonValue]) -> bool:
    """Whether a case is not lost on the baseline as well; True where that cannot be told."""
    before = _main(row.get("baseline_prediction"))
    if "class" not in case or before is None:
        return True
    label = case["class"]
    if isinstance(before, float) and 0 <= before <= 1 and not isinstance(label, str):
        return (before >= _THRESHOLD) == bool(label)
    return type(before) is not type(label) or before == label


def _refuse_unknown_check(report: Report, check: str | None) -> None:
    known = [each.id for each in report.checks if each.rows_total]
    if check is not None and check not in known:
        raise UsageError(
            f"The check {check!r} has no offending rows in this report.",
            remedy=f"These have: {', '.join(known) or 'none'}.",
        )


def _rows(report: Report, folder: Path, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Give rows as the report has them, but whole."""
    open_ = {Status.FAILED, Status.INCONCLUSIVE}
    checks = [each for each in report.checks if each.rows and each.id != "quality.golden"]
    if wanted.check is not None:
        checks = [each for each in checks if each.id == wanted.check]
    elif wanted.rows is None:
        checks = [each for each in checks if each.status in open_]
    file = storing.rows_of(report, folder)
    for each in checks:
        rows = _filed(file, each.id, wanted) if file is not None else []
        rows = rows or _shown(each, wanted)  # rows beyond a sample are in the report alone
        yield from ({**row, "check": each.id} for row in rows)


def _shown(check: CheckResult, wanted: Wanted) -> list[dict[str, Any]]:
    """The rows that the report itself shows."""
    rows = [dict(row) for row in check.rows if wanted.rows is None or str(row["id"]) in wanted.rows]
    return [_uncut(row) for row in rows[: None if wanted.rows else ROWS_TAKEN]]


def _filed(path: Path, check: str, wanted: Wanted) -> list[dict[str, Any]]:
    """The rows of a check from the file of all of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path, filters=[("check", "=", check)])
    if wanted.rows is not None:
        ids = table.column("id").to_pylist()
        table = table.take(pa.array([at for at, name in enumerate(ids) if str(name) in wanted.rows], pa.int64()))
    else:
        table = table.slice(0, ROWS_TAKEN)
    return [_nested(row) for row in table.to_pylist()]


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put `inputs.age` back below `inputs`; what the check found is left out."""
    found: dict[str, Any] = {"id": row["id"], "inputs": {}}
    for name, value in row.items():
        part, dot, rest = name.partition(".")
        if dot and part in _PARTS:
            found.setdefault(part, {})[rest] = value
        elif name in _PARTS:
            found[name] = value
    return found


def _uncut(row: dict[str, Any]) -> dict[str, Any]:
    """Refuse a row of which the report shows a part: a case of cut inputs asks something else."""
    values = [*row.get("inputs", {}).values()]
    cut = [value for value in values if isinstance(value, str) and (value.endswith("…") or _is_cut_array(value))]
    if cut or "…" in row.get("inputs", {}):
        raise UsageError(
            f"The report shows the inputs of row {row['id']!r} cut, and the file of whole rows is not beside it.",
            remedy="Give the report.json in its own folder, or judge the version again.",
        )
    return row


def _is_cut_array(value: str) -> bool:
    return value.startswith("array of ") or " bytes: " in value


def _case(row: Mapping[str, Any], report: Report, wanted: Wanted, *, numbers: bool) -> dict[str, JsonValue] | None:
    answer = _right(row)
    if answer is None:
        return None
    case: dict[str, JsonValue] = {
        "id": str(row["id"]),
        "inputs": {name: plain(value) for name, value in row["inputs"].items()},
    }
    case |= expected(answer, row, wanted.tolerance, numbers=numbers)
    version = report.candidate.version
    why = wanted.why or f"{row['check']} of version {version}"
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {**case, "why": why, "added_at": now, "from": f"version {version}, {report.finished_at}"}


def _right(row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what a label may be
    for name in ("label", "baseline_prediction"):
        value = plain(row.get(name))
        if isinstance(value, dict) and name == "baseline_prediction" and "prediction" in value:
            value = value["prediction"]
        if value is not None and not (isinstance(value, dict) and None in value.values()):
            return value
    return None


def expected(
    answer: JsonValue, row: Mapping[str, Any], tolerance: float | None, *, numbers: bool
) -> dict[str, JsonValue]:
    """Say how the right answer is compared; `numbers` says that the task is one of amounts."""
    given, before = (_main(row.get(name)) for name in ("prediction", "baseline_prediction"))
    if tolerance is None and not numbers and _is_class(answer, given if given is not None else before, row):
        return {"class": answer}
    if not _amount(answer) and not isinstance(answer, (list, dict)):
        return {"answer": answer}
    allowed = tolerance if tolerance is not None else _tolerance(answer, given, before)
    return {"answer": answer, "tolerance": float(f"{allowed:.6g}")}


def _is_class(label: JsonValue, given: JsonValue, row: Mapping[str, Any]) -> bool:
    """Truth values and whole numbers name classes, and texts do beside answers that are numbers."""
    shown = row.get("prediction") or row.get("baseline_prediction")
    if isinstance(shown, Mapping) and any(str(name).startswith("proba_") for name in shown):
        return True
    if isinstance(label, str):
        return not isinstance(given, str)
    if isinstance(label, bool):
        return True
    labelled = plain(row.get("label")) is not None
    return isinstance(label, int) or (labelled and isinstance(label, float) and label.is_integer())


def _main(value: Any) -> JsonValue:  # noqa: ANN401 - what a model may answer
    found = plain(value)
    return found["prediction"] if isinstance(found, dict) and "prediction" in found else found


def _tolerance(answer: JsonValue, given: JsonValue, before: JsonValue) -> float:
    """Half way between the baseline's distance and the candidate's; else room for the baseline, and a tenth."""
    far, near = _distance(answer, given), _distance(answer, before) or 0.0
    return max(1.5 * near, _SHARE * _size(answer)) if far is None or far <= near else (near + far) / 2


def _distance(one: JsonValue, other: JsonValue) -> float | None:
    """The largest difference of two answers, None where they cannot be compared."""
    pairs: Sequence[tuple[Any, Any]] = [(one, other)]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = list(zip(one, other, strict=True))
    elif isinstance(one, dict) and isinstance(other, dict):
        pairs = [(value, other.get(name)) for name, value in one.items()]
    if not pairs or not all(_amount(a) and _amount(b) for a, b in pairs):
        return None
    return max(abs(float(a) - float(b)) for a, b in pairs)


def _size(answer: JsonValue) -> float:
    values = answer if isinstance(answer, list) else answer.values() if isinstance(answer, dict) else [answer]
    return max((abs(float(value)) for value in values if _amount(value)), default=0.0)


def _amount(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def plain(value: Any) -> JsonValue:  # noqa: ANN401 - a value of any column
    """Write a value as JSON has it: times as text, bytes as base64, what is no number as null."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return None if value in {"nan", "NaN", "inf", "-inf"} else value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
