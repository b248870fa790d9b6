"""Where environments are kept: each in a folder by its digest, built once, however many ask at the same time.

Who builds holds a lock; the others wait. It is built aside and renamed when it is whole, so that what is there is
whole; a build that fails or is killed leaves nothing that anybody would use.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from gate.errors import GateError
from gate.scoring.capture import one_line
from gate.scoring.enclosure import Enclosure
from gate.scoring.environments.building import PYTHON, TIMEOUT_S, UnbuildableError, build
from gate.scoring.environments.recipe import Recipe
from gate.scoring.python import Python, parts_of
from gate.scoring.sandbox import Sandbox
from gate.scoring.worker_trial import MARK

FACTS = "environment.json"
_NAMED = 32
_WAIT_S = 0.2
_TRIAL_S = 120.0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_WORKER_FILES = ("protocol.py", "forking.py", "server_process.py")


def folder() -> Path:
    """Give the folder of all environments: below the user's own for what can be made again."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "gate" / "environments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An environment that is there."""

    python: Python
    packages: Mapping[str, str]
    """What is installed, by name."""
    took_s: float
    """Seconds that this call spent on building or waiting for it."""


def _try(python: Python, enclosure: Enclosure, memory_mb: int) -> None:
    """Import what every worker needs, behind a worker's wall."""
    around = enclosure.of_python(python)
    sandbox = Sandbox(python.command("gate.scoring.worker_trial"), pass_fds=(), enclosure=around, memory_mb=memory_mb)
    try:
        sandbox.wait(_TRIAL_S)
        code = sandbox.exit_code
    finally:
        sandbox.end()
    if code == 0:
        return
    output = sandbox.capture.text()
    why = output.rpartition(MARK)[2] if MARK in output else f"exit code {code}: {output[-300:]}"
    raise UnbuildableError(f"no worker can run on what it requires: {one_line(why, 300)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The environments of one folder."""

    place: Path = field(default_factory=folder)
    build: Callable[[Recipe, Path, Enclosure, int], None] = build
    """Makes an environment in an empty folder."""
    trial: Callable[[Python, Enclosure, int], None] = _try
    """Finds out whether a worker can run on it."""

    def environment(self, recipe: Recipe, enclosure: Enclosure, memory_mb: int) -> Built:
        """Give an environment, built now where it is not there yet.

        Raises:
            UnbuildableError: what the version asks for cannot be installed, or no worker can run on it.
            GateError: the index is out of reach, the folder is not the gate's alone, or building takes too long.
        """
        began = time.monotonic()
        home = self._own_folder() / recipe.digest[:_NAMED]
        python = _python(recipe, home, self._modules())
        if not _whole(home):
            with self._locked(home.name):
                if not _whole(home):
                    self._make(recipe, home, enclosure, memory_mb)
        return Built(python=python, packages=_facts(home), took_s=time.monotonic() - began)

    def _make(self, recipe: Recipe, home: Path, enclosure: Enclosure, memory_mb: int) -> None:
        """Build aside, try a worker on it, and rename."""
        self._sweep(home.name)
        aside = Path(tempfile.mkdtemp(prefix=_aside(home.name), dir=self.place))
        try:
            self.build(recipe, aside, enclosure, memory_mb)
            self.trial(_python(recipe, aside, self._modules()), enclosure, memory_mb)
            (aside / FACTS).write_text(json.dumps(_installed(aside), sort_keys=True), encoding="utf-8")
            aside.rename(home)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _sweep(self, name: str) -> None:
        """Remove what builds of this environment left that were killed, and an environment that is not whole."""
        for left in (*self.place.glob(f"{_aside(name)}*"), self.place / name):
            shutil.rmtree(left, ignore_errors=True)

    def _own_folder(self) -> Path:
        """Make the folder; refuse one that others may change."""
        try:
            self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.place.stat()
        except OSError as error:
            raise GateError(
                f"The folder {self.place} for environments cannot be made: {error.strerror}.",
                remedy="Let XDG_CACHE_HOME name another.",
            ) from None
        if found.st_uid != os.getuid() or found.st_mode & _OTHERS_WRITE:
            raise GateError(
                f"The folder {self.place} belongs to others, or others may change it: what lies there is not trusted.",
                remedy=f"Make it yours alone (chmod 700 {self.place}), or let XDG_CACHE_HOME name another.",
            )
        return self.place

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Be the only one who builds this environment, on this machine."""
        deadline = time.monotonic() + TIMEOUT_S
        with (self.place / f"{name}.lock").open("w", encoding="ascii") as file:
            while not _taken(file.fileno()):
                if time.monotonic() > deadline:
                    raise GateError(
                        "Another process has been building the environment of this version for too long.",
                        remedy=f"See who holds {file.name}.",
                    )
                time.sleep(_WAIT_S)
            yield

    def _modules(self) -> Path:
        """Give the folder with the worker's own files alone, which is all of the gate that an environment gets."""
        files = dict(_worker_files())
        digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:_NAMED]
        home = self.place / f"worker-{digest}"
        if not home.exists():
            aside = Path(tempfile.mkdtemp(prefix=".worker-", dir=self.place))
            for name, text in files.items():
                (aside / name).parent.mkdir(parents=True, exist_ok=True)
                (aside / name).write_bytes(text)
            try:
                aside.rename(home)
            except OSError:  # somebody else was faster
                shutil.rmtree(aside, ignore_errors=True)
        return home


def _aside(name: str) -> str:
    return f".building-{name}-"


def _whole(home: Path) -> bool:
    return (home / FACTS).is_file() and (home / PYTHON).exists()


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _python(recipe: Recipe, home: Path, modules: Path) -> Python:
    found = recipe.interpreter
    return Python(
        path=home / PYTHON,
        version=found.version,
        digest=f"sha256:{recipe.digest}",
        readable=(home, modules, found.path, *parts_of(found.prefix)),
        variables={"PYTHONPATH": str(modules)},
    )


def _worker_files() -> Iterator[tuple[str, bytes]]:
    yield "gate/__init__.py", b""
    yield "gate/scoring/__init__.py", b""
    here = Path(__file__).resolve().parents[1]
    for path in sorted((*here.glob("worker*.py"), *(here / name for name in _WORKER_FILES))):
        yield f"gate/scoring/{path.name}", path.read_bytes()


def _installed(home: Path) -> dict[str, str]:
    places = [str(path) for path in home.glob("env/lib/python*/site-packages")]
    return {str(found.name): found.version for found in metadata.distributions(path=places) if found.name}


def _facts(home: Path) -> dict[str, str]:
    try:
        return {str(name): str(version) for name, version in json.loads((home / FACTS).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
