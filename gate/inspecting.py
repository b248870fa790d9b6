"""What the files of both versions are, and what the policy makes of that, before any of it is loaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from gate.domain import Action, Artifact, ArtifactClass, Comparison, Finding, Inspection, JsonValue, Snapshot
from gate.scoring.inspection import inspect, second_opinions
from gate.settings import ModelConfig

SANDBOXES = frozenset({"bwrap", "landlock"})
"""Levels of isolation that keep a model from the files and the network of the machine."""
APPROVES = "security.artifact_class"
"""The check whose waiver lets a class be loaded that needs an approval."""
_CLASSES = {
    ArtifactClass.DATA: "data alone",
    ArtifactClass.SKOPS: "skops files within the gate's list of names",
    ArtifactClass.PICKLE: "pickles within the gate's list of names",
    ArtifactClass.CODE: "code, or what cannot be told from it",
}
_SHOWN = 3


def inspect_both(comparison: Comparison, settings: ModelConfig, *, isolation: str, opinions: bool) -> Comparison:
    """Look at the files of both versions; `opinions` asks the scanners that are installed about the candidate too."""
    candidate = inspected(comparison.candidate, settings, isolation)
    if opinions and candidate.inspection is not None and candidate.artifact is not None:
        asked = second_opinions(candidate.artifact.path)
        candidate = replace(candidate, inspection=replace(candidate.inspection, opinions=asked))
    baseline = comparison.baseline and inspected(comparison.baseline, settings, isolation)
    return replace(comparison, candidate=candidate, baseline=baseline)


def inspected(snapshot: Snapshot, settings: ModelConfig, isolation: str) -> Snapshot:
    """Look at the files of one version, and decide whether it may be loaded."""
    if snapshot.artifact is None:
        return snapshot
    return replace(snapshot, inspection=looked_at(snapshot.artifact, snapshot.flavor_settings, settings, isolation))


def looked_at(
    artifact: Artifact, flavors: Mapping[str, Mapping[str, JsonValue]], settings: ModelConfig, isolation: str
) -> Inspection:
    """Look at files; `denied` says why they must not be loaded, empty where they may be."""
    found = inspect(artifact.path, [file.path for file in artifact.files], flavors)
    action = settings.security.policy.of(found.artifact_class)
    return replace(found, action=action, denied=_why_denied(found, action, settings, isolation))


def _why_denied(found: Inspection, action: Action, settings: ModelConfig, isolation: str) -> str:
    """Say why a version must not be loaded; nothing where it may be."""
    name = found.artifact_class.value
    what = f"loading it would load {_CLASSES[found.artifact_class]}{_examples(found)}"
    setting = f"security.policy.{name}: {action.value}"
    if action is Action.DENY:
        return f"{what}, and the policy denies that ({setting})"
    if action is Action.SANDBOX and isolation not in SANDBOXES:
        return f"{what}, which needs a sandbox ({setting}), and models are isolated as {isolation} here"
    if action is Action.APPROVAL and not _approved(settings):
        return f"{what}, which a person must approve ({setting}): add a waiver of {APPROVES} with owner and reason"
    return ""


def _examples(found: Inspection) -> str:
    """Name the first things that were found."""
    named: tuple[Finding, ...] = (*found.findings, *found.declared)
    shown = "; ".join(map(str, named[:_SHOWN]))
    more = f"; and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f" ({shown}{more})" if named else ""


def _approved(settings: ModelConfig) -> bool:
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return any(entry.check == APPROVES and entry.expires >= today for entry in settings.waivers)
