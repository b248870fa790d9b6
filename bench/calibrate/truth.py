"""What is true of a change: the loss of each standard metric, in units of its margin, on a whole pool."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.calibrate.models import Columns
from bench.calibrate.samples import PROBA, Sample
from gate.evidence.arrays import Array
from gate.evidence.metrics import METRICS, margin, standard
from gate.evidence.outputs import Output, read
from gate.evidence.pairing import Labels, Paired, pair

WORST = float("inf")
"""The loss of answers that a metric cannot be computed from."""


def true_losses(sample: Sample) -> dict[str, float]:
    """Give each standard metric's loss in margins: positive where the candidate is worse."""
    names = tuple(name.removeprefix(PROBA) for name in sample.candidate if name.startswith(PROBA))
    labels = Labels(output=_read(sample.labels), task=sample.world.task, classes=names)
    ours, theirs = _columns(sample.candidate), _columns(sample.baseline)
    return {name: _loss(name, labels, ours, theirs) for name in standard(sample.world.task)}


def _loss(name: str, labels: Labels, ours: dict[str, Output], theirs: dict[str, Output]) -> float:
    metric = METRICS[name]
    paired = pair(metric, labels, ours, theirs)
    if not isinstance(paired, Paired) or paired.baseline is None:
        return WORST
    value, before = metric.value(paired.truth, paired.candidate), metric.value(paired.truth, paired.baseline)
    if value is None or before is None:
        return WORST
    return metric.loss(value, before) / margin(metric, paired.truth, before)


def _columns(answers: Columns) -> dict[str, Output]:
    return {name: _read(values) for name, values in answers.items()}


def _read(values: Array) -> Output:
    values = np.asarray(values)
    return read(values, np.asarray(pd.isna(values)))
