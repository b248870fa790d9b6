"""The pieces of hand-made reports, as a gate writes them."""

from __future__ import annotations

from dataclasses import replace

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
    Endurance,
    Environment,
    FilesDiff,
    GateInfo,
    ItemState,
    LatencyResult,
    LoadResult,
    Measurement,
    PercentileResult,
    Report,
    ReportedVersion,
    Reproducibility,
    ReproducibilityItem,
    Severity,
    StartResult,
    Status,
    ThroughputResult,
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


def percentiles(p50: float, times: tuple[float, float, float], known: int = 3) -> tuple[PercentileResult, ...]:
    """p50, p95 and p99 of a candidate at these multiples of p50, the baseline 1 % faster; upper ends of the first."""
    results = []
    for index, (share, value) in enumerate(zip((0.5, 0.95, 0.99), times, strict=True)):
        candidate, high = p50 * value, 1.05 if index < known else None
        results.append(
            PercentileResult(
                share=share,
                candidate_s=candidate,
                candidate_ci=(candidate * 0.97, high and candidate * high),
                baseline_s=candidate * 0.99,
                baseline_ci=(candidate * 0.96, high and candidate * high),
            )
        )
    return tuple(results)


def timed(scenario: str, batch_size: int, ratio: tuple[float, float, float], seconds: float, **more) -> LatencyResult:
    """A scenario with one ratio and interval by both clocks, the baseline at so many seconds a call."""
    estimate, *ends = ratio
    facts = {
        "pairs": 160,
        "calls_per_block": 1,
        "clock": "cpu",
        "candidate_cpu_s": seconds * estimate,
        "baseline_cpu_s": seconds,
        "candidate_wall_s": seconds * estimate * 1.01,
        "baseline_wall_s": seconds * 1.01,
        "cpu_ratio": estimate,
        "cpu_ratio_ci": tuple(ends),
        "wall_ratio": estimate,
        "wall_ratio_ci": tuple(ends),
        "confidence": 0.995,
        "visible": ends[1] / estimate - 1,
        "harness_s": 0.000016,
        "percentiles": percentiles(seconds * 1.01, (1, 1.31, 2.12), known=2),
        "stopped_by": "within the warning tolerance",
        **more,
    }
    return LatencyResult(scenario=scenario, batch_size=batch_size, **facts)


def throughput(side: str, slower: float = 1.0, **more) -> ThroughputResult:
    """What calls and rows cost, all times so many times as long."""
    facts = {
        "fixed_s": 0.0015 * slower,
        "row_s": 0.0000021 * slower,
        "rows_per_s": {"1": 660 / slower, "256": 125_500 / slower, "4096": 405_800 / slower},
        "rows_per_s_by_threads": {"1": 124_000 / slower, "2": 131_000 / slower},
        "under_load": tuple(
            LoadResult(load=load, rate=load * 660 / slower, p50_s=p50 * slower, p99_s=p99 * slower)
            for load, p50, p99 in ((0.1, 0.00152, 0.0035), (0.5, 0.0019, 0.0081), (0.9, 0.0079, 0.042))
        ),
        "saturation_per_s": 498 / slower,
        "p99_objective_s": 0.0151,
        **more,
    }
    return ThroughputResult(side=side, **facts)


def start(side: str, load_s: float, **more) -> StartResult:
    facts = {"starts": 5, "first_s": 0.045, "second_s": 0.0021, "threads": 3, **more}
    return StartResult(side=side, load_s=load_s, wall_s=load_s * 1.1, **facts)


def benchmark(**more) -> Benchmark:
    """Two versions of which the candidate takes about 1 % longer."""
    facts = {
        "environment": {"cpu": "AMD EPYC 7B13", "cores": 2, "load_average": [0.21, 0.08, 0.05]},
        "method": "interleaved pairs in random order, CPU time of the worker process",
        "processes": "forked",
        "latency": (
            timed("batch_1", 1, (1.012, 0.996, 1.029), 0.00151),
            timed("batch_256", 256, (0.981, 0.961, 1.002), 0.00204, calls_per_block=4),
        ),
        "throughput": (throughput("baseline"), throughput("candidate", 1.012)),
        "cold_start": (start("baseline", 1.79), start("candidate", 1.82)),
        "endurance": (
            Endurance(side="candidate", calls=(0, 600, 1200), rss_bytes=(214_000_000, 214_500_000, 214_500_000)),
            Endurance(side="baseline", calls=(0, 600, 1200), rss_bytes=(212_500_000, 213_000_000, 213_000_000)),
        ),
        "load_s": {"candidate": 1.82, "baseline": 1.79},
        "peak_rss_bytes": {"candidate": 214_000_000, "baseline": 212_500_000},
        "raw": "timings.json.gz",
        **more,
    }
    return Benchmark(**facts)


def scarce_benchmark() -> Benchmark:
    """A timing that ended early: fresh processes, few pairs, a version that waits, and little beside it."""
    unmeasured = {"saturation_per_s": None, "p99_objective_s": None, "rows_per_s_by_threads": {}, "under_load": ()}
    first, second = percentiles(0.0016, (1, 1.4, 2.2), known=0)[:2]
    no_low = replace(second, candidate_ci=(None, None), baseline_ci=(None, None))
    return benchmark(
        processes="fresh",
        latency=(
            timed("batch_1", 1, (1.06, 0.989, 1.13), 0.00151, pairs=40, percentiles=(first, no_low)),
            timed(
                "page of 20",
                20,
                (1.3, 0.0, 9.0),
                0.25,
                clock="wall",
                pairs=3,
                wall_ratio_ci=(0.0, "Infinity"),
                visible="Infinity",
                harness_s=None,
                percentiles=(),
            ),
        ),
        throughput=(
            throughput("baseline", fixed_s=None, row_s=None, rows_per_s={"1": 660.0, "20": 78.4}, **unmeasured),
            throughput("candidate", fixed_s=None, row_s=None, rows_per_s={"1": 622.0, "20": 61.2}, **unmeasured),
        ),
        cold_start=(),
        endurance=(Endurance(side="candidate", calls=(0, 1), rss_bytes=(214_000_000, 214_000_000)),),
        peak_rss_bytes={},
        notes=("memory did not suffice for a second pair of processes",),
    )


def ratios(scenario: str, ratio: tuple[float, float, float], limit: float = 1.05) -> tuple[Measurement, ...]:
    """What performance.latency measures of a scenario: by CPU time, and by wall time at no less than 10 %."""
    value, *ends = ratio
    facts = {"value": value, "baseline": 1.0, "ci": tuple(ends), "confidence": 0.995}
    return (
        Measurement(name=f"cpu_ratio_{scenario}", limit=limit, **facts),
        Measurement(name=f"wall_ratio_{scenario}", limit=max(limit, 1.1), **facts),
    )
