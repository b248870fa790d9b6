"""Puts the report together from what was judged. Everything that people read is rendered from it alone."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata

from gate import verdict
from gate.domain import (
    REPRODUCIBILITY_ITEMS,
    Benchmark,
    CheckResult,
    Comparison,
    DataInfo,
    Diff,
    Environment,
    EvaluationData,
    GateInfo,
    ItemState,
    Looks,
    ModelEnvironment,
    Report,
    ReportedVersion,
    Reproducibility,
    ReproducibilityItem,
    Snapshot,
    Verdict,
)
from gate.machine import cpu_name
from gate.report import fitted

PACKAGES = ("mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "great-expectations", "pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found about one comparison."""

    comparison: Comparison
    results: Sequence[CheckResult]
    diff: Diff
    reproducibility: Reproducibility
    benchmark: Benchmark
    looks: Looks = field(default_factory=Looks)
    environments: Mapping[str, ModelEnvironment] = field(default_factory=dict)


def now() -> str:
    """The time, RFC 3339 in UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def report_of(findings: Findings, gate: GateInfo, *, isolation: str, started_at: str) -> Report:
    """Decide the verdict and put the report together."""
    decided, reasons = verdict.decide(findings.results, gate.only)
    comparison = findings.comparison
    return Report(
        schema="gate.report/1",
        gate=gate,
        model=comparison.candidate.model,
        candidate=_version(comparison.candidate),
        baseline=_version(comparison.baseline, comparison.baseline_chosen_by) if comparison.baseline else None,
        verdict=decided,
        reasons=reasons,
        counts=verdict.count(findings.results),
        checks=fitted(findings.results),
        benchmark=findings.benchmark,
        diff=findings.diff,
        reproducibility=findings.reproducibility,
        data=_data(comparison.data, findings.looks),
        isolation=isolation,
        environment=replace(environment(), models=findings.environments),
        started_at=started_at,
        finished_at=now(),
    )


def fault_report(model: str, version: int, reason: str, gate: GateInfo, *, isolation: str, started_at: str) -> Report:
    """Report that the gate could not do its work on a version."""
    return Report(
        schema="gate.report/1",
        gate=gate,
        model=model,
        candidate=ReportedVersion(
            version=version, run_id=None, model_id=None, source=None, digest=None, size_bytes=None
        ),
        baseline=None,
        verdict=Verdict.ERROR,
        reasons=(reason,),
        counts=verdict.count(()),
        checks=(),
        benchmark=Benchmark(),
        diff=Diff(),
        reproducibility=Reproducibility(items=tuple(map(_unknown_item, REPRODUCIBILITY_ITEMS))),
        data=DataInfo(),
        isolation=isolation,
        environment=environment(),
        started_at=started_at,
        finished_at=now(),
    )


def _unknown_item(name: str) -> ReproducibilityItem:
    """An item that the gate did not get to look at."""
    return ReproducibilityItem(
        name=name, state=ItemState.MISSING, present=False, evidence="not looked at: the gate failed before", fix=""
    )


def _version(snapshot: Snapshot, chosen_by: str | None = None) -> ReportedVersion:
    return ReportedVersion(
        version=snapshot.version,
        run_id=snapshot.run_id,
        model_id=snapshot.model_id,
        source=snapshot.source,
        digest=snapshot.digest,
        size_bytes=snapshot.artifact.size_bytes if snapshot.artifact else None,
        chosen_by=chosen_by,
    )


def _data(data: EvaluationData | None, looks: Looks) -> DataInfo:
    if data is None:
        return DataInfo()
    return DataInfo(
        source=data.source,
        digest=data.digest,
        rows=data.coverage.rows_judged if data.coverage else data.rows,
        columns=tuple(data.table.column_names),
        target=", ".join(data.targets) or None,
        looks=looks,
        coverage=data.coverage,
    )


def environment() -> Environment:
    """Say where the gate ran."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=cpu_name(),
        cores=os.cpu_count() or 1,
        packages={name: metadata.version(name) for name in PACKAGES if _installed(name)},
    )


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
