"""report.json: strict JSON, all keys, and back again."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate import assembly, report
from gate.domain import Category, CheckResult, GateInfo, Measurement, Severity, Status
from gate.errors import UsageError

KEYS = {
    "schema", "gate", "model", "candidate", "baseline", "verdict", "reasons", "counts", "checks", "benchmark", "diff",
    "reproducibility", "data", "isolation", "environment", "started_at", "finished_at",
}  # fmt: skip


@pytest.fixture
def fault():
    """The report of a gate that could not do its work."""
    info = GateInfo(version="0", policy_digest="sha256:0")
    return assembly.fault_report("m", 1, "no space", info, isolation="subprocess", started_at=assembly.now())


def with_measurement(fault, value, **kw):
    measurement = Measurement(name="x", value=value, **kw)
    result = CheckResult(
        id="outliers.x", title="X.", category=Category.OUTLIERS, severity=Severity.CRITICAL, status=Status.FAILED,
        message="", duration_s=0.0, measurements=(measurement,),
    )  # fmt: skip
    return replace(fault, checks=(result,))


def test_all_keys_are_there_always(fault):
    """Also where the gate failed."""
    assert set(json.loads(report.dumps(fault))) == KEYS


def test_all_seven_reproducibility_items_are_there_always(fault):
    """Contract section 4."""
    assert len(report.to_dict(fault)["reproducibility"]["items"]) == 7


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("-inf"), np.float32(1.5), np.int64(3), 2**70])
def test_every_number_survives_strict_json_and_the_schema(fault, value):
    """No NaN or Infinity: such values are strings."""
    text = report.dumps(with_measurement(fault, value, ci=(float("-inf"), 1.0)))
    parsed = json.loads(text, parse_constant=pytest.fail)
    jsonschema.validate(parsed, report.json_schema())


@given(st.text())
def test_any_text_can_be_written_and_read(text):
    """Control characters and lone surrogates too."""
    info = GateInfo(version="0", policy_digest="sha256:0")
    made = assembly.fault_report("m", 1, text, info, isolation="subprocess", started_at="2026-01-01T00:00:00Z")
    written = report.dumps(made)
    written.encode("utf-8")
    assert report.dumps(report.loads(written)) == written


def test_writing_and_reading_gives_the_same_report(fault):
    """Every other output is rendered from the file alone."""
    made = with_measurement(fault, 1.0, ci=(0.5, 1.5))
    assert report.loads(report.dumps(made)) == made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "schema None"),
        ('{"schema": "gate.report/2"}', "gate.report/2"),
        ('{"schema": "gate.report/1"}', "gate.report/1"),
    ],
)
def test_what_is_no_report_is_refused(text, message):
    """With what it is and what to do."""
    with pytest.raises(UsageError, match=message):
        report.loads(text)


def test_long_values_in_rows_are_cut():
    """Text to 200 characters, arrays and bytes to their size and first values."""
    assert len(report.cell("x" * 500)) == 200
    assert report.cell(np.arange(12.0).reshape(3, 4)) == "array of 3x4: 0.0, 1.0, 2.0, 3.0, 4.0, …"
    assert report.cell(b"\x00" * 100) == "100 bytes: 0000000000000000…"


def test_a_column_s_name_that_is_no_unicode_can_be_written():
    """Keys of offending rows come from data."""
    assert report.json.dumps(report.plain({"\ud800": 1}), ensure_ascii=False).encode("utf-8") == b'{"?": 1}'


CHECK = CheckResult(
    id="outliers.x", title="X.", category=Category.OUTLIERS, severity=Severity.CRITICAL, status=Status.FAILED,
    message="", duration_s=0.0,
)  # fmt: skip


def test_wide_rows_of_many_checks_fit_into_a_small_report():
    """20 rows of 50 long inputs in each of 25 checks: the worst rows stay, and say that there is more."""
    row = {"id": "r1", "prediction": 1.0, "inputs": {f"column {number}": "x" * 200 for number in range(50)}}
    checks = [replace(CHECK, rows=(row,) * 20, rows_total=20) for _ in range(25)]
    cut = report.fitted(checks)
    assert len(json.dumps(report.plain(cut), indent=1)) < 130_000
    assert all(check.rows and check.rows[0]["prediction"] == 1.0 for check in cut)
    assert cut[0].rows[0]["inputs"]["…"].startswith("48 more") or len(cut[0].rows[0]["inputs"]) == 1


def test_rows_that_fit_stay_as_they_are():
    """Nothing is cut without need."""
    checks = (replace(CHECK, rows=({"id": 1, "inputs": {"x": 1.0}},) * 20),)
    assert report.fitted(checks) == checks


def test_what_is_recorded_is_known_by_its_bytes(fault):
    """Whoever reads a recorded report and writes it again writes the same bytes, though a number was an int before."""
    odd = with_measurement(fault, 1)
    odd = replace(odd, checks=(replace(odd.checks[0], duration_s=0),))
    text = report.canonical(odd)
    assert text != report.dumps(odd)
    assert report.canonical(report.loads(text)) == text
