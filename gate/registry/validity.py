"""Whether a verdict allows a promotion: the one place where that is decided.

A verdict is bound to the candidate's files, to the baseline and its files, to the evaluation data, to the policy, and
to who held the stage. Where one of them is not what it was, the verdict is stale.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gate.domain import Report, ReportedVersion, Stage, Verdict
from gate.errors import GateError, RefusedError
from gate.registry.connection import Registry
from gate.registry.delta import is_table
from gate.registry.faults import AbsentError
from gate.registry.find import holders_of, resolve
from gate.registry.history import Chapter, chapters
from gate.registry.moving import PromotionSettings
from gate.registry.snapshot import fresh_digest
from gate.registry.tables import data_files, digest_of_files
from gate.registry.tree import ArtifactFaultError
from gate.registry.versions import alias_of, get_model
from gate.verdict import decide

_PROMOTABLE = {Verdict.PASS, Verdict.PASS_WITH_WARNINGS}
_EXPLICIT = "--baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is true now of a model's stage.

    `holder` is who holds it, or held it before a move that is resumed; `pointed` is where the alias points.
    """

    stage: Stage
    holder: int | None
    pointed: int | None
    history: tuple[Chapter, ...]
    settings: PromotionSettings


def standing(registry: Registry, model: str, stage: Stage, settings: PromotionSettings) -> Standing:
    """Read who holds a stage, and what the history tells."""
    known = get_model(registry, model)
    return Standing(
        stage=stage,
        holder=holders_of(registry, known, settings.aliases).get(stage.value),
        pointed=known.aliases.get(alias_of(stage, settings.aliases)),
        history=tuple(chapters(known.tags)),
        settings=settings,
    )


def ensure_valid(registry: Registry, report: Report, now: Standing, into: Path) -> None:
    """Refuse a verdict that does not allow this promotion. Downloads and hashes both versions anew below `into`.

    Raises:
        RefusedError: with what is wrong, and what to do about it.
        UsageError: the version does not exist any more, or is not READY.
        RegistryError: the registry, or the store behind it, is out of reach.
    """
    ensure_current(report, now)
    resolve(registry, report.model, str(report.candidate.version))
    _ensure_same_files(registry, report, into)
    _ensure_same_baseline(registry, report, into)
    _ensure_same_data(report)


def ensure_current(report: Report, now: Standing) -> None:
    """Refuse a verdict by what needs no download: asked once more when the lease is taken.

    Raises:
        RefusedError: with what is wrong, and what to do about it.
    """
    for rule in _RULES:
        rule(report, now)


def _ensure_unchanged_report(report: Report, _: Standing) -> None:
    said, _reasons = decide(report.checks, report.gate.only)
    if said is not report.verdict:
        raise RefusedError(
            f"The report on {_what(report)} says {report.verdict.value}, and its checks say {said.value}: "
            "it was changed.",
            remedy=_again(report),
        )


def _ensure_passed(report: Report, _: Standing) -> None:
    if report.verdict not in _PROMOTABLE:
        raise RefusedError(
            f"{_what(report)} has the verdict {report.verdict.value}.",
            remedy=f"Only pass and pass_with_warnings are promoted. {_again(report)}",
        )
    if report.gate.only is not None:
        names = ", ".join(category.value for category in report.gate.only)
        raise RefusedError(
            f"{_what(report)} was judged by {names} alone.", remedy=f"Judge it as a whole: {_command(report)}."
        )


def _ensure_same_policy(report: Report, now: Standing) -> None:
    if report.gate.policy_digest != now.settings.policy_digest:
        raise RefusedError(
            f"{_what(report)} was judged by another policy than the one that holds now.", remedy=_again(report)
        )


def _ensure_waivers_hold(report: Report, _: Standing) -> None:
    """A waiver that was needed must hold today; a clock that was set back makes none of them younger."""
    today = max(dt.datetime.now(dt.UTC).date().isoformat(), report.finished_at[:10])
    late = [check.waiver for check in report.checks if check.waiver is not None and check.waiver.expires < today]
    if late:
        raise RefusedError(
            f"{_what(report)} passed by a waiver of {late[0].check} by {late[0].owner} that expired on "
            f"{late[0].expires}.",
            remedy=f"Mend what it waived, or renew the waiver; then judge it again: {_command(report)}.",
        )


def _ensure_not_stale(report: Report, now: Standing) -> None:
    """Refuse where the stage is held by another version than the one that the candidate was compared with.

    A baseline that somebody chose by hand stands as long as nobody took the stage since the verdict.
    """
    baseline, holder, stage = report.baseline, now.holder, now.stage.value
    against = f"version {baseline.version}" if baseline else "nothing"
    explicit = baseline is None or str(baseline.chosen_by).startswith(_EXPLICIT)
    if holder is None:
        stale = baseline is not None and baseline.chosen_by == f"holder of {stage}"
    elif holder == report.candidate.version or (baseline and baseline.version == holder):
        stale = False
    else:
        stale = not (explicit and report.gate.holders.get(stage) == holder)
    if stale:
        holds = f"version {holder} holds {stage}" if holder else f"nobody holds {stage} any more"
        raise RefusedError(
            f"{_what(report)} was judged against {against}, and now {holds}.",
            remedy=f"Judge it again: `gate release {report.model} {report.candidate.version} --to {stage}`.",
        )


def _ensure_staged(report: Report, now: Standing) -> None:
    """Where the policy asks for it, production is for what a promotion brought to staging before, file by file."""
    if not now.settings.staging_first or now.stage is not Stage.PRODUCTION:
        return
    wanted = (Stage.STAGING.value, report.candidate.version, report.candidate.digest)
    staged = [(chapter.entry.stage, chapter.entry.to_version, chapter.entry.digest) for chapter in now.history]
    if wanted not in staged:
        raise RefusedError(
            f"{_what(report)} was never promoted to staging with these files, and promotion.order asks for that "
            "before production.",
            remedy=f"Promote it there first: `gate promote {report.model} {report.candidate.version} --to staging`.",
        )


_RULES: tuple[Callable[[Report, Standing], None], ...] = (
    _ensure_unchanged_report,
    _ensure_passed,
    _ensure_same_policy,
    _ensure_waivers_hold,
    _ensure_not_stale,
    _ensure_staged,
)


def _ensure_same_files(registry: Registry, report: Report, into: Path) -> None:
    number, judged = report.candidate.version, report.candidate.digest
    try:
        found = fresh_digest(registry, report.model, number, into)
    except ArtifactFaultError as error:
        raise RefusedError(
            f"{_what(report)} cannot be promoted: {error}.", remedy="Register it again, then judge the new version."
        ) from None
    if judged is None or found != judged:
        raise RefusedError(
            f"The files of version {number} of {report.model!r} are not those that were judged "
            f"(now {found}, judged {judged}).",
            remedy="Find out who changed them, then judge the version again.",
        )


def _ensure_same_baseline(registry: Registry, report: Report, into: Path) -> None:
    """The candidate was found no worse than these very files; of others nobody knows."""
    baseline = report.baseline
    if baseline is None or baseline.digest is None:
        return
    found = _digest_or_fault(registry, report.model, baseline, into)
    if found != baseline.digest:
        raise RefusedError(
            f"{_what(report)} was judged against version {baseline.version}, whose files are not what they were "
            f"(now {found}, then {baseline.digest}).",
            remedy=f"Find out who changed them, then judge it again: {_command(report)}, if need be with "
            "--baseline none.",
        )


def _digest_or_fault(registry: Registry, model: str, version: ReportedVersion, into: Path) -> str:
    try:
        return fresh_digest(registry, model, version.version, into)
    except (ArtifactFaultError, AbsentError) as error:
        return f"gone: {error}"


def _ensure_same_data(report: Report) -> None:
    """Where the evaluation data lie on this machine, they must be those that were judged on; elsewhere nobody looks."""
    path = Path(report.data.source or "")
    found: str | None = None
    try:
        if report.data.digest is None or not path.is_absolute() or not path.exists() or is_table(path):
            return
        found = digest_of_files(path, data_files(path))
    except (OSError, ArtifactFaultError):
        return  # it cannot be read from here
    except GateError:
        found = None  # there is something else now
    if found != report.data.digest:
        raise RefusedError(
            f"{_what(report)} was judged on evaluation data that have changed since: {path}.", remedy=_again(report)
        )


def _what(report: Report) -> str:
    return f"Version {report.candidate.version} of {report.model!r}"


def _command(report: Report) -> str:
    return f"`gate release {report.model} {report.candidate.version}`"


def _again(report: Report) -> str:
    return f"Judge it again: {_command(report)}."
