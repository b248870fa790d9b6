"""The verdict as evidence: signed where it is made, verified where it is used, through the command line."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gate.domain import Category, Severity, Status, Verdict
from tests.cli.conftest import untouched

OTHER = "sha256:" + "0" * 64
FILES = {"report.json", "statement.json", "statement.dsse.json"}


def marks(project, version=2):
    with sqlite3.connect(project.folder / "mlflow.db") as base:
        found = base.execute("select key, value from model_version_tags where name='house' and version=?", (version,))
        return dict(found.fetchall())


def kept(project, version=2):
    """The folder in which the recorded verdict lies."""
    run = marks(project, version)["gate.report"].split("/")[1]
    with sqlite3.connect(project.folder / "mlflow.db") as base:
        (address,) = base.execute("select artifact_uri from runs where run_uuid=?", (run,)).fetchone()
    return Path(address.removeprefix("file://")) / f"gate/v{version}"


def refused(project, path, *words, to="staging"):
    """A promotion that is refused with exit 1, one sentence and a remedy, and that changed nothing."""
    ended = project.gate("promote", "house", "2", "--report", str(path), "--to", to)
    assert ended.code == 1, ended.err
    assert ended.out == ""
    for word in words:
        assert word in ended.err
    return ended


def test_what_a_job_writes(judged):
    """Three files: the report, a statement about exactly these bytes, and the same statement signed."""
    folder = judged.folder / "signed"
    assert {path.name for path in folder.iterdir()} >= FILES
    statement = json.loads((folder / "statement.json").read_text())
    digest = hashlib.sha256((folder / "report.json").read_bytes()).hexdigest()
    assert statement["predicate"]["report"]["digest"] == {"sha256": digest}
    report = json.loads((folder / "report.json").read_text())
    assert statement["subject"] == [
        {"name": "models:/house/2", "digest": {"sha256": report["candidate"]["digest"].removeprefix("sha256:")}}
    ]
    envelope = json.loads((folder / "statement.dsse.json").read_text())
    assert base64.b64decode(envelope["payload"]) == (folder / "statement.json").read_bytes()
    assert report["gate"]["signed_by"] == envelope["signatures"][0]["keyid"]
    assert json.loads((judged.folder / "unsigned/report.json").read_text())["gate"]["signed_by"] is None
    assert not (judged.folder / "unsigned/statement.dsse.json").exists()


def test_openssl_verifies_it(judged, tmp_path):
    """Whoever has the public key needs no gate to verify a verdict."""
    envelope = json.loads((judged.folder / "signed/statement.dsse.json").read_text())
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    (tmp_path / "message").write_bytes(b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", judged.public, "-rawin"]
    command += ["-in", tmp_path / "message", "-sigfile", tmp_path / "signature"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_signed_report_of_another_job(strict, judged):
    """Verified, recorded byte for byte, promoted; and promoted further from what was recorded."""
    path = judged.job(strict)
    ended = strict.gate("promote", "house", "2", "--report", str(path))
    assert ended.code == 0, ended.err
    assert "holds staging" in ended.out
    for name in FILES:
        assert (kept(strict) / name).read_bytes() == (path.parent / name).read_bytes()
    fingerprint = json.loads(path.read_text())["gate"]["signed_by"]
    assert marks(strict)["gate.signed_by"] == fingerprint
    history = strict.gate("history", "house")
    assert f"The verdict on v2 is signed by {fingerprint}" in history.out
    lineage = json.loads(strict.gate("history", "house", "--json").out)
    assert {row["version"]: row["signed_by"] for row in lineage["versions"]} == {1: None, 2: fingerprint, 3: None}
    assert fingerprint in strict.gate("note", "house", "2", "--draft").out
    again = strict.gate("promote", "house", "2", "--to", "production")
    assert again.code == 0, again.err


def test_a_recorded_verdict_that_was_changed(strict, judged):
    """What lies in the store is verified as what a job hands over."""
    assert strict.gate("promote", "house", "2", "--report", str(judged.job(strict))).code == 0
    report = kept(strict) / "report.json"
    before = report.read_bytes()
    try:
        report.write_bytes(before.replace(b'"duration_s": 0', b'"duration_s": 1', 1))
        assert report.read_bytes() != before
        changed = strict.gate("promote", "house", "2", "--to", "production")
        report.write_bytes(before)
        (kept(strict) / "statement.dsse.json").unlink()
        bare = strict.gate("promote", "house", "2", "--to", "production")
    finally:
        report.write_bytes(before)
    assert (changed.code, bare.code) == (1, 1)
    assert "it was changed" in changed.err
    assert "is not signed" in bare.err


def test_a_release_signs_what_it_promotes(strict, judged):
    """One command, with the key in the environment as a text."""
    key = (judged.folder / "keys/gate-signing-key.pem").read_text()
    ended = strict.gate("release", "house", "2", GATE_SIGNING_KEY=key)
    assert ended.code == 0, ended.err
    assert {path.name for path in kept(strict).iterdir()} >= FILES
    secret = key.splitlines()[1]
    assert secret not in ended.out + ended.err
    texts = [path for path in strict.folder.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in texts)


def test_a_release_without_the_key(strict, judged):
    """Judged and recorded, said before the work begins, and not promoted: exit 1."""
    ended = strict.gate("release", "house", "2")
    assert ended.code == 1
    assert "the verdict will not be promoted" in ended.err
    assert "is not signed" in ended.err
    assert marks(strict)["gate.verdict"].startswith("pass")
    other = str(judged.folder / "other/gate-signing-key.pem")
    unknown = strict.gate("release", "house", "2", "--only", "contract", GATE_SIGNING_KEY=other)
    assert "does not name the key" in unknown.err


def test_a_later_unsigned_verdict(lenient, judged):
    """It replaces the signed one whole: the old signature proves nothing about it."""
    assert lenient.gate("promote", "house", "2", "--report", str(judged.job(lenient))).code == 0
    shutil.rmtree(lenient.folder / "job")
    later = lenient.gate("promote", "house", "2", "--report", str(judged.job(lenient, "unsigned")))
    assert later.code == 0, later.err
    assert marks(lenient)["gate.signed_by"] == ""
    assert lenient.gate("promote", "house", "2", "--to", "production").code == 0


def test_a_missing_signature(strict, judged):
    """Whether the envelope was left behind, or never made."""
    path = judged.job(strict, "unsigned")
    refused(strict, path, "is not signed", "GATE_SIGNING_KEY")
    shutil.rmtree(path.parent)
    path = judged.job(strict)
    (path.parent / "statement.dsse.json").unlink()
    refused(strict, path, "is not signed")
    assert untouched(strict)


def test_an_unknown_key(strict, judged):
    """Signed, by nobody who may."""
    refused(strict, judged.job(strict, "stranger"), "promotion.trusted_keys does not name", "sha256:")
    assert untouched(strict)


def test_an_altered_report(lenient, judged):
    """A byte of no weight, a verdict, a file that is no JSON any more: exit 1, signed or not."""
    for job in ("signed", "unsigned"):
        path = judged.job(lenient, job)
        text = path.read_text()
        for other in (text.replace('"cores": ', '"cores": 1'), text.replace('"passed"', '"failed"', 1), text[:-20]):
            assert other != text
            path.write_text(other)
            refused(lenient, path, "it was changed")
        shutil.rmtree(path.parent)
    assert untouched(lenient)


def test_a_report_alone(lenient, judged):
    """Without a word about signatures a bare report is taken, and the reader is told that nothing vouches for it."""
    path = judged.job(lenient, "unsigned")
    (path.parent / "statement.json").unlink()
    ended = lenient.gate("promote", "house", "2", "--report", str(path))
    assert ended.code == 0, ended.err
    assert (kept(lenient) / "statement.json").is_file()


def test_a_signature_that_was_taken_away(lenient, judged):
    """A report that says that it is signed is not taken as one that is not."""
    path = judged.job(lenient)
    (path.parent / "statement.dsse.json").unlink()
    refused(lenient, path, "the signature is missing")
    assert untouched(lenient)


def test_another_version(strict, judged):
    """The signed verdict on version 2 promotes version 2."""
    ended = strict.gate("promote", "house", "1", "--report", str(judged.job(strict)))
    assert ended.code == 1
    assert "about version 2 of 'house', not about version 1 of 'house'" in ended.err
    other = strict.gate("promote", "broken-nones", "2", "--report", str(strict.folder / "job/report.json"))
    assert other.code == 1, other.err
    assert "not about version 2 of 'broken-nones'" in other.err
    assert untouched(strict)


def test_a_stage_that_changed_hands(lenient, judged):
    """The version was compared with version 1, and meanwhile version 3 holds the stage."""
    with sqlite3.connect(lenient.folder / "mlflow.db") as base:
        base.execute("insert into registered_model_aliases (name, alias, version) values ('house', 'staging', 3)")
    refused(lenient, judged.job(lenient), "judged against version 1, and now version 3 holds staging")
    assert marks(lenient) == {}


def failed(check):
    return replace(check, status=Status.FAILED, severity=Severity.CRITICAL, waiver=None)


def forged(path, change):
    """Rewrite an unsigned report as somebody would who knows how: with the statement to it."""
    from gate.attesting import statements
    from gate.report import dumps, loads

    report = change(loads(path.read_bytes()))
    path.write_text(dumps(report))
    for name, text in statements(report, dumps(report).encode(), None).items():
        (path.parent / name).write_bytes(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda r: replace(r, candidate=replace(r.candidate, digest=OTHER)),
            "not those that were judged",
        ),
        (lambda r: replace(r, candidate=replace(r.candidate, digest=None)), "not those that were judged"),
        (lambda r: replace(r, baseline=replace(r.baseline, digest=OTHER)), "whose files are not what they were"),
        (lambda r: replace(r, baseline=replace(r.baseline, version=99)), "now gone: "),
        (lambda r: replace(r, gate=replace(r.gate, policy_digest=OTHER)), "another policy"),
        (lambda r: replace(r, gate=replace(r.gate, only=(Category.CONTRACT,))), "judged by contract alone"),
        (lambda r: replace(r, verdict=Verdict.FAIL, checks=(failed(r.checks[0]), *r.checks[1:])), "the verdict fail"),
        (lambda r: replace(r, verdict=Verdict.FAIL), "it was changed"),
        (lambda r: replace(r, checks=r.checks[:0]), "it was changed"),
    ],
    ids=["candidate", "no-candidate", "baseline", "no-baseline", "policy", "only", "failed", "verdict", "checks"],
)
def test_a_report_about_something_else(lenient, judged, change, words):
    """What was judged is what is there now: files, baseline, policy; or nothing is recorded."""
    path = judged.job(lenient, "unsigned")
    forged(path, change)
    refused(lenient, path, words)
    assert untouched(lenient)


def test_another_policy_than_that_of_the_job(strict, judged):
    """Limits that changed since ask for another verdict; other trusted keys do not."""
    path = judged.job(strict)
    settings = strict.folder / "gate.yaml"
    settings.write_text(settings.read_text().replace("budget_s: 1", "budget_s: 2"))
    refused(strict, path, "another policy")
    assert untouched(strict)


def test_a_report_that_leads_out_of_its_folder(lenient, judged):
    """A report names files beside it, and no others: nothing else of this machine is stored with it."""
    secret = lenient.folder / "secret.txt"
    secret.write_text("a secret of the promoting job")
    path = judged.job(lenient, "unsigned")
    forged(path, lambda report: replace(report, benchmark=replace(report.benchmark, raw="../secret.txt")))
    (path.parent / "rows.parquet").unlink(missing_ok=True)
    (path.parent / "rows.parquet").symlink_to(secret)
    assert lenient.gate("promote", "house", "2", "--report", str(path)).code == 0
    assert not any("secret" in each.name or each.name == "rows.parquet" for each in kept(lenient).parent.rglob("*"))
