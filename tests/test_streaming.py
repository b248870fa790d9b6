"""All rows of data that do not fit in memory, asked in batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gate import streaming, strengthening
from gate.checking import engine, rows_file
from gate.checking.case import Case, MetricAsked
from gate.domain import Answers, Category, Comparison, Failure, Reproducibility, Snapshot, Task
from gate.evidence.metric import Truth
from gate.evidence.metrics import METRICS, standard
from gate.evidence.summaries import classes as unknown
from gate.registry import batches
from gate.registry.batches import read_large
from gate.registry.columns import Columns
from gate.scoring.answers import Naming, name_columns
from gate.scoring.raw import RawAnswer
from gate.scoring.session import WorkerFailedError
from gate.settings import ModelConfig
from gate.summing import AllRowsSums, Batch
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


@pytest.mark.parametrize("kind", ["numbers", "probabilities", "classes"])
def test_summaries_that_were_merged_find_the_same(folder, kind):
    """Batches of any split, each summed by itself, merged in any tree: the same to the last bit."""
    answers, target, task = KINDS[kind]
    case = sample_case(folder, *answers, target=target, task=task, config={})
    naming = naming_of(case.comparison.data, task)
    draw, found = np.random.default_rng(8), []
    for rows in (6_000, 700, 411):
        parts = []
        for table, numbers in case.comparison.data.stream.batches(rows):
            sides = [name_columns(raw_of(answer(table)), naming).table for answer in answers]
            parts.append(AllRowsSums(case))
            parts[-1].update(Batch(table=table, numbers=numbers, candidate=sides[0], baseline=sides[1]))
        while len(parts) > 1:
            one = parts.pop(int(draw.integers(len(parts))))
            parts[int(draw.integers(len(parts)))].merge(one)
        found.append(parts[0].finish())
    assert found[0] == found[1] == found[2]
    assert found[0].metrics.keys() == set(standard(task))
    assert any(bound.fault.rows for bound in found[0].bounds)


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


def positive(table, shift=0.0):
    score = 1 / (1 + np.exp(-1.5 * number(table) - shift * np.sin(31 * number(table))))
    return np.column_stack([1 - score, score])


def test_probabilities_are_judged_by_all_rows(asked, folder):
    """Area and Brier score are those of the whole table."""
    case = asked(positive, lambda table: positive(table, 0.2), target="c", task=Task.PROBABILITY)
    table = pq.read_table(folder)
    truth = Truth(values=(table.column("c").to_numpy() == "yes").astype(np.int64), classes=2)
    for name in ("roc_auc", "brier"):
        expected = METRICS[name].value(truth, positive(table))
        assert case.everything.metrics[name].candidate == pytest.approx(expected, rel=1e-4), name


def test_a_probability_outside_0_to_1_is_found(asked):
    """In one row of all."""

    def wrong(table):
        found = positive(table)
        found[number(table, "n") == 4_321] = (-0.5, 1.5)
        return found

    case = asked(wrong, positive, target="c", task=Task.PROBABILITY)
    assert bound(case, "outliers.range", "highest proba_yes").fault.rows == 1
    assert bound(case, "outliers.range", "lowest proba_no").value == -0.5


def classes(table, rows=(), name="perhaps"):
    found = np.where(number(table) > 0, "yes", "no").astype(object)
    found[np.isin(number(table, "n"), rows)] = name
    return pa.array(found.tolist(), pa.string())


def test_classes_are_counted_over_all_rows(asked, folder):
    """Accuracy and f1 are those of the whole table."""
    case = asked(lambda table: classes(table, range(50), "no"), classes, target="c", task=Task.CLASSIFICATION)
    table = pq.read_table(folder)
    truth = Truth(values=(table.column("c").to_numpy() == "yes").astype(np.int64), classes=2, binary=True)
    answer = (np.array(classes(table, range(50), "no").to_pylist()) == "yes").astype(np.int64)
    for name in ("accuracy", "f1"):
        assert case.everything.metrics[name].candidate == pytest.approx(METRICS[name].value(truth, answer)), name


def test_an_unknown_class_is_found_in_one_row(asked):
    """A class that neither labels nor baseline know."""
    case = asked(lambda table: classes(table, (4_321,)), classes, target="c", task=Task.CLASSIFICATION)
    assert bound(case, "outliers.range", "answers with an unknown class").fault.rows == 1


def test_unknown_classes_without_end_are_counted_too(asked, monkeypatch):
    """Where the sample has many of them they are one fault: every such row counts."""
    monkeypatch.setattr(unknown, "STRANGE", 100)
    case = asked(lambda table: number(table, "n"), classes, target="c", task=Task.CLASSIFICATION)
    assert bound(case, "outliers.range", "answers with an unknown class").fault.rows == ROWS


def test_a_class_that_the_baseline_knows_elsewhere_is_no_unknown_one(asked):
    """Whether it comes earlier or later."""
    case = asked(
        lambda table: classes(table, (100, 4_321)), lambda table: classes(table, (4_100,)), target="c",
        task=Task.CLASSIFICATION,
    )  # fmt: skip
    assert bound(case, "outliers.range", "answers with an unknown class").fault.rows == 0


def test_answers_that_change_their_kind_are_told(asked):
    """Numbers in the sample, text in some batch."""

    def texts(table):
        found = good(table)
        return [str(value) for value in found] if 4_321 in number(table, "n") else found

    assert asked(texts).everything.kinds == ("prediction",)


KINDS = {
    "numbers": ((but(lambda found: found * 1e6, range(4_000, 4_900)), other), "y", Task.REGRESSION),
    "probabilities": (
        (lambda table: positive(table) * 1.01, lambda table: positive(table, 0.2)), "c", Task.PROBABILITY
    ),
    "classes": ((lambda table: classes(table, range(0, 5_000, 50)), classes), "c", Task.CLASSIFICATION),
}  # fmt: skip


def raising(rows):
    def answer(table):
        if rows in number(table, "n") and len(table) != 500:
            raise WorkerFailedError(Failure(stage="predict", kind="ValueError", text="bad row"))
        return good(table)

    return answer


def test_a_candidate_that_fails_on_some_row_has_failed(asked):
    """Its answers are gone, and the failure says among which rows it happened."""
    case = asked(raising(4_321))
    assert (case.answers.table, case.everything, case.paired) == (None, None, False)
    assert case.answers.failure.kind == "ValueError"
    assert (case.comparison.data.coverage.rows_judged, case.comparison.data.coverage.rows_total) == (500, ROWS)
    assert case.answers.failure.text.startswith("bad row (rows 4,000 to 5,499 of the set")


def test_a_baseline_that_fails_on_some_row_cannot_be_scored(asked):
    """What compares the versions is then inconclusive, as with a baseline that does not load."""
    case = asked(good, raising(4_321))
    assert case.paired
    assert (case.baseline_answers.table, case.everything) == (None, None)
    assert "cannot be scored" in case.reasons["baseline"]


def test_a_wrong_number_of_answers_is_a_failure(asked):
    """In any batch."""
    case = asked(lambda table: good(table)[:-1] if len(table) != 500 else good(table))
    assert case.answers.failure.kind == "WrongRowCount"


ODD = {
    "nothing": (lambda table: pa.nulls(len(table), pa.float64()), "y", Task.REGRESSION),
    "dates": (lambda table: pa.array(number(table, "n") * 86_400_000, pa.timestamp("ms", "UTC")), "y", Task.OTHER),
    "truth values": (lambda table: number(table) > 0, "c", Task.CLASSIFICATION),
    "huge": (lambda table: number(table) * 1e300, "y", Task.REGRESSION),
    "texts": (lambda table: [f"row {n}" for n in number(table, "n")], "c", Task.TEXT),
    "numbers for classes": (lambda table: number(table, "n"), "c", Task.CLASSIFICATION),
    "vectors": (lambda table: np.outer(number(table), np.arange(3.0)), "y", Task.EMBEDDING),
    "several columns": (
        lambda table: pa.table({"lower": number(table) - 1, "upper": number(table) + 1, "note": ["a"] * len(table)}),
        "y", Task.FORECAST,
    ),
    "lists": (lambda table: [[n % 7, 1, 2][: n % 3 + 1] for n in number(table, "n").tolist()], "y", Task.RANKING),
}  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ODD)
def test_odd_answers_are_summed_without_a_fault(asked, kind):
    """Whatever the answers are, beside a baseline of the same kind and beside one of numbers."""
    answer, target, task = ODD[kind]
    for baseline in (answer, other):
        assert asked(answer, baseline, target=target, task=task).everything.rows == ROWS


def test_a_first_version_is_judged_on_all_rows_too(asked):
    """Without a baseline: holes, ranges, and the metric's own value."""
    case = asked(but(lambda found: found * np.nan, (4_321,)), None)
    assert [found.fault.rows for found in case.everything.bounds if found.check == "outliers.nulls"] == [1]
    assert asked(good, None).everything.metrics["rmse"].rows == ROWS


def test_data_that_fit_are_left_alone(asked):
    """No stream, nothing asked, nothing strengthened."""
    case = asked(good)
    small = replace(case.comparison.data, stream=None)
    fitting = replace(case, everything=None, comparison=replace(case.comparison, data=small))
    assert streaming.over_all_rows((None, None), fitting, None) is fitting
    assert strengthening.strengthen((), fitting) == ()
