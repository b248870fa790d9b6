"""Golden cases: the file that keeps them, and what offending rows become in it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pyarrow as pa
import pytest

from gate import assembly, storing
from gate.checking import engine
from gate.domain import Category, CheckResult, GateInfo, Offending, Outcome, Severity, Status
from gate.errors import UsageError
from gate.golden.file import add, parse
from gate.golden.rows import Wanted, cases_from
from tests.checks.conftest import make_case

GOOD = {"id": "r1", "inputs": {"x": 1.5}, "answer": 2.0}
BAD = {
    "not json": "no JSON",
    "[1]": "no JSON object",
    '{"answer": 1}': "`inputs`",
    '{"inputs": {}, "answer": 1}': "`inputs`",
    '{"inputs": {"x": 1}}': "exactly one",
    '{"inputs": {"x": 1}, "answer": 1, "class": 1}': "exactly one",
    '{"inputs": {"x": 1}, "answr": 1}': "unknown key 'answr'",
    '{"inputs": {"x": 1}, "range": [1]}': "two numbers",
    '{"inputs": {"x": 1}, "range": [2, 1]}': "nothing lies in",
    '{"inputs": {"x": 1}, "answer": 1, "tolerance": -1}': "`tolerance`",
    '{"inputs": {"x": 1}, "class": 1, "tolerance": 1}': "`tolerance`",
    '{"id": "r1", "inputs": {"x": 1}, "class": 1}': "of line 2",
}


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_is_named(tmp_path, line):
    """With file, line and what is wrong."""
    path = tmp_path / "cases.jsonl"
    path.write_text(f"# cases\n{json.dumps(GOOD)}\n\n{line}\n")
    with pytest.raises(UsageError, match=r"cases\.jsonl:4:") as found:
        parse(path)
    assert BAD[line] in found.value.text


def test_cases_are_added_once(tmp_path):
    """What is there stays as people wrote it, a case of the same id too."""
    path = tmp_path / "golden" / "m.jsonl"
    assert add(path, [GOOD]) == 1
    path.write_text(path.read_text().rstrip("\n").replace("2.0", "2.5"))
    assert add(path, [GOOD, {**GOOD, "id": "r2"}]) == 1
    assert [(case.id, case.expected) for case in parse(path)] == [("r1", 2.5), ("r2", 2.0)]


def test_bytes_come_back_as_bytes(tmp_path):
    """JSON has none: they are written as base64."""
    path = tmp_path / "m.jsonl"
    add(path, [{**GOOD, "inputs": {"image": {"base64": "AAE="}}}])
    assert parse(path)[0].inputs == {"image": b"\x00\x01"}


def reported(tmp_path, candidate, baseline, labels=None, metric="rmse", inputs=None):
    """A report whose check outliers.odd names all rows, with the file of rows beside it."""
    case = make_case(candidate, baseline, labels, inputs=inputs)
    rows = len(inputs if inputs is not None else candidate)
    outcome = Outcome(
        id="outliers.odd", title="", category=Category.OUTLIERS, severity=Severity.CRITICAL, status=Status.FAILED,
        offending=(Offending(positions=np.arange(rows), columns={}),),
    )  # fmt: skip
    info = GateInfo(version="0", policy_digest="sha256:0")
    report = assembly.fault_report("m", 2, "", info, isolation="subprocess", started_at="2026-11-22T22:00:00Z")
    storing.write_rows(case, [outcome], tmp_path, report.started_at)
    shown = tuple(case.row(place, {}) for place in range(min(rows, 20)))
    odd = CheckResult(
        id="outliers.odd", title="", category=Category.OUTLIERS, severity=Severity.CRITICAL, status=Status.FAILED,
        message="", duration_s=0.0, rows=shown, rows_total=rows,
    )  # fmt: skip
    other = dataclasses.replace(odd, id=f"quality.{metric}", rows=(), rows_total=0)
    return dataclasses.replace(report, checks=(odd, other))


def test_a_number_gets_a_tolerance_between_the_baseline_and_the_candidate(tmp_path):
    """The label is right; what failed stays outside, what was good enough inside."""
    report = reported(tmp_path, [10.0], [2.0], [1.0])
    case = cases_from(report, tmp_path, Wanted())[0]
    assert (case["answer"], case["tolerance"]) == (1.0, 5.0)
    assert case["why"] == "outliers.odd of version 2"


def test_without_a_label_the_baseline_is_right(tmp_path):
    """A candidate without an answer says nothing of how far is too far: a tenth of the answer."""
    cases = cases_from(reported(tmp_path, [float("nan"), 7.0], [2.0, 3.0]), tmp_path, Wanted())
    assert [(case["answer"], case["tolerance"]) for case in cases] == [(2.0, 0.2), (3.0, 2.0)]


def test_a_row_that_the_baseline_gets_wrong_too_is_taken_only_by_name(tmp_path):
    """Else no version could be released until somebody gets it right."""
    report = reported(tmp_path, [0.1, 0.1], [0.9, 0.2], [1, 1], metric="roc_auc")
    assert [case["id"] for case in cases_from(report, tmp_path, Wanted())] == ["0"]
    assert [case["id"] for case in cases_from(report, tmp_path, Wanted(rows=("1",)))] == ["1"]


@pytest.mark.parametrize("labels", [[1, 0], ["yes", "no"], [True, False]])
def test_a_label_that_is_a_class_is_written_as_one(tmp_path, labels):
    """Beside a probability."""
    report = reported(tmp_path, [0.9, 0.8], [0.7, 0.1], labels, metric="roc_auc")
    assert [case["class"] for case in cases_from(report, tmp_path, Wanted())] == labels


def test_whole_numbers_are_amounts_where_the_metrics_are_of_amounts(tmp_path):
    """A count of 3 is not a class."""
    assert "tolerance" in cases_from(reported(tmp_path, [5.0], [3.0], [3]), tmp_path, Wanted())[0]


def test_the_first_rows_are_taken_or_those_that_are_named(tmp_path):
    """Twenty of a check are enough to look over."""
    report = reported(tmp_path, np.arange(50.0), np.zeros(50))
    assert len(cases_from(report, tmp_path, Wanted())) == 20
    named = cases_from(report, tmp_path, Wanted(rows=("30", "45"), tolerance=0.25, why="known"))
    assert [(case["id"], case["tolerance"], case["why"]) for case in named] == [
        ("30", 0.25, "known"), ("45", 0.25, "known"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "said"),
    [(Wanted(check="outliers.other"), "outliers.odd"), (Wanted(rows=("99",)), "It has: 0, 1")],
)
def test_what_is_not_there_is_refused_with_what_is(tmp_path, wanted, said):
    """A check without rows, a row that no check named."""
    report = reported(tmp_path, [5.0, 6.0], [3.0, 3.0])
    with pytest.raises(UsageError) as found:
        cases_from(report, tmp_path, wanted)
    assert said in str(found.value)


def test_a_row_that_the_report_shows_cut_is_refused(tmp_path):
    """Where the file of whole rows is gone, half a text is no input."""
    report = reported(tmp_path, [5.0], [3.0], inputs=["word " * 100])
    whole = cases_from(report, tmp_path, Wanted())[0]
    assert whole["inputs"] == {"x": "word " * 100}
    (tmp_path / storing.ROWS).unlink()
    with pytest.raises(UsageError, match="cut"):
        cases_from(report, tmp_path, Wanted())


def test_the_check_is_skipped_without_cases_and_judges_them_where_there_are_some(tmp_path):
    """One flipped case is a critical failure that names it."""
    from gate.domain import GoldenAnswers

    case = make_case([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0])
    quality = frozenset({Category.QUALITY})
    path = tmp_path / "m.jsonl"
    add(path, [GOOD, {**GOOD, "id": "r2", "why": "burnt us in May"}])
    golden = GoldenAnswers(source="m.jsonl", cases=parse(path), table=pa.table({"prediction": [2.0, 3.0]}))
    ended = [
        next(o for o in engine.run(each, ["gate.checks"], quality) if o.id == "quality.golden")
        for each in (case, dataclasses.replace(case, golden=golden))
    ]
    assert [outcome.status for outcome in ended] == [Status.SKIPPED, Status.FAILED]
    assert ended[1].message == "1 of 2 golden cases flipped: r2 is 3, not 2.0 (burnt us in May)"
    assert ended[1].severity is Severity.CRITICAL
    assert ended[1].rows[0]["inputs"] == {"x": 1.5}
