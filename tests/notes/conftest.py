"""Hand-made reports and snapshots, and the switch that writes the golden notes anew."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.domain import (
    Artifact,
    ArtifactFile,
    Report,
    RunFacts,
    Snapshot,
)
from tests.notes.pieces import report
from tests.notes.reports import first_version, rejected, undecided, with_warnings

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a golden file byte for byte; GATE_UPDATE_GOLDEN=1 writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("GATE_UPDATE_GOLDEN") == "1":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.read_bytes().decode() == text, f"{name} differs; GATE_UPDATE_GOLDEN=1 writes it anew"

    return compare


@pytest.fixture
def reports() -> dict[str, Report]:
    """Four reports: a first version, a pass with warnings, a rejected version, one without a verdict."""
    return {
        "first": first_version(),
        "warnings": with_warnings(),
        "rejected": rejected(),
        "undecided": undecided(),
    }


@pytest.fixture
def make() -> Callable[..., Report]:
    """Make a report from checks and whatever else is to differ from the ordinary."""
    return report


@pytest.fixture
def snapshot(tmp_path) -> Callable[..., Snapshot]:
    """Make a snapshot: version 2 of a model with a run; files are given as {path: bytes}."""

    def make_snapshot(
        number: int = 2, run: dict | None = None, files: dict[str, bytes] | None = None, **more
    ) -> Snapshot:
        facts = {
            "model": "diabetes",
            "version": number,
            "run_id": "r" * 32,
            "model_id": None,
            "source": None,
            "created_at": None,
            "description": "",
            "tags": {},
            "aliases": (),
            "legacy_stage": None,
            "run": run_facts(**(run or {})),
            "signature": None,
            "requirements": (),
            "environment": {},
            "flavors": ("python_function", "sklearn"),
            "artifact": artifact(tmp_path / f"v{number}", files or {"MLmodel": b"flavors: {}\n"}),
            **more,
        }
        return Snapshot(**facts)

    return make_snapshot


def run_facts(**more) -> RunFacts:
    facts = {
        "run_id": "r" * 32,
        "name": "run",
        "deleted": False,
        "params": {},
        "metrics": {},
        "tags": {},
        "datasets": (),
    }
    return RunFacts(**{**facts, **more})


def artifact(folder: Path, files: dict[str, bytes]) -> Artifact:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    listed = (
        ArtifactFile(path=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    )
    return Artifact(path=folder, files=tuple(listed), digest="sha256:" + "0" * 64)


class Git:
    """A real repository to commit into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self("init", "-q", "-b", "main")

    def __call__(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=Ann Lee", "-c", "user.email=ann@example.org", *arguments]
        environment = {**os.environ, "GIT_AUTHOR_DATE": "2026-11-19T17:02:11+01:00", "GIT_CONFIG_GLOBAL": "/dev/null"}
        done = subprocess.run(command, cwd=self.folder, env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, subject: str, **files: str) -> str:
        """Write files, commit them, and give the commit's id."""
        for name, text in (files or {"train": subject}).items():
            (self.folder / f"{name}.py").write_text(text)
        self("add", ".")
        self("commit", "-q", "--allow-empty", "-m", subject)
        return self("rev-parse", "HEAD")


@pytest.fixture
def git(tmp_path) -> Git:
    """An empty git repository."""
    return Git(tmp_path / "repository")
