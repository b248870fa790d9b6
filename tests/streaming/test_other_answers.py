"""All rows of data that do not fit in memory: probabilities, classes, intervals, answers that fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gate import streaming, strengthening
from gate.domain import Failure, Task
from gate.evidence.metric import Truth
from gate.evidence.metrics import METRICS, standard
from gate.evidence.summaries import classes as unknown
from gate.scoring.answers import name_columns
from gate.scoring.session import WorkerFailedError
from gate.summing import AllRowsSums, Batch
from tests.streaming.conftest import ROWS, bound, but, good, naming_of, number, other, raw_of, sample_case


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


def test_an_interval_that_ends_before_it_begins_is_found(asked):
    """In one row of all."""

    def interval(table, turned=()):
        middle, wide = number(table), np.where(np.isin(number(table, "n"), turned), -1.0, 1.0)
        return pa.table({"prediction": middle, "lower": middle - wide, "upper": middle + wide})

    case = asked(lambda table: interval(table, [4_321]), interval, task=Task.FORECAST)
    found = bound(case, "outliers.range", "an interval ends before it begins by")
    assert (found.fault.rows, found.value) == (1, 2.0)


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
