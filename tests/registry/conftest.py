"""A real MLflow server, and reports to record and promote by."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate.domain import (
    Benchmark,
    Category,
    CheckResult,
    Counts,
    DataInfo,
    Diff,
    Environment,
    GateInfo,
    Report,
    ReportedVersion,
    Reproducibility,
    Severity,
    Snapshot,
    Status,
    Verdict,
)
from gate.registry import Mover, PromotionSettings, Registry, connect, snapshot

POLICY = "sha256:policy"


@pytest.fixture
def registry(registry_uri: str, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """This test's own registry, open; the environment is as it was before once the test is over."""
    keep_environment(monkeypatch)
    return connect(registry_uri)


def keep_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`connect` sets MLflow's variables: forget them after the test."""
    for name in (
        "MLFLOW_HTTP_REQUEST_TIMEOUT",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR",
        "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER",
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_REGISTRY_URI",
    ):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def server_uri(registry_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `mlflow server` with artifacts of its own, started once."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(registry_db, folder / "mlflow.db")
    with serving(f"sqlite:///{folder}/mlflow.db", folder) as address:
        yield address


@contextmanager
def serving(database: str, folder: Path) -> Iterator[str]:
    """Run `mlflow server` on a database; it keeps artifacts below the folder."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", database, "--artifacts-destination", str(folder / "kept")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process, folder / "log")
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
    raise AssertionError(log.read_text())


@pytest.fixture
def server(server_uri: str, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The real server, open."""
    keep_environment(monkeypatch)
    return connect(server_uri)


@pytest.fixture
def report_on(registry: Registry, tmp_path: Path) -> Callable[..., Report]:
    """Write a report about a version of `wine` as it is now."""

    def write(version: int, **facts: object) -> Report:
        judged = snapshot(registry, "wine", version, tmp_path / "judged")
        if facts.get("baseline"):
            compared = snapshot(registry, "wine", facts["baseline"][0], tmp_path / "judged")
            facts = {"baseline_digest": compared.digest, **facts}
        return make_report(judged, **facts)

    return write


def make_report(judged: Snapshot, *, baseline: tuple[int, str] | None = None, **facts: object) -> Report:
    """A report on a snapshot: passed, by the policy that holds, unless `facts` say otherwise."""
    info = GateInfo(
        version="0.1.0",
        policy_digest=str(facts.get("policy", POLICY)),
        only=facts.get("only"),
        holders=facts.get("holders", {}),
    )
    return Report(
        schema="gate.report/1",
        gate=info,
        model=judged.model,
        candidate=_reported(judged.version, str(facts.get("digest", judged.digest))),
        baseline=_reported(baseline[0], facts.get("baseline_digest"), baseline[1]) if baseline else None,
        verdict=facts.get("verdict", Verdict.PASS),
        reasons=("All checks passed.",),
        counts=Counts(passed=1),
        checks=_checks(facts.get("verdict", Verdict.PASS)),
        benchmark=Benchmark(),
        diff=Diff(),
        reproducibility=Reproducibility(),
        data=DataInfo(),
        isolation="subprocess",
        environment=Environment(python="3.11.7", platform="Linux", cpu="", cores=2, packages={}),
        started_at="2026-11-22T22:00:00Z",
        finished_at="2026-11-22T22:01:00Z",
    )


def chosen(folder: Path, **settings: object) -> PromotionSettings:
    """Settings of a promotion by the policy that holds, with the journal in a folder."""
    return PromotionSettings(policy_digest=POLICY, journal=folder / "journal.jsonl", **settings)


def ann(folder: Path) -> Mover:
    """Who moves stages in tests."""
    return Mover(by="ann", into=folder / "fresh")


ENDINGS = {
    Verdict.PASS: (Status.PASSED, Severity.CRITICAL),
    Verdict.PASS_WITH_WARNINGS: (Status.FAILED, Severity.WARNING),
    Verdict.FAIL: (Status.FAILED, Severity.CRITICAL),
    Verdict.INCONCLUSIVE: (Status.INCONCLUSIVE, Severity.CRITICAL),
    Verdict.ERROR: (Status.ERROR, Severity.CRITICAL),
}


def _checks(verdict: Verdict) -> tuple[CheckResult, ...]:
    """The checks that such a verdict comes from: one that passed, and one that decided."""
    decided = ENDINGS[verdict]
    return tuple(
        CheckResult(
            id=f"contract.{name}",
            title=name,
            category=Category.CONTRACT,
            severity=severity,
            status=status,
            message="",
            duration_s=0.0,
        )
        for name, (status, severity) in {"loads": ENDINGS[Verdict.PASS], "types": decided}.items()
    )


def _reported(version: int, digest: object, chosen_by: str | None = None) -> ReportedVersion:
    return ReportedVersion(
        version=version, run_id=None, model_id=None, source=None, digest=digest, size_bytes=1, chosen_by=chosen_by
    )
