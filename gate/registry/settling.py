"""What is at one model's desk: the lease is taken, and what a dead process left open is finished or undone first.

Whether an open plan may be finished is judged anew, away from the lease: that downloads and hashes. The world decides
the rest. Where the alias has been moved, the new holder serves already: the plan is finished, and where it is not
valid any more, the stage is moved back. Where it has not been moved, nobody saw anything: the plan is dropped, unless
somebody asked for it to be resumed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from gate.errors import RefusedError
from gate.registry.connection import Registry
from gate.registry.grounds import forget_grounds, read_grounds
from gate.registry.history import chapters, is_written, next_number
from gate.registry.journal import BEFORE_TAG, PLAN_TAG, Plan, close, open_plan
from gate.registry.lease import Waiting, leased
from gate.registry.moving import Desk, PromotionSettings, carry_out, draw, finish, forward, undo
from gate.registry.tenures import moment

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who comes to a model's desk, how he waits, and how he judges what he finds there.

    `judge` gives None where a plan may be finished, else why it may not.
    """

    by: str
    judge: Callable[[Plan], RefusedError | None]
    waiting: Waiting
    resumes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of an open plan: carried out, or not and why."""

    plan: Plan
    done: bool
    why: str = ""

    def line(self) -> str:
        """Say it in a sentence."""
        return f"{self.plan.title} {'was finished.' if self.done else f'was undone: {self.why}'}"


def at_desk(
    registry: Registry,
    model: str,
    settings: PromotionSettings,
    visitor: Visitor,
    work: Callable[[Desk, list[Settled]], T],
) -> T:
    """Do some work with the lease of a model, after what was left open is settled.

    Raises:
        RegistryError: others hold the lease all the time, or the registry is out of reach.
        RefusedError, GateError: as the work does.
    """
    fates: dict[str, RefusedError | None] = {}
    settled: list[Settled] = []
    while True:
        with leased(registry, model, visitor.by, visitor.waiting) as lease:
            desk = Desk(registry=registry, model=model, lease=lease, settings=settings)
            plan = open_plan(desk.look().tags)
            if plan is not None and (plan.id in fates or not _must_be_judged(desk, plan, visitor)):
                settled.append(_settle(desk, plan, visitor, fates.get(plan.id)))
                visitor.waiting.say(settled[-1].line())
                plan = None
            if plan is None:
                _tidy(desk)
                return work(desk, settled)
        fates[plan.id] = visitor.judge(plan)


def _tidy(desk: Desk) -> None:
    """Take away what a dead process wrote before its plan was whole: halves of a plan, grounds of no entry."""
    tags = desk.look().tags
    if {PLAN_TAG, BEFORE_TAG} & set(tags):
        desk.lease.ensure_held()
        close(desk.registry, desk.model)
    number = next_number(tags)
    if read_grounds(tags, number) is not None:
        desk.lease.ensure_held()
        forget_grounds(desk.registry, desk.model, number, tags)


def _must_be_judged(desk: Desk, plan: Plan, visitor: Visitor) -> bool:
    return (visitor.resumes or _is_moved(desk, plan)) and not is_written(desk.look().tags, plan.entry, plan.number)


def _is_moved(desk: Desk, plan: Plan) -> bool:
    return plan.before.alias != plan.entry.to_version == desk.look().aliases.get(plan.alias)


def _settle(desk: Desk, plan: Plan, visitor: Visitor, refused: RefusedError | None) -> Settled:
    if is_written(desk.look().tags, plan.entry, plan.number):
        finish(desk, plan)
        return Settled(plan=plan, done=True)
    moved = _is_moved(desk, plan)
    if moved or (visitor.resumes and refused is None):
        forward(desk, plan)
        finish(desk, plan)
        if refused is not None:
            _move_back(desk, plan, visitor.by)
        return Settled(plan=plan, done=refused is None, why=str(refused or ""))
    undo(desk, plan)
    return Settled(plan=plan, done=False, why=str(refused or "no stage had been moved."))


def _move_back(desk: Desk, plan: Plan, by: str) -> None:
    """Give the stage back to who had it: a move of its own, which the history tells like any other."""
    back = replace(
        plan.entry,
        at=moment(chapters(desk.look().tags)),
        action="undo",
        from_version=plan.entry.to_version,
        to_version=plan.entry.from_version,
        verdict=None,
        digest=None,
        by=by,
    )
    carry_out(desk, draw(desk, back, None, new_identity()), None)


def new_identity() -> str:
    """Give a plan a name of its own."""
    return secrets.token_hex(4)
