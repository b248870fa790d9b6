"""One registry with good and broken models, built once; each test judges its own copy through the command line."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from gate.attesting.keys import key_files, signing_key
from gate.report import read
from gate.trusting import write_evidence

WORLD = Path(__file__).parent / "world.py"
FORKED = Path(__file__).parent / "forked.py"
SLOW_IMPORTS = (
    "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store", "mlflow.pyfunc",
    "gate.pipeline", "gate.releasing", "gate.registry", "gate.checking.engine",
    "pandas", "pyarrow.dataset", "scipy.special", "scipy.stats", "pytest", "git", "jinja2", "pydantic", "click",
)  # fmt: skip
FAST = ("--only", "contract,outliers,quality")
"""What most tests judge: timing takes seconds and has tests of its own."""


@pytest.fixture(scope="session")
def world(registry_db, tmp_path_factory, worker_id) -> Path:
    """The folder with the registry, its artifacts and the evaluation data: shared, so nobody writes to it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "world"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            folder.mkdir(exist_ok=True)
            shutil.copy(registry_db, folder / "mlflow.db")
            environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
            done = subprocess.run(
                [sys.executable, str(WORLD), str(folder)], capture_output=True, text=True, check=False, env=environment
            )
            assert done.returncode == 0, done.stderr[-3000:]
            (folder / "done").touch()
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict:
        """The report that it printed, and nothing else."""
        return json.loads(self.out)

    def status(self, check_id: str) -> str:
        """How one check ended."""
        return next(check["status"] for check in self.report["checks"] if check["id"] == check_id)

    def check(self, check_id: str) -> dict:
        """One check of the report."""
        return next(check for check in self.report["checks"] if check["id"] == check_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a gate.yaml on a private copy of the world's registry."""

    folder: Path
    script: Path = FORKED
    """What runs in the forked process."""

    def gate(self, *arguments: str, **environment: str) -> Ended:
        """Run the command line in the project's folder, in a process forked after MLflow's four seconds of imports."""
        out, err = self.folder.parent / "out.txt", self.folder.parent / "err.txt"
        given = {
            "arguments": arguments, "folder": str(self.folder), "environment": self._environment(environment),
            "out": str(out), "err": str(err),
        }  # fmt: skip
        process = _forks().Process(target=runpy.run_path, args=(str(self.script), given))
        process.start()
        process.join(280)
        assert process.exitcode is not None, "the command did not end"
        return self._ended(process.exitcode, out.read_text(), err.read_text())

    def gate_afresh(self, *arguments: str, **environment: str) -> Ended:
        """Run the command line as a shell would, interpreter and all."""
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=280,
            env=self._environment(environment),
        )  # fmt: skip
        return self._ended(done.returncode, done.stdout, done.stderr)

    @staticmethod
    def _environment(extra: dict[str, str]) -> dict[str, str]:
        # of who runs the tests: how wide the terminal is, and that pytest runs in several processes
        foreign = ("MLFLOW_", "GATE_", "COLUMNS", "PYTEST_")
        scrubbed = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return {**scrubbed, "MLFLOW_DISABLE_TELEMETRY": "true", **extra}

    @staticmethod
    def _ended(code: int, out: str, err: str) -> Ended:
        assert "Traceback" not in err, err
        return Ended(code=code, out=out, err=err)

    def configure(self, text: str) -> None:
        """Add settings to gate.yaml."""
        path = self.folder / "gate.yaml"
        path.write_text(path.read_text() + text)


def _forks() -> multiprocessing.context.ForkServerContext:
    """Python's fork server, which has imported what every command needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(SLOW_IMPORTS))
    return context


@pytest.fixture
def project(world, tmp_path) -> Project:
    """A project on a copy of the registry: tests may promote."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(world / "mlflow.db", folder / "mlflow.db")
    (folder / "gate.yaml").write_text(
        "tracking_uri: sqlite:///mlflow.db\n"
        f"defaults: {{data: {{path: {world / 'eval.parquet'}, target: y, id: id}}}}\n"
        "isolation: {timeout_s: 20}\n"
    )
    return Project(folder=folder)


SETTINGS = "models: {house: {latency: {batch_sizes: [1], budget_s: 1}, severity: {performance.latency: ignore}%s}}\n"
STRICT = ", promotion: {require_signature: true, trusted_keys: [%s]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What judging jobs hand over: a folder each, and the keys of those who judged."""

    folder: Path

    @property
    def public(self) -> Path:
        """The public half of the key that signed."""
        return self.folder / "keys/gate-signing-key.pub.pem"

    def job(self, project: Project, name: str = "signed") -> Path:
        """Copy what a job wrote into a project; give the report."""
        shutil.copytree(self.folder / name, project.folder / "job")
        return project.folder / "job/report.json"


@pytest.fixture(scope="session")
def judged(world, tmp_path_factory, worker_id) -> Judged:
    """Version 2 of house, judged once with a key; the same report unsigned, and signed by a stranger. Only to read."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "judged"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            (folder / "project").mkdir(parents=True)
            shutil.copy(world / "mlflow.db", folder / "project/mlflow.db")
            private, other = (key_files(folder / name)[0] for name in ("keys", "other"))
            project = configured(Project(folder=folder / "project"), world)
            ended = project.gate("check", "house", "2", "--out", "../signed", GATE_SIGNING_KEY=str(private))
            assert ended.code == 0, ended.err
            report = read(folder / "signed/report.json")
            for name, key in (("unsigned", ""), ("stranger", str(other))):
                (folder / name).mkdir()
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("GATE_SIGNING_KEY", key)
                    write_evidence(report, folder / name, signing_key())
            (folder / "done").touch()
    return Judged(folder=folder)


def configured(project, world, more=""):
    """A project that judges house without its speed."""
    (project.folder / "gate.yaml").write_text(
        "tracking_uri: sqlite:///mlflow.db\n"
        f"defaults: {{data: {{path: {world / 'eval.parquet'}, target: y, id: id}}}}\n"
        "isolation: {timeout_s: 20}\n" + SETTINGS % more
    )
    return project


@pytest.fixture
def strict(project, world, judged) -> Project:
    """A project that promotes nothing unless it is signed."""
    return configured(project, world, STRICT % judged.public)


@pytest.fixture
def lenient(project, world) -> Project:
    """A project without a word about signatures."""
    return configured(project, world)


def untouched(project):
    """Whether nobody holds a stage, and nothing was recorded."""
    with sqlite3.connect(project.folder / "mlflow.db") as base:
        aliases = base.execute("select count(*) from registered_model_aliases").fetchone()[0]
        marks = base.execute("select count(*) from model_version_tags where key like 'gate.%'").fetchone()[0]
    return (aliases, marks) == (0, 0)
