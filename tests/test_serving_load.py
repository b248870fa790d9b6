"""Serving and loading both versions: plain servers that behave as told, and the real generator."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gate import serving_load
from gate.domain import Field, Signature
from gate.errors import UsageError
from gate.evidence.served import results
from gate.scoring.server_process import HOST
from gate.scoring.serving import ServerFailedError
from gate.settings import Latency


class Server(ThreadingHTTPServer):
    """Answers one request at a time, each after `seconds`; from the request `breaks_at` on it is out of order."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, seconds=0.002, *, breaks_at=10**9, dies=False, comes_up=True):
        super().__init__((HOST, 0), Handler)
        self.seconds, self.breaks_at, self.dies, self.comes_up = seconds, breaks_at, dies, comes_up
        self.lock, self.asked, self.dead = threading.Lock(), 0, False
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self.server_port

    @property
    def problem(self):
        return "its server ended itself with exit code -9" if self.dead else ""

    def wait(self, _end):
        if not self.comes_up:
            raise ServerFailedError("its server ended itself with exit code 1: ValueError: no weights")

    def ask(self, _body, _timeout_s):
        return self.answer(), "{}"

    def answer(self):
        with self.lock:
            self.asked += 1
            time.sleep(self.seconds)
            if self.asked < self.breaks_at:
                return 200
            self.dead = self.dies
            return 500

    def handle_error(self, request, address):
        """A generator that stops listening is no fault."""

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two would wait 40 ms for each other's acknowledgement
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.answer())
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def served(seconds=8.0, **servers):
    """Serve and load these; give what was asked, and the results by side."""
    inputs = pa.table({"x": np.arange(5.0)})
    signature = Signature(inputs=(Field(name="x", type="double"),), outputs=None)
    sides = [serving_load.Side(name=name, path=Path(), signature=signature, inputs=inputs) for name in servers]
    found = serving_load.serve_and_load(sides, lambda side: servers[side.name], Latency(served_s=seconds))
    return found, {each.side: each for each in results(found, calls={}, p99_s=None, raw=None)}


def test_both_are_loaded_alike_within_the_time():
    """Rates are shares of what the slower one can do; each version is told beside virtual time."""
    began = time.monotonic()
    found, by_side = served(8.0, candidate=Server(0.02), baseline=Server(0.005))
    assert time.monotonic() - began < 8 + serving_load.START_S / 4
    assert found.problems == {}
    slow, fast = by_side["candidate"], by_side["baseline"]
    assert [load.rate for load in slow.under_load] == [load.rate for load in fast.under_load]
    assert slow.under_load[0].load > fast.under_load[0].load
    assert slow.round_trip_s > 0.02
    assert slow.predicted_per_s < fast.predicted_per_s
    assert all(load.requests >= 20 and load.failed == 0 for load in slow.under_load)


def test_a_server_that_does_not_come_up_is_a_sentence():
    """The other one is loaded alone."""
    found, by_side = served(3.0, candidate=Server(comes_up=False), baseline=Server())
    assert "no weights" in found.problems["candidate"]
    assert by_side["candidate"].under_load == ()
    assert by_side["baseline"].round_trip_s > 0.002


def test_a_server_that_dies_is_a_sentence():
    """The load ends, and what was measured before stays."""
    found, _ = served(6.0, candidate=Server(breaks_at=60, dies=True), baseline=Server())
    assert found.problems["candidate"] == "its server ended itself with exit code -9"
    assert len(found.runs) == 1


def test_a_server_that_answers_with_errors_is_a_sentence():
    """From the hundredth request on: the failures are counted, and the first is told."""
    found, by_side = served(6.0, candidate=Server(breaks_at=100), baseline=Server())
    assert "HTTP 500" in found.problems["candidate"]
    assert "HTTP 500" not in found.problems.get("baseline", "")  # a busy machine may not do the whole load in time
    assert all(load.failed == 0 for load in by_side["baseline"].under_load)
    assert all(load.p99_s is None for load in by_side["candidate"].under_load)


def test_a_server_that_refuses_every_row_is_a_sentence():
    """No form of the rows is the right one."""
    found, by_side = served(3.0, candidate=Server(breaks_at=0))
    assert found.problems["candidate"] == "its server answered 500 to a row: {}"
    assert by_side["candidate"].round_trip_s is None


def test_a_version_too_slow_to_be_loaded_says_so():
    """Three seconds a request, six seconds of time: it is not loaded, and the setting is named."""
    found, by_side = served(6.0, candidate=Server(3.0), baseline=Server())
    assert "too few single requests to be loaded within latency.served_s, 6 s" in found.problems["candidate"]
    assert by_side["candidate"].under_load == ()


def test_a_process_that_cannot_be_started_is_a_sentence():
    """No port, no folder, no process is left."""

    def start(_side):
        raise OSError("no free port was found")

    side = serving_load.Side(name="candidate", path=Path(), signature=None, inputs=pa.table({"x": [1.0]}))
    found = serving_load.serve_and_load([side], start, Latency(served_s=1))
    assert found.problems == {"candidate": "its server could not be started: no free port was found"}


@pytest.mark.parametrize(("there_is_one", "remedy"), [(True, "Install it: pip install"), (False, "There is no build")])
def test_without_the_extra_the_remedy_fits_the_machine(monkeypatch, there_is_one, remedy):
    """Exit 2: how to install it, or that there is nothing to install."""
    monkeypatch.setattr(serving_load, "installed", lambda: False)
    monkeypatch.setattr(serving_load, "offered", lambda: there_is_one)
    with pytest.raises(UsageError, match="MLPerf's LoadGen, which is not installed") as raised:
        serving_load.ensure_possible(judged=True)
    assert (raised.value.exit_code, raised.value.remedy[: len(remedy)]) == (2, remedy)
