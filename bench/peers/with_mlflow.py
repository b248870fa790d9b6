"""MLflow's validate_evaluation_results, with thresholds 2 % below what the baseline reaches on the same rows."""

from __future__ import annotations

import logging
import os
import tempfile

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
import mlflow
from cases import PeerCase, run
from mlflow.models import EvaluationResult, MetricThreshold

MARGIN = 0.02
NUMBER = ("root_mean_squared_error", "mean_absolute_error")
CLASSES = ("accuracy_score", "f1_score")


def judge(case: PeerCase) -> list[str]:
    """Evaluate both versions' answers with MLflow's default evaluator, then validate."""
    new, old = (_evaluated(case, answers) for answers in (case.candidate, case.baseline))
    names = NUMBER if case.number else CLASSES
    thresholds = {name: _threshold(old.metrics[name], smaller=case.number) for name in names}
    try:
        mlflow.validate_evaluation_results(thresholds, new, old)
    except mlflow.models.evaluation.validation.ModelValidationFailedException as error:
        return [str(error)[:300]]
    return []


def _threshold(value: float, *, smaller: bool) -> MetricThreshold:
    sign = 1 if smaller else -1
    return MetricThreshold(threshold=value * (1 + sign * MARGIN), greater_is_better=not smaller)


def _evaluated(case: PeerCase, answers: object) -> EvaluationResult:
    frame = case.inputs.assign(label=case.label, prediction=case.decisions(answers))
    with mlflow.start_run():
        return mlflow.models.evaluate(
            data=frame,
            targets="label",
            predictions="prediction",
            model_type="regressor" if case.number else "classifier",
            evaluator_config={"log_explainer": False, "log_model_explainability": False},
        )


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("peers", artifact_location=f"file://{folder}/artifacts")
        mlflow.set_experiment("peers")
        run({"MLflow": judge})
