"""Deepchecks' model evaluation suite: the baseline's answers stand for training, the candidate's for the test."""

from __future__ import annotations

import os

os.environ["DISABLE_DEEPCHECKS_ANALYTICS"] = "true"
os.environ["DISABLE_LATEST_VERSION_CHECK"] = "true"
import numpy as np
from cases import PeerCase, run
from deepchecks.tabular import Dataset
from deepchecks.tabular.suites import model_evaluation


def judge(case: PeerCase) -> list[str]:
    """Run the suite with its own conditions; a condition that fails rejects, one that warns does not."""
    found = model_evaluation().run(
        _dataset(case, "old"),
        _dataset(case, "new"),
        y_pred_train=_labels(case, case.baseline),
        y_pred_test=_labels(case, case.candidate),
        y_proba_train=_probabilities(case, case.baseline),
        y_proba_test=_probabilities(case, case.candidate),
    )
    return [
        f"{result.get_header()}: {condition.details}"
        for result in found.get_not_passed_checks(fail_if_warning=False)
        for condition in result.conditions_results
        if not condition.is_pass(fail_if_warning=False)
    ]


def _dataset(case: PeerCase, prefix: str) -> Dataset:
    frame = case.inputs.assign(label=case.label)
    frame.index = [f"{prefix}{row}" for row in range(len(frame))]
    names = [name for name in case.inputs.columns if case.inputs[name].dtype == object]
    kind = "regression" if case.number else "binary" if case.label.nunique() == 2 else "multiclass"  # noqa: PLR2004
    return Dataset(frame, label="label", cat_features=names, label_type=kind)


def _labels(case: PeerCase, answers: object) -> np.ndarray:
    return case.decisions(answers).to_numpy()


def _probabilities(case: PeerCase, answers: object) -> np.ndarray | None:
    if case.shape == "probability":
        return np.column_stack([1 - answers["prediction"], answers["prediction"]])
    if case.shape == "matrix":
        return answers[[name for name in answers.columns if name.startswith("proba_")]].to_numpy()
    return None


if __name__ == "__main__":
    run({"Deepchecks": judge})
