"""Where the registry is: MLflow's own defaults, and nothing created by looking."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gate.errors import RegistryError, UsageError
from gate.registry.faults import without_password

_SERVER_SCHEMES = ("postgresql", "mysql", "mssql")
_OLD_STORE = (
    "The folder {0} is MLflow's old file store, which MLflow no longer reads: `mlflow migrate-filestore` moves "
)
_OLD_STORE += "it into a database."
_TRUE = {"1", "true"}


def resolve_addresses(tracking_uri: str | None, registry_uri: str | None) -> tuple[str, str]:
    """Fill in MLflow's environment variables and defaults; give the tracking and the registry address."""
    tracking = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or _default_tracking()
    registry = registry_uri or os.environ.get("MLFLOW_REGISTRY_URI") or _default_registry(tracking)
    return tracking, registry


def _default_tracking() -> str:
    """MLflow's default: its database here, or its old file store where that is allowed and all there is."""
    database, old = Path.cwd() / "mlflow.db", Path.cwd() / "mlruns"
    if _old_store_allowed() and not database.exists() and any(old.glob("*/meta.yaml")):
        return old.as_uri()
    return f"sqlite:///{database}"


def _old_store_allowed() -> bool:
    return os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() in _TRUE


def _default_registry(tracking: str) -> str:
    return tracking.replace("databricks", "databricks-uc", 1) if tracking.startswith("databricks") else tracking


def ensure_exists(address: str) -> None:
    """Refuse a local address that holds no registry: MLflow would create an empty one.

    Raises:
        UsageError: the file or folder does not exist.
        RegistryError: it exists and is no registry that MLflow reads.
    """
    scheme = urlsplit(address).scheme.partition("+")[0]
    if scheme == "sqlite":
        _ensure_sqlite(address)
    elif scheme in {"", "file"}:
        _ensure_folder(address)
    elif scheme in _SERVER_SCHEMES:
        _knock(address)


def _ensure_sqlite(address: str) -> None:
    path = _sqlite_path(address)
    if path is None:
        return
    if not path.is_file():
        raise UsageError(f"There is no registry at {address}: the file {path} does not exist.", remedy=_advice(path))
    try:
        with closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, timeout=5)) as database:
            found = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'registered_models'").fetchone()
    except sqlite3.Error as error:
        raise RegistryError(f"The registry {path} cannot be read: {error}.", remedy="Check the file.") from None
    if not found:
        raise RegistryError(f"The database {path} holds no MLflow registry.", remedy=_advice(path))


def _sqlite_path(address: str) -> Path | None:
    """Give the file of an SQLite address; None for a database in memory or an address of SQLite's own kind."""
    rest = unquote(address.partition("://")[2].partition("?")[0])
    name = rest.removeprefix("/")
    return None if not name or name == ":memory:" or name.startswith("file:") else Path(name).absolute()


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _advice(path: Path) -> str:
    old = path.parent / "mlruns"
    advice = "Give the address of your registry with --tracking-uri, in gate.yaml or in MLFLOW_TRACKING_URI."
    return f"{advice} {_OLD_STORE.format(old)}" if _is_old_store(old) else advice


def _is_old_store(folder: Path) -> bool:
    """An `mlruns` folder beside a database often holds only artifacts; the old store has a meta.yaml per experiment."""
    return any(folder.glob("*/meta.yaml")) or (folder.is_dir() and not any(folder.parent.glob("*.db")))


def _ensure_folder(address: str) -> None:
    path = Path(unquote(urlsplit(address).path) if address.startswith("file:") else address)
    if path.is_file():
        raise UsageError(
            f"{address} is a file, not the address of a registry.", remedy=f"For an SQLite file write sqlite:///{path}."
        )
    if not path.is_dir():
        raise UsageError(f"There is no registry at {address}: the folder does not exist.", remedy=_advice(path))
    if not _old_store_allowed():
        raise RegistryError(_OLD_STORE.format(path), remedy="Then give the address of that database.")


def _knock(address: str) -> None:
    """Open one connection with a short time limit: MLflow itself would retry for minutes, with warnings."""
    import sqlalchemy

    limited = {"connect_args": {"connect_timeout": 5}} if not address.startswith("mssql") else {}
    try:
        sqlalchemy.create_engine(address, **limited).connect().close()
    except ModuleNotFoundError as error:
        raise RegistryError(
            f"The registry at {without_password(address)} needs the package {error.name!r}.", remedy="Install it here."
        ) from None
