"""Moving a stage to a version that was judged, and only to what was judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gate.domain import HistoryEntry, Promotion, Report, Stage, Verdict
from gate.errors import RefusedError
from gate.registry.connection import Registry
from gate.registry.find import Aliases, holders, resolve
from gate.registry.history import append, history, now
from gate.registry.snapshot import fresh_digest
from gate.registry.stages import mirror
from gate.registry.tree import ArtifactFaultError
from gate.registry.versions import alias_of, get_model
from gate.verdict import decide

_PROMOTABLE = {Verdict.PASS, Verdict.PASS_WITH_WARNINGS}
_EXPLICIT = "--baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSettings:
    """What a promotion needs of the settings: alias names, the mirror, and the policy that holds now."""

    policy_digest: str
    aliases: Aliases = field(default_factory=dict)
    legacy_stages: bool = True


def promote(
    registry: Registry, report: Report, *, to: Stage, settings: PromotionSettings, by: str, into: Path
) -> Promotion:
    """Give a stage to the version that a report judged.

    Downloads the version once more below `into` and compares digests. Sets the alias and reads it back, gives the
    former holder the alias `previous_<stage>`, mirrors the legacy stages, appends to the history.

    Raises:
        RefusedError: the verdict does not allow it, or what was judged is not what would be promoted.
        UsageError: the version does not exist any more, or is not READY.
        RegistryError: the registry is out of reach.
    """
    model, number = report.model, report.candidate.version
    _ensure_promotable(report, settings.policy_digest)
    resolve(registry, model, str(number))
    held = holders(registry, model, settings.aliases)
    former = held.get(to.value)
    _ensure_not_stale(report, to, former)
    _ensure_same_files(registry, report, into)
    alias = alias_of(to, settings.aliases)
    if get_model(registry, model).aliases.get(alias) != number:
        _move(registry, model, number, alias)
        _remember(registry, model, to, former, number)
    held = {**held, to.value: number}
    notes = mirror(registry, model, to, held, former) if settings.legacy_stages else ()
    notes += _chronicled(registry, report, to, former, by)
    return Promotion(
        model=model,
        stage=to,
        alias=alias,
        version=number,
        former=former if former != number else None,
        notes=notes,
    )


def ensure_valid(registry: Registry, report: Report, *, to: Stage, settings: PromotionSettings, into: Path) -> None:
    """Refuse what `promote` would refuse, and change nothing.

    Raises:
        RefusedError, UsageError, RegistryError: as promote.
    """
    _ensure_promotable(report, settings.policy_digest)
    resolve(registry, report.model, str(report.candidate.version))
    _ensure_not_stale(report, to, holders(registry, report.model, settings.aliases).get(to.value))
    _ensure_same_files(registry, report, into)


def _ensure_promotable(report: Report, policy_digest: str) -> None:
    what = f"Version {report.candidate.version} of {report.model!r}"
    command = f"`gate release {report.model} {report.candidate.version}`"
    said, _ = decide(report.checks, report.gate.only)
    if said is not report.verdict:
        raise RefusedError(
            f"The report on {what} says {report.verdict.value}, and its checks say {said.value}: it was changed.",
            remedy=f"Judge it again: {command}.",
        )
    if report.verdict not in _PROMOTABLE:
        raise RefusedError(
            f"{what} has the verdict {report.verdict.value}.", remedy="Only pass and pass_with_warnings are promoted."
        )
    if report.gate.only is not None:
        names = ", ".join(category.value for category in report.gate.only)
        raise RefusedError(f"{what} was judged by {names} alone.", remedy=f"Judge it as a whole: {command}.")
    if report.gate.policy_digest != policy_digest:
        raise RefusedError(
            f"{what} was judged by another policy than the one that holds now.", remedy=f"Judge it again: {command}."
        )


def _ensure_not_stale(report: Report, to: Stage, holder: int | None) -> None:
    """Refuse where the stage is held by another version than the one that the candidate was compared with.

    A baseline that somebody chose by hand stands as long as nobody took the stage since the verdict.
    """
    baseline = report.baseline
    against = f"version {baseline.version}" if baseline else "nothing"
    explicit = baseline is None or str(baseline.chosen_by).startswith(_EXPLICIT)
    if holder is None:
        stale = baseline is not None and baseline.chosen_by == f"holder of {to.value}"
    elif holder == report.candidate.version or (baseline and baseline.version == holder):
        stale = False
    else:
        stale = not (explicit and report.gate.holders.get(to.value) == holder)
    if stale:
        holds = f"version {holder} holds {to.value}" if holder else f"nobody holds {to.value} any more"
        raise RefusedError(
            f"Version {report.candidate.version} of {report.model!r} was judged against {against}, and now {holds}.",
            remedy=f"Judge it again: `gate release {report.model} {report.candidate.version} --to {to.value}`.",
        )


def _ensure_same_files(registry: Registry, report: Report, into: Path) -> None:
    number, judged = report.candidate.version, report.candidate.digest
    try:
        found = fresh_digest(registry, report.model, number, into)
    except ArtifactFaultError as error:
        raise RefusedError(f"Version {number} of {report.model!r} cannot be promoted: {error}.") from None
    if judged is None or found != judged:
        raise RefusedError(
            f"The files of version {number} of {report.model!r} are not those that were judged "
            f"(now {found}, judged {judged}).",
            remedy="Find out who changed them, then judge the version again.",
        )


def _move(registry: Registry, model: str, number: int, alias: str) -> None:
    """Point the alias at the version, and read it back: MLflow lets the last writer win without a word."""
    registry.write("set the alias", registry.client.set_registered_model_alias, model, alias, str(number))
    found = get_model(registry, model).aliases.get(alias)
    if found != number:
        raise RefusedError(
            f"The alias {alias!r} of {model!r} points to version {found}: somebody moved it at the same moment.",
            remedy="Look at `gate history`, then judge again.",
        )


def _remember(registry: Registry, model: str, to: Stage, former: int | None, number: int) -> None:
    """Give the former holder the alias `previous_<stage>`; named after the stage, whatever the stage's alias is."""
    if former is None or former == number:
        return
    alias = f"previous_{to.value}"
    registry.write("set the alias", registry.client.set_registered_model_alias, model, alias, str(former))


def _chronicled(registry: Registry, report: Report, to: Stage, former: int | None, by: str) -> tuple[str, ...]:
    """Append to the history, unless its last word on this stage is this version with these files."""
    number = report.candidate.version
    last = next((entry for entry in reversed(history(registry, report.model)) if entry.stage == to.value), None)
    if former == number and last and (last.to_version, last.digest) == (number, report.candidate.digest):
        return (f"Version {number} already holds {to.value}: the history has no second entry.",)
    entry = HistoryEntry(
        at=now(),
        action="promote",
        stage=to.value,
        from_version=former if former != number else None,
        to_version=number,
        verdict=report.verdict.value,
        digest=report.candidate.digest,
        by=by,
    )
    append(registry, report.model, entry)
    return ()
