"""The file of all offending rows."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gate import storing
from gate.checking import engine, rows_file
from gate.domain import Category, Offending, Outcome, Severity, Status
from tests.checks.conftest import make_case

AT = "2026-11-22T22:00:00Z"


def outcome(name: str, positions: list[int], **columns: object) -> Outcome:
    return Outcome(
        id=f"outliers.{name}",
        title=name,
        category=Category.OUTLIERS,
        severity=Severity.CRITICAL,
        status=Status.FAILED,
        offending=(Offending(positions=np.array(positions, dtype=np.int64), columns=columns),),
    )


@pytest.fixture
def case():
    """Five rows with inputs of many types, both answers and labels."""
    inputs = {
        "x": [1.0, None, 3.0, 4.0, 5.0],
        "name": ["a", "b", None, "d", "e" * 500],
        "at": [dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in range(1, 6)],
        "vector": [[1.0, 2.0]] * 5,
    }
    table = pa.table({**inputs, "y": [0.0] * 5})
    made = make_case([1.0, 2.0, float("nan"), 4.0, 5.0], [1.0] * 5, [0.0] * 5)
    object.__setattr__(made.comparison.data, "table", table)
    return made


def test_every_row_is_there_with_everything_that_is_known_of_it(case, tmp_path):
    """Whole values, not those that the report cuts."""
    outcomes = [outcome("one", [4, 2], distance=np.array([9.5, 3.0])), outcome("two", [0], said=["odd"])]
    path = storing.write_rows(case, outcomes, tmp_path, AT)
    found = pq.read_table(path).to_pylist()
    assert [(row["check"], row["row"], row["id"]) for row in found] == [
        ("outliers.one", 4, 4), ("outliers.one", 2, 2), ("outliers.two", 0, 0),
    ]  # fmt: skip
    first = found[0]
    assert first["inputs.name"] == "e" * 500
    assert (first["prediction"], first["baseline_prediction"], first["label"]) == (5.0, 1.0, 0.0)
    assert (first["found.distance"], first["found.said"]) == (9.5, None)
    assert found[2]["found.said"] == "odd"


def test_one_name_with_numbers_and_texts_is_text(case, tmp_path):
    """Checks choose their names without knowing of one another."""
    outcomes = [outcome("one", [0], value=[1]), outcome("two", [1], value=["many"]), outcome("three", [1], value=[[1]])]
    path = storing.write_rows(case, outcomes, tmp_path, AT)
    assert pq.read_table(path).column("found.value").to_pylist() == ["1", "many", "[1]"]


def test_a_new_report_takes_the_old_file_away(case, tmp_path):
    """Rows of a former judgement are never taken for those of this one."""
    assert storing.write_rows(case, [outcome("one", [0])], tmp_path, AT)
    assert storing.write_rows(case, [], tmp_path, AT) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_belongs_to_one_report(case, tmp_path):
    """By the time at which the report was begun."""
    path = storing.write_rows(case, [outcome("one", [0])], tmp_path, AT)
    assert rows_file.belongs_to(path, AT)
    assert not rows_file.belongs_to(path, "2026-11-23T00:00:00Z")


def test_rows_of_wide_data_are_capped_by_their_cells(case, tmp_path, monkeypatch):
    """The worst come first, so they stay."""
    monkeypatch.setattr(rows_file, "CELLS_FILED", 18)
    path = storing.write_rows(case, [outcome("one", [3, 1, 0], far=[3.0, 2.0, 1.0])], tmp_path, AT)
    assert pq.read_table(path).column("row").to_pylist() == [3, 1]


def test_a_check_that_names_rows_has_them_all_by_position():
    """The report shows 20, the outcome keeps all."""
    answers = np.where(np.arange(200) < 50, np.nan, np.linspace(0, 1, 200))
    made = make_case(answers, np.linspace(0, 1, 200))
    outcomes = {found.id: found for found in engine.run(made, ["gate.checks"], frozenset({Category.OUTLIERS}))}
    nulls = outcomes["outliers.nulls"]
    assert (len(nulls.rows), nulls.rows_total) == (20, 50)
    assert nulls.offending[0].positions.tolist() == list(range(50))
