"""Looks: what counts as one, where they are kept, and what happens when they are used up."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from gate import config as settings
from gate import looks
from gate.domain import (
    Artifact,
    Category,
    CheckResult,
    Comparison,
    DataInfo,
    EvaluationData,
    Looks,
    Outcome,
    Severity,
    Snapshot,
    Status,
)
from gate.registry import connect, short_digest
from gate.registry.looks import keep_look
from gate.registry.looks import looks as recorded
from tests.registry.conftest import keep_environment, make_report

DATA = "sha256:" + "d" * 64
PLAIN = {
    "model": "wine", "run_id": None, "model_id": None, "source": None, "created_at": None, "description": "",
    "tags": {}, "aliases": (), "legacy_stage": None, "run": None, "signature": None, "requirements": (),
    "environment": {},
    "flavors": (),
}  # fmt: skip


@pytest.fixture
def registry(registry_uri, monkeypatch):
    """A registry with one model of no version."""
    keep_environment(monkeypatch)
    opened = connect(registry_uri)
    opened.client.create_registered_model("wine")
    return opened


@pytest.fixture
def config(tmp_path):
    """No gate.yaml: the defaults, in a folder of the test's own."""
    return dataclasses.replace(settings.read(None), root=tmp_path)


def judged(candidate: str, data: str = DATA) -> Comparison:
    import pyarrow as pa

    artifact = Artifact(path=None, files=(), digest=f"sha256:{candidate * 64}")
    snapshot = Snapshot(version=2, artifact=artifact, **PLAIN)
    rows = EvaluationData(table=pa.table({"x": [1.0]}), source="s", digest=data, target=None, id=None)
    return Comparison(candidate=snapshot, baseline=None, baseline_chosen_by=None, data=rows)


def ended(status: Status, category: Category = Category.QUALITY) -> tuple[Outcome, ...]:
    return (Outcome(id="q", title="q", category=category, severity=Severity.CRITICAL, status=status),)


PASSED = ended(Status.PASSED)


def report_on(candidate: str):
    found = make_report(judged(candidate).candidate)
    result = CheckResult(
        id="quality.rmse",
        title="",
        category=Category.QUALITY,
        severity=Severity.CRITICAL,
        status=Status.FAILED,
        message="",
        duration_s=0.0,
    )
    return dataclasses.replace(found, data=DataInfo(digest=DATA), checks=(result,))


def test_each_distinct_candidate_counts_once(registry, config):
    """Judging the same digest again is free, another one costs a look."""
    taken = [looks.take(registry, judged(candidate), PASSED, config).counted.used for candidate in "aabac"]
    assert taken == [1, 1, 2, 2, 3]


def test_another_evaluation_set_starts_anew(registry, config):
    """Rotating the set gives all looks back."""
    looks.take(registry, judged("a"), PASSED, config)
    other = judged("b", data="sha256:" + "e" * 64)
    assert looks.take(registry, other, PASSED, config).counted == Looks(used=1, planned=20)


@pytest.mark.parametrize(("status", "used"), [(Status.FAILED, 1), (Status.INCONCLUSIVE, 1), (Status.SKIPPED, 0)])
def test_a_failure_counts_and_what_did_not_run_does_not(registry, config, status, used):
    """A look is a judgement on the data, whatever came of it."""
    assert looks.take(registry, judged("a"), ended(status), config).counted.used == used


def test_the_contract_alone_is_no_look(registry, config):
    """It decides nothing by the rows."""
    assert looks.take(registry, judged("a"), ended(Status.PASSED, Category.CONTRACT), config).counted.used == 0


def test_recorded_looks_and_local_ones_are_joined(registry, config):
    """One that is in both counts once."""
    for candidate in "ab":
        keep_look(registry, report_on(candidate))
    assert looks.take(registry, judged("b"), PASSED, config).counted.used == 2
    assert looks.take(registry, judged("c"), PASSED, config).counted.used == 3
    assert set(recorded(registry, "wine", DATA)) == {short_digest(f"sha256:{c * 64}") for c in "ab"}


def test_a_damaged_file_loses_no_other_look(registry, config):
    """A torn last line, bytes that are no text and other JSON are passed over."""
    looks.take(registry, judged("a"), PASSED, config)
    path = looks.local_file(config, "wine")
    with path.open("ab") as file:
        file.write(b'\xff\xfe\n[1]\n{"data": 3}\n{"data": "sha2')
    assert looks.take(registry, judged("b"), PASSED, config).counted.used == 2
    assert looks.take(registry, judged("b"), PASSED, config).counted.used == 2


def test_a_folder_that_cannot_be_written_still_counts_this_look(registry, config):
    """Where .gate is a file, nothing can be kept."""
    (config.root / ".gate").write_text("")
    assert looks.take(registry, judged("a"), PASSED, config).counted.used == 1


def test_other_tags_are_no_looks(registry, config):
    """People's tags, and damaged ones, are passed over."""
    for key in ("gate.look.x.y", "gate.look", f"gate.look.{'d' * 16}.zz"):
        registry.client.set_registered_model_tag("wine", key, "?")
    assert looks.take(registry, judged("a"), PASSED, config).counted.used == 1


def test_two_gates_at_once_lose_no_look(config):
    """Every line is one write at the end of the file."""
    path = looks.local_file(config, "wine")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: looks._append(path, {"data": DATA, "candidate": str(number)}), range(200)))
    assert {candidate for candidate, _ in looks._kept(path, DATA)} == {str(number) for number in range(200)}


def test_a_candidate_keeps_its_place(registry, config):
    """Judged again after others have used the looks up, a version is still the first: its verdict stays."""
    taken = [looks.take(registry, judged(candidate), PASSED, config) for candidate in "abca"]
    assert [look.place for look in taken] == [1, 2, 3, 1]
    assert taken[-1].counted.used == 3
