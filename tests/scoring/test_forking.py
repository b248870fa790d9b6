"""Workers that are forked: as private as fresh ones, and nothing of them outlives the gate."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from gate.scoring.enclosure import plain
from gate.scoring.fork_server import ForkServer
from gate.scoring.launching import Launcher
from gate.scoring.session import Limits, Worker, WorkerFailedError

LIMITS = Limits(timeout_s=30)
LOOK_AROUND = """
import json, random
return [json.dumps({
    "env": dict(os.environ), "cwd": os.getcwd(), "stdin": sys.stdin.read(), "pid": os.getpid(),
    "group": os.getpgrp(), "temporary": __import__("tempfile").gettempdir(),
    "drawn": [random.random(), np.random.rand()],
    "open": sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if int(fd) > 2
                   and os.path.exists(f"/proc/self/fd/{fd}")),
})] * len(model_input)
"""


@pytest.fixture(scope="module")
def launcher():
    """A launcher of forked workers, for the tests that leave its server alive."""
    with Launcher.of(LIMITS, processes="forked") as made:
        yield made


@pytest.fixture(scope="module")
def two(saved, launcher):
    """What two workers of one server see, each with its process id as the gate knows it."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATE_CANARY", "canary-7")
        workers = [launcher.start() for _ in range(2)]
        for worker in workers:
            worker.load(saved(LOOK_AROUND))
            worker.put("k", pa.table({"x": [1.0]}))
            seen.append({**json.loads(worker.predict("k").only[0].as_py()), "known": worker.pid})
        for worker in workers:
            worker.close()
    return seen


def test_the_gate_knows_the_worker_by_its_process_id(two):
    """By the system's word, not by the worker's."""
    assert [each["pid"] for each in two] == [each["known"] for each in two]


def test_each_leads_a_group_of_its_own(two):
    """Killing one with all that it started does not touch the other."""
    assert [each["group"] for each in two] == [each["pid"] for each in two]


def test_each_has_a_private_folder(two):
    """Home, temporary files and working directory are one, and another for each; nothing can be read from stdin."""
    for each in two:
        assert each["cwd"] == each["env"]["HOME"] == each["env"]["TMPDIR"] == each["temporary"]
        assert each["stdin"] == ""
    assert two[0]["cwd"] != two[1]["cwd"]


def test_no_secret_reaches_a_forked_model(two):
    """The environment is that of fresh workers."""
    assert all("GATE_CANARY" not in each["env"] for each in two)
    assert two[0]["env"].keys() == two[1]["env"].keys()


def test_no_channel_to_the_server_or_the_other_is_left_open(two):
    """A worker holds its two pipes; no socket of the server's."""
    assert not [name for each in two for name in each["open"] if name.startswith("socket:")]


def test_they_draw_different_random_numbers(two):
    """Two processes of one parent would else be random alike, and a model that is random would seem repeatable."""
    assert two[0]["drawn"][0] != two[1]["drawn"][0]
    assert two[0]["drawn"][1] != two[1]["drawn"][1]


def test_a_prepared_server_has_the_modules_already(saved, launcher):
    """Those that loading would import; a name that nobody knows is passed over."""
    with launcher.prepared(["no.such.module", "tabnanny"]) as prepared, prepared.start() as worker:
        worker.load(saved(load="import tabnanny"))
        assert "tabnanny" not in worker.modules()
    with launcher.start() as worker:
        worker.load(saved(load="import tabnanny"))
        assert "tabnanny" in worker.modules()


def test_one_that_is_killed_takes_its_strays_along_and_leaves_the_other(saved, launcher, rows):
    """A daemon with a session of its own ends with the worker that started it; another worker answers on."""
    daemon = "import subprocess\nchild = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    with launcher.start() as first, launcher.start() as second:
        first.load(saved(f"{daemon}return [float(child.pid)] * len(model_input)"))
        second.load(saved())
        for worker in (first, second):
            worker.put("k", rows)
        stray = int(first.predict("k").only[0].as_py())
        os.kill(stray, 0)
        first.close()
        with pytest.raises(ProcessLookupError):
            os.kill(stray, 0)
        assert second.predict("k").rows == 5


def test_a_model_that_kills_its_guardian_is_ended_all_the_same(saved, rows):
    """What it left behind ends with the server at the latest."""
    with Launcher.of(LIMITS, processes="forked") as launcher:
        worker = launcher.start()
        daemon = "import subprocess\nchild = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        kill = f"{daemon}os.kill(os.getppid(), 9)\nreturn [float(child.pid)] * len(model_input)"
        worker.load(saved(kill))
        worker.put("k", rows)
        try:
            stray = int(worker.predict("k").only[0].as_py())
        except WorkerFailedError:
            stray = None
        worker.close()
        deadline = time.monotonic() + 5
        while not _is_zombie(worker.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert _is_zombie(worker.pid)
    assert stray is None or _is_zombie(stray)


def test_a_fork_server_that_was_killed_is_replaced(saved, rows):
    """The next worker comes from another one."""
    with Launcher.of(LIMITS, processes="forked") as launcher:
        with launcher.start() as worker:
            worker.load(saved())
        os.kill(launcher._server._sandbox.pid, signal.SIGKILL)
        time.sleep(0.2)
        with launcher.start() as worker:
            worker.load(saved())
            worker.put("k", rows)
            assert worker.predict("k").rows == 5


def test_fresh_workers_can_be_asked_for(saved, rows):
    """Each is then a process of its own making."""
    with Launcher.of(LIMITS, processes="fresh") as launcher, launcher.start() as worker:
        worker.load(saved("return [float(os.getppid())] * len(model_input)"))
        worker.put("k", rows)
        assert worker.predict("k").only[0].as_py() == os.getpid()


def test_a_worker_that_never_came_fails_at_the_start():
    """A server that dies before it forks is a failure of the start, not a hang."""
    server = ForkServer.start(plain(), 4096)
    worker = Worker.fork(server, LIMITS)
    server.close()
    with pytest.raises(WorkerFailedError) as caught:
        worker.load(Path("nowhere"))
    assert caught.value.failure.stage == "start"
    worker.close()


GATE = """
import sys, time
from pathlib import Path
from gate.scoring.launching import Launcher
from gate.scoring.session import Limits

launcher = Launcher.of(Limits(), processes="forked")
worker = launcher.start()
worker.load(Path(sys.argv[1]))
print(worker.pid, launcher._server._sandbox.pid, worker._sandbox.folder, flush=True)
time.sleep(300)
"""


def test_all_end_with_the_gate(saved):
    """A gate that is killed leaves no worker, no guardian, no server and no folder behind."""
    gate = subprocess.Popen([sys.executable, "-c", GATE, str(saved())], stdout=subprocess.PIPE, text=True)
    worker, server, folder = gate.stdout.readline().split()
    guardian = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    gate.kill()
    gate.wait()
    deadline = time.monotonic() + 20
    left = {int(worker), int(server), guardian}
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if Path(f"/proc/{pid}").exists() and not _is_zombie(pid)}
        time.sleep(0.05)
    gate.stdout.close()
    assert not left
    assert not Path(folder).exists()


def _is_zombie(pid):
    """Whether it has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
