"""Requirement lines that make an installer do more than fetch a named package from its usual place.

The gate installs none of them; whoever serves the model may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from gate.domain import Finding

MOST_BYTES = 1 << 20
"""Of a file, what is read."""
_HASH = re.compile(r"\s+--hash=[a-z0-9]+:[0-9a-fA-F]+")
_LONGEST = 1000
_INSIDE = re.compile(r"(?:-r|--requirement|-c|--constraint)[\s=]*(?P<file>(?!/)(?!.*\.\.)(?!.*://)[\w./-]+)")
_HARMLESS = re.compile(r"--(?:prefer-binary|require-hashes|only-binary[\s=]\S+)")
_SAYS = (
    (re.compile(r"-i\b|--index-url|--extra-index-url|--find-links|-f\b|--trusted-host|--no-index|--pypi-url"),
     "takes packages from another place"),
    (re.compile(r"-e\b|--editable"), "installs a folder and runs its setup"),
    (re.compile(r"(?:git|hg|svn|bzr)\+|.*@\s*(?:git|hg|svn|bzr)\+"), "fetches source from a repository and runs it"),
    (re.compile(r"(?:file:|.*@\s*file:|[./~]|[A-Za-z]:\\)"), "installs a file of the machine"),
    (re.compile(r"(?:https?|ftp):|.*@\s*\w+:"), "fetches a file by its address"),
    (re.compile(r".*\$\{?\w+"), "takes a variable of the environment"),
    (re.compile(r"-r|-c|--requirement|--constraint"), "reads a file outside the artifact"),
    (re.compile(r"--"), "sets an option of the installer"),
)  # fmt: skip
_CHANNELS = frozenset({"conda-forge", "defaults", "nodefaults", "anaconda", "main", "bioconda", "pytorch", "nvidia"})


def look(root: Path) -> tuple[Finding, ...]:
    """Look at requirements.txt, constraints.txt, conda.yaml and python_env.yaml of an artifact."""
    found = [
        Finding(file=name, symbol=line, what=what)
        for name, lines in _files(root)
        for line in lines
        if (what := judged(line))
    ]
    return (*found, *_channels(root))


def judged(line: str) -> str:
    """Say what a requirement line does that it should not; nothing of one that names a package."""
    if not line or _names_a_package(line) or inside(line) or harmless(line):
        return ""
    return next((what for pattern, what in _SAYS if pattern.match(line)), "is no requirement that the gate knows")


def _names_a_package(line: str) -> bool:
    return package(line) is not None


def package(line: str) -> tuple[Requirement, tuple[str, ...]] | None:
    """Read a requirement of PEP 508 without an address, and the hashes behind it; None where a line is none."""
    if len(line) > _LONGEST or not line.replace("\t", " ").isprintable():  # what YAML quotes may break lines
        return None
    try:
        found = Requirement(_HASH.sub("", line))
    except InvalidRequirement:
        return None
    return None if found.url is not None else (found, tuple(sorted(text.strip() for text in _HASH.findall(line))))


def inside(line: str) -> str | None:
    """Give the file of the artifact's own that a line refers to, None where it refers to none."""
    found = _INSIDE.fullmatch(line)
    return found["file"] if found else None


def harmless(line: str) -> bool:
    """Say whether a line is an option that fetches nothing from elsewhere."""
    return _HARMLESS.fullmatch(line) is not None


def _files(root: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(root.glob("*.txt")):
        if path.name in {"requirements.txt", "constraints.txt"} or path.name.startswith("requirements"):
            yield path.name, _lines(text_of(path))
    conda, env = yaml_of(root / "conda.yaml"), yaml_of(root / "python_env.yaml")
    yield "conda.yaml", [line for entry in list_in(conda, "dependencies") for line in _pip_lines(entry)]
    yield (
        "python_env.yaml",
        [str(line) for key in ("dependencies", "build_dependencies") for line in list_in(env, key) if line is not None],
    )


def _lines(text: str) -> list[str]:
    return [line for _, line in numbered(text)]


def numbered(text: str) -> list[tuple[int, str]]:
    """Give lines as pip reads them, continued ones joined, comments left out; each with its number."""
    found: list[tuple[int, str]] = []
    start, parts = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        start, parts = (start, parts) if parts else (number, "")
        if line.endswith("\\"):
            parts += line[:-1]
            continue
        found.append((start, _bare(parts + line)))
        parts = ""
    return [*found, (start, _bare(parts))] if parts else found


def _bare(line: str) -> str:
    return re.sub(r"(^|\s+)#.*$", "", line).strip()


def _pip_lines(entry: Any) -> list[str]:  # noqa: ANN401 - any YAML
    """Conda's own entries are `name=version`; those of pip are requirement lines."""
    if isinstance(entry, dict):
        return [str(line) for line in list_in(entry, "pip")]
    text = str(entry)
    return [] if re.fullmatch(r"[\w.-]+(?:\s*[<>=!~].*)?", text) else [text]


def _channels(root: Path) -> Iterator[Finding]:
    for channel in map(str, list_in(yaml_of(root / "conda.yaml"), "channels")):
        if channel not in _CHANNELS:
            yield Finding(file="conda.yaml", symbol=channel, what="takes packages from another place")


def list_in(content: Any, key: str) -> list[Any]:  # noqa: ANN401 - any YAML
    """Give the list under a key, () where there is none."""
    found = content.get(key) if isinstance(content, dict) else None
    return found if isinstance(found, list) else []


def yaml_of(path: Path) -> Any:  # noqa: ANN401 - any YAML
    """Read a file safely; what is no YAML, or hostile, comes back as a requirement that nobody takes."""
    text = text_of(path)
    if text.count("*") > 1000 or text.count("[") + text.count("{") > 1000:  # noqa: PLR2004 - aliases and depth
        return {"dependencies": [{"pip": ["a file with too many aliases or too deep"]}]}
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe loader in C
    except (yaml.YAMLError, RecursionError, ValueError):
        return {"dependencies": [{"pip": ["a file that is no YAML"]}]}


def text_of(path: Path) -> str:
    """Give the first megabyte of a file, nothing where there is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError):
        return ""
    return raw[:MOST_BYTES].decode("utf-8", "replace")
