"""Moving a stage: the steps of a plan, each safe to take again, and each can be undone as long as it is still ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gate.domain import HistoryEntry, Stage
from gate.errors import GateError, RefusedError, RegistryError
from gate.registry.connection import Registry
from gate.registry.faults import AbsentError
from gate.registry.find import Aliases, holders_of
from gate.registry.grounds import Grounds, forget_grounds, write_grounds
from gate.registry.history import append, is_written, next_number
from gate.registry.journal import Before, Ledger, Plan, close, publish, write_down
from gate.registry.lease import Lease
from gate.registry.stages import NO_STAGE, Aim, differences, has_stages, mirror, restore
from gate.registry.versions import Model, alias_of, get_model, list_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSettings:
    """What a promotion needs of the settings: alias names, the mirror, the policy that holds now, the local journal."""

    policy_digest: str
    journal: Path
    aliases: Aliases = field(default_factory=dict)
    legacy_stages: bool = True
    staging_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where one model's stages are moved, by who holds the lease."""

    registry: Registry
    model: str
    lease: Lease
    settings: PromotionSettings

    @property
    def ledger(self) -> Ledger:
        """The local journal."""
        return Ledger(self.settings.journal)

    def look(self) -> Model:
        """Read the model as it is now."""
        return get_model(self.registry, self.model)

    def point(self, alias: str, version: int | None) -> None:
        """Point an alias at a version, or take it away; somebody may have deleted the version."""
        self.lease.ensure_held()
        client = self.registry.client
        if version is not None:
            self.registry.write("set the alias", client.set_registered_model_alias, self.model, alias, str(version))
        else:
            self.registry.write("remove the alias", client.delete_registered_model_alias, self.model, alias)


def draw(desk: Desk, entry: HistoryEntry, evidence: str | None, identity: str) -> Plan:
    """Write down what is to be done and how things stand; nothing is changed yet."""
    known, stage = desk.look(), Stage(entry.stage)
    alias = alias_of(stage, desk.settings.aliases)
    plan = Plan(
        id=identity,
        number=next_number(known.tags),
        alias=alias,
        entry=entry,
        evidence=evidence,
        before=Before(alias=known.aliases.get(alias), previous=known.aliases.get(_previous(entry))),
    )
    if not desk.settings.legacy_stages or not has_stages(desk.model):
        return plan
    versions = list_versions(desk.registry, desk.model)
    touched = differences(versions, aim_of(desk, plan, known))
    stages = {each.number: each.legacy_stage or NO_STAGE for each in versions if each.number in touched}
    return replace(plan, before=replace(plan.before, stages=stages))


def aim_of(desk: Desk, plan: Plan, known: Model | None = None) -> Aim:
    """Say what the legacy stages follow from once the plan is carried out."""
    entry, now = plan.entry, aim_now(desk, known)
    held = {stage: number for stage, number in now.held.items() if stage != entry.stage}
    if entry.to_version is not None:
        held[entry.stage] = entry.to_version
    return Aim(held=held, aliased=now.aliased | {entry.stage}, former=entry.from_version)


def aim_now(desk: Desk, known: Model | None = None) -> Aim:
    """Say what the legacy stages follow from as things are; `known` is the model where it was read just now."""
    known = known or desk.look()
    aliases = desk.settings.aliases
    named = frozenset(stage.value for stage in Stage if alias_of(stage, aliases) in known.aliases)
    return Aim(held=holders_of(desk.registry, known, aliases), aliased=named)


def carry_out(desk: Desk, plan: Plan, grounds: Grounds | None) -> tuple[str, ...]:
    """Begin the plan, take every step, close the journal; where a step fails, undo what is still ours.

    Raises:
        RefusedError: somebody moved the stage at the same moment.
        RegistryError: the registry failed; all is as it was, or the journal is open for the next one.
        GateError: the local journal cannot be written.
    """
    try:
        write_down(plan, desk.ledger)
        desk.lease.ensure_held()
        if grounds is not None:
            write_grounds(desk.registry, desk.model, plan.number, grounds)
        publish(desk.registry, desk.model, plan)
        notes = forward(desk, plan)
    except GateError as fault:
        _take_back(desk, plan, fault)
        notes = ()
    finish(desk, plan)
    return notes


def _take_back(desk: Desk, plan: Plan, fault: GateError) -> None:
    """Undo a plan that failed and raise why; return where all was done and only the last answer got lost."""
    try:
        if is_written(desk.look().tags, plan.entry, plan.number):
            return
        undo(desk, plan)
    except GateError:
        todo = f"What was begun is written down: `gate promote --resume {desk.model}` finishes or undoes it."
        raise RegistryError(fault.text, remedy=todo) from fault
    raise fault


def forward(desk: Desk, plan: Plan) -> tuple[str, ...]:
    """Take every step that is not taken yet; give what is worth saying."""
    notes: tuple[str, ...] = ()
    for name, step in _STEPS.items():
        desk.ledger.write(plan, name)
        notes += step(desk, plan)
    return notes


def _remember(desk: Desk, plan: Plan) -> tuple[str, ...]:
    """Give the former holder the alias `previous_<stage>`; named after the stage, whatever the stage's alias is."""
    former, alias = plan.entry.from_version, _previous(plan.entry)
    if former is not None and desk.look().aliases.get(alias) != former:
        with suppress(AbsentError):  # somebody deleted the former holder
            desk.point(alias, former)
    return ()


def _point(desk: Desk, plan: Plan) -> tuple[str, ...]:
    """Point the alias at the version, and read it back: MLflow lets the last writer win without a word."""
    found, wanted = desk.look().aliases.get(plan.alias), plan.entry.to_version
    if found not in {plan.before.alias, wanted}:
        raise _outrun(desk, plan, found)
    if found != wanted:
        desk.point(plan.alias, wanted)
        found = desk.look().aliases.get(plan.alias)
    if found != wanted:
        raise _outrun(desk, plan, found)
    return ()


def _outrun(desk: Desk, plan: Plan, found: int | None) -> RefusedError:
    where = f"points to version {found}" if found is not None else "is gone"
    return RefusedError(
        f"The alias {plan.alias!r} of {desk.model!r} {where}: somebody moved it at the same moment.",
        remedy="Look at `gate history`, then judge again.",
    )


def _mirror(desk: Desk, plan: Plan) -> tuple[str, ...]:
    if not desk.settings.legacy_stages:
        return ()
    return mirror(desk.registry, desk.model, aim_of(desk, plan), desk.lease.ensure_held)


def _chronicle(desk: Desk, plan: Plan) -> tuple[str, ...]:
    desk.lease.ensure_held()
    append(desk.registry, desk.model, plan.entry, plan.number)
    return ()


_STEPS: dict[str, Callable[[Desk, Plan], tuple[str, ...]]] = {
    "remember the former holder": _remember,
    "move the alias": _point,
    "mirror the stages": _mirror,
    "write the history": _chronicle,
}


def undo(desk: Desk, plan: Plan) -> None:
    """Put back, last step first, whatever still is as the plan made it; then close the journal."""
    _note(desk, plan, "undo")
    before = desk.ledger.before(plan) or plan.before
    if desk.settings.legacy_stages and has_stages(desk.model):
        restore(desk.registry, desk.model, before.stages, aim_of(desk, plan), desk.lease.ensure_held)
    known, entry = desk.look(), plan.entry
    if known.aliases.get(plan.alias) == entry.to_version:
        _put_back(desk, plan.alias, entry.to_version, before.alias)
    if entry.from_version is not None and known.aliases.get(_previous(entry)) == entry.from_version:
        _put_back(desk, _previous(entry), entry.from_version, before.previous)
    desk.lease.ensure_held()
    if not is_written(known.tags, entry, plan.number):
        forget_grounds(desk.registry, desk.model, plan.number, known.tags)
    close(desk.registry, desk.model)
    _note(desk, plan, "undone")


def _put_back(desk: Desk, alias: str, ours: int | None, before: int | None) -> None:
    """Point an alias of ours at what it pointed to before; take it away where that is gone."""
    if before == ours:
        return
    try:
        desk.point(alias, before)
    except AbsentError:
        desk.point(alias, None)


def finish(desk: Desk, plan: Plan) -> None:
    """Close the journal of a plan that was carried out."""
    try:
        desk.lease.ensure_held()
        close(desk.registry, desk.model)
    except GateError as error:
        entry = plan.entry
        raise RegistryError(
            f"Version {entry.to_version} of {desk.model!r} holds {entry.stage} now, and its journal could not be "
            f"closed: {error.text}",
            remedy=f"`gate promote --resume {desk.model}` closes it.",
        ) from error
    _note(desk, plan, "done")


def _note(desk: Desk, plan: Plan, step: str) -> None:
    """A line for people: what it tells is done or undone already, so a full disk does not matter."""
    with suppress(GateError):
        desk.ledger.write(plan, step)


def _previous(entry: HistoryEntry) -> str:
    return f"previous_{entry.stage}"
