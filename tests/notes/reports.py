"""Four hand-made reports: a first version, a pass with warnings, a rejected version, one without a verdict."""

from __future__ import annotations

from dataclasses import replace

from gate.domain import (
    REPRODUCIBILITY_ITEMS,
    Change,
    CodeDiff,
    Commit,
    Counts,
    DataInfo,
    Diff,
    ItemState,
    Measurement,
    Report,
    Severity,
    Status,
    Verdict,
    Waiver,
)
from tests.notes.pieces import (
    benchmark,
    check,
    full_diff,
    kept,
    metric,
    passed_contract,
    ratios,
    report,
    row,
    scarce_benchmark,
    version,
)


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
        *ratios("batch_1", (1.012, 0.996, 1.029)),
        *ratios("batch_256", (0.981, 0.961, 1.002)),
        Measurement(name="p95_ratio_batch_1", value=1.01, baseline=1.0, ci=(0.93, 1.09), confidence=0.995),
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
            measurements=ratios("batch_1", (1.06, 0.989, 1.13)),
        ),
    ]
    nothing = (ItemState.MISSING, "The run holds no parameters.", "mlflow.log_params(model.get_params())")
    return report(checks, diff=full_diff(), benchmark=scarce_benchmark(), reproducibility=kept(parameters=nothing))


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
