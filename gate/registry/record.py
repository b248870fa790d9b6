"""The verdict's marks in the registry: tags, artifacts of the run, one block in the description."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gate.domain import Report
from gate.errors import GateError, RegistryError, UsageError
from gate.registry.connection import Registry
from gate.registry.description import with_block
from gate.registry.download import fetch_file
from gate.registry.faults import AbsentError
from gate.registry.looks import keep_look
from gate.registry.runs import find_run, is_deleted
from gate.registry.tree import ArtifactFaultError
from gate.registry.versions import Version, get_version
from gate.report import canonical, loads

EXPERIMENT = "gate"
_REPORT = "report.json"
_SIGNED_BY = "gate.signed_by"
_STATEMENTS = ("statement.json", "statement.dsse.json")
_WHERE = re.compile(r"runs:/([A-Za-z0-9][\w-]{0,255})/gate/v(\d+)/report\.json")
_MAX_REPORT_BYTES = 64 * 2**20
_TAG_CAP = 499


def record(registry: Registry, report: Report, files: Mapping[str, Path], *, summary: str = "") -> str:
    """Write a verdict into the registry, and give the address of the recorded report (`runs:/…`).

    `files` go beside the report: their path below gate/v<N>/ -> the local file; `report.json` among them is the report
    itself, byte for byte as its statement is about it. `summary` is the text of the block in
    the version's description; the verdict and its reasons where it is empty. Doing it again replaces, adds nothing.

    Raises:
        UsageError: the version does not exist.
        RegistryError: the registry refuses, or is out of reach.
    """
    number = report.candidate.version
    version = get_version(registry, report.model, number)
    run_id = _run_for(registry, version)
    folder = f"gate/v{number}"
    _upload(registry, run_id, folder, report, files)
    where = f"runs:/{run_id}/{folder}/{_REPORT}"
    for key, value in _tags(report, where, version).items():
        registry.write("tag the version", registry.client.set_model_version_tag, report.model, str(number), key, value)
    keep_look(registry, report)
    _describe(registry, version, summary or _summary(report, where))
    return where


def _tags(report: Report, where: str, version: Version) -> dict[str, str]:
    tags = {
        "gate.verdict": report.verdict.value,
        "gate.digest": report.candidate.digest or "",
        "gate.policy": report.gate.policy_digest,
        "gate.report": where,
        "gate.checked_at": report.finished_at,
    }
    if report.gate.signed_by is not None or _SIGNED_BY in version.tags:
        tags[_SIGNED_BY] = report.gate.signed_by or ""
    return {key: value[:_TAG_CAP] for key, value in tags.items()}


def _upload(registry: Registry, run_id: str, folder: str, report: Report, files: Mapping[str, Path]) -> None:
    with tempfile.TemporaryDirectory(prefix="gate-record-") as place:
        if _REPORT not in files:
            target = Path(place, _REPORT)
            target.write_text(canonical(report), encoding="utf-8")
            _log(registry, run_id, target, folder)
        for name, path in sorted(files.items()):
            copy = Path(place, "files", name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            below = Path(name).parent.as_posix()
            _log(registry, run_id, copy, folder if below == "." else f"{folder}/{below}")


def _log(registry: Registry, run_id: str, path: Path, folder: str) -> None:
    registry.write("store the report", registry.client.log_artifact, run_id, str(path), folder)


def _run_for(registry: Registry, version: Version) -> str:
    """Give the version's own run, or one of the gate's where that is missing or deleted."""
    for run_id in (version.run_id, _recorded_run(version)):
        run = find_run(registry, run_id)
        if run is not None and not is_deleted(run):
            return str(run.info.run_id)
    experiment = _experiment(registry)
    made = registry.write(
        "make a run for the report",
        registry.client.create_run,
        experiment,
        run_name=f"{version.model} v{version.number}",
        tags={"gate.model": version.model, "gate.version": str(version.number)},
    )
    run_id = str(made.info.run_id)
    registry.write("finish the report's run", registry.client.set_terminated, run_id)
    return run_id


def _recorded_run(version: Version) -> str | None:
    """Give the run of the last record of this very version: a copy carries the tags of what it was copied from."""
    found = _WHERE.fullmatch(version.tags.get("gate.report", ""))
    return found.group(1) if found and int(found.group(2)) == version.number else None


def _experiment(registry: Registry) -> str:
    client = registry.client
    found = registry.ask("read the experiment", client.get_experiment_by_name, EXPERIMENT)
    if found is None:
        with suppress(RegistryError, UsageError):  # somebody else may make it at the same moment
            registry.write("make the experiment", client.create_experiment, EXPERIMENT)
        found = registry.ask("read the experiment", client.get_experiment_by_name, EXPERIMENT)
    if found is None:
        raise RegistryError(f"The experiment {EXPERIMENT!r} cannot be made at {registry.address}.")
    if str(found.lifecycle_stage) == "deleted":
        registry.write("restore the experiment", client.restore_experiment, found.experiment_id)
    return str(found.experiment_id)


def _describe(registry: Registry, version: Version, text: str) -> None:
    wanted = with_block(version.description, text)
    if wanted == version.description:
        return
    update = registry.client.update_model_version
    registry.write("write the description", update, version.model, str(version.number), wanted)


def _summary(report: Report, where: str) -> str:
    against = f"against version {report.baseline.version}" if report.baseline else "without a baseline"
    lines = [f"**gate: {report.verdict.value}** ({against}, {report.finished_at})", ""]
    lines += [f"- {reason}" for reason in report.reasons]
    return "\n".join([*lines, "", f"Report: `{where}`"])


def is_marked(registry: Registry, model: str, version: int) -> bool:
    """Say whether a version's marks name a report, whatever is behind them.

    Raises:
        UsageError, RegistryError: as recorded_report.
    """
    return "gate.report" in get_version(registry, model, version).tags


def recorded_report(registry: Registry, model: str, version: int) -> Report | None:
    """Read the report behind a version's marks; None where there is none, or where it is about something else.

    The tag only says where to look: model, version and digest in the report must be those of the version's marks.

    Raises:
        UsageError: the version does not exist.
        RegistryError: the registry or its artifact store is out of reach.
    """
    found = _recorded(registry, model, version)
    return found[0] if found else None


def recorded_files(registry: Registry, model: str, version: int) -> dict[str, bytes]:
    """Read the report behind a version's marks and the statements beside it: name -> bytes; {} where there is none.

    Raises:
        UsageError, RegistryError: as recorded_report.
    """
    found = _recorded(registry, model, version)
    if found is None:
        return {}
    _, text, run_id = found
    beside = {name: _read(registry, run_id, f"gate/v{version}/{name}") for name in _STATEMENTS}
    return {_REPORT: text, **{name: each for name, each in beside.items() if each is not None}}


def _recorded(registry: Registry, model: str, version: int) -> tuple[Report, bytes, str] | None:
    """Give the report, its text, and the run that keeps it."""
    found = get_version(registry, model, version)
    where = _WHERE.fullmatch(found.tags.get("gate.report", ""))
    if where is None or int(where.group(2)) != version:
        return None
    text = _read(registry, where.group(1), f"gate/v{version}/{_REPORT}")
    report = _parsed(text)
    if text is None or report is None or (report.model, report.candidate.version) != (model, version):
        return None
    return (report, text, where.group(1)) if (report.candidate.digest or "") == found.tags.get("gate.digest") else None


def _read(registry: Registry, run_id: str, path: str) -> bytes | None:
    run = find_run(registry, run_id)
    if run is None:
        return None
    with tempfile.TemporaryDirectory(prefix="gate-record-") as place, suppress(ArtifactFaultError, AbsentError):
        found = fetch_file(registry, str(run.info.artifact_uri), path, Path(place))
        if found.stat().st_size <= _MAX_REPORT_BYTES:
            return found.read_bytes()
    return None


def _parsed(text: bytes | None) -> Report | None:
    """A report that cannot be read proves nothing: the version has to be judged again."""
    with suppress(GateError):
        return loads(text) if text is not None else None
    return None
