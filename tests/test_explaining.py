"""What `gate explain` says: of shipped checks, metrics, items, expectations, a team's own, and of a report."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gate import config, explaining, report
from gate.cli.explain_command import command
from gate.errors import UsageError
from gate.evidence.formulas import FORMULAS, smallest_margin
from gate.evidence.metrics import METRICS
from tests.notes.reports import rejected

SETTINGS = """\
checks: [gate.checks, ./checks]
models:
  house:
    metrics: {rmse: {max_regression: "5%", max: 3}}
    severity: {outliers.nulls: warning}
    waivers: [{check: outliers.nulls, owner: ann, reason: known gaps, expires: 2030-01-31}]
    outliers: {nulls: {max: 0.1}}
    expect:
      - {id: low, type: expect_column_max_to_be_between, column: prediction, severity: critical,
         max_value: {baseline: max}}
"""
OWN = '''\
from gate import check


@check(category="outliers", severity="info")
def check_mine(predictions):
    """Ours holds.

    It was made up.
    """
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with settings and a check of its own."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "gate.yaml").write_text(SETTINGS)
    (folder / "checks").mkdir()
    (folder / "checks" / "mine.py").write_text(OWN)
    (folder / "report.json").write_text(report.dumps(rejected()))
    return folder


@pytest.fixture(scope="module")
def explain(project):
    """Explain a check of the project."""
    settings = config.read(project / "gate.yaml")
    entries = explaining.catalog(settings)
    return lambda check_id, result=None: explaining.explain(check_id, settings, entries, result)


def test_a_shipped_check_tells_its_docstring_and_what_is_set_for_it(explain):
    """Limits, severity and waiver, each with its model."""
    found = explain("outliers.nulls")
    assert found.text.startswith("No answer is missing.\n\nCounts the rows")
    assert found.configured == (
        "house: severity warning",
        "house: waived by ann until 2030-01-31: known gaps",
        "house: max 0.1",
    )


def test_a_metric_tells_its_own_formula_direction_and_margin(explain):
    """Before what holds for all metrics."""
    found = explain("quality.rmse")
    assert found.text.startswith("rmse: root of the mean squared error; lower is better.\n\nFormula: sqrt(mean(")
    assert "The metric is not worse than the baseline's beyond its margin." in found.text
    assert found.configured == ("house: max 3.0, max_regression 0.05 of the baseline's value",)


def test_an_item_tells_what_it_asks(explain):
    """Before what holds for all seven."""
    found = explain("reproducibility.training_data")
    assert found.text.startswith("The run logs the dataset with the context `training`")
    assert found.severity == "info"


def test_an_expectation_tells_what_it_is_configured_to(explain):
    """With its type, its arguments and its severity."""
    found = explain("outliers.expect_low")
    assert "expect_column_max_to_be_between, an expectation on house" in found.text
    assert "  max_value:\n    baseline: max" in found.text
    assert found.severity == "critical"


def test_a_teams_own_check_tells_its_docstring(explain):
    """Like a shipped one."""
    assert explain("outliers.mine").text == "Ours holds.\n\nIt was made up."


def test_what_the_gate_says_of_itself_is_explained_too(explain):
    """No function stands behind it, and a report may hold it."""
    assert explain("contract.checks_collected").text.startswith("All modules of checks can be imported.")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("quality.rsme", "quality.rmse"), ("outliers.expect_lwo", "outliers.expect_low"), ("nulls", "outliers.nulls")],
)
def test_a_name_that_does_not_exist_gets_the_closest(explain, wrong, meant):
    """A usage error: exit 2."""
    with pytest.raises(UsageError, match="There is no check") as raised:
        explain(wrong)
    assert meant in str(raised.value)


def test_every_metric_has_a_formula_and_a_margin_in_words():
    """None is missing, none is left over."""
    assert FORMULAS.keys() == METRICS.keys()
    assert smallest_margin(METRICS["rmse"]).startswith("2 % of the baseline's value, at least 0.")


def test_from_a_report_comes_what_was_found_there(project):
    """Status, message, measurements with limits, and rows with their inputs."""
    given = ["--config", str(project / "gate.yaml"), "--from", str(project / "report.json")]
    told = CliRunner().invoke(command, ["outliers.wrong_rows", *given], catch_exceptions=False).output
    assert "In the report on diabetes v3" in told
    assert "failed (critical): the answers agree with the baseline's of other rows" in told
    assert "431 rows, the first 8:" in told
    assert "bmi=-0.0115" in told


def test_a_check_that_the_report_has_not_gets_the_closest_of_the_reports(project):
    """Not of the catalog's."""
    with pytest.raises(UsageError, match=r"report\.json has no check") as raised:
        explaining.found_in(project / "report.json", "quality.rsme")
    assert "quality.rmse" in str(raised.value)


def test_a_check_of_another_projects_report_is_explained_by_its_title(explain, project):
    """A report travels without the settings that it was made with."""
    found = explaining.found_in(project / "report.json", "quality.rmse").result
    elsewhere = explain("quality.theirs", found)
    assert elsewhere.text.startswith("rmse is no worse than the baseline's.")
