"""The envelope is DSSE as others read it: the specification's examples, and properties of the encoding."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gate.attesting.envelope import PAYLOAD_TYPE, BrokenEnvelopeError, encoding, read, seal, strict_json
from gate.attesting.keys import PublicKey, SigningKey

KEY = SigningKey(key=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey(key=Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
OF_THE_SPECIFICATION = PublicKey(
    key=Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    ),
    fingerprint="sha256:of the specification",
)
"""Key A of the test vectors, which is that of RFC 8032, section 7.1, test 1."""


def test_encoding_of_the_specification():
    """The example of DSSE's protocol.md."""
    told = encoding("http://example.com/HelloWorld", b"hello world")
    assert told == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_length_is_in_bytes():
    """A type outside ASCII counts as UTF-8 does: 29 bytes, 28 characters."""
    assert encoding("application/vnd.exämple+json", b"").startswith(b"DSSEv1 29 ")


@pytest.mark.parametrize(
    ("payload", "kind", "signature", "holds"),
    [
        pytest.param(
            "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
            PAYLOAD_TYPE,
            "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA==",
            True,
            id="single-signature",
        ),
        pytest.param(
            "-_-_Pj8=",
            PAYLOAD_TYPE,
            "P-_KHICeR7tI6S_YyejJTRtrXhcQyQ2LYPaL8h90KjC9qN8HU_svOQ6TuDOT1HIrsGW886DbWNWcCmX5twLrAw==",
            True,
            id="url-safe",
        ),
        pytest.param(
            "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
            "application/vnd.example.other+json",
            "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA==",
            False,
            id="another-type",
        ),
        pytest.param(
            "",
            PAYLOAD_TYPE,
            "gSggCAaTLTYyRH6FIDBem6meyIynsYy8RTHVzwx9tnTb7Bg/1jMWnuVgI/gffqmbsC2VX5/jHfkkDqsj7CDbDg==",
            True,
            id="empty-payload",
        ),
    ],
)
def test_vectors_of_the_specification(payload, kind, signature, holds):
    """Envelopes that the specification's own key signed (testvectors/vectors.json)."""
    envelope = {"payload": payload, "payloadType": kind, "signatures": [{"sig": signature, "keyid": "A"}]}
    signed_by = read(json.dumps(envelope).encode()).signed_by([KEY.public, OF_THE_SPECIFICATION])
    assert signed_by == (OF_THE_SPECIFICATION if holds else None)


@given(st.text(), st.binary(), st.text(), st.binary())
def test_encoding_tells_everything_apart(kind, payload, other_kind, other):
    """Two different pairs of type and payload are never signed as the same bytes."""
    try:
        same = encoding(kind, payload) == encoding(other_kind, other)
    except UnicodeEncodeError:
        return
    assert same == ((kind, payload) == (other_kind, other))


@given(st.binary(max_size=300), st.text(alphabet="0123456789 DSEv", max_size=20))
def test_encoding_can_be_read_back(payload, kind):
    """Lengths come first, so spaces and digits inside a type or a payload move no border."""
    text = encoding(kind, payload)
    _, size, rest = text.split(b" ", 2)
    found, rest = rest[: int(size)], rest[int(size) + 1 :]
    length, _, body = rest.partition(b" ")
    assert (found.decode(), int(length), body) == (kind, len(payload), payload)


@given(st.binary(max_size=500))
def test_there_and_back(payload):
    """What was sealed is read, and verified by the right key alone."""
    envelope = read(seal(payload, KEY))
    assert (envelope.payload, envelope.payload_type) == (payload, PAYLOAD_TYPE)
    assert envelope.signed_by([OTHER.public, KEY.public]) == KEY.public
    assert envelope.signed_by([OTHER.public]) is None
    assert envelope.signed_by([]) is None


@given(st.data())
def test_any_change_breaks_or_changes_nothing(data):
    """A byte exchanged, removed or put in: the envelope is none, its signature fails, or the same is signed."""
    before = seal(b'{"verdict": "pass"}\n', KEY)
    place = data.draw(st.integers(0, len(before) - 1))
    new = data.draw(st.binary(max_size=2))
    after = before[:place] + new + before[place + 1 :]
    try:
        envelope = read(after)
    except BrokenEnvelopeError:
        return
    assert envelope.signed_by([KEY.public]) is None or envelope.payload == read(before).payload


def test_the_hint_decides_nothing():
    """A key's name in the envelope is not signed: a wrong one changes nothing, a right one helps nobody."""
    raw = json.loads(seal(b"{}", KEY))
    raw["signatures"][0]["keyid"] = OTHER.public.fingerprint
    assert read(json.dumps(raw).encode()).signed_by([KEY.public]) == KEY.public
    raw = json.loads(seal(b"{}", OTHER))
    raw["signatures"][0]["keyid"] = KEY.public.fingerprint
    assert read(json.dumps(raw).encode()).signed_by([KEY.public]) is None


def test_one_of_several_signatures():
    """Another signature beside the right one does no harm."""
    ours, theirs = (json.loads(seal(b"{}", key)) for key in (KEY, OTHER))
    ours["signatures"] = theirs["signatures"] + ours["signatures"]
    assert read(json.dumps(ours).encode()).signed_by([KEY.public]) == KEY.public


GOOD = {"payload": "e30=", "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": "AAAA"}]}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b"\xff",
        b"{" * 50_000,
        b'{"payload": NaN}',
        json.dumps({**GOOD, "payload": "e30"}).encode(),
        json.dumps({**GOOD, "payload": "e31="}).encode(),
        json.dumps({**GOOD, "payload": "e3 0="}).encode(),
        json.dumps({**GOOD, "payload": None}).encode(),
        json.dumps({**GOOD, "payload": "+_+_Pj8="}).encode(),
        json.dumps({**GOOD, "payloadType": 1}).encode(),
        json.dumps({**GOOD, "payloadType": "\ud800"}).encode(),
        json.dumps({**GOOD, "signatures": []}).encode(),
        json.dumps({**GOOD, "signatures": {}}).encode(),
        json.dumps({**GOOD, "signatures": [1]}).encode(),
        json.dumps({**GOOD, "signatures": [{}]}).encode(),
        json.dumps({**GOOD, "signatures": [{"sig": "AAAA", "keyid": 1}]}).encode(),
        json.dumps({**GOOD, "signatures": [{"sig": "AAAA"}] * 17}).encode(),
        b'{"payload": "e30=", "payload": "e30=", "payloadType": "x", "signatures": [{"sig": "AAAA"}]}',
        b" " * (5 * 2**20),
    ],
    ids=range(22),
)
def test_what_is_no_envelope(text):
    """Shapes that two readers could understand in two ways are refused, and none breaks the reader."""
    with pytest.raises(BrokenEnvelopeError):
        read(text)


@given(st.binary(max_size=200))
def test_any_bytes(text):
    """Whatever lies there: read, or refused with a reason."""
    with contextlib.suppress(BrokenEnvelopeError):
        assert json.dumps(strict_json(text), allow_nan=False)


def test_a_short_signature_is_a_wrong_one():
    """A signature of the wrong length verifies nothing, and raises nothing."""
    raw = json.loads(seal(b"{}", KEY))
    for length in (0, 63, 65):
        raw["signatures"][0]["sig"] = base64.b64encode(bytes(length)).decode()
        assert read(json.dumps(raw).encode()).signed_by([KEY.public]) is None
