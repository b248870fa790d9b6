"""Everything that is stored with a version, as it is now, with a private copy of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gate.domain import Artifact, Snapshot
from gate.registry.connection import Registry
from gate.registry.download import fetch_version, temporary_below
from gate.registry.faults import AbsentError
from gate.registry.mlmodel import ModelFile, read_mlmodel, read_requirements
from gate.registry.runs import read_run
from gate.registry.tree import ArtifactFaultError, ArtifactGoneError, read_tree
from gate.registry.versions import Version, get_model, get_version, text_or_none

MARK = "gate."
_NO_FILE = ModelFile(
    signature=None, flavors=(), environment={}, input_example=None, input_example_info={}, model_id=None, run_id=None
)
_COPIES_FOLLOWED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The files of a version and what they say; a problem where they cannot be had or trusted."""

    artifact: Artifact | None = None
    mlmodel: ModelFile = _NO_FILE
    requirements: tuple[str, ...] = ()
    problem: str | None = None
    refused: bool = False


def snapshot(registry: Registry, model: str, version: int, into: Path) -> Snapshot:
    """Read a version and copy its files into a new folder below `into`.

    Where the files are gone, or are nothing that a model consists of, `artifact` is None and `artifact_problem` says
    why: a fault of the model.

    Raises:
        UsageError: there is no such model or version.
        RegistryError: the registry or the store behind it is out of reach.
        GateError: no space, or `into` cannot be written.
    """
    known = get_model(registry, model)
    found = get_version(registry, model, version)
    files = _files(registry, found, into)
    model_id = _model_id(registry, found) or files.mlmodel.model_id
    run_id = found.run_id or _run_of(registry, model_id)
    return Snapshot(
        model=model,
        version=version,
        run_id=run_id,
        model_id=model_id,
        source=found.source,
        created_at=found.created_at,
        description=found.description,
        tags=without_marks(found.tags),
        aliases=tuple(sorted(alias for alias, number in known.aliases.items() if number == version)),
        legacy_stage=found.legacy_stage,
        run=read_run(registry, run_id),
        signature=files.mlmodel.signature,
        requirements=files.requirements,
        environment=files.mlmodel.environment,
        flavors=files.mlmodel.flavors,
        artifact=files.artifact,
        artifact_problem=files.problem,
        artifact_refused=files.refused,
        flavor_settings=files.mlmodel.settings,
        input_example=files.mlmodel.input_example,
    )


def fresh_digest(registry: Registry, model: str, version: int, into: Path) -> str:
    """Download a version's files again below `into`, give their digest, and remove them.

    Raises:
        ArtifactFaultError: the files are gone, or are nothing that a model consists of.
        UsageError, RegistryError, GateError: as snapshot.
    """
    with temporary_below(into) as place:
        return read_tree(fetch_version(registry, get_version(registry, model, version), place)).digest


def without_marks(tags: Mapping[str, str]) -> dict[str, str]:
    """Leave the gate's own tags out: they say nothing about the model."""
    return {key: value for key, value in tags.items() if not key.startswith(MARK)}


def _files(registry: Registry, version: Version, into: Path) -> _Files:
    try:
        root = fetch_version(registry, version, into)
        artifact = read_tree(root)
        mlmodel = read_mlmodel(root)
        return _Files(artifact=artifact, mlmodel=mlmodel, requirements=read_requirements(root))
    except ArtifactFaultError as error:
        return _Files(
            problem=f"Version {version.number} of {version.model!r} cannot be loaded: {error}.",
            refused=not isinstance(error, ArtifactGoneError),
        )


def _model_id(registry: Registry, version: Version) -> str | None:
    """Follow the source to the LoggedModel: `models:/m-…`, or `models:/name/version` of a copy."""
    for _ in range(_COPIES_FOLLOWED):
        if version.model_id:
            return version.model_id
        parts = urlsplit(version.source or "")
        names = parts.path.strip("/").split("/")
        if parts.scheme != "models":
            return None
        if len(names) == 1:
            return text_or_none(names[0])
        try:
            version = get_version(registry, names[0], int(names[1]))
        except (AbsentError, ValueError):
            return None
    return None


def _run_of(registry: Registry, model_id: str | None) -> str | None:
    if model_id is None:
        return None
    try:
        model = registry.ask(f"read {model_id!r}", registry.client.get_logged_model, model_id)
    except AbsentError:
        return None
    return text_or_none(model.source_run_id)
