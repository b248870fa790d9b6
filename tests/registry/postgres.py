"""A PostgreSQL that a test session starts: Debian's package, run as an ordinary user, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REMEDY = "PostgreSQL's programs initdb and postgres are needed: install the package postgresql"


def programs() -> Path:
    """The folder of initdb and postgres; installs the package where it is not there and this user may."""
    found = _found()
    if found is None and shutil.which("apt-get"):
        before = [] if os.getuid() == 0 else ["sudo", "-n"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "postgresql"]):
            subprocess.run([*before, *command], check=False, env=environment, **quiet)
        found = _found()
    assert found is not None, REMEDY
    return found


def _found() -> Path | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return packaged[-1].parent if packaged else Path(os.path.realpath(on_path)).parent if on_path else None


@contextmanager
def running(port: int) -> Iterator[str]:
    """Start an empty database on a port of this machine; gives its address for SQLAlchemy."""
    bin_, folder = programs(), Path(tempfile.mkdtemp(prefix="gate-postgres-"))
    user = _ordinary_user(folder)
    data = folder / "data"
    made = [bin_ / "initdb", "-D", data, "-U", "mlflow", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(made, user=user, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    command = [bin_ / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(bin_, port, process, folder / "log")
        yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: it waits for no client
        process.wait(timeout=30)
        shutil.rmtree(folder)


def _ordinary_user(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: its package has a user for it."""
    if os.getuid() != 0:
        return None
    name = next((name for name in ("postgres", "nobody") if _exists(name)), None)
    assert name is not None, "PostgreSQL does not run as root, and there is no user postgres"
    shutil.chown(folder, name)
    return name


def _exists(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def _wait(bin_: Path, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ready = [bin_ / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(240):
        if subprocess.run(ready, check=False).returncode == 0:
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.25)
    raise AssertionError(log.read_text())
