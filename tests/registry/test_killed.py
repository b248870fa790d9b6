"""A gate that is killed at any point leaves nothing that the next one cannot finish or undo."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.torture import children, worlds
from bench.torture.invariants import broken
from gate.registry import Registry, history, holder
from tests.registry.conftest import keep_environment


@pytest.fixture(scope="module")
def place(registry_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry of three versions, the first of them in production."""
    folder = tmp_path_factory.mktemp("killed")
    shutil.copy(registry_db, folder / "mlflow.db")
    worlds.build(address(folder), folder, 3)
    assert children.run(children.promote, uri=address(folder), folder=str(folder / "here"), version=1) == 0
    return folder


def address(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture
def registry(place: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Its registry, open."""
    keep_environment(monkeypatch)
    return worlds.opened(address(place))


def other(registry: Registry) -> int:
    """The version that does not hold production now, of the two that take turns."""
    return 2 if holder(registry, worlds.MODEL, worlds.STAGE, {}) == 3 else 3


def points(place: Path, registry: Registry) -> int:
    """How many points a promotion has at which it can be killed."""
    counted = place / "counted"
    given = {"uri": address(place), "folder": str(place / "here"), "version": other(registry), "counted": str(counted)}
    assert children.run(children.promote, **given) == 0
    return int(counted.read_text())


@pytest.mark.timeout(900)
def test_killed_at_every_point_then_resumed(place, registry):
    """One holder, a whole history without a step twice, nothing left over: on this machine and from another folder."""
    for at in range(2, points(place, registry) + 1, 2):
        before, version = len(history(registry, worlds.MODEL)), other(registry)
        given = {"uri": address(place), "version": version, "at": at}
        assert children.run(children.promote, folder=str(place / "here"), **given) == children.KILLED
        where = "here" if at % 4 else "elsewhere"
        ended = children.run(children.resume, uri=address(place), folder=str(place / where))
        assert ended == 0, f"killed at point {at}"
        assert broken(registry) == [], f"killed at point {at}"
        assert len(history(registry, worlds.MODEL)) - before == (holder(registry, "wine", worlds.STAGE, {}) == version)
