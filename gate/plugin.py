"""The door for check authors who run plain pytest: `pytest -p gate.plugin --gate-model M --gate-version N checks/`.

Scores both versions once a session, then hands on the same fixtures that `gate check` uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gate import config as settings_room
from gate.checking.benchmark_record import BenchmarkRecord
from gate.checking.case import Case
from gate.checking.fixtures import (  # noqa: F401 - pytest finds fixtures in the plugin's namespace
    CASE,
    answers,
    baseline_answers,
    baseline_predictions,
    case,
    confidence,
    eval_data,
    golden,
    ids,
    labels,
    measure,
    model_config,
    offending_cases,
    offending_rows,
    predictions,
    remark,
    reproducibility,
    task,
    test,
    timings,
    weigh,
)
from gate.checking.recorder import Recorder
from gate.checking.versions import baseline, candidate, compare_speed  # noqa: F401 - as above
from gate.domain import Category
from gate.errors import GateError
from gate.opening import opened
from gate.pipeline import prepare
from gate.request import Request

WITHOUT_TIMING = frozenset(Category) - {Category.PERFORMANCE}
_STACK = pytest.StashKey[ExitStack]()


class _Silent:
    """Says nothing: pytest does the talking."""

    @contextmanager
    def step(self, what: str) -> Iterator[None]:  # noqa: ARG002 - the narrator's signature
        """Work on."""
        yield

    def say(self, text: str) -> None:
        """Say nothing."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that name what is judged."""
    group = parser.getgroup("gate", "model release gate")
    group.addoption("--gate-model", metavar="M", help="Registered model that the checks look at.")
    group.addoption("--gate-version", metavar="N", default="latest", help="Its version [latest].")
    group.addoption("--gate-baseline", metavar="N", default=None, help="What it is compared with.")
    group.addoption("--gate-data", metavar="PATH", default=None, help="Evaluation data.")
    group.addoption("--gate-config", metavar="FILE", default=None, help="Settings [nearest gate.yaml].")
    group.addoption("--gate-performance", action="store_true", help="Time both versions, too.")


def pytest_configure(config: pytest.Config) -> None:
    """Collect check functions, run their measures' limits, and score the versions that were named."""
    config.addinivalue_line("python_functions", "check_*")
    config.pluginmanager.register(Recorder(None), "gate-recorder")
    if config.getoption("--gate-model"):
        stack = config.stash[_STACK] = ExitStack()
        try:
            case_ = config.stash[CASE] = _case(config, stack)
        except GateError as error:
            stack.close()
            raise pytest.UsageError(str(error)) from None
        config.pluginmanager.register(BenchmarkRecord(case_), "gate-benchmark-record")


def _case(options: pytest.Config, stack: ExitStack) -> Case:
    given = options.getoption("--gate-config")
    settings = settings_room.read(Path(given) if given else settings_room.find(Path.cwd()))
    data = options.getoption("--gate-data")
    request = Request(
        model=options.getoption("--gate-model"),
        version=options.getoption("--gate-version"),
        baseline=options.getoption("--gate-baseline"),
        data=data,
        only=None if options.getoption("--gate-performance") else WITHOUT_TIMING,
    )
    start = stack.enter_context(opened(request, settings, _Silent()))
    return prepare(start, _Silent()).case


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Collect the modules of checks folders, and of folders named on the command line, whatever their names."""
    config = parent.config
    if file_path.suffix != ".py" or any(file_path.match(pattern) for pattern in config.getini("python_files")):
        return None
    named = {Path(config.invocation_params.dir, name.partition("::")[0]).resolve() for name in config.args}
    named -= {config.rootpath.resolve(), file_path}
    if file_path.parent.name != "checks" and not named & set(file_path.resolve().parents):
        return None
    module: pytest.Module = pytest.Module.from_parent(parent, path=file_path)
    return module


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the workers."""
    stack = config.stash.get(_STACK, None)
    if stack is not None:
        stack.close()
