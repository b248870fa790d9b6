"""An address that leads nowhere is said within 15 seconds, in one sentence, in silence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gate.errors import RegistryError, UsageError
from gate.registry import Registry, connect, resolve
from tests.registry.conftest import free_port, keep_environment

LIMIT_S = 15.0


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_environment(monkeypatch)


@pytest.fixture
def answering() -> Iterator[object]:
    """Start a local server that answers every request with one status."""
    started: list[ThreadingHTTPServer] = []

    def start(status: int, body: bytes = b"no", headers: dict[str, str] | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the name that http.server looks for

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def refused(address: str) -> tuple[RegistryError, float]:
    started = time.monotonic()
    with pytest.raises(RegistryError) as caught:
        connect(address)
    return caught.value, time.monotonic() - started


def test_refused_port():
    """A port that nobody listens on is said to refuse the connection."""
    error, seconds = refused(f"http://127.0.0.1:{free_port()}")
    assert "refuses the connection" in str(error)
    assert seconds < LIMIT_S


def test_unknown_host():
    """A host name that does not resolve is said to be one."""
    error, seconds = refused("http://no-such-host.invalid:5000")
    assert "does not resolve" in str(error)
    assert seconds < LIMIT_S


def test_silent_server():
    """A server that takes the connection and never answers does not hold the gate."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        error, seconds = refused(f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert "out of reach" in str(error)
    assert seconds < LIMIT_S


def test_black_hole():
    """An address that swallows packets does not hold the gate (a full backlog stands for it: no packet is answered)."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(address)
        error, seconds = refused(f"http://127.0.0.1:{address[1]}")
        for filler in fillers:
            filler.close()
    assert "out of reach" in str(error)
    assert seconds < LIMIT_S


@pytest.mark.parametrize("status", [500, 503])
def test_failing_server(answering, status):
    """A server that answers with errors is said to do so, whatever Retry-After it asks for."""
    error, seconds = refused(answering(status, headers={"Retry-After": "120"}))
    assert f"HTTP {status}" in str(error)
    assert seconds < LIMIT_S


@pytest.mark.parametrize("status", [401, 403])
def test_refused_access(answering, status):
    """Without access, the sentence names MLflow's variables for it."""
    error, seconds = refused(answering(status))
    assert "MLFLOW_TRACKING_TOKEN" in str(error)
    assert "MLFLOW_TRACKING_USERNAME" in str(error)
    assert seconds < LIMIT_S


def test_another_kind_of_server(answering):
    """A web page is no registry."""
    error, _ = refused(answering(200, b"<html>hello</html>"))
    assert "JSON" in str(error)


@pytest.mark.parametrize(
    "address",
    ["postgresql://gate:secret@127.0.0.1:1/mlflow", "mysql+pymysql://gate:secret@127.0.0.1:1/mlflow", "nonsense://x"],
)
def test_no_such_database(address):
    """A database that is not there, or whose driver is not, is one sentence without the password."""
    error, seconds = refused(address)
    assert "secret" not in str(error)
    assert "\n" not in str(error)
    assert seconds < LIMIT_S


def test_missing_sqlite_file(tmp_path):
    """A database file that does not exist is said so, and is not created."""
    with pytest.raises(UsageError, match=r"nothing\.db does not exist"):
        connect(f"sqlite:///{tmp_path}/nothing.db")
    assert list(tmp_path.iterdir()) == []


def test_missing_default(tmp_path, monkeypatch):
    """In an empty folder MLflow's default is not created; an old mlruns folder is told of."""
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").write_text("name: Default\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="mlflow migrate-filestore"):
        connect()
    assert [path.name for path in tmp_path.iterdir()] == ["mlruns"]


def test_old_file_store(tmp_path):
    """The old file store is named, with the way out of it."""
    with pytest.raises(RegistryError, match="mlflow migrate-filestore"):
        connect(str(tmp_path))


def test_another_database(tmp_path):
    """A database of something else is not turned into a registry."""
    import sqlite3

    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE cats (name TEXT)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(RegistryError, match="holds no MLflow registry"):
        connect(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_no_database_at_all(tmp_path):
    """A file that is no database is said to be none."""
    path = tmp_path / "other.db"
    path.write_bytes(b"not a database, but long enough to be one" * 40)
    with pytest.raises(RegistryError, match="cannot be read"):
        connect(f"sqlite:///{path}")


def test_environment_variables(registry_uri, monkeypatch):
    """Without an address MLflow's own variables hold."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry_uri)
    opened = connect()
    assert (opened.tracking_uri, opened.registry_uri) == (registry_uri, registry_uri)


def test_own_limits_stay(registry_uri, monkeypatch):
    """Limits that the user set are his."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "9")
    assert connect(registry_uri).answer_s is None
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "9"


def test_a_second_connection_has_limits_too(registry_uri):
    """What the first connection set is not taken for the user's wish."""
    connect(registry_uri)
    assert connect(registry_uri).answer_s == 13.0


def test_server_dies_later(server_uri, tmp_path):
    """A registry that goes away later is said as quickly."""
    opened = connect(server_uri)
    gone = f"http://127.0.0.1:{free_port()}"
    from mlflow import MlflowClient

    broken = Registry(client=MlflowClient(gone), tracking_uri=gone, registry_uri=gone, answer_s=opened.answer_s)
    with pytest.raises(RegistryError, match="refuses the connection"):
        resolve(broken, "wine", "1")


def test_silence(tmp_path):
    """Nothing is written to standard error or output when a registry is out of reach, not even by MLflow."""
    code = (
        "from gate.registry import connect\nfrom gate.errors import RegistryError\n"
        f"try:\n    connect('http://127.0.0.1:{free_port()}')\nexcept RegistryError:\n    raise SystemExit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=Path(tmp_path), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")
