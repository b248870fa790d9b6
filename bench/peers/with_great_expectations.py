"""Great Expectations alone: a plain suite on the answers, its limits taken from the baseline's."""

from __future__ import annotations

import os
import uuid

os.environ["GX_ANALYTICS_ENABLED"] = "false"
import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
from cases import PeerCase, run
from great_expectations.data_context.types.base import ProgressBarsConfig

CONTEXT = gx.get_context(mode="ephemeral")
CONTEXT.variables.progress_bars = ProgressBarsConfig(globally=False)


def judge(case: PeerCase) -> list[str]:
    """Validate what a team would write: no nulls, known values, mean and deviation near the baseline's."""
    suite = gx.ExpectationSuite(name=str(uuid.uuid4()))
    for name in case.candidate.columns:
        for expectation in _expectations(case, name):
            suite.add_expectation(expectation)
    source = CONTEXT.data_sources.add_pandas(str(uuid.uuid4()))
    definition = source.add_dataframe_asset("answers").add_batch_definition_whole_dataframe("all")
    found = definition.get_batch({"dataframe": case.candidate}).validate(suite, result_format="BOOLEAN_ONLY")
    return [
        f"{result.expectation_config.type} {result.expectation_config.kwargs.get('column')}"
        for result in found.results
        if not result.success
    ]


def _expectations(case: PeerCase, name: str) -> list[object]:
    known = case.baseline[name]
    found = [gxe.ExpectColumnValuesToNotBeNull(column=name)]
    if known.dtype.kind != "f":
        allowed = sorted({*known.dropna().tolist(), *case.label.tolist()}, key=str)
        return [*found, gxe.ExpectColumnValuesToBeInSet(column=name, value_set=allowed)]
    low, high = (0.0, 1.0) if not case.number else (float(known.min()), float(known.max()))
    room = 0.0 if not case.number else 0.1 * (high - low)
    mean, deviation = float(known.mean()), float(known.std())
    between = {"column": name, "min_value": low - room, "max_value": high + room}
    return [
        *found,
        gxe.ExpectColumnValuesToBeBetween(**between),
        gxe.ExpectColumnMeanToBeBetween(
            column=name, min_value=mean - 0.1 * deviation, max_value=mean + 0.1 * deviation
        ),
        gxe.ExpectColumnStdevToBeBetween(column=name, min_value=0.9 * deviation, max_value=1.1 * deviation),
        gxe.ExpectColumnMedianToBeBetween(
            column=name,
            min_value=float(np.quantile(known, 0.45)),
            max_value=float(np.quantile(known, 0.55)),
        ),
    ]


if __name__ == "__main__":
    run({"Great Expectations": judge})
