"""Looks in the registry: one tag of the registered model for each candidate that was judged on each evaluation set.

Each look has a key of its own, `gate.look.<data>.<candidate>` with 16 hex digits of both digests: two gates that
record at once cannot overwrite one another, and recording again changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from gate import verdict
from gate.domain import Report
from gate.registry.connection import Registry
from gate.registry.versions import get_model

_DIGITS = 16
_TAG = re.compile(rf"gate\.look\.([0-9a-f]{{1,{_DIGITS}}})\.([0-9a-f]{{1,{_DIGITS}}})")


def short_digest(digest: str) -> str:
    """Give the first 16 hex digits of a digest: enough to tell the candidates of one model apart."""
    return digest.removeprefix("sha256:")[:_DIGITS]


def looks(registry: Registry, model: str, data: str) -> Mapping[str, str]:
    """Name the candidates, by short digest, that a recorded verdict judged on the data of this digest, and when.

    Raises:
        UsageError: there is no such model.
        RegistryError: the registry is out of reach.
    """
    tags = get_model(registry, model).tags
    found = ((_TAG.fullmatch(key), value) for key, value in tags.items())
    return {match[2]: _at(value) for match, value in found if match and match[1] == short_digest(data)}


def _at(value: str) -> str:
    """When a look was taken; a tag that somebody wrote over has been there from the start."""
    try:
        look = json.loads(value)
    except ValueError:
        return ""
    return str(look.get("at", "")) if isinstance(look, dict) else ""


def keep_look(registry: Registry, report: Report) -> None:
    """Mark that the candidate of a report was judged on its data; nothing where nothing was judged on them.

    Raises:
        RegistryError: the registry refuses, or is out of reach.
    """
    data, candidate = report.data.digest, report.candidate.digest
    if data is None or candidate is None or not verdict.looked(report.checks):
        return
    key = f"gate.look.{short_digest(data)}.{short_digest(candidate)}"
    if not _TAG.fullmatch(key) or key in get_model(registry, report.model).tags:
        return
    value = json.dumps({"version": report.candidate.version, "at": report.finished_at})
    registry.write("count the look", registry.client.set_registered_model_tag, report.model, key, value)
