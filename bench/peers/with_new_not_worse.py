"""The rule that most teams write first: the new metric must be at least the old one."""

from __future__ import annotations

from cases import PeerCase, run
from sklearn import metrics


def judge(case: PeerCase) -> list[str]:
    """Compare one metric: rmse, roc_auc of one probability, else accuracy."""
    new, old = (_metric(case, answers) for answers in (case.candidate, case.baseline))
    return [] if new >= old else [f"{new:.6g} < {old:.6g}"]


def _metric(case: PeerCase, answers: object) -> float:
    if case.number:
        return -float(metrics.root_mean_squared_error(case.label, answers["prediction"]))
    if case.shape == "probability":
        return float(metrics.roc_auc_score(case.label, answers["prediction"]))
    return float(metrics.accuracy_score(case.label, answers["prediction"]))


if __name__ == "__main__":
    run({"new >= old": judge})
