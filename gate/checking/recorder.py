"""The pytest plugin that turns check functions into outcomes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from gate.authors import CheckMark, Inconclusive, identity, mark_of
from gate.checking.fixtures import CASE, notes_of
from gate.domain import REPRODUCIBILITY_ITEMS, Category, Outcome, Severity, Status
from gate.errors import UsageError

WORST_FIRST = (Status.ERROR, Status.FAILED, Status.INCONCLUSIVE, Status.SKIPPED, Status.PASSED)
ALWAYS = ("contract.loads", "contract.row_count")
"""Run even where other categories are asked for: a model that does not load fails, one that was asked nothing waits."""


class Recorder:
    """Collects what each check found. One object a run."""

    def __init__(self, only: frozenset[Category] | None) -> None:
        """Record the checks of the categories asked for; None asks for all."""
        self.only = only
        self.items: dict[str, pytest.Item] = {}
        self.endings: dict[str, list[tuple[Status, str]]] = {}
        self.durations: dict[str, float] = {}
        self.collection_errors: list[str] = []
        self.raised: dict[tuple[str, str], BaseException] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a check once for each metric or item that it is about."""
        mark = mark_of(metafunc.function)
        case = metafunc.config.stash.get(CASE, None)
        if mark and mark.each == "metrics":
            metrics = case.metrics if case else ()
            metafunc.parametrize("metric", metrics, ids=[metric.name for metric in metrics])
        if mark and mark.each == "reproducibility":
            metafunc.parametrize("item", REPRODUCIBILITY_ITEMS, ids=REPRODUCIBILITY_ITEMS)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the categories that were asked for."""
        items[:] = [item for item in items if self._wanted(item) and not _of_nothing(item)]
        self.items = {item.nodeid: item for item in items}

    def _wanted(self, item: pytest.Item) -> bool:
        return self.only is None or mark(item).category in self.only or check_id(item) in ALWAYS

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module of checks that cannot be imported is an error, never a check less."""
        if report.failed:
            last = str(report.longrepr).strip().splitlines()[-1:]
            self.collection_errors.append(f"{report.nodeid}: {''.join(last).removeprefix('E').strip()}")

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        """A measure past its limit fails the check, when it has said all that it measured."""
        result = yield
        past = notes_of(pyfuncitem).past_limits
        if past:
            pytest.fail("; ".join(past), pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Remember what was raised: the report alone does not tell a failure from an error."""
        report = yield
        if call.excinfo is not None:
            self.raised[item.nodeid, report.when] = call.excinfo.value
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tally each phase, and each subtest."""
        self.durations[report.nodeid] = self.durations.get(report.nodeid, 0.0) + report.duration
        if report.when == "call" or not report.passed:
            raised = self.raised.get((report.nodeid, report.when))
            self.endings.setdefault(report.nodeid, []).append(_ending(report, raised))

    def outcomes(self) -> tuple[Outcome, ...]:
        """Give one outcome a check, in the order in which they were collected."""
        collected = tuple(self._outcome(item) for item in self.items.values())
        broken = tuple(_collection_error(text) for text in self.collection_errors)
        return broken + collected

    def _outcome(self, item: pytest.Item) -> Outcome:
        endings = self.endings.get(item.nodeid) or [(Status.ERROR, "the check did not run")]
        status, message = min(endings, key=lambda ending: WORST_FIRST.index(ending[0]))
        notes = notes_of(item)
        return Outcome(
            id=check_id(item),
            title=title(item),
            category=mark(item).category,
            severity=notes.severity or mark(item).severity,
            status=status,
            message="; ".join([*filter(None, [message]), *notes.remarks]),
            duration_s=round(self.durations.get(item.nodeid, 0.0), 6),
            measurements=tuple(notes.measurements),
            rows=tuple(notes.rows),
            rows_total=notes.rows_total,
            tests=tuple(notes.tests),
            offending=tuple(part for part in notes.offending if len(part.positions)),
        )


def _of_nothing(item: pytest.Item) -> bool:
    """Whether a check is to run once for each of no metrics: pytest makes an empty item of it."""
    return item.config.stash.get(CASE, None) is not None and item.name.endswith("[NOTSET]")


def _ending(report: pytest.TestReport, raised: BaseException | None) -> tuple[Status, str]:
    """Say how one phase ended: a failed assertion is the model's, any other exception the gate's."""
    if report.passed:
        return Status.PASSED, ""
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return Status.SKIPPED, reason.removeprefix("Skipped: ")
    if isinstance(raised, Inconclusive):
        return Status.INCONCLUSIVE, str(raised)
    if isinstance(raised, (AssertionError, pytest.fail.Exception)) and report.when == "call":
        return Status.FAILED, first_line(raised)
    if raised is None:
        return Status.FAILED, str(report.longrepr).strip().splitlines()[-1]
    return Status.ERROR, f"{type(raised).__name__}: {first_line(raised)}"


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, at most 500 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]


def mark(item: pytest.Item) -> CheckMark:
    """What the decorator says of a collected function.

    Raises:
        UsageError: the function has no decorator.
    """
    found = mark_of(getattr(item, "function", None))
    if found is None:
        raise UsageError(
            f"{item.path}: {item.name} is no check: it has no @check decorator.",
            remedy='Write `@check(category="outliers", severity="warning")` above it, or rename it.',
        )
    return found


def check_id(item: pytest.Item) -> str:
    """The identity of a collected check."""
    found = mark(item)
    if found.each:
        name = item.name[item.name.index("[") + 1 : -1] if "[" in item.name else "*"
        return f"{found.category}.{name}"
    return identity(getattr(item, "originalname", item.name), found)


def title(item: pytest.Item) -> str:
    """The first line of a check's docstring, with its metric or item where it runs once for each."""
    first = family_title(item)
    return f"{check_id(item).partition('.')[2]}: {first}" if mark(item).each and "[" in item.name else first


def family_title(item: pytest.Item) -> str:
    """The first line of a check's docstring, whatever it runs for."""
    doc = (getattr(getattr(item, "function", None), "__doc__", None) or "").strip()
    return doc.splitlines()[0].strip() if doc else check_id(item)


def _collection_error(text: str) -> Outcome:
    return Outcome(
        id="contract.checks_collected",
        title="All modules of checks can be imported.",
        category=Category.CONTRACT,
        severity=Severity.CRITICAL,
        status=Status.ERROR,
        message=text,
    )
