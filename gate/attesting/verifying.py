"""Is this the verdict that was given, by somebody who may give one? What is verified is what is handed on."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from gate import report as reports
from gate.attesting import envelope as dsse
from gate.attesting.evidence import ENVELOPE, STATEMENT, Evidence
from gate.attesting.keys import VARIABLE, PublicKey
from gate.attesting.statement import differences, statement_of, subject_name
from gate.domain import Report
from gate.errors import RefusedError

_SUBJECT = re.compile(r"models:/([^/:]{1,128})/(\d{1,9})")
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_PLACES_SHOWN = 4
_AGAIN = "Take the files again from the job that judged, or judge the version again."
_SIGN = f"Judge the version where {VARIABLE} is set, and keep {ENVELOPE} beside the report."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose verdicts are taken: whether one must be signed, and by which keys."""

    required: bool = False
    keys: tuple[PublicKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A report that agrees with its statement. `key` signed it, None where no key was asked; `remarks` say so."""

    report: Report
    key: PublicKey | None = None
    remarks: tuple[str, ...] = ()


def verify(evidence: Evidence, trust: Trust, model: str, version: int) -> Verified:
    """Hold a report to its statement and its signature, and both to the version that they are to be about.

    Raises:
        RefusedError: a signature is missing, unknown or broken, or something was changed or is about something else.
        UsageError: the report does not follow the schema.
    """
    key = _signer(evidence, trust)
    statement = _statement(evidence)
    if statement is not None:
        _ensure_about(evidence, statement, model, version)
        _ensure_same_report(evidence, statement)
    report = reports.loads(evidence.report)
    if (report.model, report.candidate.version) != (model, version):
        said = f"version {report.candidate.version} of {report.model!r}"
        raise _elsewhere(f"{evidence.name} is about {said}", model, version)
    if statement is not None:
        _ensure_agrees(evidence, statement, report)
    _ensure_claimed(evidence, report, key)
    return Verified(report=report, key=key, remarks=_remarks(evidence, trust))


def _signer(evidence: Evidence, trust: Trust) -> PublicKey | None:
    """Give the trusted key that signed, None where there is no signature and none is asked for, or no key to ask."""
    if evidence.envelope is None:
        if trust.required:
            raise RefusedError(
                f"{evidence.name} is not signed, and promotion.require_signature asks for a signature.", remedy=_SIGN
            )
        return None
    found = _envelope(evidence)
    key = found.signed_by(trust.keys)
    if key is None and trust.keys:
        raise _untrusted(evidence, found, trust)
    return key


def _envelope(evidence: Evidence) -> dsse.Envelope:
    try:
        found = dsse.read(evidence.envelope or b"")
    except dsse.BrokenEnvelopeError as error:
        raise RefusedError(
            f"The signature of {evidence.name} ({ENVELOPE}) cannot be read: {error}.", remedy=_AGAIN
        ) from None
    if found.payload_type != dsse.PAYLOAD_TYPE:
        raise RefusedError(f"The signature of {evidence.name} ({ENVELOPE}) is on something else.", remedy=_AGAIN)
    return found


def _untrusted(evidence: Evidence, found: dsse.Envelope, trust: Trust) -> RefusedError:
    """Say what is wrong; the envelope's hints choose the words, they decide nothing."""
    hints = [each.keyid for each in found.signatures]
    ours = next((key.fingerprint for key in trust.keys if key.fingerprint in hints), None)
    if ours is not None:
        return RefusedError(
            f"The signature of {evidence.name} does not hold: what the key {ours} signed was changed.", remedy=_AGAIN
        )
    named = ", ".join(hint for hint in hints if _FINGERPRINT.fullmatch(hint)) or "without a name"
    return RefusedError(
        f"{evidence.name} is signed by a key that promotion.trusted_keys does not name ({named}).",
        remedy="Name its public half there if it may sign verdicts, else judge the version again with a key that may.",
    )


def _statement(evidence: Evidence) -> dict[str, Any] | None:
    """Give the statement: what was signed, else the file beside the report."""
    text = evidence.statement
    if evidence.envelope is not None:
        payload = _envelope(evidence).payload
        if text not in {None, payload}:
            raise RefusedError(
                f"{STATEMENT} beside {evidence.name} does not say what was signed: it was changed.", remedy=_AGAIN
            )
        text = payload
    if text is None:
        return None
    try:
        found = dsse.strict_json(text)
    except dsse.BrokenEnvelopeError as error:
        raise RefusedError(f"The statement about {evidence.name} cannot be read: {error}.", remedy=_AGAIN) from None
    return found if isinstance(found, dict) else {}


def _ensure_about(evidence: Evidence, statement: dict[str, Any], model: str, version: int) -> None:
    subject = _at(_at(_at(statement, "subject"), 0), "name")
    if subject != subject_name(model, version):
        known = _SUBJECT.fullmatch(subject) if isinstance(subject, str) else None
        said = f"version {known[2]} of {known[1]!r}" if known else "no version of a model"
        raise _elsewhere(f"The statement about {evidence.name} is about {said}", model, version)


def _elsewhere(said: str, model: str, version: int) -> RefusedError:
    return RefusedError(f"{said}, not about version {version} of {model!r}.", remedy="Give the report of this version.")


def _ensure_same_report(evidence: Evidence, statement: dict[str, Any]) -> None:
    judged = _at(_at(_at(_at(statement, "predicate"), "report"), "digest"), "sha256")
    if judged != hashlib.sha256(evidence.report).hexdigest():
        raise RefusedError(
            f"{evidence.name} is not the report that its statement is about: it was changed.", remedy=_AGAIN
        )


def _at(value: Any, key: str | int) -> Any:  # noqa: ANN401 - any JSON value
    """Give what lies at a key or a place, None where there is nothing."""
    if isinstance(key, str):
        return value.get(key) if isinstance(value, dict) else None
    return value[key] if isinstance(value, list) and len(value) > key else None


def _ensure_agrees(evidence: Evidence, statement: dict[str, Any], report: Report) -> None:
    places = list(differences(statement_of(report, evidence.report), statement))
    if places:
        more = ", …" if len(places) > _PLACES_SHOWN else ""
        raise RefusedError(
            f"The statement about {evidence.name} does not say what the report says: they differ in "
            f"{', '.join(places[:_PLACES_SHOWN])}{more}.",
            remedy=_AGAIN,
        )


def _ensure_claimed(evidence: Evidence, report: Report, key: PublicKey | None) -> None:
    """A report that says who signed it is signed by nobody else, and not by nobody."""
    said = report.gate.signed_by
    name = said if _FINGERPRINT.fullmatch(said or "") else "of no valid name"
    if said is not None and evidence.envelope is None:
        raise RefusedError(
            f"{evidence.name} says that the key {name} signed it, and the signature is missing.",
            remedy=f"Keep {ENVELOPE} beside the report.",
        )
    if said is not None and key is not None and key.fingerprint != said:
        raise RefusedError(
            f"{evidence.name} says that the key {name} signed it, and the key {key.fingerprint} did.", remedy=_AGAIN
        )


def _remarks(evidence: Evidence, trust: Trust) -> tuple[str, ...]:
    """What a reader should know about a verdict that is taken without a verified signature."""
    if evidence.envelope is not None and not trust.keys:
        return (f"The signature of {evidence.name} was not verified: promotion.trusted_keys names no key.",)
    if evidence.envelope is None and evidence.statement is None:
        return (f"There is no {STATEMENT} beside {evidence.name}: nothing says whether it was changed.",)
    return ()
