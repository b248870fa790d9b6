"""DSSE, the envelope around what is signed: github.com/secure-systems-lab/dsse, protocol 1.0."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gate.attesting.keys import PublicKey, SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
SIZE_CAP = 4 * 2**20
_SIGNATURES_CAP = 16


class BrokenEnvelopeError(Exception):
    """What was read is no envelope, or no JSON that every reader understands alike. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature; `keyid` is an unauthenticated hint, used for words alone."""

    keyid: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload with its type, and who signed both."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def signed_by(self, keys: Sequence[PublicKey]) -> PublicKey | None:
        """Give the first of the keys that signed this payload as this type, None where none did."""
        message = encoding(self.payload_type, self.payload)
        found = (key for key in keys for each in self.signatures if key.verifies(each.value, message))
        return next(found, None)


def encoding(payload_type: str, payload: bytes) -> bytes:
    """Give the pre-authentication encoding, which is what is signed: type and payload, each behind its length in bytes.

    Source: DSSE protocol, PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body.
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, key: SigningKey) -> bytes:
    """Sign a payload, and give the envelope as JSON."""
    signature = key.sign(encoding(PAYLOAD_TYPE, payload))
    signatures = [{"keyid": key.public.fingerprint, "sig": base64.b64encode(signature).decode()}]
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
    return (json.dumps(envelope, indent=1, sort_keys=True) + "\n").encode()


def read(text: bytes) -> Envelope:
    """Read an envelope. Nothing in it is verified yet.

    Raises:
        BrokenEnvelopeError: it is no envelope.
    """
    raw = strict_json(text)
    if not isinstance(raw, dict) or not _is_text(raw.get("payloadType")):
        raise BrokenEnvelopeError("it is no DSSE envelope")
    signatures = raw.get("signatures")
    if not isinstance(signatures, list) or not 0 < len(signatures) <= _SIGNATURES_CAP:
        raise BrokenEnvelopeError(f"it does not have between 1 and {_SIGNATURES_CAP} signatures")
    return Envelope(
        payload=_bytes(raw.get("payload"), "payload"),
        payload_type=raw["payloadType"],
        signatures=tuple(map(_signature, signatures)),
    )


def _is_text(value: object) -> bool:
    """Whether a value is a text that UTF-8 can write: half a surrogate pair is none, and JSON can hold one."""
    return isinstance(value, str) and not any("\ud800" <= each <= "\udfff" for each in value)


def _signature(raw: Any) -> Signature:  # noqa: ANN401 - any JSON value
    if not isinstance(raw, dict) or not isinstance(raw.get("keyid", ""), str):
        raise BrokenEnvelopeError("a signature in it is no object with sig and keyid")
    return Signature(keyid=raw.get("keyid", ""), value=_bytes(raw.get("sig"), "signature"))


def _bytes(text: object, what: str) -> bytes:
    """Decode standard or URL-safe Base64, each as it is written by the standard and in no other way."""
    if isinstance(text, str):
        for alphabet in (b"+/", b"-_"):
            try:
                found = base64.b64decode(text, altchars=alphabet, validate=True)
            except (binascii.Error, ValueError):
                continue
            if base64.b64encode(found, altchars=alphabet).decode() == text:
                return found
    raise BrokenEnvelopeError(f"its {what} is no Base64")


def strict_json(text: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON that every reader understands alike: UTF-8, no key twice, no NaN, not endlessly nested.

    Raises:
        BrokenEnvelopeError: it is none.
    """
    if len(text) > SIZE_CAP:
        raise BrokenEnvelopeError(f"it is larger than {SIZE_CAP // 2**20} MiB")
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BrokenEnvelopeError(f"it is not valid JSON ({why})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(name: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{name} is no number of JSON")
