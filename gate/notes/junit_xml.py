"""The report as JUnit XML, for CI systems that show test results."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from gate.domain import Category, CheckResult, Report, Severity, Status

_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT_CAP = 10_000
_NO_DECISION = "inconclusive"


def junit(report: Report) -> str:
    """Write one test suite a category and one test case a check.

    A failed check is a failure, whatever its severity, which is the failure's type. A check that the gate itself
    could not do is an error, and so is a critical one without a decision, which stops a release too; other
    undecided checks are skipped, like those that did not run.
    """
    suites = ET.Element("testsuites", {"name": _clean(f"{report.model} version {report.candidate.version}")})
    for category in Category:
        checks = [check for check in report.checks if check.category is category]
        if checks:
            _suite(suites, category, checks, report)
    totals = [suite.attrib for suite in suites]
    for key in ("tests", "failures", "errors", "skipped"):
        suites.set(key, str(sum(int(total[key]) for total in totals)))
    suites.set("time", f"{sum(check.duration_s for check in report.checks):.3f}")
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _suite(suites: ET.Element, category: Category, checks: list[CheckResult], report: Report) -> None:
    suite = ET.SubElement(suites, "testsuite", {"name": category.value, "timestamp": report.started_at})
    properties = ET.SubElement(suite, "properties")
    for name, value in _facts(report).items():
        ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    outcomes = [_case(suite, check) for check in checks]
    suite.set("tests", str(len(checks)))
    for key, outcome in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        suite.set(key, str(outcomes.count(outcome)))
    suite.set("time", f"{sum(check.duration_s for check in checks):.3f}")


def _facts(report: Report) -> dict[str, str]:
    baseline = str(report.baseline.version) if report.baseline else "none"
    return {
        "model": report.model,
        "version": str(report.candidate.version),
        "baseline": baseline,
        "verdict": report.verdict.value,
    }


def _case(suite: ET.Element, check: CheckResult) -> str:
    """Add one test case, and give the name of its outcome."""
    attributes = {
        "classname": f"gate.{check.category.value}",
        "name": _clean(check.id),
        "time": f"{check.duration_s:.3f}",
    }
    case = ET.SubElement(suite, "testcase", attributes)
    outcome = _outcome(check)
    if outcome != "passed":
        _explain(case, outcome, check)
    return outcome


def _outcome(check: CheckResult) -> str:
    match check.status:
        case Status.PASSED:
            return "passed"
        case Status.FAILED:
            return "failure"
        case Status.ERROR:
            return "error"
        case Status.SKIPPED:
            return "skipped"
        case Status.INCONCLUSIVE:
            blocks = check.severity is Severity.CRITICAL and check.waiver is None
            return "error" if blocks else "skipped"


def _explain(case: ET.Element, outcome: str, check: CheckResult) -> None:
    message = _clean(check.message or check.title)
    undecided = check.status is Status.INCONCLUSIVE
    said = f"{_NO_DECISION}: {message}" if undecided else message
    if check.waiver:
        said = f"waived by {_clean(check.waiver.owner)} until {_clean(check.waiver.expires)}: {said}"
    element = ET.SubElement(case, outcome, {"message": said})
    if outcome != "skipped":
        element.set("type", _NO_DECISION if undecided else check.severity.value)
        element.text = "\n".join([_clean(check.title), *map(_measured, check.measurements)])


def _measured(measurement: object) -> str:
    parts = {name: getattr(measurement, name) for name in ("value", "baseline", "limit", "unit")}
    told = ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)
    return _clean(f"{getattr(measurement, 'name', '')}: {told}")


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return _INVALID.sub("", text)[:_TEXT_CAP]
