"""The `expect:` entries of gate.yaml, judged by the real Great Expectations: one validation serves all tests."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from gate.checking import expectations
from gate.checking.case import Case
from gate.domain import Answers, Comparison, EvaluationData, Reproducibility, Severity, Snapshot, Status, Task
from gate.errors import UsageError
from gate.settings import Expectation, ModelConfig

PLAIN = {
    "model": "m", "run_id": None, "model_id": None, "source": None, "created_at": None, "description": "", "tags": {},
    "aliases": (), "legacy_stage": None, "run": None, "signature": None, "requirements": (), "environment": {},
    "flavors": (), "artifact": None,
}  # fmt: skip
ROWS = 40
NUMBERS = np.arange(ROWS, dtype=float)
BASELINE = NUMBERS + 0.5
"""Its mean is 20, its 0.25 quantile 10.25."""


def make_case(answers, baseline=None, **more) -> Case:
    """40 rows; row n has the age n, the sexes take turns."""
    columns = {
        "row": [f"r{row}" for row in range(ROWS)],
        "age": NUMBERS,
        "sex": ["f", "m"] * (ROWS // 2),
        "two words": NUMBERS * 2,
        "at": pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=row) for row in range(ROWS)]),
        "day": [dt.date(2026, 1, 1) + dt.timedelta(days=row) for row in range(ROWS)],
        "empty": pa.array([None] * ROWS, pa.float64()),
        "same": [7.0] * ROWS,
        "list": [[1.0, 2.0]] * ROWS,
        "target": NUMBERS + 1,
    }
    data = EvaluationData(table=pa.table(columns), source="s", digest="sha256:0", target="target", id="row")
    versions = [Snapshot(version=number, **PLAIN) for number in (2, 1)]
    given = {
        "comparison": Comparison(
            candidate=versions[0],
            baseline=versions[1] if baseline else None,
            baseline_chosen_by="previous" if baseline else None,
            data=data,
        ),
        "answers": Answers(table=pa.table(answers), failure=None),
        "baseline_answers": Answers(table=pa.table(baseline), failure=None) if baseline else None,
        "task": Task.REGRESSION,
        "config": ModelConfig(),
        "confidence": 0.99,
        "metrics": (),
        "reproducibility": Reproducibility(),
    }
    return Case(**(given | more))


def answers(**columns):
    """The candidate's: the row's number, but for rows 3 and 5."""
    wild = NUMBERS.copy()
    wild[[3, 5]] = (-50.0, 100.0)
    return {"prediction": wild, "spoiled": np.where(NUMBERS == 7, np.inf, NUMBERS), "word": ["yes"] * ROWS, **columns}


BETWEEN = {"type": "expect_column_values_to_be_between", "column": "prediction"}
MEAN = {"type": "expect_column_mean_to_be_between", "column": "prediction"}
NULL = "expect_column_values_to_be_between"
SPREAD = {"type": "expect_column_value_z_scores_to_be_less_than", "threshold": 3, "double_sided": True}

ENDINGS = {
    # what an expectation looks at
    "within": ({**BETWEEN, "min_value": -50, "max_value": 100}, "passed", ""),
    "beyond": ({**BETWEEN, "min_value": 0, "max_value": 60}, "failed", "2 of 40 rows (5 %)"),
    "mostly": ({**BETWEEN, "min_value": 0, "max_value": 60, "mostly": 0.9}, "passed", ""),
    "mostly_not": ({**BETWEEN, "min_value": 0, "mostly": 0.99}, "failed", "at most 1 % may be"),
    "aggregate": ({**MEAN, "min_value": 100}, "failed", "observed 20.55, expected at least 100"),
    "inputs": ({"type": NULL, "column": "age", "max_value": 20}, "failed", "19 of 40 rows"),
    "label": ({"type": NULL, "column": "label", "max_value": 40}, "passed", ""),
    "target": ({"type": NULL, "column": "target", "max_value": 30}, "failed", "10 of 40 rows"),
    "baselines": ({"type": NULL, "column": "baseline_prediction", "max_value": 1}, "failed", "39 of 40 rows"),
    "pair": (
        {"type": "expect_column_pair_values_a_to_be_greater_than_b", "column_A": "prediction", "column_B": "age",
         "or_equal": True}, "failed", "1 of 40 rows"),
    "several": (
        {"type": "expect_compound_columns_to_be_unique", "column_list": ["sex", "same"]}, "failed", "40 of 40 rows"),
    "value_set": ({"type": "expect_column_values_to_be_in_set", "column": "sex", "value_set": ["f"]}, "failed", "20"),
    "distinct": (
        {"type": "expect_column_distinct_values_to_be_in_set", "column": "sex", "value_set": ["f"]},
        "failed", "there is 'm'"),
    "quantiles": (
        {"type": "expect_column_quantile_values_to_be_between", "column": "age",
         "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[None, 5]]}}, "failed", "at 0.5"),
    "moment": ({"type": NULL, "column": "at", "min_value": "2026-01-03T12:00"}, "failed", "3 of 40 rows"),
    "day": ({"type": NULL, "column": "day", "min_value": dt.date(2026, 1, 3)}, "failed", "2 of 40 rows"),
    "day_set": (
        {"type": "expect_column_values_to_be_in_set", "column": "day", "value_set": ["2026-01-01"]},
        "failed", "39 of 40 rows"),
    "exists": ({"type": "expect_column_to_exist", "column": "nowhere"}, "failed", ""),
    "columns": (
        {"type": "expect_table_columns_to_match_set", "column_set": ["prediction", "age"], "exact_match": False},
        "passed", ""),
    "rows": ({"type": "expect_table_row_count_to_equal", "value": 41}, "failed", "observed 40, expected 41"),
    # row conditions
    "condition": (
        {**BETWEEN, "min_value": 0, "max_value": 60, "row_condition": 'sex == "f" or `two words` > 60'}, "passed", ""),
    "condition_hit": ({**BETWEEN, "max_value": 60, "row_condition": "4 < age < 7"}, "failed", "1 of 2 rows"),
    "condition_rows": (
        {"type": "expect_table_row_count_to_be_between", "min_value": 30, "row_condition": "sex == 'f'"},
        "failed", "observed 20"),
    "condition_none": ({**BETWEEN, "max_value": 60, "row_condition": "age > 900"}, "inconclusive", "no row meets"),
    # limits from the baseline and from the labels
    "reference": ({**MEAN, "min_value": {"baseline": "mean", "plus": -0.1}}, "passed", ""),
    "reference_times": (
        {**MEAN, "min_value": {"baseline": "mean", "times": 2, "plus": 1}}, "failed",
        "at least 41 (2 times the baseline's mean + 1)"),
    "reference_quantile": ({**BETWEEN, "min_value": {"baseline": {"quantile": 0.25}}}, "failed", "10 of 40 rows"),
    "reference_label": ({**BETWEEN, "max_value": {"label": "max"}}, "failed", "1 of 40 rows"),
    "reference_condition": (
        {**BETWEEN, "max_value": {"baseline": "max"}, "row_condition": "age < 7"}, "failed", "1 of 7 rows"),
    "reference_range": (
        {"type": "expect_column_quantile_values_to_be_between", "column": "prediction",
         "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[{"baseline": "median", "plus": -2}, 60]]}},
        "passed", ""),
    # nothing judged, nothing passed
    "empty_input": ({"type": NULL, "column": "empty", "min_value": 0}, "inconclusive", "no value in 'empty'"),
    "empty_sum": ({"type": "expect_column_sum_to_be_between", "column": "empty", "min_value": 0}, "inconclusive", ""),
    "empty_answer": ({"type": NULL, "column": "hollow", "min_value": 0}, "failed", "no value in 'hollow'"),
    "null_answer": ({"type": "expect_column_values_to_be_null", "column": "hollow"}, "passed", ""),
    "same": ({**SPREAD, "column": "same"}, "inconclusive", "all values in 'same' are the same"),
    "infinite": ({**SPREAD, "column": "spoiled"}, "failed", "1 values in 'spoiled' are infinite"),
    "too_few": ({**SPREAD, "column": "age", "threshold": 7}, "inconclusive", "51 rows could"),
    "infinite_mean": ({**MEAN, "column": "spoiled", "min_value": 0}, "failed", "observed inf"),
    # what cannot be judged
    "text_answer": ({**BETWEEN, "column": "word", "min_value": 0}, "failed", "it cannot be judged"),
    "text_condition": ({**BETWEEN, "max_value": 999, "row_condition": "word > 3"}, "failed", "cannot be asked"),
    "list_input": ({**BETWEEN, "column": "list", "min_value": 0}, "inconclusive", "it cannot be judged"),
    "lost_answer": ({**BETWEEN, "column": "lower", "min_value": 0}, "failed", "does not answer 'lower'"),
    "new_answer": (
        {**BETWEEN, "column": "spoiled", "min_value": {"baseline": "min"}}, "inconclusive", "not answer 'spoiled'"),
}  # fmt: skip


def entries_of(table) -> list[Expectation]:
    return [Expectation(id=key, **given) for key, (given, *_) in table.items()]


@pytest.fixture(scope="module")
def outcomes():
    """All entries of ENDINGS on one case, by the entry's id."""
    case = make_case(answers(hollow=pa.array([None] * ROWS, pa.float64())), {"prediction": BASELINE, "lower": BASELINE})
    return {
        outcome.id.removeprefix("outliers.expect_"): outcome for outcome in expectations.run(case, entries_of(ENDINGS))
    }


@pytest.mark.parametrize("key", ENDINGS)
def test_how_an_entry_ends(outcomes, key):
    """Its status, and what its message says."""
    _, status, said = ENDINGS[key]
    assert (outcomes[key].status, said in outcomes[key].message) == (status, True), outcomes[key].message


def test_entries_come_back_in_the_order_of_gate_yaml(outcomes):
    """Great Expectations returns them in another."""
    assert list(outcomes) == list(ENDINGS)


def test_rows_not_as_expected_carry_id_inputs_and_answers_the_farthest_first(outcomes):
    """At most twenty are shown, all are counted and filed."""
    found = outcomes["beyond"]
    assert [(row["id"], row["prediction"]["prediction"], row["beyond"]) for row in found.rows] == [
        ("r3", -50.0, 50.0),
        ("r5", 100.0, 40.0),
    ]
    assert found.rows[0]["baseline_prediction"] == {"prediction": 3.5, "lower": 3.5}
    assert (found.rows[0]["inputs"]["age"], found.rows_total) == (3.0, 2)
    many = outcomes["baselines"]
    assert (len(many.rows), many.rows_total, len(many.offending[0].positions)) == (20, 39, 39)


def test_what_was_observed_is_measured_with_its_limit_and_reference(outcomes):
    """The report shows the numbers behind an entry."""
    observed, reference = outcomes["reference_times"].measurements
    assert (observed.name, observed.value, observed.limit) == ("observed", 20.55, 41.0)
    assert (reference.name, reference.value) == ("2 times the baseline's mean + 1", 41.0)


def test_an_entry_is_titled_by_its_description_else_by_what_it_holds_for(outcomes):
    """People read the title first."""
    assert outcomes["condition_hit"].title == f"{NULL} holds for prediction where 4 < age < 7."
    [told] = expectations.run(
        make_case(answers()),
        [Expectation(id="x", **MEAN, max_value={"baseline": "max"}, description="Doses stay low.")],
    )
    assert told.title == "Doses stay low."


def test_the_severity_is_the_entrys():
    """A warning by default."""
    skipped = expectations.run(
        make_case({"prediction": [1.0]}),
        [Expectation(id="a", **MEAN, max_value=1), Expectation(id="b", **MEAN, max_value=1, severity="critical")],
    )
    assert [(outcome.status, outcome.severity) for outcome in skipped] == [
        (Status.SKIPPED, Severity.WARNING),
        (Status.SKIPPED, Severity.CRITICAL),
    ]


def test_without_a_baseline_an_entry_that_needs_it_is_skipped():
    """The first version has nothing to take limits from."""
    [found] = expectations.run(make_case(answers()), [Expectation(id="a", **MEAN, max_value={"baseline": "max"})])
    assert (found.status, found.message) == (Status.SKIPPED, "there is no baseline")


def test_a_baseline_that_cannot_be_scored_is_inconclusive_and_critical():
    """As for every comparison."""
    case = make_case(answers(), {"prediction": [1.0]})
    [found] = expectations.run(case, [Expectation(id="a", **MEAN, max_value={"baseline": "max"})])
    assert (found.status, found.severity) == (Status.INCONCLUSIVE, Severity.CRITICAL)


REFUSED_NAMES = {
    "column": ({**BETWEEN, "column": "predicton", "min_value": 0}, "prediction"),
    "condition": ({**BETWEEN, "min_value": 0, "row_condition": "aeg > 3"}, "age"),
    "input reference": ({"type": NULL, "column": "age", "min_value": {"baseline": "mean"}}, "column: prediction"),
    "text limit": ({**BETWEEN, "min_value": dt.date(2026, 1, 1)}, "no number"),
    "date limit": ({"type": NULL, "column": "at", "min_value": "soon"}, "no date"),
    "text condition": ({**BETWEEN, "min_value": 0, "row_condition": "sex > 3"}, "cannot be asked"),
}


@pytest.mark.parametrize("key", REFUSED_NAMES)
def test_a_name_that_does_not_exist_is_a_usage_error(key):
    """It says where the entry stands, and the closest valid names."""
    given, said = REFUSED_NAMES[key]
    with pytest.raises(UsageError, match=r"^gate.yaml:7: expect.x: ") as raised:
        expectations.run(
            make_case(answers(), {"prediction": BASELINE}), [Expectation(id="x", **given)], lambda _: "gate.yaml:7"
        )
    assert said in str(raised.value)


REFUSED = {
    "type": ({"type": "expect_column_mean_to_be_betwen", "column": "p", "max_value": 1}, "mean_to_be_between"),
    "type as a class": ({"type": "ExpectColumnMeanToBeBetween", "column": "p"}, "expect_column_mean_to_be_between"),
    "type for databases": ({"type": "expect_column_values_to_match_like_pattern", "column": "p"}, "needs a database"),
    "type unregistered": ({"type": "expect_multicolumn_values_to_be_unique", "column_list": ["a"]}, "does not exist"),
    "argument": ({**MEAN, "max_valu": 1}, "max_value"),
    "argument missing": ({"type": NULL, "max_value": 1}, "column: field required"),
    "argument of a wrong kind": ({**BETWEEN, "max_value": 1, "mostly": 3}, "mostly"),
    "no limit": (MEAN, "could not fail"),
    "no threshold": ({"type": "expect_column_kl_divergence_to_be_less_than", "column": "p"}, "no threshold"),
    "no pattern": ({"type": "expect_column_values_to_match_regex", "column": "p"}, "no regex"),
    "bad pattern": ({"type": "expect_column_values_to_match_regex", "column": "p", "regex": "("}, "regular expression"),
    "empty set": ({"type": "expect_column_values_to_not_be_in_set", "column": "p", "value_set": []}, "empty value_set"),
    "no ends": (
        {"type": "expect_column_quantile_values_to_be_between", "column": "p",
         "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[None, None]]}}, "could not fail"),
    "mostly none": ({**BETWEEN, "max_value": 1, "mostly": 0}, "mostly: 0"),
    "upside down": ({**BETWEEN, "min_value": 2, "max_value": 1}, "could not pass"),
    "condition": ({**BETWEEN, "max_value": 1, "row_condition": "age = 3"}, "two equal signs"),
    "condition no text": ({**BETWEEN, "max_value": 1, "row_condition": {"age": 3}}, "no text"),
    "statistic": ({**MEAN, "max_value": {"baseline": "meen"}}, "mean"),
    "source": ({**MEAN, "max_value": {"basline": "mean"}}, "baseline"),
    "quantile": ({**MEAN, "max_value": {"baseline": {"quantile": 5}}}, "between 0 and 1"),
    "factor": ({**MEAN, "max_value": {"baseline": "mean", "times": "twice"}}, "times"),
    "parameter": ({**MEAN, "max_value": {"$PARAMETER": "x"}}, "no part of a reference"),
}  # fmt: skip


@pytest.mark.parametrize("key", REFUSED)
def test_what_is_written_wrongly_is_refused_before_anything_is_judged(key):
    """With the entry's id and the closest valid names."""
    given, said = REFUSED[key]
    with pytest.raises(UsageError, match=r"^expect.x: ") as raised:
        expectations.validate([Expectation(id="x", **given)])
    assert said in str(raised.value)


def test_everything_that_can_be_judged_is_accepted():
    """The entries of this page, read as gate.yaml is read."""
    assert expectations.validate(entries_of(ENDINGS)) is None
