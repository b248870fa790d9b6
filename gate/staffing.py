"""Who answers for both versions: worker processes of the gate's own Python, or of an environment for each version."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from gate import isolating
from gate.config import Config
from gate.domain import Artifact, Comparison, ModelEnvironment
from gate.errors import UsageError
from gate.request import Narrator
from gate.scoring.enclosure import Enclosure
from gate.scoring.environments import EXTRA, Built, RefusedLineError, Shelf, UnbuildableError, installer, recipe_of
from gate.scoring.launching import Launcher, Launchers, Processes
from gate.scoring.session import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """What starts workers, and the two that answer all rows, the candidate's first."""

    launchers: Launchers
    workers: tuple[Worker, Worker]
    environments: Mapping[str, ModelEnvironment] = field(default_factory=dict)
    """By version, where it has an environment of its own."""


class UnequippedError(Exception):
    """There is no environment that a version could run in, and that is the version's own fault."""


def builds(config: Config, model: str) -> bool:
    """Say whether the versions of a model run in environments of their own.

    Raises:
        UsageError: they do, and what builds them is not installed.
    """
    if config.model(model).env == "none":
        return False
    if installer() is None:
        raise UsageError(
            f"{config.place_of(model, 'env')}: env: uv needs uv, which is not installed.",
            remedy=f"Install it: {EXTRA}.",
        )
    return True


def alike(launcher: Launcher, stack: ExitStack) -> Staff:
    """Start both workers on the gate's own Python; they import while this process goes on."""
    stack.enter_context(launcher)
    candidate, baseline = (stack.enter_context(launcher.start()) for _ in range(2))
    return Staff(launchers=Launchers.alike(launcher), workers=(candidate, baseline))


def equipped(
    comparison: Comparison, config: Config, models: Path, stack: ExitStack, narrator: Narrator
) -> tuple[Staff, Comparison]:
    """Build an environment for each version that is to be loaded, and start its worker in it.

    A version whose requirements are refused, or cannot be installed, is never loaded: the comparison says why.

    Raises:
        GateError: the package index is out of reach, or the machine does not give what building needs.
    """
    enclosure = isolating.enclosure_of(config, models)
    found: dict[str, _Equipment] = {}
    snapshots = {"candidate": comparison.candidate, "baseline": comparison.baseline}
    for side, snapshot in snapshots.items():
        if snapshot is None or snapshot.artifact is None or snapshot.denied or snapshot.withheld is not None:
            continue
        try:
            with narrator.step(f"Find or build the environment of the {side}"):
                found[side] = equipment(snapshot.artifact, enclosure, config)
        except UnequippedError as error:
            snapshots[side] = replace(snapshot, unequipped=str(error))
            continue
        if found[side].facts.note:
            narrator.say(f"The {side}: {found[side].facts.note}.")
    candidate = snapshots["candidate"] or comparison.candidate
    comparison = replace(comparison, candidate=candidate, baseline=snapshots["baseline"])
    return _started(found, config, enclosure, stack), comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class _Equipment:
    """An environment, and what the report says of it."""

    built: Built
    facts: ModelEnvironment


def equipment(artifact: Artifact, enclosure: Enclosure, config: Config) -> _Equipment:
    """Give the environment of one version.

    Raises:
        UnequippedError: its requirements are refused, or cannot be installed.
        GateError: as `equipped`.
    """
    try:
        recipe = recipe_of(artifact.path)
        built = Shelf().environment(recipe, enclosure, config.file.isolation.memory_mb)
    except RefusedLineError as error:
        raise UnequippedError(f"its environment was not built: {error}") from None
    except UnbuildableError as error:
        raise UnequippedError(str(error)) from None
    facts = ModelEnvironment(
        digest=built.python.digest,
        python=".".join(map(str, built.python.version)),
        packages=built.packages,
        note=recipe.note,
    )
    return _Equipment(built=built, facts=facts)


def _started(found: Mapping[str, _Equipment], config: Config, enclosure: Enclosure, stack: ExitStack) -> Staff:
    """Start what was equipped; a version that was not is never loaded, so that its worker may be any."""
    pythons = {entry.built.python.digest: entry.built.python for entry in found.values()}
    processes: Processes | None = "fresh" if len(pythons) > 1 else None
    made = {
        digest: stack.enter_context(isolating.launcher(config, enclosure.of_python(python), processes))
        for digest, python in pythons.items()
    }
    spare = next(iter(made.values()), None) or stack.enter_context(isolating.launcher(config, enclosure, "fresh"))
    sides = {side: made[entry.built.python.digest] for side, entry in found.items()}
    launchers = Launchers(candidate=sides.get("candidate", spare), baseline=sides.get("baseline", spare))
    workers = (stack.enter_context(launchers.candidate.start()), stack.enter_context(launchers.baseline.start()))
    facts = {side: entry.facts for side, entry in found.items()}
    return Staff(launchers=launchers, workers=workers, environments=facts)
