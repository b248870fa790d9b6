"""One sample judged as the gate judges it: the real checks, the real engine, the real verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bench.calibrate.models import Columns
from bench.calibrate.samples import PROBA, Sample
from bench.output_checks import version_of
from gate.checking import engine
from gate.checking.case import Case, MetricAsked
from gate.domain import Answers, Category, Comparison, EvaluationData, Reproducibility, Status, Verdict
from gate.evidence.metrics import standard
from gate.settings import ModelConfig
from gate.verdict import Policy, decide, settle

JUDGED = frozenset({Category.OUTLIERS, Category.QUALITY})
LOOKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The verdict, and what was not quiet: check -> status and severity, as in "failed critical"."""

    verdict: Verdict
    loud: Mapping[str, str]
    messages: Mapping[str, str]

    @property
    def rejected(self) -> bool:
        """Whether the version was rejected."""
        return self.verdict is Verdict.FAIL

    @property
    def noticed(self) -> bool:
        """Whether anything was said at all."""
        return self.verdict is not Verdict.PASS


def judge(sample: Sample) -> Judged:
    """Run the shipped checks of answers and metrics with default settings, and decide."""
    outcomes = engine.run(case_of(sample), ["gate.checks"], JUDGED)
    results = settle(outcomes, Policy(looks=LOOKS))
    loud = [result for result in results if result.status not in {Status.PASSED, Status.SKIPPED}]
    return Judged(
        verdict=decide(results)[0],
        loud={result.id: f"{result.status} {result.severity}" for result in loud},
        messages={result.id: result.message for result in loud},
    )


def case_of(sample: Sample) -> Case:
    """Put a sample into the form that the checks look at."""
    target = "label"
    table = pa.Table.from_pandas(sample.frame.assign(**{target: sample.labels}), preserve_index=False)
    data = EvaluationData(table=table, source="a pool", digest="sha256:0", target=target, id=None)
    return Case(
        comparison=Comparison(
            candidate=version_of(2), baseline=version_of(1), baseline_chosen_by="previous", data=data
        ),
        answers=_answers(sample.candidate),
        baseline_answers=_answers(sample.baseline),
        task=sample.world.task,
        config=ModelConfig.model_validate(dict(sample.settings)),
        confidence=0.99,
        metrics=tuple(MetricAsked(name=name, limits=None) for name in standard(sample.world.task)),
        reproducibility=Reproducibility(),
    )


def _answers(columns: Columns) -> Answers:
    names = [name.removeprefix(PROBA) for name in columns if name.startswith(PROBA)]
    classes = np.array(names).astype(np.asarray(columns["prediction"]).dtype).tolist() if names else []
    return Answers(
        table=pa.table({name: pa.array(np.asarray(values).tolist()) for name, values in columns.items()}),
        failure=None,
        classes=tuple(classes),
    )
