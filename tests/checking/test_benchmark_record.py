"""pytest-benchmark as the record: both versions of each scenario, stable names, nothing of the machine."""

from __future__ import annotations

import inspect
import json
import platform
import subprocess
import sys
import textwrap
import time
import warnings

import numpy as np
import pyarrow as pa
import pytest

from gate.checking import benchmark_record, engine
from gate.checking.case import Case
from gate.domain import Answers, Comparison, EvaluationData, Reproducibility, Snapshot, Task, TimedPairs, Timings
from gate.settings import ModelConfig

PLAIN = {
    "model": "m", "run_id": None, "model_id": None, "source": None, "created_at": None, "description": "", "tags": {},
    "aliases": (), "legacy_stage": None, "run": None, "signature": None, "requirements": (), "environment": {},
    "flavors": (), "artifact": None,
}  # fmt: skip
NONE = "@check(category='outliers')\ndef check_it(): pass\n"


def pairs(count=50, calls=4, scenario="batch_1", judged_as="latency"):
    """Rounds of four calls of 2 ms of the candidate and of 1 ms of the baseline, by the wall clock; half of it CPU."""
    wall = np.arange(count) + 1_000_000
    return TimedPairs(
        scenario=scenario, judged_as=judged_as, warn=0.02, block=0.05, batch_size=1, calls=calls,
        candidate_cpu_ns=wall * calls, baseline_cpu_ns=wall * calls // 2,
        candidate_wall_ns=wall * calls * 2, baseline_wall_ns=wall * calls,
        crew=np.zeros(count, dtype=np.int64), unseen=np.ones(count, dtype=bool), stopped_by="time budget",
    )  # fmt: skip


def make_case(*timed):
    data = EvaluationData(table=pa.table({"x": [1]}), source="s", digest="sha256:0", target=None, id=None)
    versions = [Snapshot(version=number, **PLAIN) for number in (2, 1)]
    answers = Answers(table=pa.table({"prediction": [1.0]}), failure=None)
    return Case(
        comparison=Comparison(candidate=versions[0], baseline=versions[1], baseline_chosen_by="previous", data=data),
        answers=answers, baseline_answers=answers, task=Task.REGRESSION, config=ModelConfig(), confidence=0.99,
        metrics=(), reproducibility=Reproducibility(),
        timings=Timings(environment={}, method="m", pairs=timed) if timed else None,
    )  # fmt: skip


@pytest.fixture
def recorded(tmp_path):
    """Run a module of checks on what was timed; give the record, {} where there is none, and the outcomes."""

    def run(source, *timed):
        folder, file = tmp_path / "checks", tmp_path / "benchmark.json"
        folder.mkdir()
        (folder / "mine.py").write_text("import pytest\nfrom gate import check\n" + textwrap.dedent(source))
        outcomes = {outcome.id: outcome for outcome in engine.run(make_case(*timed), [folder], None, file)}
        text = file.read_text() if file.exists() else ""
        return json.loads(text or "{}"), outcomes

    return run


def entries(record):
    return {entry["name"]: entry for entry in record["benchmarks"]}


def test_both_versions_of_each_scenario_are_in_the_record(recorded):
    """By the wall clock a call, in one group, under names that say neither where checks lie nor who ran them."""
    record, _ = recorded(NONE, pairs(), pairs(scenario="batch_4096", judged_as="throughput"))
    found = entries(record)
    assert list(found) == [
        "latency[batch_1] candidate", "latency[batch_1] baseline",
        "throughput[batch_4096] candidate", "throughput[batch_4096] baseline",
    ]  # fmt: skip
    candidate, baseline = list(found.values())[:2]
    assert (candidate["fullname"], candidate["group"]) == ("performance.latency[batch_1] candidate", "latency[batch_1]")
    assert (candidate["stats"]["rounds"], candidate["stats"]["iterations"]) == (50, 4)
    assert candidate["stats"]["median"] == pytest.approx(0.002, rel=1e-3)
    assert baseline["stats"]["data"] == pytest.approx((np.arange(50) + 1_000_000) / 1e9)
    assert candidate["params"] == {"scenario": "batch_1", "side": "candidate"}
    assert candidate["extra_info"]["cpu_median_s"] == pytest.approx(0.001, rel=1e-3)


def test_pytest_benchmark_reads_the_record(recorded, tmp_path):
    """Its own command shows both versions side by side."""
    recorded(NONE, pairs())
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "benchmark.json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "benchmark 'latency[batch_1]': 2 tests" in done.stdout
    assert "latency[batch_1] candidate" in done.stdout
    assert "latency[batch_1] baseline" in done.stdout


def test_the_record_does_not_name_the_machine(recorded, tmp_path, monkeypatch):
    """No node name, no flags of the processor, no path; the project of the commit is the model."""
    monkeypatch.chdir(tmp_path)
    record, _ = recorded("@check(category='performance')\ndef check_it(benchmark): benchmark(int)\n", pairs())
    assert "node" not in record["machine_info"]
    assert set(record["machine_info"]["cpu"]) == {"brand_raw", "arch_string_raw", "count"}
    assert record["machine_info"]["python_version"] == platform.python_version()
    assert set(record["commit_info"]) == {"id", "time", "author_time", "dirty", "branch", "project"}
    assert record["commit_info"]["project"] == "m"
    text = json.dumps(record)
    assert platform.node() not in text
    assert str(tmp_path) not in text
    assert tmp_path.name not in text


def test_nothing_is_left_in_the_users_folder(recorded, tmp_path, monkeypatch):
    """pytest-benchmark would make a folder for runs that nobody stores."""
    monkeypatch.chdir(tmp_path)
    recorded(NONE, pairs())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmark.json", "checks"]


def test_without_anything_timed_there_is_no_record(recorded):
    """An empty one could be taken for a record of nothing slow."""
    with warnings.catch_warnings(record=True) as warned:
        record, outcomes = recorded(NONE, pairs(count=0))
    assert record == {}
    assert warned == []
    assert outcomes["outliers.it"].status == "passed"


def test_an_authors_benchmark_is_called_by_its_check_and_its_rounds_are_bounded(recorded):
    """A fast function would have a hundred thousand of them; a minimum of the author's own stands."""
    record, outcomes = recorded("""
        @check(category="performance", severity="warning")
        def check_fast(benchmark):
            benchmark(int)

        @pytest.mark.benchmark(min_time=0.01, group="mine")
        @check(category="performance", severity="warning")
        def check_set(benchmark):
            benchmark(int)
        """)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "performance.fast": "passed", "performance.set": "passed",
    }  # fmt: skip
    found = entries(record)
    assert found["fast"]["fullname"] == "performance.fast"
    assert 1 <= found["fast"]["stats"]["rounds"] <= 2000
    assert found["fast"]["options"]["timer"] == "prediction_clock"
    assert (found["set"]["group"], found["set"]["options"]["min_time"]) == ("mine", 0.01)


ENDINGS = {"lambda: 1 / 0": "error", "lambda: pytest.fail('no')": "failed"}


@pytest.mark.parametrize("function", ENDINGS)
def test_a_check_that_ends_in_its_benchmark_leaves_no_entry(recorded, function):
    """And breaks nothing else, though pytest-benchmark has made room for its rounds by then."""
    source = f"@check(category='performance')\ndef check_it(benchmark):\n    benchmark.pedantic({function})\n"
    record, outcomes = recorded(source, pairs())
    assert outcomes["performance.it"].status == ENDINGS[function]
    assert list(entries(record)) == ["latency[batch_1] candidate", "latency[batch_1] baseline"]


def test_rounds_are_thinned_evenly(recorded):
    """The record holds as many as pytest-benchmark itself would make, the first and the last among them."""
    record, _ = recorded(NONE, pairs(count=5000))
    data = entries(record)["latency[batch_1] baseline"]["stats"]["data"]
    assert len(data) == benchmark_record.MOST_ROUNDS
    assert (data[0], data[-1]) == (0.001, 0.001004999)


def test_an_outer_pytest_does_not_switch_the_record_off(recorded, monkeypatch):
    """pytest-benchmark records nothing where it believes that it runs beside others."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    record, _ = recorded(NONE, pairs())
    assert len(entries(record)) == 2


def test_the_clock_counts_the_prediction_alone():
    """What else a question takes has not happened."""
    clock = benchmark_record.Clock()
    before, began = clock(), time.perf_counter()
    time.sleep(0.2)
    clock.count(began, 0.005)
    assert clock() - before == pytest.approx(0.005, abs=0.1)


TAKEN = {
    "node", "add_stats", "logger", "warner", "disabled", "group", "disable_gc", "timer", "min_rounds", "min_time",
    "max_time", "precision", "confidence", "warmup", "warmup_iterations", "calibration_precision", "cprofile",
    "cprofile_loops", "cprofile_dump",
}  # fmt: skip


def test_the_private_interface_of_pytest_benchmark_is_as_it_was():
    """The contract behind `_entries`: where it breaks, mend that; until then the numbers are in extra_info."""
    from pytest_benchmark.fixture import BenchmarkFixture
    from pytest_benchmark.stats import Metadata

    assert set(inspect.signature(BenchmarkFixture).parameters) == TAKEN
    assert list(inspect.signature(BenchmarkFixture._make_stats).parameters) == ["self", "iterations"]
    assert list(inspect.signature(Metadata.update).parameters) == ["self", "duration"]


def test_the_session_of_pytest_benchmark_is_as_it_was(recorded):
    """Its name among the plugins, what it holds, and the options that it hands on, as a check sees them."""
    source = """
        @check(category="performance")
        def check_session(request):
            session = request.config.pluginmanager.get_plugin("pytest-benchmark")
            assert session.benchmarks == []
            assert (session.disabled, session.skip) == (False, False)
            assert session.logger is not None
            assert {"node", "add_stats", "logger", "warner", "disabled", "group", *session.options} == TAKEN
        """
    _, outcomes = recorded(source.replace("TAKEN", repr(TAKEN)))
    assert outcomes["performance.session"].message == ""


def test_an_interface_that_has_changed_moves_the_numbers_to_extra_info(recorded, monkeypatch):
    """The first check that asks for the timings carries them, by public means alone; nothing fails."""
    monkeypatch.setattr("pytest_benchmark.fixture.BenchmarkFixture", lambda node: node)
    record, outcomes = recorded(
        """
        @check(category="performance")
        def check_timed(timings):
            assert timings.pairs

        @check(category="performance")
        def check_again(timings):
            assert timings.pairs
        """,
        pairs(),
    )
    assert {outcome.status for outcome in outcomes.values()} == {"passed"}
    (entry,) = record["benchmarks"]
    assert entry["fullname"] == "performance.timed"
    numbers = entry["extra_info"]["performance.latency[batch_1] candidate"]
    assert (numbers["rounds"], numbers["iterations"]) == (50, 4)
    assert numbers["median"] == pytest.approx(0.002, rel=1e-3)
    assert len(numbers["data"]) == 50
