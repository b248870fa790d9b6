"""The rows that are judged where not all can be."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from gate.domain import EvaluationData
from gate.registry.sampling import capped, keys_of

MOMENT = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def data_of(table):
    return EvaluationData(table=table, source="s", digest="sha256:0", target=None, id=None)


@pytest.fixture
def table():
    draw = np.random.default_rng(0)
    return pa.table({"x": draw.normal(size=500), "c": draw.choice(["a", "b", None], 500), "n": np.arange(500)})


def test_a_cap_keeps_that_many_rows_in_the_order_of_the_file(table):
    """Exactly `max_rows` rows are kept, where they stood."""
    kept = capped(data_of(table), 60)
    assert kept.rows == 60
    assert kept.table.column("n").to_pylist() == sorted(kept.table.column("n").to_pylist())
    assert kept.positions.tolist() == kept.table.column("n").to_pylist()


def test_the_draw_does_not_depend_on_the_order_of_the_file(table):
    """A shuffled file gives the same rows."""
    other = table.take(pa.array(np.random.default_rng(1).permutation(500)))
    drawn = [set(capped(data_of(one), 60).table.column("n").to_pylist()) for one in (table, other)]
    assert drawn[0] == drawn[1]


def test_the_coverage_is_said(table):
    """How many rows there are, how many were judged, and the seed."""
    coverage = capped(data_of(table), 50).coverage
    assert (coverage.rows_total, coverage.rows_judged, coverage.rows_sampled) == (500, 50, 50)
    assert coverage.share == pytest.approx(0.1)


@pytest.mark.parametrize("most", [None, 500, 10_000])
def test_no_cap_and_a_high_one_leave_the_data_alone(table, most):
    """Nothing is left out, and nothing is said of coverage."""
    assert capped(data_of(table), most) == data_of(table)


def test_every_type_of_column_tells_rows_apart():
    """Rows that differ in one column of any type have other keys, and equal rows have equal ones."""
    columns = {
        "bool": [True, False, None, True],
        "int": [2**62, 2**62 + 1, None, 2**62],
        "float": [0.1, -0.1, None, 0.1],
        "text": ["a", "b", None, "a"],
        "bytes": [b"a", b"b", None, b"a"],
        "day": [dt.date(2020, 1, 1), dt.date(2020, 1, 2), None, dt.date(2020, 1, 1)],
        "moment": [MOMENT, MOMENT + dt.timedelta(days=1), None, MOMENT],
        "list": [[1.0, 2.0], [1.0, 3.0], None, [1.0, 2.0]],
        "struct": [{"a": 1}, {"a": 2}, None, {"a": 1}],
        "category": pa.array(["u", "v", None, "u"]).dictionary_encode(),
    }
    for name, values in columns.items():
        keys = keys_of(pa.table({name: values})).tolist()
        assert (len(set(keys)), keys[0] == keys[3]) == (3, True), name


def test_shares_are_honest(table):
    """Every row has the same chance: of 20,000 rows with a tenth marked, a tenth of the drawn are marked."""
    draw = np.random.default_rng(2)
    marked = np.arange(20_000) % 10 == 0
    kept = capped(data_of(pa.table({"x": draw.normal(size=20_000), "marked": marked})), 4_000)
    assert np.mean(kept.table.column("marked").to_pylist()) == pytest.approx(0.1, abs=0.02)
