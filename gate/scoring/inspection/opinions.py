"""Second opinions: other scanners, where they are installed, each in a process of its own.

They are advice: of 36 payloads that execute, one missed 10 and another 21. Their files are opened by their own code,
so that they run with a time limit, without the gate's environment, and what they print is read as text.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gate.domain import Finding, Opinion
from gate.scoring.inspection.inspect import shown

_TIMEOUT_S = 120.0
_MOST_READ = 4 * 2**20
_MOST_FINDINGS = 200
_PICKLESCAN = re.compile(
    r"^(?P<file>.+?): (?P<danger>dangerous|suspicious) import '(?P<module>[^' ]*) (?P<name>[^']*)' FOUND$", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanner:
    """How a scanner is started, and how what it prints is read. Its exit codes: 0 clean, 1 found something."""

    name: str
    arguments: Callable[[Path, Path], list[str]]
    """Of the folder to scan, and of a file that it may write to instead of printing."""
    read: Callable[[str, Path], tuple[Finding, ...]]


def second_opinions(root: Path) -> tuple[Opinion, ...]:
    """Ask picklescan and modelscan about a folder."""
    return tuple(_ask(scanner, root) for scanner in _SCANNERS)


def _ask(scanner: _Scanner, root: Path) -> Opinion:
    if find_spec(scanner.name) is None:
        return Opinion(scanner=scanner.name, problem="it is not installed: pip install 'model-release-gate[scan]'")
    with tempfile.TemporaryDirectory(prefix="gate-scan-") as place:
        written = Path(place) / "written"
        try:
            code = _run([sys.executable, "-I", *scanner.arguments(root, written)], place)
            with next(iter(Path(place).glob("written.*")), written).open("rb") as file:
                text = file.read(_MOST_READ).decode("utf-8", "replace")
        except (subprocess.TimeoutExpired, OSError) as error:
            return Opinion(scanner=scanner.name, problem=f"it did not answer ({type(error).__name__})")
    if code not in {0, 1}:
        return Opinion(scanner=scanner.name, problem=f"it ended with exit code {code}")
    return _read(scanner, text, root)


def _run(command: list[str], place: str) -> int:
    """Run a scanner; what it prints is appended to the file that it may write to itself."""
    with (Path(place) / "written").open("ab") as printed:
        done = subprocess.run(  # noqa: S603 - the gate's own words and a folder of its own
            command, stdout=printed, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            cwd=place, env=_environment(place), timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    return done.returncode


def _environment(place: str) -> Mapping[str, str]:
    return {"HOME": place, "PATH": os.defpath, "LANG": "C.UTF-8", "NO_COLOR": "1", "COLUMNS": "1000"}


def _read(scanner: _Scanner, text: str, root: Path) -> Opinion:
    try:
        found = scanner.read(text, root)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Opinion(scanner=scanner.name, problem="it printed what the gate does not understand")
    return Opinion(scanner=scanner.name, findings=tuple(map(shown, found[:_MOST_FINDINGS])))


def _read_picklescan(text: str, root: Path) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            file=_below(match["file"], root),
            symbol=f"{match['module']}.{match['name']}",
            what=f"is a {match['danger']} import",
        )
        for match in _PICKLESCAN.finditer(text)
    )


def _read_modelscan(text: str, root: Path) -> tuple[Finding, ...]:
    report = json.loads(text)
    return tuple(
        Finding(
            file=_below(str(issue["source"]), root),
            symbol=f"{issue['module']}.{issue['operator']}",
            what=f"is unsafe ({str(issue['severity']).lower()})",
        )
        for issue in report["issues"]
    )


def _below(path: str, root: Path) -> str:
    return path.removeprefix(f"{root}/")


_SCANNERS = (
    _Scanner(name="picklescan", arguments=lambda root, _: ["-m", "picklescan", "-p", str(root)], read=_read_picklescan),
    _Scanner(
        name="modelscan",
        arguments=lambda root, file: ["-m", "modelscan.cli", "-p", str(root), "-r", "json", "-o", f"{file}.json"],
        read=_read_modelscan,
    ),
)
