"""pytest-benchmark as the record of what was timed: its table, its JSON, its storage. Nobody else knows it.

It judges nothing: two calls timed one after the other say little on a shared machine. What was timed in pairs is
entered as if it had been timed by pytest-benchmark, one entry a version and scenario, by the wall clock as all of its
entries are. For that its session is used as its own fixture uses it, which is no public interface; where that has
changed, the numbers go into `extra_info` of a benchmark of their own.
"""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytest_benchmark.plugin

from gate.authors import mark_of
from gate.checking.case import Case
from gate.domain import JsonValue, TimedPairs
from gate.machine import cpu_name

RECORD = pytest.StashKey["BenchmarkRecord"]()
MOST_ROUNDS = 2000
"""A fast function alone would fill megabytes with a hundred thousand rounds."""
ROUND_S = 1.0 / MOST_ROUNDS
"""The shortest round of a benchmark in a check: pytest-benchmark makes rounds for one second."""
COMMIT_FACTS = ("id", "time", "author_time", "dirty", "branch")
"""What is kept of a commit. An error's text and the project's name may hold a path."""
_SHORTEST_ROUND, _TIMER = "benchmark_min_time", "benchmark_timer"
_UNSET = {_SHORTEST_ROUND: "0.000005", _TIMER: "time.perf_counter"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One version in one scenario of a check: seconds of each round of `calls` calls, shape (rounds,)."""

    check: str
    scenario: str
    side: str
    calls: int
    seconds: np.ndarray[Any, Any]
    facts: dict[str, JsonValue]

    @property
    def group(self) -> str:
        """What both versions share: `latency[batch_1]`."""
        return f"{self.check.partition('.')[2]}[{self.scenario}]"

    @property
    def name(self) -> str:
        """The same in every run, wherever the checks lie: runs can be compared."""
        return f"{self.group} {self.side}"

    @property
    def full_name(self) -> str:
        """The name with the category of the check."""
        return f"{self.check}[{self.scenario}] {self.side}"


def arms_of(pairs: TimedPairs, check: str) -> tuple[Arm, ...]:
    """Give both versions of a scenario, by the wall clock; none where no pair was timed."""
    if not pairs.pairs:
        return ()
    chosen = np.linspace(0, pairs.pairs - 1, min(pairs.pairs, MOST_ROUNDS)).astype(np.int64)
    clocks = {
        "candidate": (pairs.candidate_wall_ns, pairs.candidate_cpu_ns),
        "baseline": (pairs.baseline_wall_ns, pairs.baseline_cpu_ns),
    }
    return tuple(
        Arm(
            check=check,
            scenario=pairs.scenario,
            side=side,
            calls=pairs.calls,
            seconds=wall[chosen] / 1e9,
            facts={
                "batch_size": pairs.batch_size,
                "cpu_median_s": float(np.median(cpu)) / 1e9 / pairs.calls,
                "stopped_by": pairs.stopped_by,
            },
        )
        for side, (wall, cpu) in clocks.items()
    )


class Clock:
    """The wall clock of benchmarks in checks: of a question to a version it counts the prediction alone."""

    def __init__(self) -> None:
        """Show the time as it is."""
        self.__name__ = "prediction_clock"  # what the record calls it
        self._left_out_s = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return time.perf_counter() - self._left_out_s

    def count(self, began: float, seconds: float) -> None:
        """Let so many seconds have passed since then (of perf_counter), whatever it took in all."""
        self._left_out_s += time.perf_counter() - began - seconds


class BenchmarkRecord:
    """A plugin that enters what was timed, and keeps what names the machine out. One object a run."""

    def __init__(self, case: Case) -> None:
        """Record the timings of a case, and those that checks make."""
        self.clock = Clock()
        self.spare: list[Arm] = []
        """What pytest-benchmark did not take."""
        self._case = case

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let fixtures find it."""
        config.stash[RECORD] = self

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Bound the rounds of benchmarks in checks, and time them by the clock; what somebody set himself stands."""
        given = config.option
        ours = {"min_time": (_SHORTEST_ROUND, ROUND_S), "timer": (_TIMER, self.clock)}
        unset = {
            name: value for name, (option, value) in ours.items() if getattr(given, option, None) == _UNSET[option]
        }
        for item in items:
            if unset and _is_check(item) and "benchmark" in getattr(item, "fixturenames", ()):
                found = item.get_closest_marker("benchmark")
                item.add_marker(pytest.mark.benchmark(**{**unset, **(found.kwargs if found else {})}), append=False)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Enter what was timed before the checks."""
        if self._case.timings is not None and not session.config.option.collectonly:
            for pairs in self._case.timings.pairs:
                self.enter(session.config, f"performance.{pairs.judged_as}", pairs)

    def enter(self, config: pytest.Config, check: str, pairs: TimedPairs) -> None:
        """Enter both versions of a scenario; nothing where there is no pytest-benchmark, or it is switched off."""
        session = config.pluginmanager.get_plugin("pytest-benchmark")
        if session is None:
            return
        arms = arms_of(pairs, check)
        try:
            if not (session.disabled or session.skip):
                session.benchmarks.extend(_entries(session, arms))
        except Exception:  # noqa: BLE001 - however its inside has changed: a record must not end a verdict
            self.spare += arms

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Call a benchmark by its check: a node id tells where the file lies, and changes with it."""
        made = yield
        if fixturedef.argname == "benchmark" and made is not None and _is_check(request.node):
            made.name, made.fullname = _names(request.node)
        return made

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Drop benchmarks that ended before their first round; where it is to be quiet, say nothing of an empty record.

        pytest-benchmark itself would break down over the first, and warn of the second.
        """
        entered = getattr(session.config.pluginmanager.get_plugin("pytest-benchmark"), "benchmarks", [])
        entered[:] = [entry for entry in entered if entry]
        with warnings.catch_warnings():
            if getattr(session.config.option, "benchmark_quiet", False):
                warnings.filterwarnings("ignore", module="pytest_benchmark")
            return (yield)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_benchmark_generate_machine_info(self) -> dict[str, JsonValue]:
        """Say what the numbers depend on. No node name, no flags, nothing that changes from run to run."""
        return {
            "processor": platform.processor(),
            "machine": platform.machine(),
            "python_compiler": platform.python_compiler(),
            "python_implementation": platform.python_implementation(),
            "python_implementation_version": platform.python_version(),
            "python_version": platform.python_version(),
            "python_build": list(platform.python_build()),
            "release": platform.release(),
            "system": platform.system(),
            "cpu": {"brand_raw": cpu_name(), "arch_string_raw": platform.machine(), "count": os.cpu_count()},
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_commit_info(self, commit_info: dict[str, JsonValue]) -> None:
        """Keep the commit; the project is the model."""
        kept = {name: commit_info.get(name) for name in COMMIT_FACTS}
        commit_info.clear()
        commit_info.update(kept, project=self._case.comparison.candidate.model)


def plugins(case: Case) -> list[Any]:
    """What a run without the user's plugins needs for a record."""
    return [pytest_benchmark.plugin, BenchmarkRecord(case)]


def options(file: Path | None) -> list[str]:
    """What such a run says to pytest-benchmark: write this file, or none, store nothing, be quiet."""
    unused = Path(__file__).parent  # it would make a folder .benchmarks where the command was given
    return [
        "--benchmark-quiet",
        f"--benchmark-storage=file://{unused}",
        *([f"--benchmark-json={file}"] if file else []),
    ]


def hand_over(request: pytest.FixtureRequest) -> None:
    """Put what pytest-benchmark did not take into `extra_info` of a benchmark of the running check."""
    record = request.config.stash.get(RECORD, None)
    if record is None or not record.spare:
        return
    its_own = "benchmark" in request.fixturenames
    benchmark = request.getfixturevalue("benchmark")
    benchmark.extra_info.update({arm.full_name: _numbers(arm) for arm in record.spare})
    record.spare.clear()
    if not its_own:
        benchmark.pedantic(_nothing)


def enter(config: pytest.Config, check: str, pairs: TimedPairs) -> None:
    """Enter what a check has timed."""
    record = config.stash.get(RECORD, None)
    if record is not None:
        record.enter(config, check, pairs)


def clock_of(config: pytest.Config) -> Clock:
    """The clock of this run's benchmarks."""
    record = config.stash.get(RECORD, None)
    return Clock() if record is None else record.clock


def _entries(session: Any, arms: Iterable[Arm]) -> list[Any]:  # noqa: ANN401 - pytest-benchmark has no types
    """Each version as pytest-benchmark's own fixture would have entered it."""
    from pytest_benchmark.fixture import BenchmarkFixture

    build: Any = BenchmarkFixture
    made: list[Any] = []
    for arm in arms:
        params = {"scenario": arm.scenario, "side": arm.side}
        node = SimpleNamespace(
            name=arm.name,
            nodeid=arm.full_name,
            callspec=SimpleNamespace(id=f"{arm.scenario}-{arm.side}", params=params),
        )
        fixture = build(
            node,
            add_stats=made.append,
            logger=session.logger,
            warner=None,
            disabled=False,
            group=arm.group,
            **session.options,
        )
        fixture.extra_info.update(arm.facts)
        stats = fixture._make_stats(arm.calls)  # noqa: SLF001 - what its fixture does with what it has timed
        for seconds in arm.seconds:
            stats.update(float(seconds))
    return made


def _numbers(arm: Arm) -> dict[str, JsonValue]:
    """The same without pytest-benchmark: seconds a call."""
    data = [float(seconds) / arm.calls for seconds in arm.seconds]
    return {
        **arm.facts,
        "iterations": arm.calls,
        "rounds": len(data),
        "min": min(data),
        "median": float(np.median(data)),
        "mean": float(np.mean(data)),
        "data": [*data],
    }


def _nothing() -> None:
    """Something to time: a benchmark without a round is not kept."""


def _is_check(node: object) -> bool:
    return mark_of(getattr(node, "function", None)) is not None


def _names(item: pytest.Item) -> tuple[str, str]:
    """The short and the full name of a check's benchmark."""
    from gate.checking.recorder import check_id

    check, variant = check_id(item), getattr(item, "callspec", None)
    full = check if variant is None or check.endswith(f".{variant.id}") else f"{check}[{variant.id}]"
    return full.partition(".")[2], full
