"""Where evaluation data lie: a local path, MLflow's addresses, an object store, a Delta table. Brought here as files.

Addresses come from the user (`--data`, `data.path`), never from what a run logged: whoever can register a version
must not choose what this process reads with its credentials. Those are in this process's environment alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from gate.domain import EvaluationData
from gate.errors import DataError, GateError, UsageError
from gate.registry import delta, stores
from gate.registry.connection import Registry
from gate.registry.download import fetch_file, follow, local_path, locate
from gate.registry.faults import without_password
from gate.registry.find import resolve
from gate.registry.tree import ArtifactFaultError
from gate.registry.versions import get_version

_MLFLOW = ("runs", "models", "mlflow-artifacts", "dbfs")
_VERSION_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Files on this machine, the address that they are of, and the digest where their bytes do not tell it."""

    path: Path
    address: str
    digest: str | None = None

    def named(self, data: EvaluationData) -> EvaluationData:
        """Call data that were read here by their address."""
        source = data.source.replace(str(self.path), self.address)
        return replace(data, source=source, digest=self.digest or data.digest)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Call them so in errors, too."""
        try:
            yield
        except (DataError, UsageError) as error:
            if str(self.path) == self.address:
                raise
            error.text = error.text.replace(str(self.path), self.address)
            error.args = (error.text,)
            raise


def locate_data(registry: Registry, address: str, root: Path, into: Path) -> Place:
    """Bring the data of an address here; a relative path starts at `root`, copies go below `into`.

    Raises:
        UsageError: there is nothing at the address, or it is none that the gate reads.
        DataError: it is out of reach, cannot be read, or needs a package that is not installed.
        RegistryError: MLflow's store is out of reach.
    """
    scheme = urlsplit(address).scheme.lower()
    _refuse_secrets(address)
    if scheme == delta.SCHEME:
        return _delta(address.partition(":")[2], root, into)
    if scheme in _MLFLOW:
        return Place(path=_from_mlflow(registry, address, into), address=address)
    if scheme in stores.SCHEMES:
        found = stores.find(address)
        return _delta(address, root, into) if found.is_delta else Place(path=found.copy(into), address=address)
    if len(scheme) > 1 and scheme != "file":
        raise UsageError(
            f"The evaluation data {address} lie at a {scheme!r} address, which gate does not read.",
            remedy=f"It reads local paths, {', '.join(f'{name}:' for name in (*_MLFLOW, *stores.SCHEMES, 'delta'))}.",
        )
    path = _local(address, root)
    return _delta(str(path), root, into) if delta.is_table(path) else Place(path=path, address=str(path))


def _local(address: str, root: Path) -> Path:
    found = local_path(address) if address.lower().startswith("file:") else Path(address)
    if found is None:
        raise UsageError(f"The evaluation data {address} are on another machine.", remedy="Give a path of this one.")
    return root / found.expanduser()


def _refuse_secrets(address: str) -> None:
    """A key in an address would end up in reports; s3://key:secret@bucket is one."""
    parts = urlsplit(address.removeprefix(f"{delta.SCHEME}:"))
    if parts.password or (parts.username and not parts.scheme.startswith("abfs")):
        raise UsageError(
            f"The address of the evaluation data {without_password(address)} has a secret in it.",
            remedy="Leave it out; credentials come from the environment (AWS_ACCESS_KEY_ID, …).",
        )


def _delta(address: str, root: Path, into: Path) -> Place:
    remote = urlsplit(address).scheme.lower() in stores.SCHEMES
    where = address if remote else str(_local(address, root))
    path, digest = delta.fetch(where, into)
    return Place(path=path, address=f"delta:{where}", digest=digest)


def _from_mlflow(registry: Registry, address: str, into: Path) -> Path:
    """Download by MLflow; what a run or a version holds is asked for below its own root."""
    try:
        root, path = _split(registry, address)
        return fetch_file(registry, root, path, into)
    except ArtifactFaultError as error:
        raise UsageError(
            f"The evaluation data {address} do not exist: {error}.", remedy="Correct --data or data.path."
        ) from None


def _split(registry: Registry, address: str) -> tuple[str, str]:
    """Give the artifact root of an address, and the path below it."""
    parts = urlsplit(address)
    names = parts.path.strip("/").split("/")
    if parts.scheme == "runs" and len(names) > 1:
        return follow(registry, f"runs:/{names[0]}"), "/".join(names[1:])
    if parts.scheme == "models" and names[0].startswith("m-") and len(names) > 1:
        return follow(registry, f"models:/{names[0]}"), "/".join(names[1:])
    if parts.scheme == "models" and len(names) >= _VERSION_PARTS:
        version = get_version(registry, names[0], resolve(registry, names[0], names[1]))
        return locate(registry, version), "/".join(names[2:])
    if parts.scheme in {"mlflow-artifacts", "dbfs"} and names[-1]:
        root = address.rstrip("/").rpartition("/")[0]
        return f"{root}/" if root.endswith(":") else root, names[-1]
    raise UsageError(
        f"The address {address} names no data.",
        remedy="Write runs:/<run id>/<path>, models:/<name>/<version>/<path> or mlflow-artifacts:/<path>.",
    )


def exists(address: str, root: Path) -> bool | None:
    """Say whether a local address leads anywhere; None for one that only asking can tell."""
    if len(urlsplit(address).scheme) > 1 and not address.lower().startswith("file:"):
        return None
    try:
        return _local(address, root).exists()
    except GateError:
        return False
