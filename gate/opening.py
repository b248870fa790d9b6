"""The beginning of the line: a version that was found, and who will answer for it and for its baseline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate import assembly, comparing, isolating, policy, signatures, staffing, storing
from gate.config import Config
from gate.domain import Comparison
from gate.request import Narrator, Request
from gate.scoring.isolation import Level
from gate.staffing import Staff

if TYPE_CHECKING:
    from gate.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A version that was found, and the workers that will answer for it and for its baseline."""

    request: Request
    config: Config
    registry: Registry
    version: int
    holders: dict[str, int]
    """Who held each stage when the gate looked."""
    isolation: Level
    """How untrusted processes are shut in: the strongest level that this machine gives."""
    staff: Staff | None
    """Who answers; None until the versions' own environments are known."""
    room: Path
    """A private folder for copies, gone at the end. Workers see its folder of models, and nothing else of it."""
    stack: ExitStack
    """What is started later ends with it."""
    started_at: str

    @property
    def at_work(self) -> Staff:
        """Give who answers."""
        assert self.staff is not None  # noqa: S101 - `prepare` sees to it first
        return self.staff


@contextmanager
def opened(request: Request, config: Config, narrator: Narrator) -> Iterator[Opened]:
    """Start the workers, which import while this process does, and find the version.

    Raises:
        GateError: this machine does not isolate models as `isolation.minimum` asks, or the version is not found.
    """
    started_at = assembly.now()
    comparing.ensure_form(request.model, request.version)
    level = isolating.level_of(config)
    builds = staffing.builds(config, request.model)
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gate-")))
        models = comparing.models_in(room)
        staff = None if builds else staffing.alike(isolating.launcher_of(config, models), stack)
        policy.refuse_unknown_names(config, request.model)
        signatures.keys_of(config, request.model)
        with narrator.step("Find the version"):
            registry = storing.connect(config)
            version = comparing.resolve(registry, request.model, request.version)
        yield Opened(
            request=request,
            config=config,
            registry=registry,
            version=version,
            holders=comparing.holders(registry, request.model, config),
            isolation=level,
            staff=staff,
            room=room,
            stack=stack,
            started_at=started_at,
        )


def staffed(start: Opened, comparison: Comparison, narrator: Narrator) -> tuple[Opened, Comparison]:
    """Start who answers, where that had to wait for the versions' own environments."""
    if start.staff is not None:
        return start, comparison
    models = comparing.models_in(start.room)
    staff, comparison = staffing.equipped(comparison, start.config, models, start.stack, narrator)
    return replace(start, staff=staff), comparison
