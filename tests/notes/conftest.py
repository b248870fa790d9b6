"""Hand-made reports as a gate writes them, and the switch that writes the golden notes anew."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gate.domain import (
    REPRODUCIBILITY_ITEMS,
    Artifact,
    ArtifactFile,
    Benchmark,
    Category,
    Change,
    CheckResult,
    CodeDiff,
    Commit,
    Counts,
    DataInfo,
    Diff,
    Environment,
    FilesDiff,
    GateInfo,
    ItemState,
    LatencyResult,
    Measurement,
    Report,
    ReportedVersion,
    Reproducibility,
    ReproducibilityItem,
    RunFacts,
    Severity,
    Snapshot,
    Status,
    Verdict,
    Waiver,
)
from gate.verdict import count, decide

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


def check(
    check_id: str,
    title: str,
    status: Status = Status.PASSED,
    severity: Severity = Severity.CRITICAL,
    **more,
) -> CheckResult:
    category = Category(check_id.partition(".")[0])
    facts = {"message": "", "duration_s": 0.01, **more}
    return CheckResult(id=check_id, title=title, category=category, severity=severity, status=status, **facts)


def report(checks=(), **more) -> Report:
    verdict, reasons = decide(checks)
    facts = {
        "schema": "gate.report/1",
        "gate": GateInfo(version="0.1.0", policy_digest="sha256:" + "5a" * 32),
        "model": "diabetes",
        "candidate": version(3),
        "baseline": version(2, chosen_by="holder of production"),
        "verdict": verdict,
        "reasons": reasons,
        "counts": count(checks),
        "checks": tuple(checks),
        "benchmark": Benchmark(),
        "diff": Diff(),
        "reproducibility": kept(),
        "data": DataInfo(
            source="data/eval.parquet",
            digest="sha256:" + "d1" * 32,
            rows=442,
            columns=("age", "sex", "bmi", "progression"),
            target="progression",
        ),
        "isolation": "subprocess",
        "environment": Environment(
            python="3.11.7",
            platform="Linux-6.1-x86_64-with-glibc2.36",
            cpu="AMD EPYC 7B13",
            cores=2,
            packages={"mlflow": "3.17.2", "scikit-learn": "1.9.0"},
        ),
        "started_at": "2026-11-20T09:30:00.000Z",
        "finished_at": "2026-11-20T09:30:08.250Z",
        **more,
    }
    return Report(**facts)


def version(number: int, chosen_by: str | None = None, size_bytes: int | None = 3_412) -> ReportedVersion:
    return ReportedVersion(
        version=number,
        run_id=f"{number}" * 32,
        model_id=f"m-{number}",
        source=f"models:/m-{number}",
        digest="sha256:" + f"{number}e" * 32,
        size_bytes=size_bytes,
        chosen_by=chosen_by,
    )


def kept(**states: tuple[ItemState, str, str]) -> Reproducibility:
    """All seven items, verified unless something else is said of them."""
    ordinary = (ItemState.VERIFIED, "It is there and was checked.", "")
    found = {name: states.get(name, ordinary) for name in REPRODUCIBILITY_ITEMS}
    return Reproducibility(
        items=tuple(
            ReproducibilityItem(name=name, state=state, present=state is not ItemState.MISSING, evidence=text, fix=fix)
            for name, (state, text, fix) in found.items()
        )
    )


def passed_contract() -> list[CheckResult]:
    return [
        check("contract.loads", "The model loads."),
        check("contract.signature", "The signature takes what the baseline's takes."),
        check("contract.row_count", "There is one answer a row."),
    ]


def metric(name: str, values: tuple[float, float], loss: float, ci: tuple[float, float], **more) -> CheckResult:
    """A metric's check: the candidate's value and the baseline's, the loss and its interval."""
    limit = more.pop("limit")
    return check(
        f"quality.{name}",
        f"{name} is no worse than the baseline's.",
        measurements=(
            Measurement(name=name, value=values[0], baseline=values[1], limit=limit, ci=ci, confidence=0.99),
            Measurement(name="loss", value=loss),
        ),
        **more,
    )


def row(number: int, difference: float) -> dict:
    return {
        "id": number,
        "inputs": {"age": 0.0381, "sex": "F", "bmi": -0.0115},
        "prediction": 151.25 + difference,
        "baseline_prediction": 151.25,
        "label": 141.0,
        "difference": difference,
    }


def first_version() -> Report:
    skipped = {"status": Status.SKIPPED, "message": "there is no baseline"}
    checks = [
        *passed_contract(),
        check("quality.rmse", "rmse is no worse than the baseline's.", **skipped),
        check("outliers.finite", "All answers are finite."),
        check("outliers.paired_delta", "No answer moves far.", **skipped),
        check("performance.latency", "Predicting takes no longer than it took the baseline.", **skipped),
    ]
    commit = Commit(
        sha="4" * 40,
        author="Ann Lee",
        at="2026-11-19T17:02:11+01:00",
        subject="Fit an elastic net",
        files=("train.py", "data/train.csv"),
    )
    diff = Diff(
        params=(
            Change(name="alpha", baseline=None, candidate="0.5"),
            Change(name="l1_ratio", baseline=None, candidate="0.1"),
        ),
        metrics=(Change(name="rmse", baseline=None, candidate=58.3214),),
        signature=(Change(name="input age", baseline=None, candidate="double"),),
        environment=(Change(name="python", baseline=None, candidate="3.11.7"),),
        code=CodeDiff(candidate_commit="4" * 40, commits=(commit,), note="A first version: the commit it comes from."),
    )
    no_data = (
        ItemState.MISSING,
        "The run logs no dataset with the context training.",
        'mlflow.log_input(mlflow.data.from_pandas(train, source="data/train.parquet"), context="training")',
    )
    return report(checks, candidate=version(1), baseline=None, diff=diff, reproducibility=kept(training_data=no_data))


def with_warnings() -> Report:
    latency = (
        Measurement(name="cpu_ratio_batch_1", value=1.012, baseline=1.0, ci=(0.996, 1.029), confidence=0.995),
        Measurement(name="cpu_ms_batch_1", value=1.53, unit="ms", baseline=1.51),
        Measurement(name="cpu_ratio_batch_256", value=0.981, baseline=1.0, ci=(0.961, 1.002), confidence=0.995),
    )
    moved = (
        Measurement(name="share_changed", value=0.987),
        Measurement(name="median_abs_delta", value=3.121),
        Measurement(name="max_abs_delta", value=44.02, limit=40.0),
    )
    waiver = Waiver(check="outliers.drift", owner="ml-platform", reason="new target scale", expires="2027-01-31")
    checks = [
        *passed_contract(),
        metric("rmse", (53.1182, 58.3214), -5.2032, (-7.91, -2.44), limit=1.1664),
        metric("r2", (0.4712, 0.4698), -0.0014, (-0.021, 0.018), limit=0.0094),
        check(
            "outliers.paired_delta",
            "No answer moves far.",
            Status.FAILED,
            Severity.WARNING,
            message="2 of 442 answers move by more than 40",
            measurements=moved,
            rows=(row(17, 44.02), row(203, -41.5)),
            rows_total=2,
        ),
        check(
            "outliers.drift",
            "The answers' distribution does not shift.",
            Status.FAILED,
            message="effect size 0.62 is above 0.2",
            measurements=(Measurement(name="effect_size", value=0.62, limit=0.2),),
            waiver=waiver,
        ),
        check(
            "performance.latency",
            "Predicting takes no longer than it took the baseline.",
            severity=Severity.WARNING,
            measurements=latency,
        ),
    ]
    unkept = kept(
        source_code=(
            ItemState.PRESENT,
            f"Commit {'b' * 12} is recorded; it is not in this shallow clone.",
            "git fetch --unshallow",
        ),
        preprocessed_data=(
            ItemState.MISSING,
            "The run logs no dataset with the context preprocessed.",
            'mlflow.log_input(prepared, context="preprocessed")',
        ),
    )
    return report(checks, diff=full_diff(), benchmark=benchmark(), reproducibility=unkept)


def full_diff() -> Diff:
    commits = (
        Commit(
            sha="b" * 40,
            author="Kim Minji",
            at="2026-11-20T08:11:00+09:00",
            subject="Lower alpha, it underfits",
            files=("train.py",),
        ),
    )
    return Diff(
        params=(
            Change(name="alpha", baseline="0.5", candidate="0.05"),
            Change(name="seed", baseline=None, candidate="42"),
        ),
        metrics=(Change(name="rmse", baseline=58.3214, candidate=53.1182),),
        tags=(Change(name="run purpose", baseline="baseline", candidate="tuning"),),
        data=(Change(name="train: digest", baseline="ab12cd34", candidate="ef56ab78"),),
        requirements=(Change(name="scikit-learn", baseline="==1.8.0", candidate="==1.9.0"),),
        code=CodeDiff(baseline_commit="4" * 40, candidate_commit="b" * 40, commits=commits),
        files=FilesDiff(changed=("MLmodel", "model.skops"), unchanged=4),
        unchanged={"params": 3, "signature": 11, "environment": 2},
    )


def benchmark() -> Benchmark:
    latency = LatencyResult(
        scenario="batch_1",
        batch_size=1,
        pairs=160,
        calls_per_block=20,
        candidate_cpu_s=0.00153,
        baseline_cpu_s=0.00151,
        candidate_wall_s=0.00161,
        baseline_wall_s=0.0016,
        cpu_ratio=1.012,
        cpu_ratio_ci=(0.996, 1.029),
        wall_ratio=1.006,
        wall_ratio_ci=(0.981, 1.033),
        confidence=0.995,
        stopped_by="decided",
    )
    return Benchmark(
        environment={"cpu": "AMD EPYC 7B13", "cores": 2, "load_average": [0.21, 0.08, 0.05]},
        method="interleaved pairs in random order, CPU time of the worker process",
        latency=(latency,),
        load_s={"candidate": 1.82, "baseline": 1.79},
        peak_rss_bytes={"candidate": 214_000_000, "baseline": 212_500_000},
        raw="benchmark.json",
    )


def rejected() -> Report:
    checks = [
        *passed_contract(),
        metric(
            "rmse",
            (71.9034, 53.1182),
            18.7852,
            (15.2, 22.4),
            limit=1.0624,
            status=Status.FAILED,
            message="rmse is worse by 18.79, beyond the margin of 1.062 (p = 1.2e-40)",
        ),
        check(
            "quality.slices",
            "No slice gets worse.",
            Status.FAILED,
            message="sex=F is worse by 24.1, beyond twice the margin",
        ),
        check(
            "outliers.wrong_rows",
            "Answers belong to their rows.",
            Status.FAILED,
            message="the answers agree with the baseline's of other rows",
            rows=tuple(row(number, 90.0 - number) for number in range(8)),
            rows_total=431,
        ),
        check(
            "performance.latency",
            "Predicting takes no longer than it took the baseline.",
            Status.INCONCLUSIVE,
            Severity.WARNING,
            message="batch_1: 1.6 ms a call against 1.51 ms (+6.0% CPU time, interval -1.1% to +13.0%)",
            measurements=(Measurement(name="cpu_ratio_batch_1", value=1.06, ci=(0.989, 1.13), confidence=0.99),),
        ),
    ]
    nothing = (ItemState.MISSING, "The run holds no parameters.", "mlflow.log_params(model.get_params())")
    return report(checks, diff=full_diff(), reproducibility=kept(parameters=nothing))


def undecided() -> Report:
    """A gate that failed before it could judge."""
    unknown = (ItemState.MISSING, "not looked at: the gate failed before", "")
    return replace(
        report(),
        candidate=replace(version(3), run_id=None, model_id=None, source=None, digest=None, size_bytes=None),
        baseline=None,
        verdict=Verdict.ERROR,
        reasons=("The evaluation data data/eval.parquet hold no rows. Give a file with rows in data.path.",),
        counts=Counts(),
        data=DataInfo(),
        reproducibility=kept(**dict.fromkeys(REPRODUCIBILITY_ITEMS, unknown)),
    )


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
