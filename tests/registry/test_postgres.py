"""The same promises on PostgreSQL behind `mlflow server`: many at once, and killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.torture import children, worlds
from bench.torture.invariants import broken
from gate.registry import Registry, history, holder
from tests.registry import postgres
from tests.registry.conftest import free_port, keep_environment, serving

PROMOTERS = 8

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on PostgreSQL with a model of a version for each promoter."""
    folder = tmp_path_factory.mktemp("postgres")
    with postgres.running(free_port()) as database, serving(database, folder) as address:
        worlds.build(address, folder, PROMOTERS)
        yield address


@pytest.fixture
def registry(uri: str, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """It, open."""
    keep_environment(monkeypatch)
    return worlds.opened(uri)


def test_many_at_once(uri, registry, tmp_path):
    """One of those that judged against the same holder wins; nothing is lost."""
    for _ in range(2):
        entries, at_once = len(history(registry, worlds.MODEL)), time.time() + 8
        running = [
            children.start(children.compete, uri=uri, folder=str(tmp_path), version=version, at_once=at_once)
            for version in range(1, PROMOTERS + 1)
        ]
        for process in running:
            process.join(240)
        codes = [process.exitcode for process in running]
        assert set(codes) == {0, 1}, codes
        assert broken(registry) == []
        assert len(history(registry, worlds.MODEL)) == entries + 1


def test_killed_then_resumed(uri, registry, tmp_path):
    """From another folder, so by what the registry holds alone."""
    here, elsewhere = str(Path(tmp_path, "here")), str(Path(tmp_path, "elsewhere"))
    if holder(registry, worlds.MODEL, worlds.STAGE, {}) is None:
        assert children.run(children.promote, uri=uri, folder=here, version=1) == 0
    for at in (6, 10, 12, 16, 22):
        version = 2 if holder(registry, worlds.MODEL, worlds.STAGE, {}) == 3 else 3
        assert children.run(children.promote, uri=uri, folder=here, version=version, at=at) == children.KILLED
        assert children.run(children.resume, uri=uri, folder=elsewhere) == 0
        assert broken(registry) == [], f"killed at point {at}"
