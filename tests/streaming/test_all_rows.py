"""All rows of data that do not fit in memory, asked in batches: numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gate import streaming, strengthening
from gate.checking import engine, rows_file
from gate.domain import Category
from gate.evidence.metric import Truth
from gate.evidence.metrics import METRICS
from tests.streaming.conftest import ROWS, bound, but, good, judged, number, other


def test_metrics_are_those_of_all_rows(asked, folder):
    """To 12 digits those of the whole table at once."""
    case, table = asked(good), pq.read_table(folder)
    truth = Truth(values=number(table, "y"))
    for name in ("rmse", "mae", "r2"):
        found = case.everything.metrics[name]
        expected = [METRICS[name].value(truth, answer(table)) for answer in (good, other)]
        assert [found.candidate, found.baseline] == pytest.approx(expected, rel=1e-12), name
        assert found.rows == ROWS


@pytest.mark.parametrize("rows", [97, 1_999, 6_000])
def test_other_batches_find_the_same(asked, monkeypatch, rows):
    """To the last bit, whatever the size of a batch."""
    expected = asked(but(lambda found: found + 1e6)).everything
    monkeypatch.setattr(streaming, "NARROW_ROWS", rows)
    assert asked(but(lambda found: found + 1e6)).everything == expected


@pytest.fixture
def reordered(folder, tmp_path):
    """The same rows in one file, in another order."""
    rows = pa.array(np.random.default_rng(5).permutation(ROWS))
    pq.write_table(pq.read_table(folder).take(rows), tmp_path / "0.parquet", row_group_size=1_234)
    return tmp_path


def test_files_in_another_order_find_the_same(asked, folder, reordered):
    """To the last bit, and in the same rows."""
    ours, theirs = (asked(but(lambda found: found * np.nan), path=path).everything for path in (folder, reordered))
    assert ours.metrics == theirs.metrics
    inputs = [[kept.shown["inputs"] for kept in found.records] for found in (ours, theirs)]
    assert inputs[0] == inputs[1] != []


def test_files_in_another_order_end_the_same(asked, folder, reordered):
    """Every check's status, message and numbers, those of the sample too."""
    found = []
    for path in (folder, reordered):
        results = judged(asked(good, path=path)).items()
        found.append({name: (result.status, result.message, result.measurements) for name, result in results})
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("change", "check", "config"),
    [
        (np.nan, "outliers.nulls", {}),
        (np.inf, "outliers.finite", {}),
        (51.0, "outliers.range", {"outliers": {"range": {"max": 50}}}),
        (-5.0, "outliers.range", {"outliers": {"range": {"min": -4.9}}}),
        (9_000.0, "outliers.range", {}),
        (9_000.0, "outliers.paired_delta", {}),
        (9.0, "outliers.paired_delta", {"outliers": {"paired_delta": {"max": 5}}}),
    ],
)
def test_one_row_in_all_is_found(asked, change, check, config):
    """A single row that the sample does not hold fails the check, and is shown with its number and its inputs."""
    case = asked(but(lambda found: found * 0 + change), config=config)
    assert 4_321 not in case.comparison.data.positions
    past = [found for found in case.everything.bounds if found.check == check and found.fault.rows]
    assert [found.fault.rows for found in past] == [1]
    row = past[0].fault.worst[0][1].shown
    assert (row["id"], row["inputs"]["n"]) == (4_321, 4_321)
    assert {"prediction", "baseline_prediction", "label"} <= row.keys()


def test_honest_answers_are_past_no_limit(asked):
    """Two versions that differ a little everywhere."""
    assert not [found.name for found in asked(good).everything.bounds if found.fault.rows]


def test_a_wild_answer_that_is_right_is_no_fault(asked):
    """The baseline was wrong by far in one row, and this version mends it."""

    def mistaken(table):
        found = other(table)
        found[number(table, "n") == 4_321] = 9_000.0
        return found

    case = asked(good, mistaken)
    assert bound(case, "outliers.paired_delta", "prediction: largest difference").fault.rows == 0


def test_what_the_sample_misses_decides_the_verdict(asked):
    """The checks' results rest on all rows, and say so."""
    results = judged(asked(but(lambda found: found * np.nan)))
    assert (results["outliers.nulls"].status, results["outliers.nulls"].severity) == ("failed", "critical")
    assert results["outliers.nulls"].rows_total == 1
    assert "over all 6,000 rows" in results["outliers.nulls"].message
    assert results["quality.rmse"].status == "failed"
    assert results["outliers.finite"].status == "passed"


def test_the_worst_of_all_rows_are_filed(asked, tmp_path):
    """The file beside the report holds a row that the sample does not."""
    case = asked(but(lambda found: found * np.nan))
    outcomes = engine.run(case, ["gate.checks"], frozenset({Category.OUTLIERS}))
    rows_file.write(case, strengthening.strengthen(outcomes, case), tmp_path / "rows.parquet", "now")
    filed = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [(row["check"], row["row"], row["inputs.n"]) for row in filed] == [("outliers.nulls", 4_321, 4_321)]


def test_a_loss_that_the_sample_cannot_see_is_found(asked):
    """A thirtieth of the rows, none in the sample, got worse answers: the metric over all rows fails."""
    held = set(asked(good).comparison.data.positions.tolist())
    rows = [row for row in range(4_000, 4_300) if row not in held][:200]
    results = judged(asked(but(lambda found: found + 5, rows)))
    assert (results["quality.rmse"].status, results["quality.rmse"].severity) == ("failed", "critical")
    assert results["outliers.wrong_rows"].status == "passed"


def test_honest_answers_pass(asked):
    """Nothing fails, and the metrics' measurements are those of all rows."""
    case = asked(good)
    results = judged(case)
    loud = {name: result.message for name, result in results.items() if result.status not in {"passed", "skipped"}}
    assert loud == {}
    assert results["quality.rmse"].measurements[0].value == case.everything.metrics["rmse"].candidate


def test_fixed_limits_are_held_against_all_rows(asked):
    """A minimum that the metric is below fails."""
    case = asked(good, config={"metrics": {"r2": {"min": 0.99}}})
    outcomes = engine.run(case, ["gate.checks"], frozenset({Category.QUALITY}))
    found = next(one for one in strengthening.strengthen(outcomes, case) if one.id == "quality.r2")
    assert found.status == "failed"
    assert "below the limit of 0.99" in found.message
