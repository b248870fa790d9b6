"""Writes the first gate.yaml of a repository from what its registry holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.config import FILE_NAME
from gate.errors import GateError, RegistryError

if TYPE_CHECKING:
    from gate.registry import ModelSurvey

HEADER = """\
# yaml-language-server: $schema=./gate.schema.json      (gate schema config > gate.schema.json)
# What is not said here has a default: see `gate schema config`. Try it: gate doctor, then gate check MODEL latest
"""
TARGETS = (("workflow.yml", Path(".github/workflows/gate.yml")), ("example_check.py", Path("checks/example.py")))


def initialise(folder: Path, tracking_uri: str | None, registry_uri: str | None) -> Iterator[str]:
    """Write what is missing, and say what was written and what is left to do, a line each."""
    survey, problem = _surveyed(tracking_uri, registry_uri)
    if problem:
        yield f"The registry could not be read ({problem}): gate.yaml names no models yet."
    yield _write(folder, Path(FILE_NAME), HEADER + _yaml(_proposal(survey, tracking_uri, registry_uri)))
    for source, target in TARGETS:
        yield _write(folder, target, files("gate.templates").joinpath("for-init", source).read_text(encoding="utf-8"))
    yield from _ignored(folder)
    if survey is not None:
        yield from _found(survey)
    yield "Left to do:"
    yield "  - look through gate.yaml: data.path and data.target decide what the quality checks can say"
    yield "  - on GitHub, set the variable MLFLOW_TRACKING_URI and the secret MLFLOW_TRACKING_TOKEN of the repository"
    yield "  - run `gate doctor`, then `gate check MODEL latest`"


def _surveyed(tracking_uri: str | None, registry_uri: str | None) -> tuple[list[ModelSurvey] | None, str]:
    """A repository can be set up before its registry is in reach."""
    from gate import registry

    try:
        return registry.survey(registry.connect(tracking_uri, registry_uri)), ""
    except GateError as error:
        if not isinstance(error, RegistryError) and tracking_uri:
            raise
        return None, error.text


def _proposal(survey: list[ModelSurvey] | None, tracking_uri: str | None, registry_uri: str | None) -> dict[str, Any]:
    proposal: dict[str, Any] = {}
    if tracking_uri:
        proposal["tracking_uri"] = tracking_uri
    if registry_uri:
        proposal["registry_uri"] = registry_uri
    proposal["checks"] = ["gate.checks", "./checks"]
    models = {model.model: _settings(model) for model in survey or ()}
    if models:
        proposal["models"] = models
    return proposal


def _settings(model: ModelSurvey) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if model.data:
        settings["data"] = {"path": model.data[0]}
    if model.proposed:
        settings["promotion"] = {"aliases": dict(model.proposed)}
    return settings


def _yaml(proposal: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(proposal, sort_keys=False, allow_unicode=True)


def _write(folder: Path, target: Path, text: str) -> str:
    path = folder / target
    if path.exists():
        return f"kept    {target} (it exists)"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GateError(f"{path} cannot be written: {error.strerror}.", remedy="Choose another folder.") from None
    return f"written {target}"


def _ignored(folder: Path) -> Iterator[str]:
    """`.gate/` holds local working files."""
    path = folder / ".gitignore"
    lines: Sequence[str] = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    if ".gate/" not in lines:
        path.write_text("\n".join([*lines, ".gate/", ""]), encoding="utf-8")
        yield "written .gitignore: .gate/ is ignored"


def _found(survey: list[ModelSurvey]) -> Iterator[str]:
    for model in survey:
        aliases = ", ".join(sorted(model.aliases)) or "none"
        data = f"; evaluation data {model.data[0]}" if model.data else ""
        yield f"found   {model.model}: aliases in use: {aliases}{data}"
