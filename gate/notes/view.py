"""The view model: what a note shows, a pure function of the report's plain dict. Templates only lay it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gate.notes import changes, commands, costs, findings, found, speed, timed
from gate.notes.answers import answers
from gate.notes.found import Plain
from gate.notes.values import Ordinal, Phrase, Sentence, Several, Size, Table, Value

_COUNTS = ("passed", "failed", "inconclusive", "error", "skipped", "warnings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of everything is shown, so that the note of any report keeps within its size."""

    rows: int
    changes: int
    checks: int
    value: int


def view(report: Plain, digest: str, room: Room) -> dict[str, Any]:
    """Give everything that a template prints.

    Args:
        report: the report as plain JSON values.
        digest: `sha256:` over the text of report.json.
        room: how much to show.
    """
    return {
        "schema": report["schema"],
        "model": report["model"],
        "version": Ordinal(report["candidate"]["version"]),
        "baseline": Ordinal(report["baseline"]["version"]) if report["baseline"] else None,
        "chosen_by": found.chosen(report) if report["baseline"] else None,
        "digest": digest,
        "verdict": _verdict(report["verdict"]),
        "counts": _counts(report),
        "judged": bool(report["checks"]),
        "only": Several(report["gate"]["only"]) if report["gate"]["only"] is not None else None,
        "answers": [_answer(answer) for answer in answers(report)],
        "reasons": [Sentence(reason) for reason in report["reasons"][: room.checks]],
        "reasons_more": len(report["reasons"][room.checks :]),
        "problems": findings.problems(report, room.checks),
        "skipped": findings.skipped(report, room.checks),
        "passed": findings.passed(report, room.checks),
        "changes": changes.kinds(report, room.changes),
        "unchanged": changes.unchanged(report),
        "code": changes.code(report, room.changes),
        "files": changes.artifact_files(report, room.changes),
        "metrics": findings.metrics(report, room.checks),
        "data": _data(report),
        "quality": findings.quality(report, room.checks),
        "outliers": findings.outliers(report, room.checks),
        "offenders": findings.offenders(report, room.rows),
        "speed": _speed(report),
        "latency": timed.latency(report, room.checks),
        "latency_why": timed.latency_why(report),
        "percentiles": timed.percentiles(report, room.checks),
        "throughput": costs.throughput(report, room.checks),
        "starts": costs.starts(report, room.checks),
        "benchmark": timed.remarks(report, room.checks),
        "items": findings.items(report),
        "fixes": findings.fixes(report),
        "waivers": findings.waivers(report, room.checks),
        "strict": report["gate"]["strict"],
        "commands": commands.commands(report),
        "provenance": _provenance(report, digest),
    }


def _verdict(code: str) -> dict[str, Any]:
    return {"code": code, "shape": Phrase(f"verdict_shape.{code}"), "word": Phrase(f"verdict.{code}")}


def _answer(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - an Answer; naming it would bind the two modules closer
    return {**answer._asdict(), "shape": Phrase(f"shape.{answer.level}")}


def _speed(report: Plain) -> dict[str, Any] | None:
    told = speed.slower(report)
    return {"word": told[1], "lines": told[2]} if told else None


def _counts(report: Plain) -> Phrase:
    counts = report["counts"]
    always = ("passed", "failed")
    shown = [name for name in _COUNTS if counts[name] or name in always]
    items = Several([Phrase(f"count.{name}", {"n": counts[name], "count": counts[name]}) for name in shown])
    return Phrase("counts", {"items": items})


def _data(report: Plain) -> Phrase:
    data = report["data"]
    if data["rows"] is None:
        return Phrase("data.none")
    return Phrase("data.rows", {"n": data["rows"], "rows": data["rows"], "source": data["source"]})


def _provenance(report: Plain, digest: str) -> Table:
    rows: list[tuple[str, Value]] = [*_version_rows("candidate", report["candidate"])]
    if report["baseline"]:
        rows += _version_rows("baseline", report["baseline"])
    data, gate, where = report["data"], report["gate"], report["environment"]
    rows += [
        ("data_source", data["source"]),
        ("data_digest", data["digest"]),
        ("data_size", Phrase("data.size", {"rows": data["rows"], "columns": len(data["columns"])})),
        *_coverage(data["coverage"]),
        ("target", data["target"]),
        ("looks", _looks(data["looks"])),
        ("gate", gate["version"]),
        ("policy", gate["policy_digest"]),
        *([("signed_by", gate["signed_by"])] if gate["signed_by"] else []),
        ("isolation", report["isolation"]),
        ("machine", Phrase("machine", {key: where[key] for key in ("python", "platform", "cpu", "cores")})),
        ("packages", Several([f"{name} {number}" for name, number in sorted(where["packages"].items())])),
        ("times", Phrase("times", {"start": report["started_at"], "end": report["finished_at"]})),
        ("report", digest),
    ]
    cells: Sequence[Sequence[Value]] = [(Phrase(f"provenance.{key}"), value) for key, value in rows]
    return Table((Phrase("head.what"), Phrase("head.value")), cells)


def _version_rows(side: str, version: Plain) -> list[tuple[str, Value]]:
    size = version["size_bytes"]
    return [
        (side, Ordinal(version["version"])),
        (f"{side}_run", version["run_id"]),
        (f"{side}_model_id", version["model_id"]),
        (f"{side}_source", version["source"]),
        (f"{side}_digest", version["digest"]),
        (f"{side}_size", None if size is None else Size(size)),
    ]


def _coverage(coverage: Plain | None) -> list[tuple[str, Value]]:
    """Which rows of the set were judged, where not all were by everything."""
    if not coverage:
        return []
    known = {key.removeprefix("rows_"): coverage[key] for key in ("rows_total", "rows_judged", "rows_sampled")}
    return [("coverage", Phrase("data.coverage", {**known, "seed": str(coverage["seed"])}))]


def _looks(looks: Plain) -> Value:
    if looks["used"] is None and looks["planned"] is None:
        return Phrase("looks.uncounted")
    return Phrase("looks.counted", {"used": looks["used"], "planned": looks["planned"]})
