"""Data that count as too large for memory, and workers that answer as a function of the rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gate import streaming, strengthening
from gate.checking import engine
from gate.checking.case import Case, MetricAsked
from gate.domain import Answers, Category, Comparison, Reproducibility, Snapshot, Task
from gate.evidence.metrics import standard
from gate.registry import batches
from gate.registry.batches import read_large
from gate.registry.columns import Columns
from gate.scoring.answers import Naming, name_columns
from gate.scoring.raw import RawAnswer
from gate.settings import ModelConfig
from gate.verdict import Policy, settle

ROWS = 6_000
PLAIN = {
    "model": "m", "run_id": None, "model_id": None, "source": None, "created_at": None, "description": "", "tags": {},
    "aliases": (), "legacy_stage": None, "run": None, "signature": None, "requirements": (), "environment": {},
    "flavors": (), "artifact": None,
}  # fmt: skip


class FakeWorker:
    """Answers as a function of the table that it was given."""

    def __init__(self, answer):
        self.answer, self.table = answer, None

    def put(self, _key, inputs):
        self.table = inputs

    def predict(self, _key):
        return raw_of(self.answer(self.table))


def raw_of(answers):
    if isinstance(answers, pa.Table):
        return RawAnswer(shape="frame", table=answers)
    if isinstance(answers, np.ndarray) and answers.ndim == 2:
        return RawAnswer(shape="matrix", table=pa.table({"0": pa.array(list(answers))}))
    return RawAnswer(shape="values", table=pa.table({"0": answers}))


def number(table, name="x"):
    return table.column(name).to_numpy().copy()


def good(table):
    return number(table) + 0.1 * np.sin(37 * number(table))


def other(table):
    return number(table) + 0.1 * np.cos(53 * number(table))


def but(change, rows=(4_321,)):
    """The good answers, changed in some rows."""

    def answer(table):
        found = good(table)
        chosen = np.isin(number(table, "n"), rows)
        found[chosen] = change(found[chosen])
        return found

    return answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three files: numbers to predict, and classes."""
    path, draw = tmp_path_factory.mktemp("large"), np.random.default_rng(0)
    x = draw.normal(size=ROWS)
    table = pa.table({
        "n": np.arange(ROWS), "x": x, "y": x + draw.normal(size=ROWS),
        "c": np.where(x + draw.normal(size=ROWS) > 0, "yes", "no"),
    })  # fmt: skip
    for part in range(3):
        pq.write_table(table.slice(part * 2_000, 2_000), path / f"{part}.parquet", row_group_size=900)
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let 1,000 rows be the most that fit, and 500 the sample."""
    monkeypatch.setattr(batches, "IN_MEMORY_ROWS", 1_000)
    monkeypatch.setattr(batches, "SAMPLE_ROWS", 500)
    monkeypatch.setattr(streaming, "NARROW_ROWS", 1_500)


@pytest.fixture
def asked(folder):
    """The case after all rows were asked."""

    def ask(candidate, baseline=other, *, target="y", task=Task.REGRESSION, config=None, path=folder):
        case = sample_case(path, candidate, baseline, target=target, task=task, config=config or {})
        workers = (FakeWorker(candidate), FakeWorker(baseline))
        return streaming.over_all_rows(workers, case, naming_of(case.comparison.data, task))

    return ask


def sample_case(path, candidate, baseline, *, target, task, config):
    data = read_large(path, Columns(target=target))
    naming, settings = naming_of(data, task), ModelConfig.model_validate(config)
    named = [name_columns(raw_of(answer(data.table)), naming) for answer in (candidate, baseline) if answer]
    answers = [Answers(table=side.table, failure=None, classes=side.classes) for side in named]
    names = settings.metrics or dict.fromkeys(standard(task))
    return Case(
        comparison=Comparison(
            candidate=Snapshot(version=2, **PLAIN), baseline=Snapshot(version=1, **PLAIN) if baseline else None,
            baseline_chosen_by="previous", data=data,
        ),
        answers=answers[0], baseline_answers=answers[1] if baseline else None, task=task, config=settings,
        confidence=0.99,
        metrics=tuple(MetricAsked(name=name, limits=limits) for name, limits in names.items()),
        reproducibility=Reproducibility(),
    )  # fmt: skip


def naming_of(data, task):
    labels = data.table.column(data.target) if task is not Task.REGRESSION else None
    return Naming.of(task, labels=labels)


def judged(case):
    """Every output check's result, by identity."""
    outcomes = engine.run(case, ["gate.checks"], frozenset({Category.OUTLIERS, Category.QUALITY}))
    return {result.id: result for result in settle(strengthening.strengthen(outcomes, case), Policy())}


def bound(case, check, name):
    return next(found for found in case.everything.bounds if (found.check, found.name) == (check, name))
