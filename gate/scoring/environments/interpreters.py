"""Interpreters that are on this machine already: none is ever downloaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ASK = "import json, sys; print(json.dumps([list(sys.version_info[:3]), sys.base_prefix, sys.executable]))"
_ASK_S = 10.0
_MANAGED = ((".pyenv/versions", "{minor}.*"), (".local/share/uv/python", "cpython-{minor}.*"))
"""Folders below the home in which tools keep interpreters, and how they are named there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """An installed interpreter: its file, its version, the folder that it was installed to."""

    path: Path
    version: tuple[int, ...]
    prefix: Path


@cache
def own_interpreter() -> Interpreter:
    """Give the one that the gate's environment was made from."""
    version = tuple(sys.version_info[:3])
    prefix = Path(sys.base_prefix)
    named = (prefix / "bin" / name for name in (f"python{version[0]}.{version[1]}", "python3", "python"))
    path = next((found for found in named if found.exists()), Path(sys.executable))
    return Interpreter(path=path.resolve(), version=version, prefix=prefix.resolve())


@cache
def interpreter_of(minor: tuple[int, ...]) -> Interpreter | None:
    """Find one of a version (3, 12): on the search path, or where pyenv and uv keep theirs. None: there is none."""
    asked = (_asked(path) for path in _candidates(minor))
    return next((found for found in asked if found is not None and found.version[:2] == minor), None)


def _candidates(minor: tuple[int, ...]) -> Iterator[Path]:
    name = f"python{minor[0]}.{minor[1]}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and Path(folder).is_absolute() and os.access(Path(folder, name), os.X_OK):
            yield Path(folder, name)
    for place, pattern in _MANAGED:
        for folder_ in sorted(Path.home().joinpath(place).glob(pattern.format(minor=f"{minor[0]}.{minor[1]}"))):
            yield folder_ / "bin" / name


def _asked(path: Path) -> Interpreter | None:
    """Let it say what it is; None where it does not start, as the stand-ins of tools that choose one."""
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter of this machine's own
            [str(path), "-I", "-S", "-c", _ASK],
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_S,
            check=True,
        )
        version, prefix, executable = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(path=Path(executable).resolve(), version=tuple(version), prefix=Path(prefix).resolve())
