"""Moving a stage to a version that was judged, and only to what was judged; finishing what a dead process began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from gate.domain import HistoryEntry, Promotion, Report, Stage, Waiver
from gate.errors import RefusedError, UsageError
from gate.registry.connection import Registry
from gate.registry.grounds import evidence_digest, grounds_of
from gate.registry.journal import Plan
from gate.registry.lease import Waiting
from gate.registry.moving import Desk, PromotionSettings, aim_now, carry_out, draw
from gate.registry.record import recorded_report
from gate.registry.settling import Settled, Visitor, at_desk, new_identity
from gate.registry.snapshot import fresh_digest
from gate.registry.stages import mirror
from gate.registry.tenures import drift, moment
from gate.registry.tree import ArtifactFaultError
from gate.registry.validity import Standing, ensure_current, ensure_valid, standing
from gate.registry.versions import alias_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """Who moves a stage: a name for the history, how he waits for others, a folder for copies.

    `when_valid` is called once the verdict is found valid, before anything is moved. `verdict_on` reads the recorded
    verdict on a version, by which what was left open is finished; it raises RefusedError where it is not believed.
    """

    by: str
    into: Path
    waiting: Waiting = field(default_factory=Waiting)
    when_valid: Callable[[], None] = lambda: None
    verdict_on: Callable[[Registry, str, int], Report | None] = recorded_report


def promote(registry: Registry, report: Report, *, to: Stage, settings: PromotionSettings, mover: Mover) -> Promotion:
    """Give a stage to the version that a report judged.

    Downloads both versions once more and compares digests. With the lease of the model, and with every step written
    down before it is taken: gives the former holder the alias `previous_<stage>`, sets the alias and reads it back,
    mirrors the legacy stages, appends to the history.

    Raises:
        RefusedError: the verdict does not allow it, or what was judged is not what would be promoted.
        UsageError: the version does not exist any more, or is not READY.
        RegistryError: the registry is out of reach, or others move this model's stages all the time.
        GateError: the local journal cannot be written.
    """
    ensure_valid(registry, report, standing(registry, report.model, to, settings), mover.into)
    mover.when_valid()

    def look() -> None:
        ensure_current(report, standing(registry, report.model, to, settings))

    visitor = Visitor(
        by=mover.by,
        judge=partial(judge, registry, report.model, settings, mover),
        waiting=replace(mover.waiting, look=look),
    )
    return at_desk(registry, report.model, settings, visitor, partial(_promote, report, to, mover.by))


def _promote(report: Report, to: Stage, by: str, desk: Desk, _settled: list[Settled]) -> Promotion:
    """Move the stage, with the lease: nobody else of the gate's moves it now."""
    now = standing(desk.registry, desk.model, to, desk.settings)
    ensure_current(report, now)
    moved = drift(now.history, now.holder, to)
    grounds = grounds_of(report)
    notes = ((moved,) if moved else ()) + tuple(map(_waived, grounds.waivers))
    number, former = report.candidate.version, now.holder
    if _is_there(report, now):
        notes += (f"Version {number} already holds {to.value}: the history has no second entry.", *_mended(desk))
    else:
        entry = HistoryEntry(
            at=moment(now.history),
            action="promote",
            stage=to.value,
            from_version=former if former != number else None,
            to_version=number,
            verdict=report.verdict.value,
            digest=report.candidate.digest,
            by=by,
        )
        notes += carry_out(desk, draw(desk, entry, grounds.report, new_identity()), grounds)
    return Promotion(
        model=desk.model,
        stage=to,
        alias=alias_of(to, desk.settings.aliases),
        version=number,
        former=former if former != number else None,
        notes=notes,
    )


def _waived(waiver: Waiver) -> str:
    return f"Waived until {waiver.expires}: {waiver.check}, by {waiver.owner}: {waiver.reason}"


def _is_there(report: Report, now: Standing) -> bool:
    """Say whether the alias points there, and the history's last word on the stage is this version with these files."""
    number = report.candidate.version
    last = next((each.entry for each in reversed(now.history) if each.entry.stage == now.stage.value), None)
    return (
        now.pointed == number
        and last is not None
        and (last.to_version, last.digest) == (number, report.candidate.digest)
    )


def _mended(desk: Desk) -> tuple[str, ...]:
    """Let the legacy stages follow the aliases again, where somebody moved them."""
    if not desk.settings.legacy_stages:
        return ()
    return mirror(desk.registry, desk.model, aim_now(desk), desk.lease.ensure_held)


def resume(registry: Registry, model: str, *, settings: PromotionSettings, mover: Mover) -> Settled | None:
    """Finish what a process left open that died, here or on another machine; None where nothing is open.

    What is not valid any more is undone, and `Settled.why` says why.

    Raises:
        RegistryError: the registry is out of reach, or others move this model's stages all the time.
    """
    visitor = Visitor(
        by=mover.by,
        judge=partial(judge, registry, model, settings, mover),
        waiting=mover.waiting,
        resumes=True,
    )
    return at_desk(registry, model, settings, visitor, lambda _, settled: settled[0] if settled else None)


def judge(registry: Registry, model: str, settings: PromotionSettings, mover: Mover, plan: Plan) -> RefusedError | None:
    """Say why a plan that was left open may not be finished, None where it may.

    A tag is no proof: a promotion needs the recorded report, valid as on the first day; a move back to a former
    holder needs its files.

    Raises:
        RegistryError, GateError: it cannot be found out now.
    """
    try:
        if plan.entry.action == "promote":
            _judge_promotion(registry, model, settings, mover, plan)
        else:
            _judge_files(registry, model, mover.into, plan)
    except RefusedError as refused:
        return refused
    except UsageError as error:
        return RefusedError(error.text, remedy=error.remedy)
    return None


def _judge_promotion(registry: Registry, model: str, settings: PromotionSettings, mover: Mover, plan: Plan) -> None:
    entry = plan.entry
    found = mover.verdict_on(registry, model, entry.to_version or 0)
    if found is None or evidence_digest(found) != plan.evidence:
        raise RefusedError(
            f"The verdict by which version {entry.to_version} of {model!r} was to be promoted is not recorded now.",
            remedy=f"Judge it again: `gate release {model} {entry.to_version} --to {entry.stage}`.",
        )
    now = standing(registry, model, Stage(entry.stage), settings)
    ensure_valid(registry, found, replace(now, holder=entry.from_version or plan.before.alias), mover.into)


def _judge_files(registry: Registry, model: str, into: Path, plan: Plan) -> None:
    entry = plan.entry
    if entry.to_version is None or entry.digest is None:
        return
    try:
        found = fresh_digest(registry, model, entry.to_version, into)
    except ArtifactFaultError as error:
        raise RefusedError(f"Version {entry.to_version} of {model!r} cannot be put back: {error}.") from None
    if found != entry.digest:
        raise RefusedError(f"The files of version {entry.to_version} of {model!r} are not what they were.")
