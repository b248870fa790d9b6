"""quality.slices: declared slices of every form, slices that nobody named, harmless changes, odd columns."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest

from gate.checking import engine
from gate.domain import Category, Task
from gate.verdict import Policy, settle

N = 2000
FAILED = ("failed", "critical")
QUALITY = frozenset({Category.QUALITY})
METRIC = {Task.REGRESSION: "mae", Task.CLASSIFICATION: "accuracy"}


class World:
    """Rows of inputs, labels, and two honest versions' answers."""

    def __init__(self, rows=N, seed=0):
        rng = np.random.default_rng(seed)
        self.columns = {
            "x": rng.normal(size=rows),
            "age": rng.uniform(18, 90, size=rows),
            "region": rng.choice(["north", "south", "east", "west", "island"], size=rows, p=[0.3, 0.3, 0.2, 0.1, 0.1]),
        }
        signal = self.columns["x"] + 0.02 * self.columns["age"]
        self.labels = signal + 0.7 * rng.normal(size=rows)
        self.baseline = signal + 0.1 * rng.normal(size=rows)
        self.candidate = signal + 0.1 * rng.normal(size=rows)

    def shifted(self, rows, size=1.0):
        return self.candidate + np.where(rows, size, 0.0)


@pytest.fixture
def slices(case_of):
    """The result of quality.slices for a world's candidate."""

    def judged(world, candidate, declared=(), *, task=Task.REGRESSION, **data):
        config = {"data": {"slices": list(declared), **data}, "metrics": {METRIC[task]: {}}}
        case = case_of(candidate, world.baseline, world.labels, task=task, inputs=world.columns["x"], config=config)
        table = case.comparison.data.table
        for name, values in world.columns.items():
            if name != "x":
                table = table.append_column(name, pa.array(values))
        object.__setattr__(case.comparison.data, "table", table)
        outcomes = engine.run(case, ["gate.checks"], QUALITY)
        found = {result.id: result for result in settle(outcomes, Policy(looks=20))}["quality.slices"]
        assert found.status != "error", found.message
        return found

    return judged


def ending(result):
    return str(result.status), str(result.severity)


@pytest.mark.parametrize(
    "declared",
    ["region", {"name": "islands", "where": 'region == "island"'}, {"age": 4}, {"age": [30, 60]}],
    ids=["column", "condition", "bins", "edges"],
)
def test_a_declared_slice_that_moved_is_rejected(slices, declared):
    """One standard deviation in a tenth of the rows: critical by each form that names them."""
    world = World()
    by_age = isinstance(declared, dict) and "age" in declared
    rows = world.columns["age"] < 30 if by_age else world.columns["region"] == "island"
    found = slices(world, world.shifted(rows), [declared])
    assert ending(found) == FAILED
    assert "age" in found.message if by_age else "island" in found.message


@pytest.mark.parametrize("column", ["x", "region"])
@pytest.mark.parametrize("seed", range(2))
def test_a_slice_that_nobody_named_is_found(slices, column, seed):
    """A tenth of the rows, by a number or by a category, moved by one standard deviation: critical, and named."""
    world = World(seed=seed)
    values = world.columns[column]
    rows = values == "west" if column == "region" else (values > 0.5) & (values < 0.85)
    found = slices(world, world.shifted(rows))
    assert ending(found) == FAILED
    assert column in found.message


def test_the_worst_rows_of_the_worst_slice_are_listed(slices):
    """Offending rows lie in the slice, the worst first."""
    world = World()
    found = slices(world, world.shifted(world.columns["region"] == "west"))
    losses = [row["loss_in_mean_squared_errors"] for row in found.rows]
    assert {row["inputs"]["region"] for row in found.rows} == {"west"}
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_an_honest_version_is_quiet(slices, seed):
    """Another draw of the same quality passes, declared slices and all."""
    world = World(seed=seed)
    assert slices(world, world.candidate, ["region", {"age": 4}]).status == "passed"


def test_the_same_answers_pass(slices):
    """Nothing changed: no slice is worse."""
    world = World()
    assert slices(world, world.baseline, ["region"]).status == "passed"


def test_a_slice_nobody_is_in_is_said(slices):
    """The others are judged."""
    world = World()
    found = slices(world, world.candidate, ["region", {"name": "giants", "where": "age > 1000"}])
    assert found.status == "passed"
    assert "nobody is in giants" in found.message


def test_a_condition_that_cannot_be_asked_is_said(slices):
    """A text is no number: said, and the others are judged."""
    world = World()
    found = slices(world, world.candidate, ["region", {"name": "odd", "where": "region + 1 > 3"}])
    assert found.status == "passed"
    assert "the slice odd cannot be cut" in found.message


def test_missing_values_are_a_slice_of_their_own(slices):
    """Rows without an age got worse answers: critical, and named."""
    world = World()
    missing = np.arange(N) % 10 == 0
    world.columns["age"] = np.where(missing, np.nan, world.columns["age"])
    found = slices(world, world.shifted(missing), [{"age": 4}])
    assert ending(found) == FAILED
    assert "age is missing" in found.message


ODD = {
    "all null": pa.nulls,
    "all null numbers": lambda n: pa.nulls(n, pa.float64()),
    "one value": lambda n: ["a"] * n,
    "every row another": lambda n: [f"c{i}" for i in range(n)],
    "huge and tiny": lambda n: [1e308 * (-1) ** i if i % 2 else 1e-308 for i in range(n)],
    "infinite": lambda n: [np.inf if i % 3 else -np.inf for i in range(n)],
    "dates": lambda n: [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(n)],
    "moments with zones": lambda n: pa.array([i * 10**9 for i in range(n)], pa.timestamp("us", "Asia/Seoul")),
    "durations": lambda n: pa.array(range(n), pa.duration("s")),
    "truths": lambda n: [None if i % 7 == 0 else i % 2 == 0 for i in range(n)],
    "lists": lambda n: [[i, 1.0] for i in range(n)],
    "structs": lambda n: [{"a": i} for i in range(n)],
    "bytes": lambda n: [bytes([i % 250]) for i in range(n)],
    "decimals": lambda n: pa.array([decimal.Decimal(i) / 100 for i in range(n)]),
    "categories": lambda n: pa.array([f"c{i % 5}" for i in range(n)]).dictionary_encode(),
}


@pytest.mark.parametrize("rows", [1, 10, 300])
def test_odd_columns_raise_nothing(slices, rows):
    """Columns of any type and content, declared and searched, in any number of rows."""
    world = World(rows=rows)
    world.columns |= {name: make(rows) for name, make in ODD.items()}
    found = slices(world, world.candidate, [*ODD, {"infinite": 5}, {"dates": 3}])
    assert found.status == ("passed" if rows == 300 else "skipped")


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_huge_and_tiny_answers_raise_nothing(slices, size):
    """Losses beyond what a fourth power can hold."""
    world = World(rows=300)
    world.labels, world.baseline = world.labels * size, world.baseline * size
    assert slices(world, world.candidate * size).status == ("passed" if size < 1 else "skipped")


def test_classes_are_compared_by_right_and_wrong(slices):
    """A quarter of the labels of one region turned: critical."""
    world = World()
    rng = np.random.default_rng(5)
    world.labels, world.baseline, honest = (
        (v > 1.0).astype(int) for v in (world.labels, world.baseline, world.candidate)
    )
    turned = (world.columns["region"] == "south") & (rng.random(N) < 0.25)
    found = slices(world, np.where(turned, 1 - honest, honest), ["region"], task=Task.CLASSIFICATION)
    assert ending(found) == FAILED
    assert slices(world, honest, ["region"], task=Task.CLASSIFICATION).status == "passed"
