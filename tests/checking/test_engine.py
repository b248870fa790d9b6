"""Check functions -> outcomes, through real pytest runs."""

from __future__ import annotations

import textwrap

import pyarrow as pa
import pytest

from gate.checking import engine
from gate.checking.case import Case, MetricAsked
from gate.domain import (
    Answers,
    Category,
    Comparison,
    EvaluationData,
    Failure,
    Reproducibility,
    Severity,
    Snapshot,
    Status,
    Task,
)
from gate.errors import UsageError
from gate.settings import ModelConfig

SNAPSHOT = Snapshot(
    model="m", version=2, run_id=None, model_id=None, source=None, created_at=None, description="", tags={},
    aliases=(), legacy_stage=None, run=None, signature=None, requirements=(), environment={}, flavors=(), artifact=None,
)  # fmt: skip


def make_case(**changes):
    table = pa.table({"x": [1, 2, 3], "y": [1.0, 2.0, 3.0], "name": ["a", "b", "c"]})
    data = EvaluationData(table=table, source="s", digest="sha256:0", target="y", id="name")
    given = {
        "comparison": Comparison(candidate=SNAPSHOT, baseline=None, baseline_chosen_by=None, data=data),
        "answers": Answers(table=pa.table({"prediction": [1.0, 2.0, 4.0]}), failure=None),
        "baseline_answers": None,
        "task": Task.REGRESSION,
        "config": ModelConfig(),
        "confidence": 0.99,
        "metrics": (MetricAsked(name="rmse", limits=None), MetricAsked(name="mae", limits=None)),
        "reproducibility": Reproducibility(),
    }
    return Case(**(given | changes))


@pytest.fixture
def run(tmp_path):
    """Run a module of checks on a case."""

    def from_source(source, case=None, only=None):
        folder = tmp_path / "checks"
        folder.mkdir()
        header = "import pytest\nfrom gate import check, inconclusive\n"
        (folder / "mine.py").write_text(header + textwrap.dedent(source))
        return {outcome.id: outcome for outcome in engine.run(case or make_case(), [folder], only)}

    return from_source


ENDINGS = {
    "pass": ("pass", Status.PASSED, ""),
    "assertion": ("assert 1 == 2, 'not equal'", Status.FAILED, "not equal"),
    "pytest.fail": ("pytest.fail('no')", Status.FAILED, "no"),
    "skip": ("pytest.skip('why')", Status.SKIPPED, "why"),
    "inconclusive": ("inconclusive('100 rows would do')", Status.INCONCLUSIVE, "100 rows would do"),
    "exception": ("raise KeyError('k')", Status.ERROR, "KeyError: 'k'"),
    "exit": ("raise SystemExit(0)", Status.ERROR, "SystemExit: 0"),
}


@pytest.mark.parametrize("case", ENDINGS)
def test_how_a_check_ends_is_its_status(run, case):
    """A failed assertion is the model's, any other exception the gate's."""
    body, status, message = ENDINGS[case]
    found = run(f"@check(category='outliers')\ndef check_it():\n    {body}\n")["outliers.it"]
    assert (found.status, found.message) == (status, message)


def test_a_measure_past_its_limit_fails_and_all_limits_are_reported_together(run):
    """The check runs to its end first."""
    found = run("""
        @check(category="outliers", severity="warning")
        def check_it(measure):
            measure("a", 2.0, max=1.0, unit="pt")
            measure("b", 0.0, min=1.0)
            measure("c", 1.0, max=1.0)
        """)["outliers.it"]
    assert found.status is Status.FAILED
    assert found.message == "a is 2 pt, above the limit of 1; b is 0, below the limit of 1"
    assert [item.name for item in found.measurements] == ["a", "b", "c"]


@pytest.mark.parametrize("value", ["float('nan')", "None", "'text'"])
def test_what_is_no_number_is_past_every_limit(run, value):
    """A missing metric never passes."""
    found = run(f"@check(category='outliers')\ndef check_it(measure):\n    measure('a', {value}, max=1.0)\n")
    assert found["outliers.it"].status is Status.FAILED


def test_a_check_without_a_baseline_is_skipped(run):
    """Comparative checks of a first version are skipped with that reason."""
    found = run("@check(category='outliers')\ndef check_it(baseline_predictions):\n    assert False\n")["outliers.it"]
    assert (found.status, found.message) == (Status.SKIPPED, "there is no baseline")


def test_a_baseline_that_cannot_be_scored_makes_its_checks_inconclusive_and_critical(run):
    """The remedy is another baseline, or none."""
    failed = Answers(table=None, failure=Failure(stage="load", kind="E", text="t"))
    comparison = Comparison(
        candidate=SNAPSHOT, baseline=SNAPSHOT, baseline_chosen_by="x", data=make_case().comparison.data
    )
    case = make_case(comparison=comparison, baseline_answers=failed)
    source = "@check(category='outliers', severity='warning')\ndef check_it(baseline_predictions):\n    pass\n"
    found = run(source, case)["outliers.it"]
    assert (found.status, found.severity) == (Status.INCONCLUSIVE, Severity.CRITICAL)
    assert "--baseline none" in found.message


def test_a_check_that_skips_after_answers_of_another_length(run):
    """Answers that cannot be paired with the rows are not handed out."""
    case = make_case(answers=Answers(table=pa.table({"prediction": [1.0]}), failure=None))
    found = run("@check(category='outliers')\ndef check_it(predictions):\n    assert False\n", case)["outliers.it"]
    assert found.status is Status.SKIPPED


def test_offending_rows_carry_id_inputs_answers_and_label(run):
    """The whole row, not only the value; all are counted, few are kept."""
    found = run("""
        @check(category="outliers")
        def check_it(offending_rows):
            offending_rows([2, 0], difference=[1.0, 0.0])
            assert False
        """)["outliers.it"]
    assert found.rows_total == 2
    assert found.rows[0] == {"id": "c", "inputs": {"x": 3}, "prediction": 4.0, "label": 3.0, "difference": 1.0}


def test_a_check_for_each_metric_has_an_identity_for_each(run):
    """quality.rmse and quality.mae."""
    found = run("@check(category='quality', each='metrics')\ndef check_q(metric):\n    assert metric.name == 'rmse'\n")
    assert {name: outcome.status for name, outcome in found.items()} == {
        "quality.rmse": Status.PASSED,
        "quality.mae": Status.FAILED,
    }


def test_only_the_categories_asked_for_run_and_loading_always(run):
    """A model that does not load fails, whatever was asked for."""
    source = """
        @check(category="contract")
        def check_loads(): pass
        @check(category="contract")
        def check_other(): pass
        @check(category="outliers")
        def check_it(): pass
        """
    assert set(run(source, only=frozenset({Category.OUTLIERS}))) == {"contract.loads", "outliers.it"}


def test_a_module_that_cannot_be_imported_is_an_error(run):
    """Never a check less."""
    found = run("import nothing_of_that_name\n")
    assert found["contract.checks_collected"].status is Status.ERROR
    assert "nothing_of_that_name" in found["contract.checks_collected"].message


def test_a_function_without_the_decorator_is_refused(run):
    """With the file and what to write."""
    with pytest.raises(UsageError, match="check_it is no check"):
        run("def check_it(): pass\n")


def test_two_checks_of_one_identity_are_refused(run, tmp_path):
    """An identity names one check."""
    twice = "@check(category='outliers')\ndef check_it(): pass\n"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "others.py").write_text("from gate import check\n" + twice)
    run(twice)
    with pytest.raises(UsageError, match=r"outliers\.it"):
        engine.run(make_case(), [tmp_path / "checks", tmp_path / "more"], None)


def test_a_hostile_pytest_ini_and_conftest_change_nothing(tmp_path, monkeypatch):
    """The user's own pytest settings are for the user's own tests."""
    folder = tmp_path / "checks"
    folder.mkdir()
    (folder / "mine.py").write_text(
        "from gate import check\n@check(category='outliers')\ndef check_it():\n    assert 0\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (tmp_path / "conftest.py").write_text("def pytest_collection_modifyitems(items): items.clear()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    outcomes = engine.run(make_case(), [folder], None)
    assert [(outcome.id, outcome.status) for outcome in outcomes] == [("outliers.it", Status.FAILED)]


def test_what_a_check_prints_does_not_reach_standard_output(run, capfd):
    """Standard output carries the result alone."""
    run("@check(category='outliers')\ndef check_it():\n    print('noise')\n")
    assert capfd.readouterr().out == ""


def test_a_missing_folder_of_checks_is_refused(tmp_path):
    """A typo in gate.yaml is no pass."""
    with pytest.raises(UsageError, match="does not exist"):
        engine.run(make_case(), [tmp_path / "nope"], None)


def test_an_edited_check_is_read_anew(run, tmp_path):
    """Modules of checks do not stay in the process."""
    run("@check(category='outliers')\ndef check_it():\n    assert False\n")
    (tmp_path / "checks" / "mine.py").write_text(
        "from gate import check\n@check(category='outliers')\ndef check_it(): pass\n"
    )
    assert engine.run(make_case(), [tmp_path / "checks"], None)[0].status is Status.PASSED


def test_the_catalog_lists_checks_without_running_them(tmp_path):
    """Gate explain and the documentation read it."""
    (tmp_path / "mine.py").write_text(
        "from gate import check\n@check(category='outliers', severity='warning')\n"
        "def check_it():\n    '''It holds.\n\n    More.\n    '''\n    raise RuntimeError\n"
    )
    (entry,) = engine.catalog([tmp_path])
    assert (entry.id, entry.title, entry.severity) == ("outliers.it", "It holds.", Severity.WARNING)
