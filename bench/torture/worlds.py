"""A registry with one model whose versions are a file each, and reports that pass: all that a promotion needs."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

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
    Stage,
    Status,
    Verdict,
)
from gate.registry import Mover, PromotionSettings, Registry, connect, fresh_digest, holder, record

MODEL = "wine"
POLICY = "sha256:policy"
STAGE = Stage.PRODUCTION
_MLMODEL = "flavors:\n  python_function:\n    loader_module: wine_loader\n    code: code\n"
_LOADER = """class Model:
    def predict(self, rows, params=None):
        return rows


def _load_pyfunc(path):
    return Model()
"""


def build(uri: str, folder: Path, versions: int) -> None:
    """Register a model with so many versions; over HTTP the server keeps their files, else they lie in the folder."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        experiment = client.create_experiment(
            f"torture {MODEL}", artifact_location=None if uri.startswith("http") else (folder / "artifacts").as_uri()
        )
        client.create_registered_model(MODEL)
        for number in range(1, versions + 1):
            _register(client, experiment, folder / f"v{number}", number)


def _register(client: Any, experiment: str, files: Path, number: int) -> None:  # noqa: ANN401 - MLflow has no types
    (files / "code").mkdir(parents=True)
    (files / "MLmodel").write_text(f"{_MLMODEL}# version {number}\n", encoding="utf-8")
    (files / "code" / "wine_loader.py").write_text(_LOADER, encoding="utf-8")
    run = client.create_run(experiment)
    client.log_artifacts(run.info.run_id, str(files), "model")
    source = f"{run.info.artifact_uri}/model"
    client.create_model_version(MODEL, source, run_id=run.info.run_id)
    shutil.rmtree(files)


def judged(registry: Registry, version: int, into: Path, *, recorded: bool = True, **changes: Any) -> Report:  # noqa: ANN401 - any key of a report
    """Judge a version against who holds the stage now: it passes. `changes` are other keys of the report."""
    held = holder(registry, MODEL, STAGE, {})
    baseline = None if held is None or held == version else held
    found = Report(
        schema="gate.report/1",
        gate=GateInfo(version="0", policy_digest=POLICY, holders={STAGE.value: held} if held else {}),
        model=MODEL,
        candidate=_reported(registry, version, into),
        baseline=_reported(registry, baseline, into, f"holder of {STAGE}") if baseline else None,
        verdict=Verdict.PASS,
        reasons=("1 checks passed",),
        counts=Counts(passed=1),
        checks=(CHECK,),
        benchmark=Benchmark(),
        diff=Diff(),
        reproducibility=Reproducibility(),
        data=DataInfo(),
        isolation="subprocess",
        environment=Environment(python="", platform="", cpu="", cores=1, packages={}),
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:00:01Z",
    )
    found = replace(found, **changes)
    if recorded:
        record(registry, found, {})
    return found


CHECK = CheckResult(
    id="contract.loads",
    title="It loads.",
    category=Category.CONTRACT,
    severity=Severity.CRITICAL,
    status=Status.PASSED,
    message="",
    duration_s=0.0,
)


def _reported(registry: Registry, version: int, into: Path, chosen_by: str | None = None) -> ReportedVersion:
    digest = fresh_digest(registry, MODEL, version, into)
    return ReportedVersion(
        version=version, run_id=None, model_id=None, source=None, digest=digest, size_bytes=1, chosen_by=chosen_by
    )


def settings(folder: Path) -> PromotionSettings:
    """Settings of a promotion, with the journal in a folder."""
    return PromotionSettings(policy_digest=POLICY, journal=folder / "journal.jsonl")


def mover(folder: Path, by: str = "ann") -> Mover:
    """Who moves the stage."""
    return Mover(by=by, into=folder / "copies")


def opened(uri: str) -> Registry:
    """Open the registry, in silence."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    return connect(uri)
