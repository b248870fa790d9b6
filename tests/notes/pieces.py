"""The pieces of hand-made reports, as a gate writes them."""

from __future__ import annotations

from gate.domain import (
    REPRODUCIBILITY_ITEMS,
    Benchmark,
    Category,
    Change,
    CheckResult,
    CodeDiff,
    Commit,
    DataInfo,
    Diff,
    Environment,
    FilesDiff,
    GateInfo,
    ItemState,
    LatencyResult,
    Measurement,
    PercentileResult,
    Report,
    ReportedVersion,
    Reproducibility,
    ReproducibilityItem,
    Severity,
    Status,
)
from gate.verdict import count, decide


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
        clock="cpu",
        visible=0.017,
        harness_s=0.0000008,
        percentiles=tuple(
            PercentileResult(
                share=share,
                candidate_s=candidate,
                candidate_ci=(candidate * 0.98, high and candidate * high),
                baseline_s=candidate * 0.99,
                baseline_ci=(candidate * 0.97, high and candidate * high),
            )
            for share, candidate, high in ((0.5, 0.0016, 1.02), (0.95, 0.0021, 1.1), (0.99, 0.0034, None))
        ),
        stopped_by="within the warning tolerance",
    )
    return Benchmark(
        environment={"cpu": "AMD EPYC 7B13", "cores": 2, "load_average": [0.21, 0.08, 0.05]},
        method="interleaved pairs in random order, CPU time of the worker process",
        latency=(latency,),
        load_s={"candidate": 1.82, "baseline": 1.79},
        peak_rss_bytes={"candidate": 214_000_000, "baseline": 212_500_000},
        raw="timings.json.gz",
    )
