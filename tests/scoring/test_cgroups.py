"""Control groups of both versions, on folders that look like theirs; the real ones are tried with the walls."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.scoring import cgroups
from gate.scoring.cgroups import Cgroup, Place


@pytest.fixture
def second(tmp_path):
    """A hierarchy of version 2 that hands memory and processes on to the groups below `user`."""
    (tmp_path / "user" / "session").mkdir(parents=True)
    for folder, handed in (
        (tmp_path, "cpu memory pids"),
        (tmp_path / "user", "memory pids"),
        (tmp_path / "user/session", ""),
    ):
        (folder / "cgroup.subtree_control").write_text(handed)
    return tmp_path


def test_version_2_makes_groups_beside_ones_own(second):
    """A group with processes in it hands nothing on: the nearest one above does."""
    found = list(cgroups._second_version(second, second / "user/session"))
    assert found == [Place(path=second / "user", version="v2", controls=("memory", "pids"))]


def test_version_2_limits(second):
    """Memory, no swap, processes; whoever is added is in it."""
    group = Cgroup((Place(path=second, version="v2", controls=("memory", "pids")),), memory_bytes=1000, tasks=7)
    folder = next(second.glob("gate-*"))
    assert group.add(42)
    read = {path.name: path.read_text() for path in folder.iterdir()}
    assert read == {"memory.max": "1000", "memory.swap.max": "0", "pids.max": "7", "cgroup.procs": "42"}
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.out_of_memory


def test_version_1_limits(tmp_path):
    """Two hierarchies, a part in each."""
    places = tuple(Place(path=tmp_path / control, version="v1", controls=(control,)) for control in ("memory", "pids"))
    for place in places:
        place.path.mkdir()
    group = Cgroup(places, memory_bytes=1000, tasks=7)
    assert group.add(42)
    files = {f"{path.parts[-3]}:{path.name}": path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        "memory:memory.limit_in_bytes": "1000", "memory:cgroup.procs": "42", "pids:pids.max": "7",
        "pids:cgroup.procs": "42",
    }  # fmt: skip


def test_a_group_that_cannot_be_made_is_none(tmp_path, monkeypatch):
    """Then the gate looks itself."""
    gone = (Place(path=tmp_path / "gone", version="v2", controls=("memory", "pids")),)
    monkeypatch.setattr(cgroups, "available", lambda: True)
    monkeypatch.setattr(cgroups, "places", lambda: gone)
    assert Cgroup.of(memory_bytes=1, tasks=1) is None


def test_where_a_group_lies_under_a_mount_that_shows_a_part():
    """As in a container: the mount's root is the group itself."""
    assert cgroups._below("/sys/fs/cgroup", "/docker/abc", "/docker/abc/x") == Path("/sys/fs/cgroup/x")
    assert cgroups._below("/sys/fs/cgroup", "/", "/user.slice") == Path("/sys/fs/cgroup/user.slice")
