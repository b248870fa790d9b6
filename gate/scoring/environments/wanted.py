"""What a version's own files ask to be installed: packages by name, nothing else.

As MLflow reads them: python_env.yaml, whose dependencies mostly are `-r requirements.txt`; else requirements.txt. A
line that does more than name a package, or that cannot be read, refuses the whole environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from gate.scoring.capture import one_line
from gate.scoring.inspection import requirements

_DEEPEST = 5
_MOST_LINES = 5000
_SHOWN = 100
_PYTHON = re.compile(r"3\.\d{1,2}(?:\.\d{1,3})?")
_MLMODEL = re.compile(
    r"^(?P<indent>\s*)(?P<key>mlflow_version|python_version):\s*['\"]?(?P<value>[\w.+-]+)", re.MULTILINE
)


class RefusedLineError(Exception):
    """A line that no environment is built from; the text names file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A requirement as it was read, and where it stands."""

    text: str
    """Normalised: what two files spell differently and mean alike is the same."""
    name: str
    constraint: bool = False
    """Whether it only says which version, where something else needs the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be installed for a version, and which Python and MLflow made it; None where nobody says."""

    lines: tuple[Line, ...]
    python: str | None
    mlflow: str | None


def wanted(root: Path) -> Wanted:
    """Read an artifact's own files.

    Raises:
        RefusedLineError: a line is refused.
    """
    env = requirements.yaml_of(root / "python_env.yaml")
    lines = tuple(_of_python_env(root, env) if requirements.list_in(env, "dependencies") else _of_requirements(root))
    if len(lines) > _MOST_LINES:
        raise RefusedLineError(f"The version asks for {len(lines)} packages, at most {_MOST_LINES} are taken")
    told = _mlmodel(root)
    return Wanted(lines=lines, python=_python(env) or told.get("python_version"), mlflow=_release(told))


def _of_requirements(root: Path) -> Iterator[Line]:
    if (root / "requirements.txt").is_file():
        yield from _of_file(root, Path("requirements.txt"), constraint=False, depth=0)


def _of_python_env(root: Path, env: object) -> Iterator[Line]:
    text = requirements.text_of(root / "python_env.yaml").splitlines()
    for key in ("build_dependencies", "dependencies"):
        for entry in requirements.list_in(env, key):
            words = str(entry).strip() if isinstance(entry, str) else repr(entry)
            number = next((at for at, line in enumerate(text, 1) if words in line), 1)
            yield from _read(root, words, _Place(file=Path("python_env.yaml"), number=number))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a line stands, and in what it was included."""

    file: Path
    number: int
    constraint: bool = False
    depth: int = 0


def _of_file(root: Path, file: Path, *, constraint: bool, depth: int) -> Iterator[Line]:
    path = root / file
    if path.stat().st_size > requirements.MOST_BYTES:
        raise RefusedLineError(f"{file} is larger than the {requirements.MOST_BYTES >> 20} MB that are read")
    for number, line in requirements.numbered(requirements.text_of(path)):
        place = _Place(file=file, number=number, constraint=constraint, depth=depth)
        yield from _read(root, line, place)


def _read(root: Path, line: str, place: _Place) -> Iterator[Line]:
    if not line or requirements.harmless(line):
        return
    other = requirements.inside(line)
    if other is not None:
        yield from _included(root, line, other, place)
        return
    found = requirements.package(line)
    if found is None:
        raise _refused(line, place, requirements.judged(line) or "is no requirement that the gate knows")
    requirement, hashes = found
    requirement.name = canonicalize_name(requirement.name)
    yield Line(text=" ".join((str(requirement), *hashes)), name=requirement.name, constraint=place.constraint)


def _included(root: Path, line: str, other: str, place: _Place) -> Iterator[Line]:
    """Read a file that a line refers to, from the folder of the file that the line stands in, as pip does."""
    file = place.file.parent / other
    if place.depth >= _DEEPEST:
        raise _refused(line, place, f"is the last of more than {_DEEPEST} files that refer to one another")
    if not (root / file).is_file() or root.resolve() not in (root / file).resolve().parents:
        raise _refused(line, place, "names a file that the version does not have")
    constraint = place.constraint or line.startswith(("-c", "--constraint"))
    yield from _of_file(root, file, constraint=constraint, depth=place.depth + 1)


def _refused(line: str, place: _Place, what: str) -> RefusedLineError:
    shown = one_line(line)
    shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
    return RefusedLineError(f"{place.file}, line {place.number}: {shown!r} {what}")


def _python(env: object) -> str | None:
    told = env.get("python") if isinstance(env, dict) else None
    return _as_python(str(told)) if told is not None else None


def _as_python(text: str) -> str | None:
    return text if _PYTHON.fullmatch(text) else None


def _mlmodel(root: Path) -> dict[str, str]:
    """What MLmodel says of the Python and the MLflow that saved it, as far as these are versions."""
    text = requirements.text_of(root / "MLmodel")
    found = {match["key"]: match["value"] for match in reversed(list(_MLMODEL.finditer(text)))}
    python = _as_python(found.get("python_version", ""))
    return {"mlflow_version": found.get("mlflow_version", "")} | ({"python_version": python} if python else {})


def _release(told: dict[str, str]) -> str | None:
    """Give the release of MLflow, None where it was none that an index has."""
    try:
        version = Version(told["mlflow_version"])
    except InvalidVersion:
        return None
    return str(version) if not version.is_devrelease and version.local is None else None
