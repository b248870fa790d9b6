"""Examines the machine, the configuration and the registry, and says how to mend what is wrong."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from gate.config import Config
from gate.errors import GateError
from gate.policy import refuse_unknown_names

SURVEYED = 50
LEAST_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `exit_code` is 0 where nothing is wrong."""

    state: Literal["ok", "note", "bad"]
    what: str
    fix: str = ""
    exit_code: int = 0


def examine(settings: Callable[[], Config]) -> Iterator[Finding]:
    """Look at everything; what one thing needs from another is left out where that one is broken."""
    yield _python()
    yield _git()
    yield _space()
    try:
        config = settings()
    except GateError as error:
        yield _broken(error)
        return
    yield _configuration(config)
    yield from _models(config)
    yield from _isolation(config)
    yield from _environments(config)
    yield from _signing(config)
    yield from _registry(config)


def _broken(error: GateError) -> Finding:
    return Finding(state="bad", what=error.text, fix=error.remedy, exit_code=error.exit_code)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(state="ok", what=f"Python {version} at {sys.executable}")


def _git() -> Finding:
    if shutil.which("git"):
        return Finding(state="ok", what="git is there: notes can list the commits between two versions")
    return Finding(state="note", what="git is not installed: notes cannot list commits", fix="Install git.")


def _space() -> Finding:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free >= LEAST_FREE_BYTES:
        return Finding(state="ok", what=f"{free / 1e9:.0f} GB free in {folder} for copies of artifacts")
    return Finding(
        state="note",
        what=f"only {free / 1e6:.0f} MB free in {folder}",
        fix="Free some, or set TMPDIR to a larger disk.",
    )


def _configuration(config: Config) -> Finding:
    if config.path is None:
        return Finding(state="note", what="no gate.yaml here or above: defaults hold", fix="Write one: gate init")
    models = ", ".join(config.file.models) or "no model by name"
    return Finding(state="ok", what=f"{config.path} is valid; it names {models}")


def _models(config: Config) -> Iterator[Finding]:
    for name in config.file.models:
        try:
            refuse_unknown_names(config, name)
        except GateError as error:
            yield _broken(error)
        path = config.model(name).data.path
        if path is None:
            yield Finding(
                state="note",
                what=f"{name}: no evaluation data configured: the gate looks for what the runs logged",
                fix=f"Set models.{name}.data.path.",
            )
        elif not _leads_somewhere(path, config):
            yield Finding(
                state="bad",
                what=f"{config.place('models', name, 'data', 'path')}: {config.below(path)} does not exist",
                fix="Correct the path, or make the file.",
                exit_code=2,
            )
        else:
            yield Finding(state="ok", what=f"{name}: evaluation data in {path}")
        yield from _golden(config, name)


def _golden(config: Config, name: str) -> Iterator[Finding]:
    from gate.golden import file_of, read

    try:
        cases = read(config, name)
    except GateError as error:
        yield _broken(error)
        return
    if cases:
        yield Finding(state="ok", what=f"{name}: {len(cases)} golden cases in {file_of(config, name)}")


def _leads_somewhere(path: str, config: Config) -> bool:
    """Whether a local path exists; another address is left to `gate check`."""
    from gate import registry

    return registry.exists(path, config.root) is not False


def _isolation(config: Config) -> Iterator[Finding]:
    from gate.scoring import isolation

    settings = config.file.isolation
    if os.name != "posix":
        yield Finding(state="bad", what="models cannot be isolated here", fix="Run the gate inside WSL.", exit_code=3)
        return
    shortfall = isolation.shortfall(settings.minimum)
    if shortfall is not None:
        yield _broken(shortfall)
        return
    found = isolation.reached()
    facts = ", ".join(f"{name} {how}" for name, how in found.facts.items())
    limits = f"{settings.memory_mb} MB and {settings.timeout_s:g} s a load or a batch"
    yield Finding(state="ok", what=f"isolation: {found.level} ({facts}); {limits}")
    if found.missing:
        following = found.missing[0]
        yield Finding(
            state="note", what=f"isolation {following.level} is not reached: {following.why}", fix=following.remedy
        )


def _environments(config: Config) -> Iterator[Finding]:
    """Whether environments can be built, where some model asks for that."""
    from gate import staffing
    from gate.scoring import environments

    try:
        asking = [name for name in config.file.models or ("",) if staffing.builds(config, name)]
    except GateError as error:
        yield _broken(error)
        return
    if asking:
        whose = ", ".join(filter(None, asking)) or "all models"
        yield Finding(state="ok", what=f"uv is there: environments of {whose} are built in {environments.folder()}")


def _signing(config: Config) -> Iterator[Finding]:
    """Whether the keys can be read that sign verdicts, and those that verify verdicts and models."""
    from gate import attesting

    try:
        key = attesting.signing_key()
        if key is not None:
            yield Finding(state="ok", what=f"verdicts are signed by the key {key.public.fingerprint}")
            yield from (Finding(state="note", what=warning) for warning in key.warnings)
        for name in config.file.models or ("",):
            yield from _trusted(config, name)
    except GateError as error:
        yield _broken(error)


def _trusted(config: Config, name: str) -> Iterator[Finding]:
    from gate import signatures, trusting

    of = f"{name}: " if name else ""
    trust, keys = trusting.trust_of(config, name), signatures.keys_of(config, name)
    if trust.keys:
        must = "must" if trust.required else "may"
        yield Finding(state="ok", what=f"{of}verdicts {must} be signed; keys that are trusted: {len(trust.keys)}")
    if keys:
        must = "must" if config.model(name).security.require_model_signature else "may"
        yield Finding(state="ok", what=f"{of}models {must} be signed; keys that are trusted: {len(keys)}")


def _registry(config: Config) -> Iterator[Finding]:
    from gate import registry

    try:
        connected = registry.connect(config.file.tracking_uri, config.file.registry_uri)
        names = {found.model for found in registry.survey(connected)}
    except GateError as error:
        yield _broken(error)
        return
    yield Finding(state="ok", what=f"the registry {connected.address} answers; it holds {len(names)} models")
    for name in config.file.models:
        if name not in names and len(names) < SURVEYED:
            yield Finding(
                state="note",
                what=f"{config.place('models', name)}: the registry has no model {name!r} yet",
                fix="Correct the name, or register a first version.",
            )
