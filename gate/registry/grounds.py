"""On what grounds a stage was moved: the digests that the verdict was bound to, and the waivers that it needed.

They stand beside each entry of the history under its number, `gate.evidence.<NNNN>` and, where something was waived,
`gate.waivers.<NNNN>`: the entry itself has the contract's keys and no others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from gate.domain import Report, Waiver
from gate.registry.connection import Registry
from gate.registry.runs import parse_json
from gate.report import canonical

_TAG_CAP = 499
_KEYS = ("report", "baseline", "baseline_digest", "data", "policy")
_REASON_CAPS = (200, 80, 30, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a promotion rested on. `report` is the SHA-256 of the recorded report.json; what is unknown is None."""

    report: str | None
    baseline: int | None = None
    baseline_digest: str | None = None
    data: str | None = None
    policy: str | None = None
    waivers: tuple[Waiver, ...] = ()


def grounds_of(report: Report) -> Grounds:
    """Give the grounds of a promotion by a report."""
    return Grounds(
        report=evidence_digest(report),
        baseline=report.baseline.version if report.baseline else None,
        baseline_digest=report.baseline.digest if report.baseline else None,
        data=report.data.digest,
        policy=report.gate.policy_digest,
        waivers=tuple(check.waiver for check in report.checks if check.waiver is not None),
    )


def evidence_digest(report: Report) -> str:
    """Give `sha256:` over the bytes of the report.json that is recorded."""
    return f"sha256:{hashlib.sha256(canonical(report).encode()).hexdigest()}"


def write_grounds(registry: Registry, model: str, number: int, grounds: Grounds) -> None:
    """Write the grounds of an entry, before the entry; again changes nothing."""
    values = {key: value for key in _KEYS if (value := getattr(grounds, key)) is not None}
    texts = {"evidence": json.dumps(values, separators=(",", ":"))[:_TAG_CAP]}
    if grounds.waivers:
        texts["waivers"] = _waivers_text(grounds.waivers)
    for kind, text in texts.items():
        key = f"gate.{kind}.{number:04d}"
        registry.write("write the history", registry.client.set_registered_model_tag, model, key, text)


def forget_grounds(registry: Registry, model: str, number: int, tags: Mapping[str, str]) -> None:
    """Take the grounds of an entry away that will never be written."""
    for key in (f"gate.evidence.{number:04d}", f"gate.waivers.{number:04d}"):
        if key in tags:
            registry.write("tidy the history", registry.client.delete_registered_model_tag, model, key)


def read_grounds(tags: Mapping[str, str], number: int) -> Grounds | None:
    """Read the grounds of an entry, None where none were kept."""
    found = parse_json(tags.get(f"gate.evidence.{number:04d}"))
    if not isinstance(found, dict):
        return None
    texts = {key: str(value)[:100] for key in _KEYS if isinstance(value := found.get(key), str)}
    baseline = found.get("baseline")
    return Grounds(
        report=texts.get("report"),
        baseline=baseline if isinstance(baseline, int) else None,
        baseline_digest=texts.get("baseline_digest"),
        data=texts.get("data"),
        policy=texts.get("policy"),
        waivers=_waivers(parse_json(tags.get(f"gate.waivers.{number:04d}"))),
    )


def _waivers_text(waivers: tuple[Waiver, ...]) -> str:
    """All waivers in one tag: reasons are cut first, then the last ones are left out."""
    for cap in _REASON_CAPS:
        values = [{**asdict(waiver), "reason": waiver.reason[:cap]} for waiver in waivers]
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        if len(text) <= _TAG_CAP:
            return text
    return _waivers_text(waivers[:-1]) if len(waivers) > 1 else "[]"


def _waivers(found: object) -> tuple[Waiver, ...]:
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    words = [{key: str(entry.get(key) or "") for key in ("check", "owner", "reason", "expires")} for entry in entries]
    return tuple(Waiver(**word) for word in words)
