"""`gate check` as a user runs it: verdicts, exit codes, outputs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import jsonschema
import pytest

from gate.report import json_schema

FAST = ("--only", "contract,outliers,quality")


def test_a_better_version_passes(project):
    """v2 is judged against v1 and ends in 0."""
    ended = project.gate("check", "house", "2", "--json", *FAST)
    assert ended.code == 0, ended.err
    assert ended.report["verdict"] in {"pass", "pass_with_warnings"}
    assert ended.report["baseline"]["version"] == 1
    assert ended.status("quality.rmse") == "passed"


def test_a_worse_version_fails(project):
    """v1 judged against v2: the metrics are worse beyond the margin."""
    ended = project.gate("check", "house", "1", "--baseline", "2", "--json", *FAST)
    assert ended.code == 1
    assert ended.report["verdict"] == "fail"
    assert ended.status("quality.rmse") == "failed"


def test_the_report_follows_its_published_schema_and_is_all_that_is_printed(project):
    """--json prints one report, and nothing else, on standard output; the same lies under .gate/."""
    ended = project.gate("check", "house", "2", "--json", *FAST)
    jsonschema.validate(ended.report, json_schema())
    assert json.loads((project.folder / ".gate/house/v2/report.json").read_text()) == ended.report


def test_a_first_version_skips_what_needs_a_baseline(project):
    """The others count."""
    ended = project.gate("check", "house", "1", "--json", *FAST)
    assert ended.code == 0, ended.err
    assert ended.report["baseline"] is None
    assert ended.status("outliers.paired_delta") == "skipped"
    assert ended.status("contract.loads") == "passed"


def test_the_whole_check_times_both_versions(project):
    """Without --only: latency has its scenarios, the raw pairs lie beside the report, all seven items are there."""
    project.configure("models: {house: {latency: {batch_sizes: [1, 64], budget_s: 20}}}\n")
    ended = project.gate("check", "house", "2", "--json")
    report = ended.report
    timed = [scenario["scenario"] for scenario in report["benchmark"]["latency"]]
    assert {"batch_1", "batch_64"} <= set(timed) <= {"batch_1", "batch_64", "sustained"}
    assert (project.folder / ".gate/house/v2" / report["benchmark"]["raw"]).is_file()
    assert len(report["reproducibility"]["items"]) == 7
    assert report["verdict"] in {"pass", "pass_with_warnings"}


FAILS = {
    "raises_on_load": ("contract.loads", "no weights here"),
    "needs_a_package": ("contract.loads", "package_that_is_not_there"),
    "raises_on_predict": ("contract.loads", "bad row 3"),
    "exits": ("contract.loads", "exit"),
    "segfaults": ("contract.loads", "SIGSEGV"),
    "fewer_rows": ("contract.row_count", "497"),
    "strings": ("contract.types", "text"),
    "nones": ("contract.types", "missing"),
    "nan_for_some": ("outliers.nulls", ""),
    "constant": ("outliers.constant", ""),
    "wrong_rows": ("quality.rmse", ""),
    "depends_on_batch": ("contract.batch_invariance", ""),
    "noisy": ("contract.repeatable", ""),
}


@pytest.mark.parametrize("kind", FAILS)
def test_a_broken_model_is_a_fail_never_an_error(project, kind):
    """A broken model is 1, a broken gate 3; the check that found it says what it found."""
    check_id, said = FAILS[kind]
    ended = project.gate("check", f"broken-{kind}", "2", "--json", *FAST)
    assert ended.code == 1, ended.out[:2000]
    check = ended.check(check_id)
    assert check["status"] == "failed", check
    assert check["severity"] == "critical"
    assert said in check["message"]


def test_answers_on_the_wrong_rows_are_found_as_such(project):
    """The distribution is the same, the pairs are not."""
    ended = project.gate("check", "broken-wrong_rows", "2", "--json", *FAST)
    assert ended.status("outliers.wrong_rows") == "failed"
    assert ended.check("outliers.wrong_rows")["rows"][0]["id"].startswith("r")


def test_nothing_at_all_is_a_fail(project):
    """Predict returns None."""
    assert project.gate("check", "broken-nothing", "2", "--quiet", *FAST).code == 1


def test_a_model_that_hangs_is_a_fail_within_its_limit(project):
    """And no process of it is left."""
    path = project.folder / "gate.yaml"
    path.write_text(path.read_text().replace("timeout_s: 20", "timeout_s: 6"))
    ended = project.gate("check", "broken-hangs", "2", "--json", *FAST)
    assert ended.code == 1
    assert "Timeout" in ended.check("contract.loads")["message"]


def test_a_broken_baseline_is_inconclusive_with_the_remedy(project):
    """Its comparative checks are inconclusive and critical."""
    ended = project.gate("check", "broken-exits", "1", "--baseline", "2", "--json", *FAST)
    assert ended.code == 4, ended.out[:2000]
    assert any("--baseline none" in reason for reason in ended.report["reasons"])


def test_a_renamed_input_breaks_the_callers(project):
    """The signature says so, and the version could not answer the old columns."""
    ended = project.gate("check", "renamed-input", "2", "--json", *FAST)
    assert ended.code == 1
    assert "'b' was renamed to 'bb'" in ended.check("contract.signature")["message"]


def test_the_same_bytes_registered_twice_pass(project):
    """No difference, no statistics: pass."""
    code = (
        "import mlflow, warnings; warnings.simplefilter('ignore')\n"
        "mlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
        "c = mlflow.MlflowClient()\n"
        "v = c.get_model_version('house', 2)\n"
        "c.create_model_version('house', v.source, run_id=v.run_id)\n"
    )
    import subprocess
    import sys

    subprocess.run([sys.executable, "-c", code], cwd=project.folder, check=True, capture_output=True)
    ended = project.gate("check", "house", "3", "--baseline", "2", "--json", *FAST)
    assert ended.report["verdict"] == "pass", ended.report["reasons"]
    assert ended.report["diff"]["files"]["computes_identical"] is True


def test_an_artifact_that_is_gone_is_a_fail(project, world):
    """The version cannot be served."""
    import sqlite3

    with sqlite3.connect(project.folder / "mlflow.db") as database:
        database.execute("update logged_models set artifact_location = artifact_location || '-gone'")
        database.execute("update model_versions set storage_location = storage_location || '-gone'")
    ended = project.gate("check", "house", "2", "--baseline", "none", "--json", *FAST)
    assert ended.code == 1, ended.err
    assert ended.status("contract.loads") == "failed"


USAGE = {
    "unknown model": (("check", "hous", "1"), "house"),
    "unknown version": (("check", "house", "99"), "99"),
    "unknown alias": (("check", "house", "@prod"), "prod"),
    "not a version": (("check", "house", "1e3"), "1e3"),
    "baseline is the candidate": (("check", "house", "2", "--baseline", "2"), "itself"),
    "missing data": (("check", "house", "2", "--data", "nope.parquet"), "nope.parquet"),
    "unknown category": (("check", "house", "2", "--only", "speed"), "performance"),
    "unknown option": (("check", "house", "2", "--nope"), "--nope"),
    "missing config": (("check", "house", "2", "--config", "nope.yaml"), "nope.yaml"),
    "unknown command": (("chekc", "house", "2"), "check"),
    "hostile model name": (("check", "--", "--help", "1"), "--help"),
}


@pytest.mark.parametrize("case", USAGE)
def test_what_does_not_exist_is_a_usage_error(project, case):
    """Exit 2, one sentence with what would be right, nothing on standard output."""
    arguments, said = USAGE[case]
    ended = project.gate(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


CONFIGURATION = {
    "unknown check": ("models: {house: {severity: {outliers.drft: info}}}", "outliers.drift"),
    "unknown metric": ("models: {house: {metrics: {rsme: {max: 1}}}}", "rmse"),
    "unknown expectation": (
        "models: {house: {expect: [{id: m, type: expect_column_mean_to_be_betwen, column: prediction, max_value: 1}]}}",
        "expect_column_mean_to_be_between",
    ),
    "unknown column of an expectation": (
        "models: {house: {expect: [{id: m, type: expect_column_values_to_not_be_null, column: predicton}]}}",
        "prediction",
    ),
    "unknown target": ("models: {house: {data: {target: why}}}", "why"),
    "unknown folder of checks": ("checks: [gate.checks, ./nope]", "nope"),
}


@pytest.mark.parametrize("case", CONFIGURATION)
def test_a_wrong_setting_is_a_configuration_error(project, case):
    """Exit 2 with the valid names."""
    text, said = CONFIGURATION[case]
    project.configure(text + "\n")
    ended = project.gate("check", "house", "2", "--json", *FAST)
    assert (ended.code, ended.out) == (2, ""), ended.err
    assert said in ended.err


def test_empty_data_give_no_verdict(project):
    """Exit 3, and a report with the verdict error."""
    (project.folder / "empty.csv").write_text("a,b,c,y\n")
    ended = project.gate("check", "house", "2", "--data", "empty.csv", "--json")
    assert ended.code == 3
    assert ended.report["verdict"] == "error"


def test_a_registry_out_of_reach_is_said_at_once(project):
    """Exit 3 within 15 s, in one sentence."""
    ended = project.gate("check", "house", "2", "--tracking-uri", "http://127.0.0.1:9")
    assert ended.code == 3
    assert "127.0.0.1:9" in ended.err


def test_a_folder_that_cannot_be_written_is_said_before_the_work(project):
    """Exit 3."""
    (project.folder / "file").write_text("")
    ended = project.gate("check", "house", "2", "--out", "file/below")
    assert ended.code == 3
    assert "--out" in ended.err


def test_a_full_disk_is_said(project):
    """Exit 3, no half-written report."""
    ended = project.gate("check", "house", "2", "--out", "/dev/full/x", *FAST)
    assert ended.code == 3


def test_junit_and_summary_are_written(project):
    """For CI without GitHub, too."""
    project.gate("check", "house", "2", "--junitxml", "j.xml", "--summary", "s.md", "--quiet", *FAST)
    suites = ET.parse(project.folder / "j.xml").getroot()
    assert suites.findall(".//testcase[@name='contract.loads']") or "contract.loads" in ET.tostring(suites, "unicode")
    assert "house" in (project.folder / "s.md").read_text()


def test_strict_turns_warnings_into_failures(project):
    """In the report, too."""
    project.configure("models: {house: {outliers: {drift: {max: 0.0000001}}}}\n")
    relaxed = project.gate("check", "house", "2", "--json", *FAST)
    strict = project.gate("check", "house", "2", "--json", "--strict", *FAST)
    assert (relaxed.code, strict.code) == (0, 1)
    assert strict.check("outliers.drift")["severity"] == "critical"


def test_a_waiver_is_shown_and_counts_as_a_warning(project):
    """The status stays."""
    project.configure(
        "models: {broken-constant: {waivers: [\n"
        "  {check: outliers.constant, owner: me, reason: known, expires: 2999-01-01}]}}\n"
    )
    ended = project.gate("check", "broken-constant", "2", "--json", "--only", "outliers")
    check = ended.check("outliers.constant")
    assert (check["status"], check["waiver"]["owner"]) == ("failed", "me")


def test_expectations_judge_the_predictions(project):
    """By their own names; a warning by default."""
    project.configure(
        "models: {house: {expect: [\n"
        "  {id: mean, type: expect_column_mean_to_be_between, column: prediction, min_value: 50},\n"
        "  {id: there, type: expect_column_values_to_not_be_null, column: prediction, severity: critical}]}}\n"
    )
    ended = project.gate("check", "house", "2", "--json", "--only", "outliers")
    assert ended.code == 0
    assert (ended.status("outliers.expect_mean"), ended.status("outliers.expect_there")) == ("failed", "passed")


def test_a_check_of_the_team_runs_like_the_shipped_ones(project):
    """The contract's own example."""
    (project.folder / "checks").mkdir()
    (project.folder / "checks" / "mine.py").write_text(
        "from gate import check\n\n"
        '@check(category="outliers", severity="warning")\n'
        "def check_mean_moves_little(predictions, baseline_predictions, measure):\n"
        '    """The mean prediction moves little."""\n'
        '    moved = abs(predictions["prediction"].mean() - baseline_predictions["prediction"].mean())\n'
        '    measure("mean_delta", moved, max=0.000001, unit="pt")\n'
    )
    project.configure("checks: [gate.checks, ./checks]\n")
    ended = project.gate("check", "house", "2", "--json", "--only", "outliers")
    check = ended.check("outliers.mean_moves_little")
    assert (check["status"], check["severity"]) == ("failed", "warning")
    explained = project.gate("explain", "outliers.mean_moves_little")
    assert "The mean prediction moves little." in explained.out


def test_without_gate_yaml_the_version_speaks_for_itself(project, world, tmp_path):
    """Signature and data given on the command line are enough; the label is inferred."""
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    from dataclasses import replace

    ended = replace(project, folder=empty).gate(
        "check", "house", "2", "--tracking-uri", f"sqlite:///{project.folder}/mlflow.db",
        "--data", str(world / "eval.parquet"), "--json", *FAST,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert ended.report["data"]["target"] == "y"


def test_no_evaluation_data_at_all_is_inconclusive_and_says_what_would_help(project, tmp_path):
    """Nothing judged, nothing passed."""
    from dataclasses import replace

    empty = tmp_path / "elsewhere"
    empty.mkdir()
    ended = replace(project, folder=empty).gate(
        "check", "house", "2", "--tracking-uri", f"sqlite:///{project.folder}/mlflow.db", "--json"
    )
    assert ended.code == 4, ended.out[:3000]
    assert any("--data" in reason for reason in ended.report["reasons"])


def test_plain_lines_where_there_is_no_terminal(project):
    """No escape codes, one line a finished step, progress on standard error."""
    ended = project.gate("check", "house", "2", *FAST)
    assert "\x1b" not in ended.out + ended.err
    assert "Find the version" in ended.err
    assert "house v2 against v1" in ended.out


def test_quiet_says_nothing_while_working(project):
    """Standard error is empty."""
    assert project.gate("check", "house", "2", "--quiet", *FAST).err == ""
