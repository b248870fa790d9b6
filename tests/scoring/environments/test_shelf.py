"""Environments are built once, whole, and by one at a time."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gate.errors import GateError
from gate.scoring.enclosure import plain
from gate.scoring.environments import Recipe, Shelf, UnbuildableError, folder
from gate.scoring.environments.building import PYTHON
from gate.scoring.environments.interpreters import own_interpreter


def recipe(*lines: str) -> Recipe:
    """Give what is installed."""
    return Recipe(lines=lines, constraints=(), interpreter=own_interpreter())


class Builder:
    """Makes what looks like an environment, and counts how many are made at a time."""

    def __init__(self, error: Exception | None = None) -> None:
        """Raise this in the middle."""
        self.error, self.built, self.most = error, 0, 0
        self._now, self._lock = 0, threading.Lock()

    def __call__(self, _made: Recipe, place: Path, *_: object) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        (place / "half").touch()
        time.sleep(0.1)
        if self.error is None:
            (place / PYTHON).parent.mkdir(parents=True)
            (place / PYTHON).symlink_to(sys.executable)
            self.built += 1
        with self._lock:
            self._now -= 1
        if self.error is not None:
            raise self.error


def shelf(place: Path, builder: Builder, trial=lambda *_: None) -> Shelf:
    """Give a shelf in a folder that is not there yet."""
    return Shelf(place=place / "cache", build=builder, trial=trial)


def left(place: Path) -> list[str]:
    """What lies in the folder, but for locks and the worker's files."""
    return [path.name for path in (place / "cache").iterdir() if path.suffix != ".lock" and "worker-" not in path.name]


def test_many_ask_and_one_builds(tmp_path):
    """The others wait, and get the same."""
    builder = Builder()
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(shelf(tmp_path, builder).environment, recipe("a==1"), plain(), 512) for _ in range(6)]
        found = {entry.result().python.path for entry in asked}
    assert (builder.built, builder.most, len(found)) == (1, 1, 1)
    assert found.pop().exists()


def test_another_recipe_is_another_environment(tmp_path):
    """And the first one stays."""
    builder = Builder()
    paths = {shelf(tmp_path, builder).environment(recipe(line), plain(), 512).python.path for line in ("a==1", "a==2")}
    assert len(paths) == 2
    assert all(path.exists() for path in paths)


@pytest.mark.parametrize("error", [UnbuildableError("no"), GateError("no"), KeyboardInterrupt()])
def test_a_build_that_fails_leaves_nothing(tmp_path, error):
    """The next one begins anew."""
    with pytest.raises(type(error)):
        shelf(tmp_path, Builder(error)).environment(recipe("a"), plain(), 512)
    assert left(tmp_path) == []
    assert shelf(tmp_path, Builder()).environment(recipe("a"), plain(), 512).python.path.exists()


def test_one_that_no_worker_runs_on_is_not_kept(tmp_path):
    """It is tried before it gets its name."""

    def fails(*_: object) -> None:
        raise UnbuildableError("no worker can run")

    with pytest.raises(UnbuildableError):
        shelf(tmp_path, Builder(), fails).environment(recipe("a"), plain(), 512)
    assert left(tmp_path) == []


def test_what_a_killed_build_left_is_never_used(tmp_path):
    """Neither what was built aside nor a folder without its facts; both go."""
    builder = Builder()
    there = shelf(tmp_path, builder).environment(recipe("a"), plain(), 512).python.path.parents[2]
    (there / "environment.json").unlink()
    (there.parent / f".building-{there.name}-killed").mkdir()
    shelf(tmp_path, builder).environment(recipe("a"), plain(), 512)
    assert builder.built == 2
    assert left(tmp_path) == [there.name]


def test_a_folder_that_others_may_change_is_refused(tmp_path):
    """Whoever writes there would run code in the worker of a model."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    with pytest.raises(GateError, match="not trusted"):
        shelf(tmp_path, Builder()).environment(recipe("a"), plain(), 512)


def test_the_worker_gets_its_own_files_alone(tmp_path):
    """No module of the gate's beside them, and no package."""
    python = shelf(tmp_path, Builder()).environment(recipe("a"), plain(), 512).python
    modules = Path(python.variables["PYTHONPATH"])
    names = {path.relative_to(modules).as_posix() for path in modules.rglob("*.py")}
    assert {"gate/__init__.py", "gate/scoring/worker.py", "gate/scoring/protocol.py"} <= names
    assert all(name.startswith("gate/") for name in names)
    assert not any(part in name for name in names for part in ("session", "sandbox", "pipeline", "config"))
    assert "PYTHONPATH" in python.environ({"PYTHONPATH": "/elsewhere", "VIRTUAL_ENV": "/elsewhere"})
    assert "/elsewhere" not in python.environ({"PYTHONPATH": "/elsewhere", "VIRTUAL_ENV": "/elsewhere"}).values()


def test_where_they_are_kept(monkeypatch, tmp_path):
    """Below the user's cache, wherever that is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "gate/environments"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder() == tmp_path / ".cache/gate/environments"
