"""From a report onwards: record it, promote what was judged, write the release note, tell the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate import comparing, promoting, report, storing, trusting
from gate.config import Config
from gate.domain import Category, Promotion, Report, Stage, Verdict
from gate.errors import GateError, RefusedError, UsageError
from gate.pipeline import Checked, check
from gate.promoting import PromotionRequest, told
from gate.request import Narrator, Request

if TYPE_CHECKING:
    from gate.registry import Chapter, Registry, Tenure

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


def release(request: Request, config: Config, narrator: Narrator, approved_by: Sequence[str]) -> Released:
    """Check, write the note, record both, and promote on a pass."""
    trust = trusting.trust_of(config, request.model)
    trusting.foretell(trust, narrator.say)
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
        trusting.released(checked.report, checked.folder, trust)
        people = promoting.ensure_approved(config, request.model, stage, approved_by)
        with narrator.step(f"Promote to {stage}"):
            promotion = promoting.promoted(registry, checked.report, config, stage, (people, narrator, lambda: None))
    except RefusedError as refused:
        return Released(checked=checked, notes=notes, refused=refused)
    return Released(checked=checked, notes=notes, promotion=promotion)


def record(
    registry: Registry, checked: Checked, notes: Sequence[Path] = (), evidence: Mapping[str, Path] | None = None
) -> None:
    """Keep report, statement, raw pairs, offending rows, notes and figures with the run, and mark the version.

    `evidence` are the files of a verdict that was verified; those in the report's folder where it is None.
    """
    from gate import registry as rooms

    files = {f"note{path.suffix}": path for path in notes}
    files |= {f"{figure.parent.name}/{figure.name}": figure for path in notes for figure in _figures(path)}
    if evidence is None and storing.lies_in(checked.folder, storing.BENCHMARK):
        files[storing.BENCHMARK] = checked.folder / storing.BENCHMARK
    files |= trusting.kept(checked.folder, checked.report) if evidence is None else evidence
    raw = checked.report.benchmark.raw
    if raw is not None and raw not in files and storing.lies_in(checked.folder, raw):
        files[raw] = checked.folder / raw
    rows = storing.rows_of(checked.report, checked.folder)
    if rows is not None:
        files[rows.name] = rows
    rooms.record(registry, checked.report, files)


def _figures(note: Path) -> list[Path]:
    """Give the figures that a note in Markdown names, in the folder beside it."""
    return sorted(note.with_suffix("").glob("*.svg")) if note.suffix == ".md" else []


def promote(request: PromotionRequest, config: Config, narrator: Narrator) -> Promotion:
    """Promote a version that has a valid verdict: a recorded one, or that of a report file, which is then recorded.

    Raises:
        RefusedError: there is no verdict, or it does not allow the promotion.
    """

    def keep(registry: Registry, found: Report, files: Mapping[str, Path], folder: Path) -> None:
        record(registry, Checked(report=found, folder=folder), evidence=files)

    return promoting.promote(request, config, narrator, keep)


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
    """Give the lineage of a model, the history of its stages and who held them when, as plain values."""
    from gate import registry as rooms

    registry, settings = storing.connect(config), config.model(model).promotion
    found = rooms.read_history(registry, model, settings.aliases, legacy_stages=settings.legacy_stages)
    versions = [_with_judged_metrics(registry, model, row) for row in report.plain(rooms.lineage(registry, model))]
    return {
        "model": model,
        "versions": versions,
        "history": [_entry(chapter) for chapter in found.chapters],
        "tenures": [_tenure(tenure) for tenure in found.tenures],
        "findings": list(found.findings),
    }


def _entry(chapter: Chapter) -> dict[str, Any]:
    """An entry with the contract's keys, and the digest of the report that it rests on."""
    entry = chapter.entry
    return {
        "at": entry.at,
        "action": entry.action,
        "stage": entry.stage,
        "from": entry.from_version,
        "to": entry.to_version,
        "verdict": entry.verdict,
        "digest": entry.digest,
        "by": entry.by,
        "evidence": chapter.grounds.report if chapter.grounds else None,
    }


def _tenure(tenure: Tenure) -> dict[str, Any]:
    grounds = report.plain(tenure.grounds) if tenure.grounds else {}
    return {
        "stage": tenure.stage,
        "version": tenure.version,
        "from": tenure.since,
        "until": tenure.until,
        "current": tenure.current,
        "action": tenure.action,
        "by": tenure.by,
        "verdict": tenure.verdict,
        "digest": tenure.digest,
        "evidence": grounds.get("report"),
        "grounds": {key: value for key, value in grounds.items() if key not in {"report", "waivers"}},
        "waivers": grounds.get("waivers", []),
    }


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
