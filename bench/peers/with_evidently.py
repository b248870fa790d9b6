"""Evidently's default presets: the baseline's answers are the reference, the candidate's the current data."""

from __future__ import annotations

from cases import PeerCase, run
from evidently import BinaryClassification, DataDefinition, Dataset, MulticlassClassification, Regression, Report
from evidently.presets import ClassificationPreset, DataDriftPreset, RegressionPreset


def drift(case: PeerCase) -> list[str]:
    """Run the preset for drift, of the answers alone: the inputs are the same."""
    return _failed(case, DataDriftPreset(columns=[*case.candidate.columns]))


def quality(case: PeerCase) -> list[str]:
    """Run the preset for regression or classification."""
    return _failed(case, RegressionPreset() if case.number else ClassificationPreset())


def _failed(case: PeerCase, preset: object) -> list[str]:
    report = Report([preset], include_tests=True)
    snapshot = report.run(dataset(case, case.candidate), dataset(case, case.baseline))
    return [test["name"] for test in snapshot.dict()["tests"] if "FAIL" in str(test["status"])]


def dataset(case: PeerCase, answers: object) -> Dataset:
    """Give one version's answers with the inputs and labels, and what the columns are."""
    frame = case.inputs.assign(label=case.label, **answers)
    if case.number:
        definition = DataDefinition(regression=[Regression(target="label", prediction="prediction")])
    elif case.shape == "probability":
        binary = BinaryClassification(target="label", prediction_probas="prediction", pos_label=1)
        definition = DataDefinition(classification=[binary])
    else:
        frame = frame.assign(label=frame["label"].astype(str), prediction=frame["prediction"].astype(str))
        kind = BinaryClassification if case.label.nunique() == 2 else MulticlassClassification  # noqa: PLR2004 - binary
        positive = {"pos_label": str(case.label.max())} if kind is BinaryClassification else {}
        found = kind(target="label", prediction_labels="prediction", **positive)
        definition = DataDefinition(classification=[found], categorical_columns=["label", "prediction"])
    return Dataset.from_pandas(frame, data_definition=definition)


if __name__ == "__main__":
    run({"Evidently, drift": drift, "Evidently, quality": quality})
