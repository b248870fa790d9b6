"""LoadGen with the adapter, against real HTTP servers that behave as told."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from gate.benchmark import served_raw
from gate.benchmark.generator import GeneratorError, Load, Target, generate
from gate.domain import Served
from gate.errors import UsageError

HOST = "127.0.0.1"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, address):
        """A generator that stops listening is no fault."""


@contextmanager
def listening(answer, asked=None):
    """A server whose `answer(path, body)` gives the status and the body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if asked is not None:
                asked.append((self.path, body))
            status, text = answer(self.path, body)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = Server((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def target(port, *bodies):
    return Target(port=port, path="/invocations", bodies=[body.encode() for body in bodies or ("{}",)])


def ok(_path, _body):
    return 200, "{}"


def test_both_get_a_poisson_process_of_their_own():
    """400 requests at 200 a second: half to each, gaps like an exponential's, and each body is sent."""
    ours, theirs = [], []
    with listening(ok, ours) as one, listening(ok, theirs) as other:
        found = generate(
            [target(one, "1", "2"), target(other, "3")], Load(rate=200, requests=400, most_s=30, seed=1), HOST
        )
    run = found.run
    assert (run.rate, len(run.side), found.failures) == (100, 400, {})
    assert set(run.status) == {200}
    assert {body for _, body in ours} == {b"1", b"2"}
    assert {body for _, body in theirs} == {b"3"}
    assert (len(ours), len(theirs)) == (np.count_nonzero(run.side == 0), np.count_nonzero(run.side == 1))
    assert 150 < len(ours) < 250
    gaps = np.diff(run.due_ns) / 1e9
    assert 0.003 < gaps.mean() < 0.007
    assert 0.7 < gaps.std() / gaps.mean() < 1.3


def test_the_generator_does_not_wait_for_answers():
    """Answers take 0.5 s, requests are due every 20 ms: an open loop sends them all the same."""
    with listening(lambda *_: (time.sleep(0.5), ok(*_))[1]) as port:
        run = generate([target(port)], Load(rate=50, requests=50, most_s=30, seed=1), HOST).run
    assert run.due_ns.max() < 3e9
    assert np.median(run.took_ns) >= 0.5e9


def test_single_requests_wait_for_one_another():
    """Without a rate each is sent after the answer before it."""
    with listening(lambda *_: (time.sleep(0.02), ok(*_))[1]) as port:
        run = generate([target(port)], Load(rate=None, requests=20, most_s=30, seed=1), HOST).run
    assert run.rate is None
    assert (np.diff(run.due_ns) >= 0.02e9).all()


def test_failures_are_told_with_their_first_text():
    """Errors, redirections elsewhere, and a port where nobody listens: counted, never followed."""
    with listening(lambda *_: (500, "no weights")) as one, listening(lambda *_: (302, "http://192.0.2.1/x")) as other:
        found = generate([target(one), target(other), target(1)], Load(rate=None, requests=30, most_s=30, seed=2), HOST)
    assert {int(side): set(found.run.status[found.run.side == side]) for side in (0, 1, 2)} == {
        0: {500},
        1: {302},
        2: {0},
    }
    assert found.failures[0] == "HTTP 500: no weights"
    assert "Cannot connect" in found.failures[2]


def test_a_server_that_never_answers_ends_the_run_in_time():
    """One second of load, two to drain: what was not answered then has the status 0."""
    with listening(lambda *_: (time.sleep(30), ok(*_))[1]) as port:
        began = time.monotonic()
        run = generate([target(port)], Load(rate=20, requests=20, most_s=1, seed=1), HOST).run
    assert set(run.status) == {0}
    assert time.monotonic() - began < 30


def test_a_generator_that_breaks_down_says_so():
    """No bodies to send: its last words, as an error of the generator."""
    with pytest.raises(GeneratorError, match="the load generator"):
        generate([Target(port=1, path="/", bodies=[])], Load(rate=None, requests=1, most_s=1, seed=1), HOST)


def test_what_was_asked_can_be_read_again(tmp_path):
    """The file beside the report holds every request; another file is refused."""
    with listening(ok) as port:
        run = generate([target(port)], Load(rate=None, requests=5, most_s=5, seed=1), HOST).run
    path = served_raw.write(Served(sides=("candidate",), runs=(run,), problems={"candidate": "x"}), tmp_path)
    found = served_raw.read(path)
    assert (found.sides, found.problems, found.runs[0].took_ns.tolist()) == (
        ("candidate",),
        {"candidate": "x"},
        run.took_ns.tolist(),
    )
    path.write_bytes(json.dumps({}).encode())
    with pytest.raises(UsageError, match="cannot be read"):
        served_raw.read(path)
