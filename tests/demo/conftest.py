"""Each example is trained once a session, whichever of the test processes asks first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from gate.demo import DemoProject, prepare


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str], DemoProject]:
    """Give the project of an example. Only to be read, since others read it too."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def made(example: str) -> DemoProject:
        folder = shared / f"demo-{example}"
        finished = shared / f"demo-{example}.finished"
        with FileLock(f"{folder}.lock"):
            if not finished.exists():
                prepare(example, folder, lambda _line: None)
                finished.touch()
        return _described(example, folder)

    return made


def _described(example: str, folder: Path) -> DemoProject:
    return DemoProject(folder=folder, config=folder / "gate.yaml", model=f"diabetes-{example}", versions=(1, 2))
