"""A verdict is believed as it was given, or not at all; every reason not to has a sentence and a remedy."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.attesting import Evidence, SigningKey, Trust, statements, verify
from gate.attesting.envelope import seal
from gate.attesting.statement import differences, dumps, statement_of
from gate.errors import RefusedError, UsageError
from gate.report import dumps as report_text
from tests.notes.reports import with_warnings

KEY = SigningKey(key=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey(key=Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
OPEN = Trust()
STRICT = Trust(required=True, keys=(KEY.public,))
KNOWN = Trust(keys=(KEY.public,))
REPORT = with_warnings()
NAME, NUMBER = REPORT.model, REPORT.candidate.version


def evidence(key=KEY, report=REPORT, **changed):
    """The files of a verdict, signed by a key; some of them exchanged."""
    signed_by = key.public.fingerprint if key else None
    report = replace(report, gate=replace(report.gate, signed_by=signed_by))
    text = report_text(report).encode()
    files = statements(report, text, key)
    whole = {"report": text, "statement": files["statement.json"], "envelope": files.get("statement.dsse.json")}
    return Evidence(name="job/report.json", **{**whole, **changed})


def refused(given, trust=STRICT, model=NAME, version=NUMBER):
    """The sentence that refuses."""
    with pytest.raises(RefusedError) as raised:
        verify(given, trust, model, version)
    assert raised.value.remedy
    return str(raised.value)


def test_a_signed_verdict():
    """The report, and who signed it."""
    found = verify(evidence(), STRICT, NAME, NUMBER)
    assert (found.report.verdict, found.key, found.remarks) == (REPORT.verdict, KEY.public, ())


def test_an_unsigned_verdict():
    """Where no signature is asked for, the statement is enough; without one the reader is told."""
    assert verify(evidence(key=None), OPEN, NAME, NUMBER).remarks == ()
    bare = verify(evidence(key=None, statement=None), OPEN, NAME, NUMBER)
    assert (bare.key, bare.remarks) == (
        None,
        ("There is no statement.json beside job/report.json: nothing says whether it was changed.",),
    )


def test_a_signature_that_nobody_can_verify():
    """Without trusted keys a signature proves nothing, and that is said."""
    found = verify(evidence(), OPEN, NAME, NUMBER)
    assert found.key is None
    assert "was not verified" in found.remarks[0]


def test_the_envelope_is_enough():
    """The file that is not signed may be left behind."""
    assert verify(evidence(statement=None), STRICT, NAME, NUMBER).key == KEY.public


def test_the_statement():
    """An in-toto Statement, with all that a verdict depends on, and the digest of the report."""
    text = report_text(REPORT).encode()
    statement = json.loads(dumps(statement_of(REPORT, text)))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    algorithm, _, digest = REPORT.candidate.digest.partition(":")
    assert statement["subject"] == [{"name": f"models:/{NAME}/{NUMBER}", "digest": {algorithm: digest}}]
    predicate = statement["predicate"]
    assert predicate["verdict"] == "pass_with_warnings"
    assert predicate["policy"]["digest"] == {"sha256": REPORT.gate.policy_digest.removeprefix("sha256:")}
    assert predicate["baseline"]["name"] == f"models:/{NAME}/{REPORT.baseline.version}"
    assert set(predicate["data"]) == {"digest", "rows"}
    assert predicate["isolation"] == REPORT.isolation
    assert predicate["environment"]["python"] == REPORT.environment.python
    assert predicate["report"]["digest"] == {"sha256": hashlib.sha256(text).hexdigest()}


def test_fields_of_later_gates_are_passed_over():
    """In-toto's rule: who does not know a field ignores it."""
    statement = statement_of(REPORT, b"")
    told = json.loads(dumps(statement))
    told["predicate"]["later"] = 1
    assert list(differences(statement, told)) == []
    assert list(differences(statement, {**told, "subject": []})) == ["subject"]
    del told["predicate"]["verdict"]
    assert list(differences(statement, told)) == ["predicate.verdict"]


def test_no_signature():
    """Missing where one is asked for; and missing where the report says that there was one."""
    said = refused(evidence(key=None))
    assert "is not signed" in said
    assert "GATE_SIGNING_KEY" in said
    assert "the signature is missing" in refused(evidence(envelope=None), OPEN)


@pytest.mark.parametrize("trust", [STRICT, KNOWN])
def test_an_unknown_key(trust):
    """Named by its fingerprint; also where no signature is asked for but keys are named."""
    said = refused(evidence(key=OTHER), trust)
    assert "promotion.trusted_keys does not name" in said
    assert OTHER.public.fingerprint in said


def test_another_signature_under_our_name():
    """A report that says that our key signed it, and was signed by another trusted one."""
    both = Trust(required=True, keys=(KEY.public, OTHER.public))
    text = evidence(key=KEY)
    swapped = replace(text, envelope=seal(text.statement, OTHER))
    assert f"the key {OTHER.public.fingerprint} did" in refused(swapped, both)


def test_another_version_or_model():
    """A verdict is about one version of one model."""
    assert f"about version {NUMBER} of {NAME!r}, not about version 99" in refused(evidence(), version=99)
    assert f"not about version {NUMBER} of 'other'" in refused(evidence(), model="other")
    assert "not about version 99" in refused(evidence(key=None, statement=None), OPEN, version=99)


def test_a_statement_of_another_version():
    """Our report with the signed statement of another version."""
    other = evidence(report=replace(REPORT, candidate=replace(REPORT.candidate, version=77)))
    mixed = replace(evidence(), statement=other.statement, envelope=other.envelope)
    assert f"The statement about job/report.json is about version 77 of {NAME!r}" in refused(mixed)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("predicate.verdict", "fail"),
        ("predicate.policy.digest.sha256", "0" * 64),
        ("predicate.baseline.digest.sha256", "0" * 64),
        ("predicate.baseline", None),
        ("predicate.data.digest.sha256", "0" * 64),
        ("predicate.isolation", "bwrap"),
        ("predicate.environment.python", "2.7"),
        ("predicateType", "https://slsa.dev/verification_summary/v1"),
        ("_type", "https://in-toto.io/Statement/v0.1"),
        ("predicate.data.rows", True),
    ],
)
def test_a_statement_that_says_something_else(where, value):
    """Signed by the right key, about this report, and not what the report says."""
    given = evidence()
    statement = json.loads(given.statement)
    *way, last = where.split(".")
    inner = statement
    for key in way:
        inner = inner[key]
    inner[last] = value
    text = dumps(statement)
    said = refused(replace(given, statement=text, envelope=seal(text, KEY)))
    assert f"they differ in {where}" in said


def test_a_payload_of_another_type():
    """Signed by the right key as something else than a statement."""
    given = evidence()
    envelope = json.loads(given.envelope)
    envelope["payloadType"] = "text/plain"
    assert "is on something else" in refused(replace(given, envelope=json.dumps(envelope).encode()))


@pytest.mark.parametrize("text", [b"null", b"[]", b"1", b"{}", b"\xff", b'{"subject": [1]}', b'{"subject": {"0": 1}}'])
def test_what_is_no_statement(text):
    """Signed or not, JSON of the wrong shape is refused."""
    assert refused(replace(evidence(), statement=text, envelope=seal(text, KEY)))
    assert refused(evidence(key=None, statement=text), OPEN)


def changed(text):
    """Versions of a file with one byte altered in each of its parts, one removed, one added, and cut short."""
    for place in range(0, len(text), max(1, len(text) // 97)):
        yield text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]
    yield text[:-1]
    yield text[1:]
    yield text + b" "
    yield text[: len(text) // 2]
    yield b""


def test_each_byte_of_the_report():
    """No byte of the report can be another one, signed or only stated."""
    for given, trust in ((evidence(), STRICT), (evidence(key=None), OPEN)):
        for text in changed(given.report):
            assert "it was changed" in refused(replace(given, report=text), trust)


def test_each_byte_of_the_envelope():
    """Another byte in the envelope is refused, or changed nothing that was signed (a space, the unsigned hint)."""
    given, accepted = evidence(), 0
    for text in changed(given.envelope):
        try:
            found = verify(replace(given, envelope=text), STRICT, NAME, NUMBER)
        except RefusedError:
            continue
        accepted += 1
        assert found == verify(given, STRICT, NAME, NUMBER)
    assert accepted < 12, "most of an envelope is payload and signature"


def test_each_byte_of_the_statement():
    """Beside an envelope it must be what was signed; alone it must say what the report says."""
    signed, alone = evidence(), evidence(key=None)
    for text in changed(signed.statement):
        assert "does not say what was signed" in refused(replace(signed, statement=text))
    for text in changed(alone.statement):
        try:
            verify(replace(alone, statement=text), OPEN, NAME, NUMBER)
        except RefusedError:
            continue
        assert json.loads(text) == json.loads(alone.statement)


def test_a_changed_payload_under_the_old_signature():
    """Said in other words than an unknown key: the key is known, what it signed is not this."""
    given = evidence()
    envelope = json.loads(given.envelope)
    envelope["signatures"][0]["sig"] = json.loads(seal(b"{}", KEY))["signatures"][0]["sig"]
    assert "does not hold" in refused(replace(given, envelope=json.dumps(envelope).encode()))


def test_a_report_that_is_none():
    """Without a statement a broken report is a wrong file: exit 2."""
    for text in (b"", b"[" * 100_000, b"{}", b'{"schema": "gate.report/2"}'):
        with pytest.raises(UsageError):
            verify(Evidence(name="x", report=text), OPEN, NAME, NUMBER)


def test_an_envelope_that_was_left_over():
    """A store keeps the signature of an earlier verdict: it is not that of a later unsigned one."""
    old, new = evidence(), evidence(key=None)
    mixed = replace(new, envelope=old.envelope)
    assert verify(mixed.without_leftovers(), OPEN, NAME, NUMBER).report.verdict == REPORT.verdict
    assert "is not signed" in refused(mixed.without_leftovers())
    stripped = replace(old, statement=new.statement)
    assert stripped.without_leftovers() == stripped
