"""What an environment is made of: every line, the interpreter, what a worker needs besides; and its digest."""

from __future__ import annotations

import hashlib
import json
import platform
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from gate.scoring.environments.interpreters import Interpreter, interpreter_of, own_interpreter
from gate.scoring.environments.wanted import Line, Wanted, wanted

_NEEDS = ("numpy", "pandas", "pyarrow")
"""What a worker imports beside MLflow."""
_MLFLOW = ("mlflow", "mlflow-skinny")
_MADE_AS = 1
"""Raised when environments are made in another way."""
OLDEST = (3, 10)
"""The oldest Python that the worker's own files run on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is installed, by which interpreter, and what is worth saying of it."""

    lines: tuple[str, ...]
    constraints: tuple[str, ...]
    interpreter: Interpreter
    note: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 in hex of everything that makes the environment what it is."""
        what = {
            "made_as": _MADE_AS,
            "lines": self.lines,
            "constraints": self.constraints,
            "python": self.interpreter.version,
            "implementation": platform.python_implementation(),
            "interpreter": str(self.interpreter.path),
            "platform": [sysconfig.get_platform(), *platform.libc_ver()],
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def recipe_of(root: Path) -> Recipe:
    """Read an artifact's own files.

    Raises:
        RefusedLineError: they hold a line that no environment is built from.
    """
    asked = wanted(root)
    interpreter, note = _interpreter(asked.python)
    lines = {line.text for line in asked.lines if not line.constraint}
    return Recipe(
        lines=tuple(sorted(lines | set(_added(asked)))),
        constraints=tuple(sorted({line.text for line in asked.lines if line.constraint})),
        interpreter=interpreter,
        note=note,
    )


def _added(asked: Wanted) -> Iterable[str]:
    """What a worker needs and the lines do not name; of MLflow the release that saved the model, where that fits."""
    names = {line.name for line in asked.lines if not line.constraint}
    yield from (name for name in _NEEDS if name not in names)
    known = [line for line in asked.lines if line.name in _MLFLOW]
    release = f"=={asked.mlflow}" if asked.mlflow else ""
    if not known:
        yield f"mlflow-skinny{release}"
    elif release and all(_open(line, str(asked.mlflow)) for line in known):
        yield f"{known[0].name}{release}"


def _open(line: Line, release: str) -> bool:
    """Whether a line leaves open which release, and this one fits."""
    requirement = Requirement(line.text.partition(" --hash=")[0])
    pinned = any(part.operator in {"==", "==="} for part in requirement.specifier)
    return not pinned and SpecifierSet(str(requirement.specifier)).contains(release, prereleases=True)


def _interpreter(asked: str | None) -> tuple[Interpreter, str]:
    """Give the interpreter of the minor version asked for, else the gate's own, with what is worth saying of that."""
    own = own_interpreter()
    minor = tuple(map(int, asked.split(".")[:2])) if asked else own.version[:2]
    if minor == own.version[:2]:
        return own, ""
    found = interpreter_of(minor) if minor >= OLDEST else None
    if found is not None:
        return found, ""
    why = "which is not on this machine" if minor >= OLDEST else "which is too old for the gate's workers"
    own_name = ".".join(map(str, own.version))
    return own, f"the version was made with Python {asked}, {why}: it runs on the gate's own, {own_name}"
