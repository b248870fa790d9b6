"""Great Expectations as a measuring library. The only importer of great_expectations, which costs seconds."""

from __future__ import annotations

import logging
import os
import re
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.checking.case import ROWS_FILED
from gate.config_file import closest
from gate.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from gate.evidence.arrays import Ints

NO_PANDAS = frozenset(
    {
        "expect_column_values_to_match_like_pattern",
        "expect_column_values_to_match_like_pattern_list",
        "expect_column_values_to_not_match_like_pattern",
        "expect_column_values_to_not_match_like_pattern_list",
        "expect_query_results_to_match_comparison",
        "expect_table_row_count_to_equal_other_table",
    }
)
"""They need a database: Great Expectations has no pandas implementation of them."""
PRIVATE = frozenset({
    "id", "meta", "notes", "result_format", "catch_exceptions", "rendered_content", "windows", "batch_id", "severity",
    "condition_parser", "library_metadata",
})  # fmt: skip
"""Arguments that say how Great Expectations works, not what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Great Expectations found.

    `rows` are the positions of rows not as expected (int64, in the frame's order, at most ROWS_FILED), `unexpected`
    how many there are, `judged` how many were looked at (None where it is no question of rows). `problem` says why
    it could not judge at all.
    """

    success: bool = False
    observed: Any = None
    judged: int | None = None
    unexpected: int = 0
    percent: float | None = None
    rows: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    listed: Mapping[str, Any] = field(default_factory=dict)
    """Values that should not be there or should, as Great Expectations lists them."""
    problem: str = ""


def kinds() -> dict[str, Any]:
    """Name the expectations that can judge a pandas frame."""
    with _quiet():
        import great_expectations.expectations as gxe
        from great_expectations.expectations import registry

        classes = {_snake(name): getattr(gxe, name) for name in dir(gxe) if name.startswith("Expect")}
        known = set(registry.list_registered_expectation_implementations())
    return {name: kind for name, kind in classes.items() if name in known - NO_PANDAS}


def arguments_of(kind: Any) -> list[str]:  # noqa: ANN401 - a great_expectations class
    """Name the arguments that an expectation takes in gate.yaml."""
    return sorted(set(kind.__fields__) - PRIVATE)


def build(name: str, arguments: Mapping[str, Any], key: str = "") -> Any:  # noqa: ANN401 - a great_expectations class
    """Make an expectation of its name and arguments; `key` finds its result.

    Raises:
        UsageError: there is no such expectation, or it does not take these arguments; with the closest valid names.
    """
    valid = kinds()
    if name not in valid:
        why = "needs a database: the gate judges frames" if name in NO_PANDAS else "does not exist"
        raise UsageError(f"The expectation {name!r} {why}.", remedy=closest(_snake(name), sorted(valid)))
    kind = valid[name]
    unknown = [key for key in arguments if key not in arguments_of(kind)]
    if unknown:
        raise UsageError(
            f"{name} takes no argument {unknown[0]!r}.", remedy=closest(unknown[0], ["severity", *arguments_of(kind)])
        )
    with _quiet():
        try:
            return kind(**arguments, meta={"gate_id": key})
        except Exception as error:  # noqa: BLE001 - pydantic v1 inside Great Expectations raises classes of its own
            raise UsageError(f"{name}: {_complaint(error)}.") from None


def row_condition(column: str) -> Any:  # noqa: ANN401 - a great_expectations class
    """The condition that a column of truth values is true."""
    with _quiet():
        from great_expectations.expectations.row_conditions import Column

        return Column(column) == True  # noqa: E712 - Great Expectations makes a condition of it


def judge(frame: pd.DataFrame, expectations: Mapping[str, Any]) -> dict[str, Found]:
    """Judge all in one validation, since each hashes the whole frame; one by one where that breaks.

    The frame's index numbers its rows: asking for a column of row names instead costs 10 s a million rows.
    """
    if not expectations:
        return {}
    try:
        return _judged(frame, expectations)
    except Exception as error:  # noqa: BLE001 - one odd column must not take the others' results away
        if len(expectations) == 1:
            return dict.fromkeys(expectations, Found(problem=_clean(f"{type(error).__name__}: {error}")))
        return {key: judge(frame, {key: one})[key] for key, one in expectations.items()}


def _judged(frame: pd.DataFrame, expectations: Mapping[str, Any]) -> dict[str, Found]:
    with _quiet():
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_pandas(f"gate-{uuid.uuid4()}")
        asset = source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("frame")
        suite = gx.ExpectationSuite(name="gate", expectations=list(expectations.values()))
        results = asset.get_batch({"dataframe": frame}).validate(
            suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": ROWS_FILED}
        )
    # they come back in another order than the suite's
    found = {result.expectation_config.meta["gate_id"]: _found(result) for result in results.results}
    return {key: found.get(key, Found(problem="Great Expectations gave no result")) for key in expectations}


def _found(result: Any) -> Found:  # noqa: ANN401 - a great_expectations class
    told: dict[str, Any] = result.result or {}
    by_row = "element_count" in told
    lists = {key: told[key] for key in ("partial_unexpected_list", "partial_missing_list", "details") if told.get(key)}
    return Found(
        success=bool(result.success),
        observed=_plain(told.get("observed_value")),
        judged=int(told["element_count"]) if by_row else None,
        unexpected=int(told.get("unexpected_count") or 0) if by_row else 0,
        percent=_plain(told.get("unexpected_percent")) if by_row else None,
        rows=np.asarray(told.get("partial_unexpected_index_list") or [] if by_row else [], dtype=np.int64),
        listed={} if by_row else lists,
        problem=_problem(result.exception_info),
    )


def _problem(info: object) -> str:
    """What was raised inside Great Expectations: told flat, or by metric."""
    if not isinstance(info, Mapping):
        return ""
    told = [info, *(value for value in info.values() if isinstance(value, Mapping))]
    raised = [item for item in told if item.get("raised_exception")]
    return _clean(str(raised[0].get("exception_message"))) if raised else ""


def _complaint(error: Exception) -> str:
    """What is wrong with the arguments, as `name: what`; Great Expectations tells it once for each type it tried."""
    told = getattr(error, "errors", None)
    if told is None:
        return _clean(str(error))
    first = told()[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"{name}: {first['msg']}" if name != "__root__" else str(first["msg"])


def _plain(value: Any) -> Any:  # noqa: ANN401 - a NumPy scalar or anything else
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _clean(text: str) -> str:
    return " ".join(text.split()).rstrip(".")[:300]


def _snake(name: str) -> str:
    """`ExpectColumnKLDivergenceToBeLessThan` -> `expect_column_kl_divergence_to_be_less_than`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@contextmanager
def _quiet() -> Iterator[None]:
    """No network, no notes on standard error; its import warns, and is an error where warnings are errors."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
