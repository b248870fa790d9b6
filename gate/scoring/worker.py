"""The worker process: `python -P -m gate.scoring.worker READ_FD WRITE_FD MEMORY_MB WALL_FD`.

It holds the model and nothing else: no labels, no tokens, no clock that counts. Of gate it imports the protocol and
its own parts. An exception of the model is answered, and the worker goes on.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gate.scoring.protocol import FAILED, LEAVE, Channel, to_bytes
from gate.scoring.worker_folder import remove_folder
from gate.scoring.worker_wall import Wall, enter, narrow

TEXT_LIMIT = 500
_MEGABYTE = 1 << 20

Answer = tuple[dict[str, Any], bytes | pa.Buffer]


class Server:
    """Answers the gate's questions about one model, one after the other."""

    def __init__(self, meet: Callable[[str], None]) -> None:
        """Nothing is loaded yet. `meet` is called with a model's folder before it is."""
        self._model: Any = None
        self._meet = meet
        self._inputs: dict[str, Any] = {}
        self._rows: dict[str, int] = {}
        self._handlers: dict[str, Callable[[dict[str, Any], bytes], Answer]] = {
            "hello": self._hello,
            "load": self._load,
            "put": self._put,
            "predict": self._predict,
            "collect": self._collect,
            "stage": self._stage,
            "crowd": self._crowd,
            "failure": self._told_failure,
            "modules": self._modules,
        }
        self.staged: list[Any] = []
        """The inputs of the next calls to be timed."""
        self._failure: BaseException | None = None
        self._known: set[str] = set()

    def answer(self, question: dict[str, Any], body: bytes) -> Answer:
        """The answer to one question; what the model raises becomes {"failed": {"kind", "text"}}."""
        if question["op"] not in ("stage", "collect", "crowd"):
            gc.enable()
        try:
            header, payload = self._handlers[question["op"]](question, body)
        except BaseException as error:  # noqa: BLE001 - a model may raise anything, SystemExit too, and the gate must hear of it
            header, payload = {"failed": {"kind": _kind(error), "text": _text(error)}}, b""
        _flush()
        return {**header, "seq": question["seq"]}, payload

    def _hello(self, question: dict[str, Any], _: bytes) -> Answer:
        import_libraries()
        self._known = set(sys.modules)
        return {"nonce": question["nonce"]}, b""

    def _load(self, question: dict[str, Any], _: bytes) -> Answer:
        import mlflow.pyfunc

        self._meet(question["path"])
        self._model = mlflow.pyfunc.load_model(question["path"])
        return {}, b""

    def _put(self, question: dict[str, Any], body: bytes) -> Answer:
        from gate.scoring.worker_inputs import convert

        with pa.ipc.open_stream(pa.BufferReader(body)) as reader:
            table = reader.read_all()
        metadata = self._model.metadata
        self._inputs[question["key"]] = convert(table, metadata.get_input_schema())
        self._rows[question["key"]] = table.num_rows
        return {}, b""

    def _predict(self, question: dict[str, Any], _: bytes) -> Answer:
        from gate.scoring.worker_answers import encode
        from gate.scoring.worker_inputs import fresh

        key = question["key"]
        shape, table = encode(self._model.predict(fresh(self._inputs[key])), self._rows[key])
        return {"shape": shape}, to_bytes(table)

    def _collect(self, _question: dict[str, Any], _: bytes) -> Answer:
        """What lives now lives on: frozen, so that the next collection looks at new objects only."""
        gc.collect()
        gc.freeze()
        gc.disable()
        return {}, b""

    def _stage(self, question: dict[str, Any], body: bytes) -> Answer:
        """Cut the inputs of the next calls from what was put, outside of every measured moment."""
        from gate.scoring.worker_inputs import taken

        inputs, batch = self._inputs[question["key"]], question["batch"]
        positions = np.frombuffer(body, dtype=np.int32)
        self.staged = [taken(inputs, positions[at : at + batch]) for at in range(0, len(positions), batch)]
        self.staged.reverse()
        return {}, b""

    def call(self, count: int) -> int:
        """Predict the next `count` of what was staged: 0, FAILED where that raised."""
        predict, staged = self._model.predict, self.staged
        try:
            for _ in range(count):
                predict(staged.pop())
        except BaseException as error:  # noqa: BLE001 - as in `answer`
            self._failure = error
            return FAILED
        return 0

    def _crowd(self, question: dict[str, Any], _: bytes) -> Answer:
        """Make the staged calls from several threads at once."""
        waiting = iter(self.staged[-question["calls"] :])
        lock, failed = threading.Lock(), []

        def work() -> None:
            while True:
                with lock:
                    inputs = next(waiting, None)
                if inputs is None:
                    return
                try:
                    self._model.predict(inputs)
                except BaseException as error:  # noqa: BLE001 - as in `answer`
                    failed.append(error)
                    return

        threads = [threading.Thread(target=work) for _ in range(question["threads"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        return {}, b""

    def _told_failure(self, _question: dict[str, Any], _: bytes) -> Answer:
        """What the last call raised."""
        raise self._failure or RuntimeError("no call failed")

    def _modules(self, _question: dict[str, Any], _: bytes) -> Answer:
        """The names of what was imported since the greeting, in the order in which that was done."""
        return {}, "\n".join(name for name in sys.modules if name not in self._known).encode()


def main(arguments: list[str]) -> None:
    """Import the libraries while the gate does its own start-up, then serve until it goes away."""
    read_fd, write_fd, memory_mb, wall_fd = (int(argument) for argument in arguments)
    wall = read_wall(wall_fd)
    enter(wall)
    run(read_fd, write_fd, memory_mb, wall)


def read_wall(fd: int) -> Wall:
    """Read what the gate handed over, and close it."""
    with os.fdopen(fd, encoding="utf-8") as file:
        file.seek(0)
        return Wall.of(file.read())


def import_libraries() -> None:
    """Import what every worker needs; it is what takes the time."""
    import mlflow.pyfunc

    with contextlib.suppress(ImportError):  # older releases, in environments of a model's own, have no such module
        import mlflow.pyfunc.utils.data_validation

        # MLflow's advice to the model's author, on every load: it would push out what the model printed
        mlflow.pyfunc.utils.data_validation.color_warning = lambda *_, **__: None


def run(read_fd: int, write_fd: int, memory_mb: int, wall: Wall) -> None:
    """Serve on these two pipe ends until the gate goes away, within the limits and the wall, which was entered."""
    limit(memory_mb)
    for fd in (read_fd, write_fd):
        os.set_inheritable(fd, False)  # noqa: FBT003 - the standard library's own signature
    folder = Path.cwd()
    watchdog = threading.Thread(target=die_with_the_gate, args=(read_fd, folder), daemon=True)

    def meet(model: str) -> None:
        """Close what this model must not see; threads share the wall of the one that starts them, so none is before."""
        nonlocal wall
        wall = narrow(wall, model)
        if watchdog.ident is None:
            watchdog.start()

    with contextlib.suppress(Exception):  # what is broken says so when the gate greets
        import_libraries()
    try:
        _serve(read_fd, write_fd, Server(meet))
    except (EOFError, BrokenPipeError):
        die_with_the_gate(read_fd, folder)


def _serve(read_fd: int, write_fd: int, server: Server) -> None:
    channel, pid = Channel(read_fd, write_fd), os.getpid()
    while True:
        question, body = channel.receive()
        header, body = server.answer(question, body)
        if os.getpid() != pid:
            os._exit(0)  # the model forked, and this is the child: it has no say
        channel.send(header, body)
        if question["op"] == "stage":
            _serve_calls(read_fd, write_fd, server)


def _serve_calls(read_fd: int, write_fd: int, server: Server) -> None:
    """Between `stage` and its end two bytes are a question: so many calls, none for a ping; one byte answers it."""
    while token := os.read(read_fd, 2):
        if token[0] == LEAVE:
            return
        os.write(write_fd, bytes((token[1] + server.call(token[0]),)))
    raise EOFError


def limit(memory_mb: int) -> None:
    """No core files, no file and (Linux) no data segment larger than the memory allowed. Cannot be raised again."""
    size = memory_mb * _MEGABYTE
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: size}
    if sys.platform == "linux":
        limits[resource.RLIMIT_DATA] = size
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def die_with_the_gate(read_fd: int, folder: Path) -> None:
    """Once the gate's end of the pipe is closed, however that came: remove the private folder, kill the group."""
    poller = select.poll()
    poller.register(read_fd, 0)
    if any(event & select.POLLNVAL for _, event in poller.poll()):
        return  # the model closed the pipe, and the next answer fails
    remove_folder(folder)
    os.killpg(0, signal.SIGKILL)


def _kind(error: BaseException) -> str:
    return "Memory" if isinstance(error, MemoryError) else type(error).__name__


def _text(error: BaseException) -> str:
    """The first line; MLflow puts the whole frame before its reason, which follows the last "Error: "."""
    try:
        text = str(error).strip()
    except Exception:  # noqa: BLE001 - an exception's text is the model's code as well
        return "its text cannot be read"
    if "\n" in text and "Error: " in text:
        text = text.rpartition("Error: ")[2]
    return (text.splitlines() or [""])[0][:TEXT_LIMIT]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001, S112 - the model may have closed or replaced it
            continue


if __name__ == "__main__":
    main(sys.argv[1:])
