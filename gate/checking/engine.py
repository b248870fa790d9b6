"""Runs check functions with pytest, in this process, shielded from the user's own pytest settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from gate.checking import benchmark_record, fixtures, versions
from gate.checking.case import Case
from gate.checking.recorder import Recorder, check_id, family_title, mark, title
from gate.domain import Category, Outcome, Severity
from gate.errors import GateError, UsageError

FIXTURES = (fixtures, versions)
_FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_WORKER")
"""What an outer pytest, or its user, has said to other runs than this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """A check that could run: its identity (`quality.*` where it runs once for each metric), what it says of itself."""

    id: str
    title: str
    category: Category
    severity: Severity
    doc: str
    module: str


class _CaseBearer:
    """Puts the case where the fixtures find it."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def pytest_configure(self, config: pytest.Config) -> None:
        """Store the case before anything is collected."""
        config.stash[fixtures.CASE] = self.case


def run(
    case: Case, targets: Sequence[str | Path], only: frozenset[Category] | None, record: Path | None = None
) -> tuple[Outcome, ...]:
    """Run all checks of packages (`gate.checks`) and folders.

    What was timed before and is timed by them goes to the file `record`, in pytest-benchmark's format.

    Raises:
        UsageError: a target does not exist, a function is no check, or two checks have one identity.
        GateError: pytest itself failed.
    """
    recorder = Recorder(only)
    plugins = [recorder, *FIXTURES, _CaseBearer(case), *benchmark_record.plugins(case)]
    code = _pytest(targets, plugins, *benchmark_record.options(record))
    if code in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED} and not (
        recorder.collection_errors
    ):
        raise GateError(f"pytest ended with exit code {int(code)} while running the checks.", remedy="See --debug.")
    outcomes = recorder.outcomes()
    _refuse_twins([outcome.id for outcome in outcomes if outcome.id != "contract.checks_collected"])
    return outcomes


def catalog(targets: Sequence[str | Path]) -> tuple[CatalogEntry, ...]:
    """List the checks of packages and folders without running them."""
    recorder = Recorder(None)
    _pytest(targets, [recorder, *FIXTURES], "--collect-only")
    if recorder.collection_errors:
        raise UsageError(f"A module of checks cannot be imported: {recorder.collection_errors[0]}.")
    entries = {}
    for item in recorder.items.values():
        found = mark(item)
        name = f"{found.category}.*" if found.each else check_id(item)
        entries[name] = CatalogEntry(
            id=name,
            title=family_title(item) if found.each else title(item),
            category=found.category,
            severity=found.severity,
            doc=getattr(item.function, "__doc__", "") or "",  # type: ignore[attr-defined] # every check is a function
            module=item.module.__name__,  # type: ignore[attr-defined] # every check lies in a module
        )
    return tuple(entries.values())


def _pytest(targets: Sequence[str | Path], plugins: list[Any], *options: str) -> int:
    _refuse_missing(targets)
    before = set(sys.modules)
    with as_file(files("gate.checking") / "gate.ini") as ini, _shielded():
        arguments = [
            *("-c", str(ini), "--rootdir", str(ini.parent), "--noconftest"),
            *("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler"),
            *("-p", "no:unraisableexception", "-p", "no:threadexception"),  # each collects garbage, a tenth of a second
            *("--import-mode=importlib", "--capture=sys", "--pyargs"),
            *options,
            *map(str, targets),
        ]
        try:
            return int(pytest.main(arguments, plugins=plugins))
        finally:
            _forget_checks(before)


@contextmanager
def _shielded() -> Iterator[None]:
    """Keep the user's pytest settings and plugins out, and standard output clean."""
    kept = {name: os.environ.pop(name) for name in _FOREIGN if name in os.environ}
    autoload = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        if autoload is not None:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = autoload
        os.environ.update(kept)


def _forget_checks(before: set[str]) -> None:
    """Check modules are read anew in the next run of this process."""
    for name in set(sys.modules) - before:
        if name.startswith(("gate.checks", "checks")) or ".checks." in name:
            del sys.modules[name]


def _refuse_missing(targets: Sequence[str | Path]) -> None:
    from importlib.util import find_spec

    for target in targets:
        is_path = isinstance(target, Path) or "/" in target
        if is_path and not Path(target).exists():
            raise UsageError(f"The folder of checks {target} does not exist.", remedy="Correct `checks:` in gate.yaml.")
        if not is_path and _spec(str(target), find_spec) is None:
            raise UsageError(
                f"The package of checks {target!r} cannot be found.",
                remedy="Install it, or write a folder as ./folder in `checks:` of gate.yaml.",
            )


def _spec(name: str, find_spec: Any) -> Any:  # noqa: ANN401 - importlib's own types
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


def _refuse_twins(ids: Sequence[str]) -> None:
    twins = sorted({name for name in ids if ids.count(name) > 1})
    if twins:
        raise UsageError(
            f"Two checks have the same identity: {', '.join(twins)}.", remedy="Rename one of the functions."
        )
