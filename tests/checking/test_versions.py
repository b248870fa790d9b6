"""The fixtures candidate, baseline and compare_speed: facts that can be asked, and how checks end on failures."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gate.authors import ModelFailedError
from gate.checking import engine
from gate.checking.case import Case
from gate.domain import (
    Answers,
    Comparison,
    EvaluationData,
    Failure,
    Reproducibility,
    Snapshot,
    Status,
    Task,
    TimedPairs,
    Timings,
)
from gate.errors import GateError
from gate.settings import ModelConfig

PLAIN = {
    "model": "m", "run_id": "r7", "model_id": None, "source": None, "created_at": None, "description": "", "tags": {},
    "aliases": (), "legacy_stage": None, "run": None, "signature": None, "requirements": (), "environment": {},
    "flavors": (), "artifact": None,
}  # fmt: skip
FAILURE = Failure(stage="predict", kind="KeyError", text="'b'")
CALL_NS = 4_000_000


class Doubling:
    """Answers twice x; fails over negative x. A call takes 4 ms by its own account, and no time at all."""

    def __init__(self, side):
        self.side, self.asked = side, []

    def predict(self, rows):
        self.asked.append(rows)
        table = pa.table({"x": [1.0, 2.0, 3.0]}).slice(0, rows) if isinstance(rows, int) else rows
        x = table.column("x").to_numpy()
        if (x < 0).any():
            raise ModelFailedError(FAILURE, self.side)
        if (x > 1000).any():
            raise GateError("no worker")
        return pa.table({"prediction": 2 * x})

    def hold(self, rows):
        self.predict(rows)
        return 0

    def call(self, held):  # noqa: ARG002 - the protocol's
        return 0.004


class Live:
    """Both versions, and what they are said to take."""

    def __init__(self, slower=0.0, noise=0.01, **timed):
        self.versions = {side: Doubling(side) for side in ("candidate", "baseline")}
        self.slower, self.noise, self.timed, self.how = slower, noise, timed, None

    def version(self, side):
        return self.versions[side]

    def compare(self, rows, how):  # noqa: ARG002 - the protocol's
        self.how = how
        random = np.random.default_rng(0)
        took = [CALL_NS * factor * np.exp(self.noise * random.normal(size=640)) for factor in (1 + self.slower, 1)]
        ours, theirs = (each.astype(np.int64) for each in took)
        pairs = TimedPairs(
            scenario=f"batch_{how.batch_sizes[0]}", judged_as="latency", warn=how.warn.value, block=how.block.value,
            batch_size=how.batch_sizes[0], calls=1, candidate_cpu_ns=ours, candidate_wall_ns=ours,
            baseline_cpu_ns=theirs, baseline_wall_ns=theirs, crew=np.arange(640) % 2, unseen=np.ones(640, dtype=bool),
        )  # fmt: skip
        given = {"pairs": (pairs,)} | self.timed
        return Timings(environment={}, method="m", **given)


def make_case(**changes):
    table = pa.table({"x": [1.0, 2.0, 3.0]})
    data = EvaluationData(table=table, source="s", digest="sha256:0", target=None, id=None)
    versions = [Snapshot(version=number, **PLAIN) for number in (2, 1)]
    answers = Answers(table=pa.table({"prediction": [2.0, 4.0, 6.0]}), failure=None)
    case = Case(
        comparison=Comparison(candidate=versions[0], baseline=versions[1], baseline_chosen_by="previous", data=data),
        answers=answers, baseline_answers=answers, task=Task.REGRESSION, config=ModelConfig(), confidence=0.99,
        metrics=(), reproducibility=Reproducibility(), live=Live(),
    )  # fmt: skip
    return replace(case, **changes)


@pytest.fixture
def ended(tmp_path):
    """Run one check, of the category performance and a warning; give its outcome."""

    def run(body, arguments="candidate", **changes):
        folder = tmp_path / "checks"
        folder.mkdir()
        (folder / "mine.py").write_text(
            "import pandas as pd\nimport pyarrow as pa\nimport pytest\nfrom gate import ModelFailedError, check\n"
            "from gate.domain import Snapshot\n\n\n"
            f"@check(category='performance', severity='warning')\ndef check_it({arguments}):\n"
            + textwrap.indent(textwrap.dedent(body), "    ")
        )
        (outcome,) = engine.run(make_case(**changes), [folder], None, tmp_path / "benchmark.json")
        return outcome

    return run


def test_a_version_is_still_what_is_stored_with_it(ended):
    """Whatever took a snapshot takes it on."""
    found = ended(
        """
        assert isinstance(candidate, Snapshot)
        assert (candidate.version, baseline.version, candidate.run_id, candidate.digest) == (2, 1, "r7", None)
        """,
        "candidate, baseline",
    )
    assert found.status is Status.PASSED, found.message


def test_rows_are_a_frame_a_table_or_a_number(ended):
    """Answers come as a frame under the index of the frame that was asked, so that pandas lines them up."""
    found = ended(
        """
        frame = pd.DataFrame({"x": [5.0, 7.0]}, index=[11, 3])
        assert candidate.predict(frame)["prediction"].to_dict() == {11: 10.0, 3: 14.0}
        assert baseline.predict(pa.table({"x": [9.0]}))["prediction"].tolist() == [18.0]
        assert candidate.predict(2)["prediction"].tolist() == [2.0, 4.0]
        """,
        "candidate, baseline",
    )
    assert found.status is Status.PASSED, found.message


@pytest.mark.parametrize("rows", ["0", "-1", "pd.DataFrame({'x': []})", "'many'"])
def test_asking_nothing_is_the_checks_own_error(ended, rows):
    """No model is blamed for it."""
    assert ended(f"candidate.predict({rows})").status is Status.ERROR


FAILING = {
    "predict": "{side}.predict(pd.DataFrame({{'x': [-1.0]}}))",
    "caller": "{side}.caller(pd.DataFrame({{'x': [-1.0]}}))",
}


@pytest.mark.parametrize("how", FAILING)
def test_a_candidate_that_fails_fails_the_check(ended, how):
    """It is no error of the gate."""
    found = ended(FAILING[how].format(side="candidate"))
    assert (found.status, found.severity) == ("failed", "warning")
    assert found.message == "the candidate failed: KeyError: 'b'"


@pytest.mark.parametrize("how", FAILING)
def test_a_baseline_that_fails_leaves_the_question_open(ended, how):
    """Inconclusive and critical, with the remedy, as the shipped checks end."""
    found = ended(FAILING[how].format(side="baseline"), "baseline")
    assert (found.status, found.severity) == ("inconclusive", "critical")
    assert "--baseline none" in found.message


def test_a_refusal_can_be_expected(ended):
    """A check may want the model to fail."""
    found = ended("with pytest.raises(ModelFailedError): candidate.predict(pd.DataFrame({'x': [-1.0]}))")
    assert found.status is Status.PASSED, found.message


def test_a_process_that_does_not_start_is_the_gates_error(ended):
    """Never a pass, never the model's."""
    assert ended("candidate.predict(pd.DataFrame({'x': [2000.0]}))").status is Status.ERROR


def test_a_candidate_that_gave_no_answers_is_not_asked_again(ended):
    """The check is skipped; contract.loads has failed."""
    broken = Answers(table=None, failure=FAILURE)
    found = ended("candidate.predict(1)", answers=broken, reasons={"answers": "the candidate gave no answers (E)"})
    assert (found.status, found.message) == ("skipped", "the candidate gave no answers (E)")


def test_a_baseline_that_cannot_be_scored_leaves_the_question_open(ended):
    """As for baseline_predictions."""
    broken = Answers(table=None, failure=FAILURE)
    found = ended("baseline.predict(1)", "baseline", baseline_answers=broken)
    assert (found.status, found.severity) == ("inconclusive", "critical")


def test_without_evaluation_data_rows_of_ones_own_can_be_asked(ended):
    """So many evaluation rows cannot: skipped, with the reason."""
    case = make_case()
    nothing = replace(case.comparison, data=None)
    found = ended("assert len(candidate.predict(pd.DataFrame({'x': [1.0]}))) == 1\ncandidate.predict(3)",
                  comparison=nothing, reasons={"data": "no data"})  # fmt: skip
    assert (found.status, found.message) == ("skipped", "no data")


def test_a_benchmark_counts_the_prediction_alone(ended, tmp_path):
    """Whatever else a call takes; under the check's own name."""
    found = ended("benchmark(candidate.caller(2))", "candidate, benchmark")
    assert found.status is Status.PASSED, found.message
    (entry,) = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    assert entry["fullname"] == "performance.it"
    assert entry["stats"]["median"] == pytest.approx(0.004, rel=0.05)


ENDINGS = {
    "no slower": ({"slower": 0.0}, ("passed", "warning")),
    "a little": ({"slower": 0.038}, ("failed", "warning")),
    "much": ({"slower": 0.3}, ("failed", "critical")),
    "nobody knows": ({"slower": 0.0, "noise": 3.0}, ("inconclusive", "warning")),
    "a candidate that breaks down": ({"failed": "candidate", "problem": "p", "pairs": ()}, ("failed", "critical")),
    "a baseline that breaks down": ({"failed": "baseline", "problem": "p", "pairs": ()}, ("inconclusive", "critical")),
}


@pytest.mark.parametrize("case", ENDINGS)
def test_compare_speed_ends_as_latency_does(ended, case):
    """Three ends, and the severity by how far it is off."""
    given, ending = ENDINGS[case]
    found = ended("compare_speed(rows=20)", "compare_speed", live=Live(**given))
    assert (found.status, found.severity) == ending, found.message


def test_compare_speed_measures_and_records_both_versions(ended, tmp_path):
    """The ratio with its interval in the report, both versions under the check's name in the record."""
    live = Live(slower=0.1)
    found = ended(
        """
        ratio = compare_speed(rows=20, warn="25%", block="30%", budget_s=3)
        assert 1.05 < ratio.low < ratio.estimate < ratio.high < 1.15
        """,
        "compare_speed",
        live=live,
    )
    assert found.status is Status.PASSED, found.message
    assert (live.how.warn.value, live.how.block.value, live.how.budget_s) == (0.25, 0.3, 3)
    assert [measured.name for measured in found.measurements] == ["cpu_ratio_batch_20", "wall_ratio_batch_20"]
    entries = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    assert [entry["fullname"] for entry in entries] == [
        "performance.it[batch_20] candidate", "performance.it[batch_20] baseline",
    ]  # fmt: skip


def test_compare_speed_without_a_baseline_is_skipped(ended):
    """There is nothing to compare with."""
    comparison = replace(make_case().comparison, baseline=None)
    found = ended("compare_speed()", "compare_speed", comparison=comparison, baseline_answers=None)
    assert (found.status, found.message) == ("skipped", "there is no baseline")
