"""A model in a worker process, as the gate sees it: load, put, predict, time; and how it can fail."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
import pyarrow as pa

from gate.domain import Failure
from gate.scoring.capture import one_line
from gate.scoring.enclosure import Enclosure, plain
from gate.scoring.fork_server import Forked, ForkServer
from gate.scoring.link import Link
from gate.scoring.protocol import FAILED, LEAVE, FrameError, to_bytes
from gate.scoring.raw import RawAnswer, received
from gate.scoring.sandbox import Sandbox

START_TIMEOUT_S = 120.0
"""For the interpreter and the imports: the gate's own share, not the model's."""

Process = Sandbox | Forked
"""A process behind a wall: its id, how it ended, what it printed."""

_COLLECT_EVERY_S = 2.0
_EXIT_GRACE_S = 0.5
_NAMES_BYTES = 1 << 20
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a worker may use: memory in MiB, seconds a load or a batch."""

    memory_mb: int = 4096
    timeout_s: float = 600.0

    @property
    def answer_bytes(self) -> int:
        """The longest answer that is taken: a quarter of the memory."""
        return self.memory_mb * _MEGABYTE // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU nanoseconds, resident bytes now and at the most, threads; None where the system does not tell."""

    cpu_ns: int | None
    rss_bytes: int | None
    peak_bytes: int | None
    threads: int | None


class WorkerFailedError(Exception):
    """The model failed: did not load, raised, hung, died, or broke the protocol."""

    def __init__(self, failure: Failure) -> None:
        """Carry what happened."""
        super().__init__(f"{failure.stage}: {failure.kind}: {failure.text}")
        self.failure = failure


class Worker:
    """A worker process. Use it from one thread at a time; every failure raises WorkerFailedError.

    An exception of the model leaves the worker alive. After a time limit, a crash or a broken protocol it is dead,
    and every further call raises the same failure.
    """

    def __init__(self, sandbox: Process, link: Link, limits: Limits) -> None:
        """Talk to a process that was started. `Worker.start` and `Worker.fork` make one."""
        self._sandbox, self._link, self._limits = sandbox, link, limits
        self._failure: Failure | None = None
        self._seq = 0
        self._ready = False
        self._staged = False
        self._collected_at: float | None = None

    @classmethod
    def start(cls, limits: Limits, *, enclosure: Enclosure | None = None) -> Self:
        """Start a process of its own and return at once; its imports go on meanwhile."""
        around = enclosure or plain()
        if around.hides_files:  # a process inside forks the worker: it knows its number outside, and clears up
            server = ForkServer.start(around, limits.memory_mb, imports=False)
            return cls._linked(lambda ask, answer: server.fork_once(ask, answer, limits.memory_mb), limits)

        def process(ask_fd: int, answer_fd: int) -> Sandbox:
            arguments = [str(number) for number in (ask_fd, answer_fd, limits.memory_mb)]
            command = around.python.command("gate.scoring.worker", *arguments)
            return Sandbox(command, pass_fds=(ask_fd, answer_fd), enclosure=around, memory_mb=limits.memory_mb)

        return cls._linked(process, limits)

    @classmethod
    def fork(cls, server: ForkServer, limits: Limits) -> Self:
        """Fork a process that has its imports already, and return at once.

        Raises:
            OSError: the fork server is gone.
        """
        return cls._linked(lambda ask_fd, answer_fd: server.fork(ask_fd, answer_fd, limits.memory_mb), limits)

    @classmethod
    def _linked(cls, process: Callable[[int, int], Process], limits: Limits) -> Self:
        """Make the pipes, let `process` make the process on its ends of them, and keep the other ends."""
        ask_read, ask_write = os.pipe()
        answer_read, answer_write = os.pipe()
        try:
            sandbox = process(ask_read, answer_write)
        except BaseException:
            os.close(ask_write)
            os.close(answer_read)
            raise
        finally:
            os.close(ask_read)
            os.close(answer_write)
        link = Link(
            answer_read,
            ask_write,
            is_alive=lambda: sandbox.exit_code is None,
            body_limit=limits.answer_bytes,
        )
        return cls(sandbox, link, limits)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._sandbox.pid

    @cached_property
    def _clock(self) -> Callable[[], int | None]:
        return cpu_clock(self.pid)

    @property
    def alive(self) -> bool:
        """Whether it can be asked: it runs, and did not fail for good."""
        return self._failure is None and self._sandbox.exit_code is None

    @property
    def output(self) -> str:
        """What the model printed so far: head and tail, cleaned."""
        return self._sandbox.capture.text()

    def load(self, model_dir: Path, timeout_s: float | None = None) -> float:
        """Load the model of this folder; returns wall seconds, the libraries' own start-up left out."""
        self.ready()
        began = time.perf_counter()
        self._ask({"op": "load", "path": str(model_dir.resolve())}, stage="load", timeout_s=timeout_s)
        return time.perf_counter() - began

    def put(self, key: str, inputs: pa.Table) -> None:
        """Keep these rows in the worker under a key, in the form that the model takes; replaces what was there."""
        self._ask({"op": "put", "key": key}, to_bytes(inputs), stage="predict")

    def predict(self, key: str) -> RawAnswer:
        """What the model answers to what was put."""
        header, body = self._ask({"op": "predict", "key": key}, stage="predict")
        try:
            return received(header.get("shape"), body)
        except FrameError as error:
            self._die(Failure(stage="protocol", kind="ProtocolError", text=f"The worker sent {error}."))

    def stage(self, key: str, positions: np.ndarray[Any, Any], batch: int) -> None:
        """Cut the inputs of the next calls from what was put: int32 positions of shape (calls * batch,)."""
        self._collect()
        self._ask({"op": "stage", "key": key, "batch": batch}, positions.astype(np.int32).tobytes(), stage="predict")
        self._staged = True

    def call(self, count: int = 1, timeout_s: float | None = None) -> tuple[int, int]:
        """Predict the next `count` staged inputs, 0 for a mere ping: nanoseconds of CPU and of the wall clock.

        Both clocks are the gate's: the worker is told to begin by one byte, and says by one byte that it is done.
        CPU is that of the whole worker process, all threads; where the system shows no clock of another process
        (macOS) it is the wall time. The time in which worker or gate stood ready and were given no processor is
        left out of the wall time: it is the machine's, not the model's (Linux; elsewhere it is in it).

        Raises:
            WorkerFailedError: the model raised, or the worker is gone.
        """
        limit = self._limit_s(timeout_s)
        deadline = time.monotonic() + limit
        clock, queued = self._clock, self._queued()
        with self._failures("predict", limit):
            self._link.expect_silence()
            token = bytes((count, secrets.randbelow(FAILED)))
            cpu, wall = clock(), time.perf_counter_ns()
            answer = self._link.exchange(token, deadline)[0]
            wall = time.perf_counter_ns() - wall
        spent = wall if cpu is None or (after := clock()) is None else after - cpu
        if answer != token[1]:
            self._refuse(answer == token[1] + FAILED)
        return spent, max(spent, wall - (self._queued() - queued))

    def _refuse(self, raised: bool) -> NoReturn:  # noqa: FBT001 - one question
        """End a timed call that did not end well: the model raised, or somebody else answered."""
        if raised:
            self._ask({"op": "failure"}, stage="predict")
        self._die(Failure(stage="protocol", kind="ProtocolError", text="The worker sent an answer of its own accord."))

    def crowd(self, threads: int, calls: int) -> float:
        """Predict the next `calls` staged inputs from several threads at once: wall seconds."""
        began = time.perf_counter()
        self._ask({"op": "crowd", "threads": threads, "calls": calls}, stage="predict")
        return time.perf_counter() - began

    def modules(self) -> tuple[str, ...]:
        """The names of the modules that loading has imported, as the process tells them, in that order."""
        _, body = self._ask({"op": "modules"}, stage="load")
        return tuple(body[:_NAMES_BYTES].decode(errors="replace").split("\n"))

    def usage(self) -> Usage:
        """What the process uses, by the system's own account."""
        return usage_of(self.pid, self._clock())

    def seat(self, processors: frozenset[int]) -> None:
        """Run on these processors alone, where the system lets a process be seated (Linux)."""
        if hasattr(os, "sched_setaffinity"):
            with suppress(ProcessLookupError):  # a worker that died says so at its next call
                os.sched_setaffinity(self.pid, processors)

    def _queued(self) -> int:
        """Nanoseconds so far in which the worker or the gate was ready to run and did not."""
        return run_delay(self.pid) + run_delay(os.getpid())

    def close(self) -> None:
        """End the worker and everything that it started. Can be called again.

        It is killed, not asked: it holds nothing worth keeping, and an interpreter takes half a second to take leave.
        """
        self._bury(Failure(stage="start", kind="Closed", text="The worker was closed."))

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def _start(self) -> str:
        """Whose fault it is where the libraries cannot be imported: the model's, where it names them itself."""
        return "start" if self._sandbox.enclosure.python.own else "load"

    def ready(self) -> None:
        """Wait until the process has its imports and answers."""
        if self._ready:
            return
        nonce = secrets.token_hex(16)
        header, _ = self._ask({"op": "hello", "nonce": nonce}, stage=self._start, timeout_s=START_TIMEOUT_S)
        if header.get("nonce") != nonce:
            self._die(Failure(stage="protocol", kind="ProtocolError", text="The worker did not return the greeting."))
        self._ready = True

    def _collect(self) -> None:
        """Collect garbage before a segment of timing and every few seconds of it, never inside a measured call."""
        now = time.monotonic()
        if self._collected_at is None or now - self._collected_at > _COLLECT_EVERY_S:
            self._ask({"op": "collect"}, stage="predict")
            self._collected_at = now

    def _ask(
        self, header: dict[str, Any], body: bytes | pa.Buffer = b"", *, stage: str, timeout_s: float | None = None
    ) -> tuple[dict[str, Any], bytes]:
        if header["op"] not in {"stage", "collect"}:
            self._collected_at = None
        self._seq += 1
        limit = timeout_s if header["op"] == "hello" and timeout_s else self._limit_s(timeout_s)
        deadline = time.monotonic() + limit
        with self._failures(stage, limit):
            self._link.expect_silence()
            if self._staged:
                self._link.tell(bytes((LEAVE, 0)), deadline)
                self._staged = False
            self._link.send({**header, "seq": self._seq}, body, deadline)
            answer, payload = self._link.receive(deadline, self._seq)
        if "failed" in answer:
            raise WorkerFailedError(self._told(answer["failed"], stage))
        return answer, payload

    def _limit_s(self, timeout_s: float | None) -> float:
        """The limit of a question: its own, but no longer than the worker's."""
        return self._limits.timeout_s if timeout_s is None else min(timeout_s, self._limits.timeout_s)

    @contextmanager
    def _failures(self, stage: str, limit: float) -> Iterator[None]:
        """Turn what goes wrong on the pipes into the worker's end."""
        if self._failure is not None:
            raise WorkerFailedError(self._failure)
        try:
            yield
        except TimeoutError:
            self._die(Failure(stage=stage, kind="Timeout", text=f"No answer within {limit:g} s."))
        except EOFError:
            self._die(self._death(stage))
        except FrameError as error:
            self._die(Failure(stage="protocol", kind="ProtocolError", text=f"The worker sent {error}."))

    def _told(self, failed: object, stage: str) -> Failure:
        """The failure that the worker reports: names and words are the model's, so they are cut and cleaned."""
        told = failed if isinstance(failed, dict) else {}
        kind, text = (one_line(str(told.get(name, ""))) for name in ("kind", "text"))
        return Failure(stage=stage, kind=kind[:100] or "Exception", text=text, output=self._sandbox.capture.tail())

    def _death(self, stage: str) -> Failure:
        self._sandbox.wait(_EXIT_GRACE_S)
        code = self._sandbox.exit_code
        if self._sandbox.breach:
            return Failure(stage=stage, kind="Limit", text=self._sandbox.breach)
        if code is None:
            return Failure(stage=stage, kind="Exited", text="The process closed its pipes to the gate.")
        if code >= 0:
            return Failure(stage=stage, kind="Exited", text=f"The process ended itself with exit code {code}.")
        hint = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
        return Failure(stage=stage, kind="Killed", text=f"The process was killed by {_signal_name(-code)}{hint}.")

    def _die(self, failure: Failure) -> NoReturn:
        raise WorkerFailedError(self._bury(failure))

    def _bury(self, failure: Failure) -> Failure:
        """End the process for good; what it printed is known only then."""
        if self._failure is not None:
            return self._failure
        self._sandbox.end()
        self._link.close()
        output = self._sandbox.capture.tail()
        self._failure = Failure(stage=failure.stage, kind=failure.kind, text=failure.text, output=output)
        return self._failure


def cpu_clock(pid: int) -> Callable[[], int | None]:
    """A function that reads the CPU nanoseconds of another process, or None where the system does not show them.

    Linux: the clock id of a process is ((~pid) << 3) | 2 (clock_getcpuclockid(3), CPUCLOCK_SCHED).
    """
    clock = (~pid << 3) | 2

    def read() -> int | None:
        if sys.platform != "linux":
            return None
        try:
            return time.clock_gettime_ns(clock)
        except OSError:
            return None

    return read


def usage_of(pid: int, cpu_ns: int | None) -> Usage:
    """Read /proc/PID/status (proc(5): VmRSS and VmHWM in kB); in a child ru_maxrss would show the parent's, too."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        text = ""
    found = {name: value.split() for name, _, value in (line.partition(":") for line in text.splitlines())}

    def number(name: str, unit: int) -> int | None:
        return int(found[name][0]) * unit if name in found else None

    return Usage(
        cpu_ns=cpu_ns,
        rss_bytes=number("VmRSS", 1024),
        peak_bytes=number("VmHWM", 1024),
        threads=number("Threads", 1),
    )


def run_delay(pid: int) -> int:
    """Nanoseconds that a process' first thread spent on a run queue (proc(5), schedstat); 0 where nobody tells."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
