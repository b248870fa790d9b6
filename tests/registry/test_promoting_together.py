"""Many promoters at once: one of those that judged against the same holder wins, and nothing is lost."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from bench.torture import children, worlds
from bench.torture.invariants import broken
from gate.registry import history
from tests.registry.conftest import keep_environment

PROMOTERS, ROUNDS = 8, 3


@pytest.fixture(scope="module")
def folder(registry_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry of a version for each promoter."""
    folder = tmp_path_factory.mktemp("together")
    shutil.copy(registry_db, folder / "mlflow.db")
    worlds.build(f"sqlite:///{folder}/mlflow.db", folder, PROMOTERS)
    return folder


@pytest.mark.timeout(900)
def test_one_wins_a_round(folder, monkeypatch):
    """Each round has one new holder; the others are refused, since their verdict became stale."""
    keep_environment(monkeypatch)
    uri = f"sqlite:///{folder}/mlflow.db"
    for number in range(ROUNDS):
        codes = _round(uri, folder)
        registry = worlds.opened(uri)
        assert broken(registry) == []
        assert codes.count(1) >= PROMOTERS - 2, "all but the winner, and the holder who finds himself there"
        assert set(codes) == {0, 1}
        assert len(history(registry, worlds.MODEL)) == number + 1


def _round(uri: str, folder: Path) -> list[int]:
    at_once = time.time() + 5
    running = [
        children.start(children.compete, uri=uri, folder=str(folder), version=version, at_once=at_once)
        for version in range(1, PROMOTERS + 1)
    ]
    for process in running:
        process.join(240)
    return [process.exitcode for process in running]
