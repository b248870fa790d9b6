"""What is signed: an in-toto Statement about one version, github.com/in-toto/attestation, spec v1."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from gate.domain import JsonValue, Report, ReportedVersion
from gate.report import plain

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model-release-gate/verdict/v1"
"""An identifier, no address. A change that old readers would misread gets another number."""


def statement_of(report: Report, text: bytes) -> dict[str, JsonValue]:
    """Give the Statement about a report, whose file holds `text`.

    The subject is the version, by MLflow's own address `models:/<name>/<number>`, with the digest of its artifact.
    The predicate is the verdict, what it depends on (policy, baseline, data, isolation, environment), and the digest
    of report.json, through which everything else in the report is signed too.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [_version(report.model, report.candidate)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verdict": report.verdict.value,
            "gate": {"version": report.gate.version},
            "policy": {"digest": _digests(report.gate.policy_digest)},
            "only": plain(report.gate.only),
            "baseline": _version(report.model, report.baseline) if report.baseline else None,
            "data": {"digest": _digests(report.data.digest), "rows": report.data.rows},
            "isolation": report.isolation,
            "environment": plain(report.environment),
            "report": {
                "name": "report.json",
                "mediaType": "application/json",
                "digest": {"sha256": hashlib.sha256(text).hexdigest()},
            },
            "startedOn": report.started_at,
            "finishedOn": report.finished_at,
        },
    }


def dumps(statement: Mapping[str, JsonValue]) -> bytes:
    """Write a Statement: these bytes are the payload that is signed."""
    return (json.dumps(statement, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True) + "\n").encode()


def subject_name(model: str, version: int) -> str:
    """Name a version as MLflow does; no model's name holds a slash or a colon."""
    return f"models:/{model}/{version}"


def _version(model: str, version: ReportedVersion) -> dict[str, JsonValue]:
    return {"name": subject_name(model, version.version), "digest": _digests(version.digest)}


def _digests(digest: str | None) -> dict[str, JsonValue]:
    """Write `algorithm:hex` as in-toto does; empty where there is none."""
    if digest is None:
        return {}
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}


def differences(expected: JsonValue, found: JsonValue, where: str = "") -> Iterator[str]:
    """Name every place where a Statement does not say what is expected; fields that are unknown here are passed over.

    Source: in-toto attestation, parsing rules: consumers ignore fields that they do not know.
    """
    if isinstance(expected, dict) and expected and isinstance(found, dict):
        for key, value in expected.items():
            yield from differences(value, found.get(key), f"{where}.{key}" if where else key)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{where}[{index}]")
    elif not _same(expected, found):
        yield where


def _same(expected: Any, found: Any) -> bool:  # noqa: ANN401 - any JSON values
    """Equal, and of one kind: in Python 1 is True and 1.0."""
    return type(expected) is type(found) and bool(expected == found)
