"""A version behind MLflow's own model server, in the same wall as the workers, on a port of this machine alone."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

from gate.scoring.capture import one_line
from gate.scoring.enclosure import Enclosure, plain
from gate.scoring.sandbox import Sandbox
from gate.scoring.server_process import GO, HOST
from gate.scoring.session import Limits

INVOCATIONS = "/invocations"
JSON = "application/json"

_POLL_S = 0.1
_PING_S = 2.0
_GOOD = 200
_TEXT_BYTES = 100_000
_ERROR = re.compile(r"^(?:[\w.]*(?:Error|Exception)|ERROR)\b.*", re.MULTILINE)
_ECHO = "returned non zero return code"


class ServerFailedError(Exception):
    """The server did not come up, ended, or did not answer; the text says which, in words."""


class ModelServer:
    """One running model server. Close it."""

    def __init__(self, sandbox: Sandbox, port: int, leash: int) -> None:
        """Take over what was started. `ModelServer.start` starts one."""
        self.port = port
        self._sandbox, self._leash = sandbox, leash

    @classmethod
    def start(cls, model: Path, limits: Limits, *, enclosure: Enclosure | None = None) -> Self:
        """Start a server of the model in this folder, and return at once.

        The port is the gate's own: the server gets it ready to be listened on, and needs no network for the rest.

        Raises:
            OSError: no process, no folder or no port is left.
        """
        around = replace(enclosure or plain(), models=model.resolve())
        alive, leash = os.pipe()
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            port = listener.getsockname()[1]
            arguments = [str(alive), str(listener.fileno()), str(limits.memory_mb), str(model.resolve())]
            command = around.python.command("gate.scoring.server_process", *arguments)
            try:
                sandbox = Sandbox(
                    command, pass_fds=(alive, listener.fileno()), enclosure=around, memory_mb=limits.memory_mb
                )
            except BaseException:
                os.close(leash)
                raise
            finally:
                os.close(alive)
        os.write(leash, GO)
        return cls(sandbox, port, leash)

    @property
    def pid(self) -> int:
        """The process id, which is that of the server's group, too."""
        return self._sandbox.pid

    @property
    def problem(self) -> str:
        """Say how the server ended; nothing while it runs."""
        code = self._sandbox.exit_code
        if code is None:
            return ""
        if self._sandbox.breach:
            return f"its server was ended: {self._sandbox.breach}"
        why = last_error(self._sandbox.capture.text())
        return f"its server ended itself with exit code {code}" + (f": {why}" if why else "")

    def wait(self, end: float) -> None:
        """Wait until it answers, on the clock of `time.monotonic`.

        Raises:
            ServerFailedError: it ended, or the time did.
        """
        began = time.monotonic()
        while not self._pings():
            if self.problem:
                raise ServerFailedError(self.problem)
            if time.monotonic() >= end:
                raise ServerFailedError(f"its server did not come up within {time.monotonic() - began:.3g} s")
            time.sleep(_POLL_S)

    def ask(self, body: bytes, timeout_s: float) -> tuple[int, str]:
        """Ask once: HTTP's status, and the beginning of the answer on one line.

        Raises:
            ServerFailedError: no answer came.
        """
        try:
            with contextlib.closing(http.client.HTTPConnection(HOST, self.port, timeout=timeout_s)) as connection:
                connection.request("POST", INVOCATIONS, body, {"Content-Type": JSON})
                answer = connection.getresponse()
                return answer.status, one_line(answer.read(_TEXT_BYTES).decode(errors="replace"), 200)
        except (OSError, http.client.HTTPException) as error:
            text = self.problem or f"its server gave no answer ({type(error).__name__}: {one_line(str(error), 100)})"
            raise ServerFailedError(text) from None

    def _pings(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_PING_S)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == _GOOD
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def close(self) -> None:
        """End the server and everything that it started. Can be called again."""
        self._sandbox.end()
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def last_error(output: str) -> str:
    """Give the last line of a server's output that looks like an error of the model, else its last line."""
    errors = [line for line in _ERROR.findall(output) if _ECHO not in line]
    return one_line((errors or output.splitlines() or [""])[-1], 300)
