"""A model in a worker process, as the gate sees it: load, put, predict, time; and how it can fail."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import pyarrow as pa

from gate.domain import Failure
from gate.scoring.capture import one_line
from gate.scoring.link import Link
from gate.scoring.protocol import FrameError, to_bytes
from gate.scoring.raw import RawAnswer, received
from gate.scoring.sandbox import Sandbox

START_TIMEOUT_S = 120.0
"""For the interpreter and the imports: the gate's own share, not the model's."""

_COLLECT_EVERY_S = 2.0
_EXIT_GRACE_S = 0.5
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

    def __init__(self, sandbox: Sandbox, link: Link, limits: Limits) -> None:
        """Talk to a process that was started. `Worker.start` starts one."""
        self._sandbox, self._link, self._limits = sandbox, link, limits
        self._failure: Failure | None = None
        self._seq = 0
        self._ready = False
        self._collected_at: float | None = None
        self._clock = cpu_clock(sandbox.pid)

    @classmethod
    def start(cls, limits: Limits, *, isolation: str = "subprocess") -> Self:
        """Start the process and return at once; its imports go on meanwhile."""
        ask_read, ask_write = os.pipe()
        answer_read, answer_write = os.pipe()
        arguments = [str(number) for number in (ask_read, answer_write, limits.memory_mb)]
        command = [sys.executable, "-P", "-m", "gate.scoring.worker", *arguments]
        try:
            sandbox = Sandbox(command, pass_fds=(ask_read, answer_write), isolation=isolation)
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

    @property
    def alive(self) -> bool:
        """Whether it can be asked: it runs, and did not fail for good."""
        return self._failure is None and self._sandbox.exit_code is None

    @property
    def output(self) -> str:
        """What the model printed so far: head and tail, cleaned."""
        return self._sandbox.capture.text()

    def load(self, model_dir: Path) -> float:
        """Load the model of this folder; returns wall seconds, the libraries' own start-up left out."""
        self._greet()
        began = time.perf_counter()
        self._ask({"op": "load", "path": str(model_dir.resolve())}, stage="load")
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

    def time(self, key: str, calls: int) -> tuple[float, float]:
        """Predict `calls` times what was put: (CPU seconds, wall seconds) of them all, by the gate's clocks.

        The time that worker and gate stood ready and were given no processor is left out of the wall seconds: it is
        the machine's, not the model's (Linux; elsewhere it is in them).
        CPU is the worker process's own, all threads; where the system shows no clock of another process (macOS),
        the worker reads it.
        """
        self._collect()
        ready = self._queued()
        cpu, wall = self._clock(), time.perf_counter()
        header, _ = self._ask({"op": "time", "key": key, "calls": calls}, stage="predict")
        wall, cpu_after = time.perf_counter() - wall, self._clock()
        spent = _seconds(header.get("cpu_s")) if cpu is None or cpu_after is None else cpu_after - cpu
        return spent, max(spent, wall - (self._queued() - ready))

    def _queued(self) -> float:
        """Seconds so far in which the worker or the gate was ready to run and did not."""
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

    def _greet(self) -> None:
        if self._ready:
            return
        nonce = secrets.token_hex(16)
        header, _ = self._ask({"op": "hello", "nonce": nonce}, stage="start", timeout_s=START_TIMEOUT_S)
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
        if self._failure is not None:
            raise WorkerFailedError(self._failure)
        if header["op"] != "time":
            self._collected_at = None
        self._seq += 1
        limit = timeout_s or self._limits.timeout_s
        deadline = time.monotonic() + limit
        try:
            self._link.expect_silence()
            self._link.send({**header, "seq": self._seq}, body, deadline)
            answer, payload = self._link.receive(deadline, self._seq)
        except TimeoutError:
            self._die(Failure(stage=stage, kind="Timeout", text=f"No answer within {limit:g} s."))
        except EOFError:
            self._die(self._death(stage))
        except FrameError as error:
            self._die(Failure(stage="protocol", kind="ProtocolError", text=f"The worker sent {error}."))
        if "failed" in answer:
            raise WorkerFailedError(self._told(answer["failed"], stage))
        return answer, payload

    def _told(self, failed: object, stage: str) -> Failure:
        """The failure that the worker reports: names and words are the model's, so they are cut and cleaned."""
        told = failed if isinstance(failed, dict) else {}
        kind, text = (one_line(str(told.get(name, ""))) for name in ("kind", "text"))
        return Failure(stage=stage, kind=kind[:100] or "Exception", text=text, output=self._sandbox.capture.tail())

    def _death(self, stage: str) -> Failure:
        self._sandbox.wait(_EXIT_GRACE_S)
        code = self._sandbox.exit_code
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


def cpu_clock(pid: int) -> Callable[[], float | None]:
    """A function that reads the CPU seconds of another process, or None where the system does not show them.

    Linux: the clock id of a process is ((~pid) << 3) | 2 (clock_getcpuclockid(3), CPUCLOCK_SCHED).
    """
    clock = (~pid << 3) | 2

    def read() -> float | None:
        if sys.platform != "linux":
            return None
        try:
            return time.clock_gettime(clock)
        except OSError:
            return None

    return read


def run_delay(pid: int) -> float:
    """Seconds that a process' first thread spent on a run queue (proc(5), schedstat); 0 where nobody tells."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
