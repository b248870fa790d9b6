"""What the checks found, as tables: problems first, metrics, outliers with their rows, what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gate.notes import found
from gate.notes.found import Plain
from gate.notes.offenders import offenders_table
from gate.notes.values import Phrase, Sentence, Several, Table, Value

_WEIGHT = {"critical": 0, "warning": 1, "info": 2}
_ENDED = {"failed": 0, "error": 1, "inconclusive": 2}
_MEASUREMENTS_SHOWN = 6
_OFFENDERS_SHOWN = 12


def more(items: Sequence[object], most: int) -> Phrase | None:
    """Say how many entries are left out beyond the first so many; None where none is."""
    left = len(items) - len(items[:most])
    return Phrase("more.entries", {"n": left, "left": left}) if left else None


def _status(each: Plain) -> Phrase:
    return Phrase(f"status.{'waived' if each['waiver'] else each['status']}")


def problems(report: Plain, most: int) -> Table | None:
    """Give all that failed, was undecided or went wrong and is not among the reasons, the weightiest first."""
    told = {reason.partition(" ")[0] for reason in report["reasons"]}
    checks = sorted(
        (each for each in report["checks"] if each["status"] in _ENDED and each["id"] not in told),
        key=lambda each: (bool(each["waiver"]), _WEIGHT[each["severity"]], _ENDED[each["status"]], each["id"]),
    )
    head = tuple(Phrase(f"head.{name}") for name in ("check", "status", "severity", "message"))
    rows = [
        (each["id"], _status(each), Phrase(f"severity.{each['severity']}"), Sentence(each["message"] or each["title"]))
        for each in checks[:most]
    ]
    return Table(head, rows, more=more(checks, most)) if checks else None


def skipped(report: Plain, most: int) -> dict[str, Any] | None:
    """Give what did not run, with the reasons."""
    checks = [each for each in report["checks"] if each["status"] == "skipped"]
    rows = [(each["id"], Sentence(each["message"])) for each in checks[:most]]
    table = Table((Phrase("head.check"), Phrase("head.reason")), rows, more=more(checks, most))
    return {"title": Phrase("skipped", {"n": len(checks), "count": len(checks)}), "table": table} if checks else None


def passed(report: Plain, most: int) -> dict[str, Any] | None:
    """Give what passed."""
    checks = [each for each in report["checks"] if each["status"] == "passed"]
    rows = [(each["id"], Sentence(each["title"])) for each in checks[:most]]
    table = Table((Phrase("head.check"), Phrase("head.claim")), rows, more=more(checks, most))
    return {"title": Phrase("passed", {"n": len(checks), "count": len(checks)}), "table": table} if checks else None


def metrics(report: Plain, most: int) -> Table | None:
    """Give every metric, with interval and margin where it was held against something."""
    rows = [row for each in found.metrics(report) for row in _metric_rows(each)]
    head = tuple(
        Phrase(f"head.{name}") for name in ("metric", "baseline", "candidate", "loss", "interval", "margin", "status")
    )
    numbers = (False, True, True, True, True, True, False)
    return Table(head, rows[:most], numbers, more(rows, most)) if rows else None


def _metric_rows(each: Plain) -> list[Sequence[Value]]:
    measurements = each["measurements"]
    loss = found.measured(each, "loss")
    main = found.main_measurement(each)
    others = [measurement for measurement in measurements if measurement not in (main, loss)]
    first = _metric_row(each, main["name"], main, loss)
    return [first, *(_metric_row(each, f"{main['name']} {other['name']}", other, None) for other in others)]


def _metric_row(each: Plain, name: str, measurement: Plain, loss: Plain | None) -> Sequence[Value]:
    before, after = found.pair(measurement["baseline"], measurement["value"])
    return (
        _with_unit(name, measurement["unit"]),
        before,
        after,
        found.pair(loss["value"])[0] if loss else None,
        found.interval(measurement) or (found.interval(loss) if loss else None),
        found.pair(_margin(measurement, loss))[0],
        _status(each),
    )


def _margin(measurement: Plain, loss: Plain | None) -> object:
    """The fixed limit of a metric, else the margin that its loss is held against."""
    return measurement["limit"] if measurement["limit"] is not None or loss is None else loss["limit"]


def _with_unit(name: str, unit: str | None) -> Value:
    return Phrase("with_unit", {"name": name, "unit": unit}) if unit else name


def outliers(report: Plain, most: int) -> Table | None:
    """Give the outlier checks that ran, with what they measured."""
    return _measured(found.of_category(report, "outliers"), most)


def quality(report: Plain, most: int) -> Table | None:
    """Give the quality checks that ran and are no metric (slices, flips, calibration), with what they measured."""
    return _measured([each for each in found.of_category(report, "quality") if not found.is_metric(each)], most)


def _measured(all_checks: Sequence[Plain], most: int) -> Table | None:
    checks = [each for each in all_checks if each["status"] != "skipped"]
    head = tuple(Phrase(f"head.{name}") for name in ("check", "status", "measured"))
    rows = [(each["id"], _status(each), _measurements(each)) for each in checks[:most]]
    return Table(head, rows, more=more(checks, most)) if checks else None


def _measurements(each: Plain) -> Value:
    shown = each["measurements"][:_MEASUREMENTS_SHOWN]
    return Several([_measurement(measurement) for measurement in shown])


def _measurement(measurement: Plain) -> Phrase:
    value, unit = found.pair(measurement["value"])[0], measurement["unit"]
    with_unit = Phrase("valued", {"value": value, "unit": Sentence(unit)}) if unit else value
    args: dict[str, Value] = {"name": measurement["name"], "value": with_unit}
    if measurement["limit"] is None:
        return Phrase("measurement.alone", args)
    return Phrase("measurement.limited", {**args, "limit": found.pair(measurement["limit"])[0]})


def offenders(report: Plain, most: int) -> list[dict[str, Any]]:
    """Give the offending rows of every check that has some, whole, the worst first."""
    ordered = sorted((each for each in report["checks"] if each["rows"]), key=lambda each: each["status"] == "passed")
    return [_offender(each, most) for each in ordered[: min(_OFFENDERS_SHOWN, 2 * most)]]


def _offender(each: Plain, most: int) -> dict[str, Any]:
    shown = min(most, len(each["rows"]))
    args: dict[str, Value] = {"n": each["rows_total"], "total": each["rows_total"], "shown": shown}
    return {
        "id": each["id"],
        "title": Sentence(each["title"]),
        "status": _status(each),
        "count": Phrase("rows_shown", args),
        "table": offenders_table(each["rows"][:most]),
    }


def items(report: Plain) -> Table:
    """Give the seven things that a rebuild needs, always all seven."""
    rows = [
        (Phrase(f"item.{each['name']}"), Phrase(f"state.{each['state']}"), Sentence(each["evidence"]))
        for each in report["reproducibility"]["items"]
    ]
    return Table(tuple(Phrase(f"head.{name}") for name in ("item", "state", "evidence")), rows)


def fixes(report: Plain) -> list[Value]:
    """Give what mends each thing that is not well kept."""
    return [
        Phrase("fix", {"item": Phrase(f"item.{each['name']}"), "fix": each["fix"]})
        for each in report["reproducibility"]["items"]
        if each["fix"]
    ]


def waivers(report: Plain, most: int) -> Table | None:
    """Give the named persons' exceptions."""
    waived = [each for each in report["checks"] if each["waiver"]]
    rows = [
        (
            each["id"],
            Phrase(f"status.{each['status']}"),
            *(each["waiver"][key] for key in ("owner", "expires")),
            Sentence(each["waiver"]["reason"]),
        )
        for each in waived[:most]
    ]
    head = tuple(Phrase(f"head.{name}") for name in ("check", "status", "owner", "expires", "reason"))
    return Table(head, rows, more=more(waived, most)) if waived else None
