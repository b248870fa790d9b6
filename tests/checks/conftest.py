"""Runs the shipped checks on made-up answers through the real engine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gate.checking import engine
from gate.checking.case import Case, MetricAsked
from gate.domain import Answers, Category, Comparison, EvaluationData, Failure, Reproducibility, Snapshot, Task
from gate.evidence.metrics import standard
from gate.settings import ModelConfig
from gate.verdict import Policy, settle

PLAIN = {
    "model": "m", "run_id": None, "model_id": None, "source": None, "created_at": None, "description": "", "tags": {},
    "aliases": (), "legacy_stage": None, "run": None, "signature": None, "requirements": (), "environment": {},
    "flavors": (), "artifact": None,
}  # fmt: skip
JUDGED = frozenset({Category.OUTLIERS, Category.QUALITY})


def table_of(answers):
    """One column of answers, or a mapping of columns."""
    columns = answers if isinstance(answers, dict) else {"prediction": answers}
    return pa.table({name: pa.array(as_arrow(values)) for name, values in columns.items()})


def as_arrow(values):
    return [list(row) for row in values] if isinstance(values, np.ndarray) and values.ndim > 1 else values


def make_case(candidate, baseline=None, labels=None, *, task=Task.REGRESSION, config=None, inputs=None):
    rows = table_of(candidate).num_rows if candidate is not None else table_of(baseline).num_rows
    inputs = np.arange(rows, dtype=float) if inputs is None else inputs
    columns = dict(inputs) if isinstance(inputs, dict) else {"x": inputs}
    if labels is not None:
        columns["y"] = labels
    data = EvaluationData(
        table=pa.table(columns), source="s", digest="sha256:0", target="y" if labels is not None else None, id=None
    )
    versions = [Snapshot(version=number, **PLAIN) for number in (2, 1)]
    settings = ModelConfig.model_validate(config or {})
    asked = settings.metrics or dict.fromkeys(standard(task))
    broken = Failure(stage="load", kind="OSError", text="no such file")
    return Case(
        comparison=Comparison(
            candidate=versions[0],
            baseline=versions[1] if baseline is not None else None,
            baseline_chosen_by="previous" if baseline is not None else None,
            data=data,
        ),
        answers=Answers(table=None if candidate is None else table_of(candidate), failure=None),
        baseline_answers=None
        if baseline is None
        else Answers(table=None, failure=broken)
        if isinstance(baseline, str)
        else Answers(table=table_of(baseline), failure=None),
        task=task,
        config=settings,
        confidence=0.99,
        metrics=tuple(MetricAsked(name=name, limits=limits) for name, limits in asked.items())
        if labels is not None
        else (),
        reproducibility=Reproducibility(),
    )


def judged(case, only=JUDGED):
    """Every check's result, by identity, the confidence shared as a verdict shares it."""
    return {result.id: result for result in settle(engine.run(case, ["gate.checks"], only), Policy())}


def loud_of(results):
    """The checks that failed or could not decide, with how they weigh."""
    return {
        name.removeprefix("outliers."): (str(result.status), str(result.severity))
        for name, result in results.items()
        if result.status in {"failed", "inconclusive", "error"}
    }


@pytest.fixture
def judge():
    """Judge a candidate's answers against a baseline's and labels: every result by identity."""
    return lambda *args, only=JUDGED, **named: judged(make_case(*args, **named), only)


@pytest.fixture
def loud(judge):
    """Name what is not quiet: (status, severity) of the checks that failed or could not decide."""
    return lambda *args, **named: loud_of(judge(*args, **named))


@pytest.fixture
def case_of():
    """Make a case of a candidate's answers, a baseline's and labels."""
    return make_case


@pytest.fixture
def results_of():
    """Every result of a case, by identity."""
    return judged
