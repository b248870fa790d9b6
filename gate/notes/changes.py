"""What changed between baseline and candidate, as tables: only what differs, the rest as counts."""

from __future__ import annotations

from typing import Any

from gate.notes.found import Plain, pair
from gate.notes.values import Phrase, Sentence, Several, Size, Table, Value

KINDS = ("params", "metrics", "data", "requirements", "signature", "environment", "tags")
_COMMIT_DIGITS = 10
_FILES_SHOWN = 8


def kinds(report: Plain, most: int) -> list[dict[str, Any]]:
    """Give the kinds that differ, each with a title and a table of at most `most` entries."""
    return [
        {"title": Phrase(f"kind.{kind}"), "table": _table(report, kind, most)} for kind in KINDS if report["diff"][kind]
    ]


def _table(report: Plain, kind: str, most: int) -> Table:
    entries = report["diff"][kind]
    shown = entries[:most]
    left = len(entries) - len(shown) + int(report["diff"]["omitted"].get(kind, 0))
    more = Phrase("more.entries", {"n": left, "left": left}) if left else None
    aligned = kind == "metrics"
    if not report["baseline"]:
        rows = [(entry["name"], pair(entry["candidate"])[0]) for entry in shown]
        return Table((Phrase("head.name"), Phrase("head.value")), rows, (False, aligned), more)
    head = (Phrase("head.name"), Phrase("head.baseline"), Phrase("head.candidate"))
    both = [(entry["name"], *pair(entry["baseline"], entry["candidate"])) for entry in shown]
    return Table(head, both, (False, aligned, aligned), more)


def unchanged(report: Plain) -> Value:
    """Give the count of what is the same, of each kind; None where there is nothing to say."""
    counts = report["diff"]["unchanged"]
    if not report["baseline"] or not counts:
        return None
    items = [
        Phrase("unchanged_kind", {"kind": Phrase(f"kind.{kind}"), "count": counts[kind]})
        for kind in KINDS
        if counts.get(kind)
    ]
    return Several(items) if items else None


def code(report: Plain, most: int) -> dict[str, Any]:
    """Give the commits between the two versions, and what is not known about them."""
    found = report["diff"]["code"]
    commits = found["commits"]
    left = len(commits) - len(commits[:most])
    table = Table(
        tuple(Phrase(f"head.{name}") for name in ("commit", "date", "author", "subject", "files")),
        [_commit(commit) for commit in commits[:most]],
        more=Phrase("more.entries", {"n": left, "left": left}) if left else None,
    )
    return {
        "commits": table if commits else None,
        "note": Sentence(found["note"]) if found["note"] else None,
        "tree": Phrase({True: "tree.dirty", False: "tree.clean", None: "tree.unknown"}[found["dirty"]])
        if found["candidate_commit"]
        else None,
    }


def _commit(commit: Plain) -> list[Value]:
    files: list[Value] = list(commit["files"][:_FILES_SHOWN])
    left = len(commit["files"]) - len(files)
    shown = [*files, Phrase("more.files", {"n": left, "left": left})] if left else files
    return [commit["sha"][:_COMMIT_DIGITS], commit["at"], commit["author"], commit["subject"], Several(shown)]


def artifact_files(report: Plain, most: int) -> dict[str, Any] | None:
    """Give the artifact's changes in size and files; None without a baseline."""
    if not report["baseline"]:
        return None
    found = report["diff"]["files"]
    lists = [
        Phrase(f"files.{name}", {"files": _names(found[name], most), "n": len(found[name]), "count": len(found[name])})
        for name in ("added", "removed", "changed")
        if found[name]
    ]
    same = found["unchanged"]
    return {
        "size": _sizes(report["baseline"]["size_bytes"], report["candidate"]["size_bytes"]),
        "lists": [*lists, Phrase("files.unchanged", {"n": same, "count": same})] if same else lists,
        "identical": found["computes_identical"],
    }


def _names(names: list[str], most: int) -> Several:
    left = len(names) - len(names[:most])
    items: list[Value] = list(names[:most])
    return Several([*items, Phrase("more.files", {"n": left, "left": left})] if left else items)


def _sizes(before: int | None, after: int | None) -> Phrase:
    if before == after:
        return Phrase("size.same", {"after": None if after is None else Size(after)})
    sizes = {"before": before, "after": after}
    return Phrase("size.both", {name: None if count is None else Size(count) for name, count in sizes.items()})
