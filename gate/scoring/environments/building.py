"""Builds an environment with uv: wheels alone, behind a wall, in a folder that is the only one that it may change.

No code of a package runs meanwhile: nothing is built from source, and the interpreter that compiles what was unpacked
reads no site-packages.
"""

from __future__ import annotations

import json
import re
import shutil
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gate.errors import GateError, UsageError
from gate.scoring.capture import one_line
from gate.scoring.enclosure import Enclosure
from gate.scoring.environments.index import Index, index
from gate.scoring.environments.recipe import Recipe
from gate.scoring.python import own, parts_of
from gate.scoring.sandbox import Sandbox

EXTRA = "pip install 'model-release-gate[env]'"
"""What brings uv."""
TIMEOUT_S = 1800.0
"""For fetching and unpacking all packages of one environment."""
PYTHON = "env/bin/python"
"""The interpreter of an environment, below its folder."""

_CONNECT_S = 4
_RETRIES = 2
_NETWORK = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/ssl", "/etc/pki", "/etc/services",
)  # fmt: skip
_UNREACHED = re.compile(
    r"error sending request|dns error|Connection refused|Connection reset|timed? ?out|client error|Network unreachable"
    r"|Network connectivity is disabled|HTTP status (?:server error|client error \((?:401|403|407|408|429))"
    r"|Missing credentials|invalid peer certificate",
    re.IGNORECASE,
)
_OF_THE_MODEL = re.compile(
    r"No solution found|Hash mismatch|Invalid hash|requires Python|no usable wheels|Couldn't parse"
)
_COMPILE = ("-I", "-S", "-m", "compileall", "-q", "-j", "0", "-x", "/tests?/")
_STEPS = ("making the environment", "installing the packages", "compiling them")
_FIRST = 10
_ADDRESS = re.compile(r"//[^\s/@]+@")
"""Credentials in an address."""


class UnbuildableError(Exception):
    """What the version asks for cannot be installed; the text says why."""


def installer() -> Path | None:
    """Find uv: that of the gate's own environment, else that of the search path."""
    found = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    return Path(found).resolve() if found else None


def build(recipe: Recipe, place: Path, enclosure: Enclosure, memory_mb: int) -> None:
    """Make the environment in a folder that exists and is empty.

    Raises:
        UsageError: uv is not installed.
        UnbuildableError: what is asked for does not exist, does not fit together, or has no wheels.
        GateError: the index is out of reach, or the machine does not give what is needed.
    """
    uv = installer()
    if uv is None:
        raise UsageError("env: uv needs uv, which is not installed.", remedy=f"Install it: {EXTRA}.")
    (place / "requirements.txt").write_text("".join(f"{line}\n" for line in recipe.lines), encoding="utf-8")
    (place / "constraints.txt").write_text("".join(f"{line}\n" for line in recipe.constraints), encoding="utf-8")
    found = index()
    readable = (uv, recipe.interpreter.path, *parts_of(recipe.interpreter.prefix), *_network(), *found.readable)
    python = replace(own(), readable=readable, variables={**found.variables, **_settings(place)})
    _run(_commands(uv, recipe, place, found), enclosure.for_building(place, python), memory_mb)
    shutil.rmtree(place / "cache", ignore_errors=True)


def _commands(uv: Path, recipe: Recipe, place: Path, found: Index) -> list[list[str]]:
    interpreter, config = str(recipe.interpreter.path), found.config
    quiet = ("--no-python-downloads", "--no-progress", "--color", "never", *config)
    return [
        [str(uv), "venv", *quiet, "--relocatable", "--python", interpreter, str(place / "env")],
        [
            str(uv), "pip", "install", *quiet, *found.options, "--no-build", "--python", str(place / PYTHON),
            "--constraints", str(place / "constraints.txt"), "--requirements", str(place / "requirements.txt"),
        ],
        [interpreter, *_COMPILE, str(place / "env/lib")],
    ]  # fmt: skip


def _settings(place: Path) -> Mapping[str, str]:
    """What uv is told whatever the operator's settings say."""
    return {
        "UV_CACHE_DIR": str(place / "cache"),
        "UV_LINK_MODE": "hardlink",
        "UV_HTTP_CONNECT_TIMEOUT": str(_CONNECT_S),
        "UV_HTTP_RETRIES": str(_RETRIES),
        "UV_KEYRING_PROVIDER": "disabled",
        "UV_NO_PROGRESS": "1",
        "XDG_CONFIG_HOME": str(place),
        "XDG_CONFIG_DIRS": str(place),
    }


def _network() -> list[Path]:
    return [path for name in _NETWORK for path in {Path(name), Path(name).resolve()} if path.exists()]


def _run(commands: list[list[str]], enclosure: Enclosure, memory_mb: int) -> None:
    command = enclosure.python.command("gate.scoring.environment_process", str(memory_mb), json.dumps(commands))
    began = time.monotonic()
    sandbox = Sandbox(command, pass_fds=(), enclosure=enclosure, memory_mb=memory_mb)
    try:
        ended = sandbox.wait(TIMEOUT_S)
        code, breach = sandbox.exit_code, sandbox.breach
    finally:
        sandbox.end()
    output = _ADDRESS.sub("//", sandbox.capture.text())
    if not ended:
        took = time.monotonic() - began
        raise _fault(f"did not end within {took:.0f} s", "Try again: is the index slow?")
    if breach:
        raise _fault(f"was ended: {breach}", "Free some, or raise isolation.memory_mb.")
    if code != 0:
        raise _why(code or 0, output)


def _why(code: int, output: str) -> Exception:
    """Tell whose fault it is; what nobody knows is none of the model's."""
    text = one_line(output.rpartition("error: ")[2], 600).rstrip(".")
    if _UNREACHED.search(output):
        return GateError(
            f"The package index is out of reach, so the environment of a version cannot be built: {text}.",
            remedy="Correct UV_DEFAULT_INDEX or pip's index settings, or the network, and judge it again.",
        )
    if _OF_THE_MODEL.search(output):
        return UnbuildableError(f"what it requires cannot be installed: {text}")
    step = code - _FIRST
    during = f"failed while {_STEPS[step]}" if 0 <= step < len(_STEPS) else f"ended with exit code {code}"
    return _fault(f"{during}: {text}", "See the output of `gate doctor`, or set env to none.")


def _fault(what: str, remedy: str) -> GateError:
    return GateError(f"The building of an environment {what.rstrip('.')}.", remedy=remedy)
