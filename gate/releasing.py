"""From a report onwards: record it, promote what was judged, write the release note, tell the history."""

from __future__ import annotations

import getpass
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate import comparing, report, storing
from gate.config import Config
from gate.domain import Category, Promotion, Report, Stage, Verdict
from gate.errors import GateError, RefusedError, UsageError
from gate.pipeline import Checked, check
from gate.request import Narrator, Request

if TYPE_CHECKING:
    from gate.registry import Registry

PASSING = frozenset({Verdict.PASS, Verdict.PASS_WITH_WARNINGS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a release did. `refused` says why a version that passed was not promoted."""

    checked: Checked
    notes: tuple[Path, ...] = ()
    promotion: Promotion | None = None
    refused: GateError | None = None

    def lines(self) -> list[str]:
        """Say where the notes are and who holds the stage now, a line each."""
        lines = [f"Release note: {path}" for path in self.notes]
        return lines + (told(self.promotion) if self.promotion else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRequest:
    """What is to be promoted; `report` is a file that another job made, None for the recorded one."""

    model: str
    version: str
    stage: Stage
    report: Path | None = None
    approved_by: tuple[str, ...] = ()


def release(request: Request, config: Config, narrator: Narrator, approved_by: Sequence[str]) -> Released:
    """Check, write the note, record both, and promote on a pass."""
    checked = check(request, config, narrator)
    if checked.fault is not None:
        return Released(checked=checked)
    stage = request.stage or Stage.STAGING
    if request.only is not None:
        why = RefusedError(
            "A verdict made with --only is neither recorded nor promoted.", remedy="Run it without --only."
        )
        return Released(checked=checked, refused=why if checked.report.verdict in PASSING else None)
    registry = storing.connect(config)
    with narrator.step("Write the release note, record the verdict"):
        notes = write_notes(checked.report, config)
        record(registry, checked, notes)
    if checked.report.verdict not in PASSING:
        return Released(checked=checked, notes=notes)
    try:
        with narrator.step(f"Promote to {stage}"):
            promotion = _promoted(registry, checked.report, config, stage, tuple(approved_by))
    except RefusedError as refused:
        return Released(checked=checked, notes=notes, refused=refused)
    return Released(checked=checked, notes=notes, promotion=promotion)


def record(registry: Registry, checked: Checked, notes: Sequence[Path] = ()) -> None:
    """Keep the report, the raw pairs, the offending rows and the notes with the version's run, and mark the version."""
    from gate import registry as rooms

    files = {f"note{path.suffix}": path for path in notes}
    raw = checked.report.benchmark.raw
    if raw is not None and (checked.folder / raw).is_file():
        files[raw] = checked.folder / raw
    rows = storing.rows_of(checked.report, checked.folder)
    if rows is not None:
        files[rows.name] = rows
    rooms.record(registry, checked.report, files)


def promote(request: PromotionRequest, config: Config, narrator: Narrator) -> Promotion:
    """Promote a version that has a valid verdict: a recorded one, or that of a report file, which is then recorded.

    Raises:
        RefusedError: there is no verdict, or it does not allow the promotion.
    """
    registry = storing.connect(config)
    version = comparing.resolve(registry, request.model, request.version)
    with narrator.step("Read the verdict"):
        found = _verdict_of(registry, request, version)
    with narrator.step(f"Promote to {request.stage}"):
        promotion = _promoted(registry, found, config, request.stage, request.approved_by)
    if request.report is not None:
        record(registry, Checked(report=found, folder=request.report.parent))
    return promotion


def _verdict_of(registry: Registry, request: PromotionRequest, version: int) -> Report:
    from gate import registry as rooms

    if request.report is None:
        found = rooms.recorded_report(registry, request.model, version)
        if found is None:
            raise RefusedError(
                f"Version {version} of {request.model!r} has no recorded verdict.",
                remedy=f"Run `gate release {request.model} {version}`, or give --report FILE.",
            )
        return found
    found = report.read(request.report)
    if (found.model, found.candidate.version) != (request.model, version):
        raise RefusedError(
            f"{request.report} is about version {found.candidate.version} of {found.model!r}, "
            f"not about version {version} of {request.model!r}.",
            remedy="Give the report of this version.",
        )
    return found


def _promoted(
    registry: Registry, found: Report, config: Config, stage: Stage, approved_by: tuple[str, ...]
) -> Promotion:
    from gate import registry as rooms

    settings = config.model(found.model).promotion
    people = {name.strip() for name in approved_by if name.strip()}
    wanted = settings.approvals.get(stage, 0)
    if len(people) < wanted:
        raise RefusedError(
            f"A promotion to {stage} needs {wanted} approval{'' if wanted == 1 else 's'}, {len(people)} given.",
            remedy="Give --approved-by WHO, once for each person.",
        )
    with tempfile.TemporaryDirectory(prefix="gate-") as room:
        return rooms.promote(
            registry,
            found,
            to=stage,
            settings=rooms.PromotionSettings(
                policy_digest=config.policy_digest(found.model),
                aliases=settings.aliases,
                legacy_stages=settings.legacy_stages,
            ),
            by=", ".join(sorted(people)) or _user(),
            into=Path(room),
        )


def _user() -> str:
    """Whoever runs the gate: in GitHub Actions the person who triggered it."""
    try:
        return os.environ.get("GITHUB_ACTOR") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def told(promotion: Promotion) -> list[str]:
    """Say what a promotion did, a line each."""
    before = f", before: v{promotion.former}" if promotion.former is not None else ""
    held = f"{promotion.model} v{promotion.version} holds {promotion.stage} (alias {promotion.alias!r}{before})"
    return [held, *promotion.notes]


def stored_report(model: str | None, version: str | None, path: Path | None, config: Config) -> Report:
    """Read a report: the file given, else the newer of the recorded one and the one under `.gate/`.

    Raises:
        UsageError: there is none.
    """
    if path is not None:
        return report.read(path)
    assert model is not None  # noqa: S101 - the command line asks for both where there is no file
    assert version is not None  # noqa: S101 - as above
    from gate import registry as rooms

    registry = storing.connect(config)
    number = comparing.resolve(registry, model, version)
    local = storing.report_folder(None, config, model, number) / storing.REPORT
    found = [report.read(local)] if local.is_file() else []
    recorded = rooms.recorded_report(registry, model, number)
    found += [recorded] if recorded else []
    if not found:
        raise UsageError(
            f"There is no report on version {number} of {model!r}, neither recorded nor at {local}.",
            remedy=f"Run `gate check {model} {number}` first, or give --from report.json.",
        )
    return max(found, key=lambda each: each.finished_at)


def rendered(found: Report, config: Config, format_: str, lang: str | None) -> str:
    """Render a note as text."""
    from gate import notes

    settings = config.file.release_notes
    template = config.below(settings.template) if settings.template else None
    return notes.render(found, format=format_, lang=lang or settings.lang, template=template)


def write_notes(
    found: Report, config: Config, formats: Sequence[str] | None = None, lang: str | None = None
) -> tuple[Path, ...]:
    """Write the release note below the folder of release notes, and give the files."""
    from gate import notes

    settings = config.file.release_notes
    return tuple(
        notes.write_notes(
            found,
            config.below(settings.dir),
            formats=tuple(formats or (("md", "html") if settings.html else ("md",))),
            lang=lang or settings.lang,
            template=config.below(settings.template) if settings.template else None,
        )
    )


def history(model: str, config: Config) -> dict[str, Any]:
    """Give the lineage of a model and the history of its stages, as plain values."""
    from gate import registry as rooms

    registry = storing.connect(config)
    entries = [
        {
            "at": entry.at,
            "action": entry.action,
            "stage": entry.stage,
            "from": entry.from_version,
            "to": entry.to_version,
            "verdict": entry.verdict,
            "digest": entry.digest,
            "by": entry.by,
        }
        for entry in rooms.history(registry, model)
    ]
    versions = [_with_judged_metrics(registry, model, row) for row in report.plain(rooms.lineage(registry, model))]
    return {"model": model, "versions": versions, "history": entries}


def _with_judged_metrics(registry: Registry, model: str, row: dict[str, Any]) -> dict[str, Any]:
    """The metrics that the run logged; where it logged none, those of the recorded verdict."""
    from gate import registry as rooms

    if row["metrics"] or row["verdict"] is None:
        return row
    found = rooms.recorded_report(registry, model, row["version"])
    checks = [check for check in (found.checks if found else ()) if check.category is Category.QUALITY]
    first = {check.id.partition(".")[2]: check.measurements[0] for check in checks if check.measurements}
    metrics = {name: measured.value for name, measured in first.items() if measured.name == name}
    return {**row, "metrics": report.plain(metrics)}
