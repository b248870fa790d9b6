"""From an address to a private copy of the files behind it."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from gate.errors import GateError, RegistryError
from gate.registry.connection import Registry
from gate.registry.faults import AbsentError, UnsupportedError, one_line, out_of_reach, without_password
from gate.registry.tree import (
    LEFT_OUT,
    MAX_DEPTH,
    MAX_FILES,
    ArtifactFaultError,
    ArtifactGoneError,
    Listed,
    copy_local,
    ensure_sane,
    ensure_space,
)
from gate.registry.versions import Version

_COPIES_FOLLOWED = 10
_CATALOGUES = ("uc", "databricks-uc", "databricks")
_SERVER_FAULT = re.compile(
    r"\b(401|403|408|429|5\d\d) (client|server) error|error code (401|403|429|5\d\d)", re.IGNORECASE
)
_GONE = re.compile(
    r"\b404\b|no such artifact|does not exist|not found|nosuchkey|nosuchbucket|no such file", re.IGNORECASE
)
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def fetch_version(registry: Registry, version: Version, into: Path) -> Path:
    """Copy a version's files into a new folder below `into`, and give that folder.

    Never by `models:/name/version` from a local store: MLflow would write into the stored artifact.

    Raises:
        ArtifactFaultError: the files are gone, or are nothing that a model consists of.
        RegistryError: the registry or the store behind it is out of reach.
        GateError: no space, or `into` cannot be written.
    """
    return fetch(registry, locate(registry, version), into)


def locate(registry: Registry, version: Version) -> str:
    """Give the address of a version's files: where the registry says that they lie, copies and runs followed."""
    if urlsplit(registry.registry_uri).scheme in _CATALOGUES or registry.registry_uri in _CATALOGUES:
        return f"models:/{version.model}/{version.number}"  # these hand out credentials for their own store only so
    try:
        address = registry.ask(
            f"locate version {version.number} of {version.model!r}",
            registry.client.get_model_version_download_uri,
            version.model,
            str(version.number),
        )
    except (AbsentError, UnsupportedError):
        address = None
    return follow(registry, str(address or version.source or ""))


def follow(registry: Registry, address: str) -> str:
    """Follow `models:/` and `runs:/` addresses to where the files lie.

    Raises:
        ArtifactFaultError: what the address names is gone, or it leads in a circle.
    """
    for _ in range(_COPIES_FOLLOWED):
        scheme = urlsplit(address).scheme
        try:
            if scheme == "models":
                address = _model_address(registry, address)
            elif scheme == "runs":
                address = _run_address(registry, address)
            else:
                break
        except AbsentError as error:
            raise ArtifactGoneError(f"its files are gone: {address!r} leads nowhere ({error.text})") from None
    else:
        raise ArtifactFaultError(f"its source {address!r} is a copy of a copy, more than {_COPIES_FOLLOWED} times")
    if not address:
        raise ArtifactGoneError("the registry does not say where its files are")
    return address


def _model_address(registry: Registry, address: str) -> str:
    parts = urlsplit(address).path.strip("/").split("/")
    if len(parts) == 1:
        model = registry.ask(f"read {address!r}", registry.client.get_logged_model, parts[0])
        return str(model.artifact_location)
    if len(parts) == 2 and parts[1].isdigit():  # noqa: PLR2004 - name and version
        doing = f"locate {address!r}"
        return str(registry.ask(doing, registry.client.get_model_version_download_uri, unquote(parts[0]), parts[1]))
    raise ArtifactFaultError(f"its source {address!r} is no address of a model")


def _run_address(registry: Registry, address: str) -> str:
    run_id, _, path = urlsplit(address).path.strip("/").partition("/")
    run = registry.ask(f"read the run {run_id!r}", registry.client.get_run, run_id)
    return f"{str(run.info.artifact_uri).rstrip('/')}/{path}".rstrip("/")


def local_path(address: str) -> Path | None:
    """Give the folder or file of a local address, None for any other."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(unquote(parts.path)) if parts.netloc in {"", "localhost"} else None
    return Path(address) if not parts.scheme else None


def fetch(registry: Registry, address: str, into: Path) -> Path:
    """Copy the folder behind an address into a new folder below `into`, and give that folder.

    Raises:
        ArtifactFaultError, RegistryError, GateError: as fetch_version.
    """
    with _room_for_files(into, address):
        into.mkdir(parents=True, exist_ok=True)
        target = Path(tempfile.mkdtemp(prefix="model-", dir=into))  # mkdtemp: readable by this user alone
        source = local_path(address)
        if source is not None:
            copy_local(source, target)
        else:
            _download(registry, address, target)
        if (target / LEFT_OUT).is_file():
            (target / LEFT_OUT).unlink()  # no digest covers it, so nothing may be loaded from it
    return target


@contextmanager
def _room_for_files(into: Path, address: str) -> Iterator[None]:
    """Tell apart what the operating system refuses: here (no space, read-only), and at the source."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArtifactGoneError(f"its files are gone: {error.filename!r} does not exist") from None
    except OSError as error:
        here = error.errno in _NO_SPACE or str(error.filename or "").startswith(str(into))
        if here or local_path(address) is None:
            raise GateError(
                f"The folder {into} cannot take the model's files: {error.strerror}.",
                remedy="Make room, or choose another folder with --out.",
            ) from None
        raise RegistryError(
            f"The artifact store at {without_password(address)} cannot be read: {error.strerror}.",
            remedy="Give the gate's user the right to read it.",
        ) from None


def _download(registry: Registry, address: str, target: Path) -> None:
    """Let MLflow download from a remote store, names and sizes looked at before the first byte."""
    with _store_faults(registry, address):
        repository = _repository(registry, address)
        listed = tuple(_list_remote(registry, repository))
        ensure_sane(listed)
        ensure_space(listed, target)
        _unhurried(registry).ask(
            "download artifacts", _silently, partial(repository.download_artifacts, "", str(target))
        )


def fetch_file(registry: Registry, address: str, path: str, into: Path) -> Path:
    """Copy one file or folder below a remote or local artifact address into a new folder; give the copy's path.

    Raises:
        ArtifactFaultError, RegistryError, GateError: as fetch_version.
    """
    with _room_for_files(into, address):
        into.mkdir(parents=True, exist_ok=True)
        target = Path(tempfile.mkdtemp(prefix="data-", dir=into))
        ensure_sane((Listed(path=path, size=None),))
        with _store_faults(registry, address):
            repository = _repository(registry, address)
            _unhurried(registry).ask(
                "download artifacts", _silently, partial(repository.download_artifacts, path, str(target))
            )
        found = target / path
        if not found.exists():
            raise ArtifactGoneError(f"its files are gone: there is no {path!r} at {without_password(address)}")
    return found


@contextmanager
def temporary_below(into: Path) -> Iterator[Path]:
    """Give a new folder below `into`, and remove it afterwards.

    Raises:
        GateError: `into` cannot be written.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        place = tempfile.TemporaryDirectory(prefix="fresh-", dir=into)
    except OSError as error:
        raise GateError(f"The folder {into} cannot be written: {error.strerror}.", remedy="Choose another.") from None
    with place as name:
        yield Path(name)


def _silently(call: partial[Any]) -> Any:  # noqa: ANN401 - MLflow has no types
    return call()


def _unhurried(registry: Registry) -> Registry:
    """A download may take long; each of its answers has its own time limit in MLflow's client."""
    return Registry(
        client=registry.client, tracking_uri=registry.tracking_uri, registry_uri=registry.registry_uri, answer_s=None
    )


def _repository(registry: Registry, address: str) -> Any:  # noqa: ANN401 - MLflow has no types
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return registry.ask(
        "open the artifact store",
        get_artifact_repository,
        address,
        tracking_uri=registry.tracking_uri,
        registry_uri=registry.registry_uri,
    )


def _list_remote(registry: Registry, repository: Any) -> Iterator[Listed]:  # noqa: ANN401 - MLflow has no types
    waiting: list[tuple[str | None, int]] = [(None, 0)]
    count = 0
    while waiting:
        folder, depth = waiting.pop()
        for info in registry.ask("list artifacts", repository.list_artifacts, folder):
            count += 1
            if count > MAX_FILES or depth > MAX_DEPTH:
                raise ArtifactFaultError(f"its artifact has more than {MAX_FILES:,} files or {MAX_DEPTH} levels")
            if not info.is_dir:
                yield Listed(path=str(info.path), size=info.file_size)
            elif info.path not in {".", folder}:
                waiting.append((str(info.path), depth + 1))


@contextmanager
def _store_faults(registry: Registry, address: str) -> Iterator[None]:
    """Tell a model whose files are gone from a store that is out of reach: the first is the model's fault."""
    where = without_password(address)
    try:
        yield
    except AbsentError as error:
        raise ArtifactGoneError(f"its files are gone: {error.text}") from None
    except RegistryError as error:
        text = f"{error.text} {error.__cause__ or ''}"
        unreachable = out_of_reach(registry.address, text)
        if unreachable or isinstance(error, UnsupportedError) or _SERVER_FAULT.search(text) or not _GONE.search(text):
            raise
        reason = one_line(str(error.__cause__ or error.text))
        raise ArtifactGoneError(f"its files are gone: nothing to be had at {where} ({reason})") from None
