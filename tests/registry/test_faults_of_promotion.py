"""A registry that fails at any call leaves a promotion done or undone, never half done; the next one gets through."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.torture import faults, worlds
from bench.torture.invariants import broken
from gate.errors import GateError
from gate.registry import Registry, connect, history, holder, promote
from tests.registry.conftest import keep_environment

FIRST_CALL = 9
"""Before it the verdict is looked at, and nothing is touched yet."""


@pytest.fixture(scope="module")
def address(registry_db: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a registry with three versions."""
    folder = tmp_path_factory.mktemp("faults")
    shutil.copy(registry_db, folder / "mlflow.db")
    worlds.build(f"sqlite:///{folder}/mlflow.db", folder, 3)
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture
def registry(address: str, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """It, open."""
    keep_environment(monkeypatch)
    return connect(address)


def move(registry: Registry, report, folder: Path) -> None:
    promote(registry, report, to=worlds.STAGE, settings=worlds.settings(folder), mover=worlds.mover(folder))


def error_of(registry, report, folder):
    """What a promotion ends with, None where it goes through."""
    try:
        move(registry, report, folder)
    except GateError as error:
        return error
    return None


@pytest.mark.timeout(900)
def test_a_registry_that_fails_at_each_call(registry, tmp_path):
    """Exit 3, all or nothing where the registry can still be asked, and the same promotion goes through later.

    Ways of failing take turns from call to call; `make torture` tries every call in every way.
    """
    at, happened, judged = FIRST_CALL, True, Judged(registry, tmp_path)
    while happened:
        kind = faults.KINDS[at % len(faults.KINDS)]
        before, report = judged.next()
        entries = len(history(registry, worlds.MODEL))
        broken_registry, fault = faults.failing(registry, at, kind)
        error = error_of(broken_registry, report, tmp_path)
        where = f"call {at}, {kind}: {error}"
        assert error is None or error.exit_code == 3, where
        if error is not None and kind != faults.DOWN:
            assert_all_or_nothing(registry, before, entries, where)
        move(registry, report, tmp_path)
        assert broken(registry) == [], where
        assert holder(registry, worlds.MODEL, worlds.STAGE, {}) == report.candidate.version, where
        assert len(history(registry, worlds.MODEL)) == entries + 1, where
        happened, at = fault.happened, at + 1


class Judged:
    """Reports on two versions that take turns, each judged against the other once and for all."""

    def __init__(self, registry, folder):
        self.registry, self.folder, self.reports = registry, folder, {}
        if holder(registry, worlds.MODEL, worlds.STAGE, {}) is None:
            move(registry, worlds.judged(registry, 1, folder / "copies"), folder)

    def next(self):
        """The holder, and a report on the version that does not hold the stage."""
        before = holder(self.registry, worlds.MODEL, worlds.STAGE, {})
        if before not in self.reports:
            version = 2 if before == 3 else 3
            self.reports[before] = worlds.judged(self.registry, version, self.folder / "copies")
        return before, self.reports[before]


def assert_all_or_nothing(registry, before, entries, where):
    """As before, or moved with its entry; only a lease and an open journal of a move that is done may be left."""
    moved = holder(registry, worlds.MODEL, worlds.STAGE, {}) != before
    assert len(history(registry, worlds.MODEL)) == entries + moved, where
    left = [text for text in broken(registry) if not text.startswith("left over")]
    assert left == [] or (moved and all(text.startswith("open journal") for text in left)), (where, left)
