"""The hostile corpus, at every level of isolation that this machine reaches: nothing gets out, and nobody else is hurt.

One model does what its input says, so that one model serves all tests.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from gate.scoring import isolation
from gate.scoring.cgroups import Cgroup
from gate.scoring.enclosure import TASKS, Enclosure
from gate.scoring.launching import Launcher
from gate.scoring.session import Limits, WorkerFailedError

REACHED = [level for level in isolation.LEVELS if isolation.attempt(level).works]
LIMITS = Limits(timeout_s=30, memory_mb=256)
ACT = """
space = {}
lines = model_input["code"].iloc[0].splitlines()
exec("def act():\\n" + "\\n".join("    " + line for line in lines), globals(), space)
return [str(space["act"]())] * len(model_input)
"""
TRY_ALL = """
import json, socket, struct
def tell(attempt):
    try:
        return "done: " + repr(attempt())[:300]
    except BaseException as error:
        return "refused: " + type(error).__name__
def connect(family, kind, address):
    with socket.socket(family, kind) as made:
        made.settimeout(2)
        made.sendto(b"canary", address) if kind == socket.SOCK_DGRAM else made.connect(address)
def call(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "")
def signal_others():
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    reached = []
    for other in others:
        try: os.kill(other, 0); reached.append(other)
        except OSError: pass
    if not reached: raise PermissionError
    return reached
def environments():
    found = b""
    for name in os.listdir("/proc"):
        try: found += open("/proc/" + name + "/environ", "rb").read()
        except OSError: pass
    if b"canary-7" not in found: raise PermissionError
import os.path
me = os.path.dirname(os.path.abspath(__file__))
model = me if os.path.exists(me + "/MLmodel") else os.path.dirname(me)
arm = os.uname().machine == "aarch64"
attempts = {
    "tcp": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", TCP)),
    "udp": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", UDP)),
    "raw": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "unix": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, UNIX),
    "abstract": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, ABSTRACT),
    "signal_the_gate": lambda: os.kill(GATE, 0),
    "signal_the_other": lambda: os.kill(OTHER, 0),
    "signal_anybody": signal_others,
    "limit_the_gate": lambda: __import__("resource").prlimit(GATE, 7),
    "seat_the_gate": lambda: os.sched_setaffinity(GATE, {0}),
    "trace_the_other": lambda: call(117 if arm else 101, 16, OTHER, 0, 0),
    "memory_of_the_other": lambda: open(f"/proc/{OTHER}/mem", "rb"),
    "variables_of_the_other": lambda: open(f"/proc/{OTHER}/environ").read(1) or 1 / 0,
    "variables_of_anybody": environments,
    "new_namespace": lambda: call(97 if arm else 272, 0x10000000),
    "mount": lambda: call(40 if arm else 165, 0, 0, 0, 0, 0),
    "io_uring": lambda: call(425, 1, 0),
    "bpf": lambda: call(280 if arm else 321, 0, 0, 0),
    "shared_memory": lambda: call(194 if arm else 29, 7, 100, 0o1600),
    "read_the_project": lambda: open(WATCHED + "/.env").read(),
    "write_the_project": lambda: open(WATCHED + "/new", "w"),
    "list_temporary_files": lambda: os.listdir(os.path.dirname(os.getcwd())),
    "write_temporary_files": lambda: open(os.path.dirname(os.getcwd()) + "/gate-test-escaped", "w"),
    "list_home": lambda: os.listdir(HOME),
    "write_the_model": lambda: open(model + "/new", "w"),
    "the_other_model": lambda: os.listdir(SHELF),
    "shadow": lambda: open("/etc/shadow").read(),
    "kernel": lambda: open("/proc/sys/kernel/core_pattern", "r+"),
    "variable": lambda: os.environ["GATE_CANARY"],
    "own_folder": lambda: open("mine", "w").write("x"),
    "threads": lambda: __import__("threading").Thread(target=print).start(),
    "children": lambda: __import__("subprocess").run(["true"], check=True),
    "pairs": lambda: [end.close() for end in socket.socketpair()],
}
found = {name: tell(attempt) for name, attempt in attempts.items()}
if all(found[name].startswith("refused") for name in found if name.startswith("signal_")):
    found["kill_all"] = tell(lambda: os.kill(-1, signal.SIGKILL))  # the kernel tells no error where all refused
return json.dumps(found)
"""
ALLOWED = {"own_folder", "threads", "children", "pairs"}
NOT_HELD = {
    "subprocess": {
        "variables_of_the_other", "variables_of_anybody", "memory_of_the_other", "read_the_project",
        "write_the_project", "list_temporary_files", "write_temporary_files", "list_home", "write_the_model",
        "the_other_model", "shadow", "kernel",
    },
}  # fmt: skip
"""What a level lets through, or may: docs/explanation/isolation.md says so."""


@pytest.fixture(scope="module")
def shelf(saved, tmp_path_factory) -> Path:
    """Two models in one folder, as the gate keeps them: one that acts as it is told, and its twin."""
    folder = tmp_path_factory.mktemp("shelf")
    model = saved(ACT)
    for name in ("a1", "b2"):
        subprocess.run(["cp", "-r", str(model), str(folder / name)], check=True)
    return folder


@pytest.fixture(scope="module", params=REACHED)
def level(request) -> str:
    """Each level that this machine reaches."""
    return request.param


@pytest.fixture(scope="module")
def launcher(level, shelf):
    """A launcher of workers at a level."""
    with ready(level, shelf) as made:
        yield made


@pytest.fixture(scope="module", params=REACHED[1:] or REACHED)
def walled(request, shelf):
    """The same at the stronger levels, for what test_hostile_workers tries at the weakest."""
    with ready(request.param, shelf) as made:
        yield made


@contextmanager
def ready(level: str, shelf: Path):
    """A launcher whose own processes are all there, so that those of workers can be counted."""
    with Launcher.of(LIMITS, enclosure=Enclosure.of(level, models=shelf)) as made:
        with made.start() as first:
            first.ready()
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What must not be reached."""

    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    abstract: socket.socket
    watched: Path

    def names(self, other: int, shelf: Path) -> str:
        """Lines of code that tell a model where it all is."""
        values = {
            "TCP": self.tcp.getsockname()[1], "UDP": self.udp.getsockname()[1], "UNIX": self.unix.getsockname(),
            "ABSTRACT": self.abstract.getsockname(), "GATE": os.getpid(), "OTHER": other,
            "WATCHED": str(self.watched), "HOME": str(Path.home()), "SHELF": str(shelf),
        }  # fmt: skip
        return "".join(f"{name} = {value!r}\n" for name, value in values.items())

    def touched(self) -> list[str]:
        """Who heard something."""
        heard = []
        for name in ("tcp", "unix", "abstract"):
            try:
                getattr(self, name).accept()
                heard.append(name)
            except BlockingIOError:
                continue
        try:
            self.udp.recv(10)
            heard.append("udp")
        except BlockingIOError:
            pass
        return heard


@pytest.fixture
def outside(tmp_path):
    """Sockets that listen, and a folder that looks like a project."""
    with ExitStack() as stack:
        made = {}
        for name, family, kind, address in (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(tmp_path / "socket")),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0gate-test-{os.getpid()}"),
        ):
            made[name] = stack.enter_context(socket.socket(family, kind))
            made[name].bind(address)
            made[name].settimeout(0)
            if kind == socket.SOCK_STREAM:
                made[name].listen()
        watched = tmp_path / "project"
        watched.mkdir()
        (watched / ".env").write_text("TOKEN=canary-7")
        yield World(watched=watched, **made)


def act(worker, code: str) -> str:
    """Let the model do this; give what it says."""
    worker.put("k", pa.table({"code": [code]}))
    return worker.predict("k").only[0].as_py()


def failure(worker, code: str):
    """Let the model do this, which must fail; give how."""
    with pytest.raises(WorkerFailedError) as caught:
        act(worker, code)
    return caught.value.failure


def test_nothing_gets_out(level, launcher, shelf, outside, monkeypatch):
    """Every way out is tried by the model; outside nothing was heard, written or hurt, and honest work goes on."""
    monkeypatch.setenv("GATE_CANARY", "canary-7")
    with launcher.start() as worker, launcher.start() as other:
        worker.load(shelf / "a1")
        other.load(shelf / "b2")
        found = json.loads(act(worker, outside.names(other.pid, shelf) + TRY_ALL))
        assert act(other, "return 'alive'") == "alive"
    assert "kill_all" in found, found
    done = {name for name, told in found.items() if told.startswith("done")} - {"kill_all"}
    assert done >= ALLOWED, found
    assert done - ALLOWED <= NOT_HELD.get(level, set()), found
    assert outside.touched() == []
    kept = {path.name for path in outside.watched.iterdir()}
    assert kept == ({".env", "new"} if "write_the_project" in done else {".env"})
    (Path(worker._sandbox.folder).parent / "gate-test-escaped").unlink(missing_ok=True)
    (shelf / "a1" / "new").unlink(missing_ok=True)


def test_a_second_model_is_not_for_the_worker_of_the_first(level, launcher, shelf):
    """What a worker gave up for one model, another does not give back; at the weakest level nothing was given up."""
    with launcher.start() as worker:
        worker.load(shelf / "a1")
        if level == "subprocess":
            assert worker.load(shelf / "b2") > 0
            return
        with pytest.raises(WorkerFailedError) as caught:
            worker.load(shelf / "b2")
        assert caught.value.failure.stage == "load"


DEATHS = {
    "os._exit(0)": ("Exited", "The process ended itself with exit code 0."),
    "ctypes.string_at(0)": ("Killed", "The process was killed by SIGSEGV."),
    "os.kill(os.getpid(), signal.SIGKILL)": ("Killed", "The process was killed by SIGKILL"),
    "os.abort()": ("Killed", "The process was killed by SIG"),
    "os.closerange(3, 9999)\nreturn 1": ("Exited", "The process "),
}


def test_deaths_are_described_at_every_level(walled, shelf):
    """Whatever wall is between, the gate says how the process ended; nothing is left of it."""
    with walled.start() as worker:  # what forks the others is there from now on
        worker.load(shelf / "a1")
    time.sleep(0.2)
    before = processes()
    for code, (kind, text) in DEATHS.items():
        with walled.start() as worker:
            worker.load(shelf / "a1")
            found = failure(worker, code)
        assert found.kind == kind, (code, found)
        assert found.text.startswith(text), (code, found)
    assert settled(before)


def test_protocol_attacks_are_named(walled, shelf):
    """A header over the limit, a frame within a frame, bytes that nobody asked for: each breaks the protocol."""
    write = "import struct\nfor fd in range(3, 4096):\n    try: os.write(fd, {})\n    except OSError: pass\nreturn 1"
    for frame, text in (
        ("struct.pack('>IQ', 1 << 20, 0)", "a header of 1048576 bytes"),
        ("struct.pack('>IQ', 70, 0) + b'[' * 70", "a header that is no JSON"),
        ("struct.pack('>IQ', 2, 0) + b'{}'", "an answer out of order"),
    ):
        with walled.start() as worker:
            worker.load(shelf / "a1")
            found = failure(worker, write.format(frame))
        assert found.stage == "protocol", (frame, found)
        assert text in found.text, (frame, found)


def test_a_flood_of_processes_is_held(launcher, shelf):
    """Where a model starts processes until it cannot, that is few, and all of them end with it."""
    before = processes()
    children = "    if os.fork() == 0:\n        time.sleep(60); os._exit(0)\n    count += 1"
    with launcher.start() as worker:
        worker.load(shelf / "a1")
        begin = "import threading\nthreading.stack_size(65536)\ncount = 0\nstop = threading.Event()\n"
        flood = f"{begin}for _ in range(40):\n{children}\n"
        threads = (
            "try:\n    for _ in range(2000): threading.Thread(target=stop.wait, daemon=True).start(); count += 1\n"
        )
        code = f"{flood}{threads}except RuntimeError:\n    pass\nstop.set()\nreturn count"
        try:
            told = act(worker, code)
        except WorkerFailedError as error:  # without a control group the gate looks, and ends it
            told = error.failure.kind
    assert told == "Limit" or int(told) <= TASKS
    assert settled(before)


def test_a_flood_without_a_control_group_is_seen(launcher, shelf, monkeypatch):
    """Where the system bounds nothing, the gate counts, and says what it saw."""
    monkeypatch.setattr(Cgroup, "of", classmethod(lambda _cls, **_: None))
    before = processes()
    with launcher.start() as worker:
        worker.load(shelf / "a1")
        code = (
            "import threading\nthreading.stack_size(65536)\nwait = threading.Event()\n"
            f"for _ in range({TASKS + 300}): threading.Thread(target=wait.wait, daemon=True).start()\ntime.sleep(20)"
        )
        found = failure(worker, code)
    assert (found.kind, found.text) == ("Limit", f"It started more than {TASKS} processes and threads.")
    assert settled(before)


def test_a_daemon_ends_with_the_worker(walled, shelf):
    """A grandchild that asked for a session of its own and ignores signals is gone."""
    before = processes()
    with walled.start() as worker:
        worker.load(shelf / "a1")
        daemon = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        os.setsid()\n        time.sleep(300)"
        act(worker, f"if os.fork() == 0:\n    if os.fork() == 0:\n        {daemon}\n    os._exit(0)\nreturn 'left'")
    assert settled(before)


def test_a_full_disk_is_the_models_own(level, launcher, shelf):
    """A model that writes without end fails; what it wrote is gone afterwards."""
    code = (
        "for number in range(40):\n    with open(str(number), 'wb') as file:\n"
        "        for _ in range(10): file.write(bytes(1 << 20))\ntime.sleep(20)\nreturn 'never full'"
    )
    with launcher.start() as worker:
        worker.load(shelf / "a1")
        found = failure(worker, code)
        folder = worker._sandbox.folder
    assert found.kind in ("OSError", "Limit"), found
    assert level == "bwrap" or "wrote more than 256 MB" in found.text, found
    assert not folder.exists()


def test_memory_of_all_children_counts_together(launcher, shelf):
    """Children that stay below the limit each, and pass it together, are ended where there are control groups."""
    group = Cgroup.of(memory_bytes=1 << 28, tasks=16)
    if group is None:  # then each process has its own limit, which test_hostile_workers tries
        return
    group.end()
    with launcher.start() as worker:
        worker.load(shelf / "a1")
        child = "    if os.fork() == 0:\n        kept = b'x' * (60 << 20); time.sleep(60); os._exit(0)\n"
        code = f"for _ in range(8):\n{child}os.wait()\nreturn 'a child was ended'"
        try:
            told = act(worker, code)
        except WorkerFailedError as error:
            told = f"{error.failure.kind}: {error.failure.text}"
    over = "Limit: With all that it started, it took more than the 256 MB of isolation.memory_mb."
    assert told in ("a child was ended", over)


def test_links_and_pipes_in_the_folder_lead_nowhere(launcher, shelf, tmp_path):
    """The gate removes what a model left without following it or waiting for it."""
    (tmp_path / "kept").write_text("x")
    with launcher.start() as worker:
        worker.load(shelf / "a1")
        act(worker, f"os.symlink({str(tmp_path)!r}, 'link'); os.mkfifo('pipe'); os.symlink('/', 'root'); return 1")
        folder = worker._sandbox.folder
    assert not folder.exists()
    assert (tmp_path / "kept").read_text() == "x"


def test_a_gigabyte_of_output_leaves_the_gate_alone(walled, shelf):
    """What a model prints is drained and forgotten: memory stays flat, and workflow commands are mere text."""
    with walled.start() as worker:
        worker.load(shelf / "a1")
        before = resident()
        code = "block = b'y' * (1 << 20)\nprint('::error::mine', flush=True)\nfor _ in range(256): os.write(1, block)"
        act(worker, f"{code}\nreturn 1")
        assert resident() - before < 32 << 20
        assert "::error::mine" in worker.output


def test_patched_clocks_do_not_reach_the_gate(walled, shelf):
    """A model that stops every clock of its own is timed by the gate's."""
    with walled.start() as worker:
        worker.load(shelf / "a1")
        patch = (
            "for name in ('time', 'perf_counter', 'monotonic', 'process_time'):\n    setattr(time, name, lambda: 0.0)"
        )
        act(worker, f"{patch}\nreturn 1")
        worker.put("k", pa.table({"code": ["sum(range(3_000_000))\nreturn 1"]}))
        worker.stage("k", __import__("numpy").zeros(1), 1)
        cpu, wall = worker.call(1)
    assert cpu > 5e6
    assert wall >= cpu


@pytest.mark.parametrize("level", REACHED[1:] or REACHED)
def test_a_fresh_worker_is_as_shut_in_as_a_forked_one(level, shelf, outside):
    """A process of its own for each worker: the same walls, the same clocks, nothing left."""
    before = processes()
    enclosure = Enclosure.of(level, models=shelf)
    with Launcher.of(LIMITS, enclosure=enclosure, processes="fresh") as made, made.start() as worker:
        worker.load(shelf / "a1")
        found = json.loads(act(worker, outside.names(os.getpid(), shelf) + TRY_ALL))
        assert worker.usage().cpu_ns > 0
        assert Path(f"/proc/{worker.pid}/schedstat").exists()
        died = failure(worker, "ctypes.string_at(0)")
    done = {name for name, told in found.items() if told.startswith("done")} - {"kill_all"}
    assert done - ALLOWED <= NOT_HELD.get(level, set()), found
    assert died.text == "The process was killed by SIGSEGV."
    assert outside.touched() == []
    assert settled(before)
    (Path(worker._sandbox.folder).parent / "gate-test-escaped").unlink(missing_ok=True)
    (shelf / "a1" / "new").unlink(missing_ok=True)


def processes() -> int:
    """How many processes descend from this one."""
    from gate.scoring.watching import descendants

    return len(descendants(os.getpid()))


def settled(before: int, within_s: float = 5.0) -> bool:
    """Whether soon no more processes descend from this one than before."""
    deadline = time.monotonic() + within_s
    while processes() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    return processes() <= before


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
