"""Compare what is stored with two versions: only what differs, and a count of what does not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from gate.domain import Artifact, ArtifactFile, Change, Diff, Field, FilesDiff, LoggedDataset, Signature, Snapshot
from gate.notes.commits import code_between
from gate.notes.cut import cut
from gate.notes.datafiles import source_uri

CHANGES_CAP = 200
FILES_CAP = 200
_OWN_TAGS = ("mlflow.", "gate.")
_REQUIREMENT = re.compile(r"^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*((?:[\[(<>=!~;@].*)?)$")
_BOOKKEEPING = frozenset(
    [
        "artifact_path",
        "mlflow_version",
        "model_id",
        "model_size_bytes",
        "model_uuid",
        "run_id",
        "saved_input_example_info",
        "utc_time_created",
    ]
)
_MLMODEL_CAP_BYTES = 4_000_000

Flat = Mapping[str, object]
"""Named values of one kind: parameters, tags, fields of a signature."""


class _Part(NamedTuple):
    changes: tuple[Change, ...]
    omitted: int
    unchanged: int


def compare(candidate: Snapshot, baseline: Snapshot | None, repository: Path | None) -> Diff:
    """Say what differs between two versions.

    Without a baseline every entry is listed with nothing to its left, except the files, which a reader of a first
    version has no use for: what a first version consists of is what its reviewer wants to see.

    Args:
        candidate: what is stored with the candidate.
        baseline: what is stored with the baseline; None for a first version.
        repository: a local git repository to look commits up in.
    """
    parts = {name: _part(read, candidate, baseline) for name, read in _KINDS.items()}
    return Diff(
        **{name: part.changes for name, part in parts.items()},
        code=code_between(candidate, baseline, repository),
        files=_files(candidate, baseline),
        unchanged={name: part.unchanged for name, part in parts.items() if part.unchanged},
        omitted={name: part.omitted for name, part in parts.items() if part.omitted},
    )


def _part(read: Callable[[Snapshot], Flat], candidate: Snapshot, baseline: Snapshot | None) -> _Part:
    after = read(candidate)
    before = read(baseline) if baseline else {}
    names = [*after, *(name for name in before if name not in after)]
    differing = [name for name in sorted(names) if not _same(before.get(name), after.get(name))]
    kept = differing[:CHANGES_CAP]
    changes = tuple(
        Change(name=cut(name), baseline=_short(before.get(name)), candidate=_short(after.get(name))) for name in kept
    )
    return _Part(changes, len(differing) - len(kept), len(names) - len(differing))


def _same(left: object, right: object) -> bool:
    both_nan = isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right)
    return both_nan or left == right


def _short(value: object) -> object:
    return cut(value) if isinstance(value, str) else value


def _params(snapshot: Snapshot) -> Flat:
    return snapshot.run.params if snapshot.run else {}


def _metrics(snapshot: Snapshot) -> Flat:
    return snapshot.run.metrics if snapshot.run else {}


def _tags(snapshot: Snapshot) -> Flat:
    of_run = snapshot.run.tags if snapshot.run else {}
    both = {"run": of_run, "version": snapshot.tags}
    return {
        f"{holder} {name}": value
        for holder, tags in both.items()
        for name, value in tags.items()
        if not name.startswith(_OWN_TAGS)
    }


def _data(snapshot: Snapshot) -> Flat:
    """Name datasets by what they were logged for, so that another file for the same purpose is a change of it."""
    facts: dict[str, object] = {}
    for dataset in snapshot.run.datasets if snapshot.run else ():
        purpose = base = dataset.context or "no context"
        number = 1
        while f"{purpose}: name" in facts:
            number += 1
            purpose = f"{base} {number}"
        facts |= {f"{purpose}: {key}": value for key, value in _of_dataset(dataset).items() if value is not None}
    return facts


def _of_dataset(dataset: LoggedDataset) -> dict[str, object]:
    return {
        "name": dataset.name,
        "digest": dataset.digest,
        "rows": dataset.rows,
        "columns": None if dataset.columns is None else ", ".join(dataset.columns),
        "source": source_uri(dataset.source) or dataset.source_type,
    }


def _requirements(snapshot: Snapshot) -> Flat:
    return dict(_requirement(line) for line in snapshot.requirements if line.strip())


def _requirement(line: str) -> tuple[str, str]:
    """Split a line into the normalised name (PEP 503) and the rest; anything but a plain requirement stays whole."""
    found = _REQUIREMENT.match(line.strip())
    if not found:
        return line.strip(), "listed"
    name, rest = found.groups()
    ordered = rest if ";" in rest or "@" in rest else ",".join(sorted(part.strip() for part in rest.split(",")))
    return re.sub(r"[-_.]+", "-", name).lower(), ordered.strip() or "any version"


def _signature(snapshot: Snapshot) -> Flat:
    signature = snapshot.signature
    if signature is None:
        return {}
    sides = {"input": signature.inputs, "output": signature.outputs, "parameter": signature.params}
    fields_of_all = {
        f"{side} {_field_name(field, position)}": _field_type(field)
        for side, fields in sides.items()
        for position, field in enumerate(fields or ())
    }
    return {**fields_of_all, **_orders(signature)}


def _orders(signature: Signature) -> Flat:
    """Say the order of named fields as a fact of its own: callers who pass arrays rely on it."""
    sides = {"input order": signature.inputs, "output order": signature.outputs}
    return {
        side: ", ".join(_field_name(field, position) for position, field in enumerate(fields))
        for side, fields in sides.items()
        if fields and len(fields) > 1 and all(field.name for field in fields)
    }


def _field_name(field: Field, position: int) -> str:
    return field.name if field.name is not None else f"#{position}"


def _field_type(field: Field) -> str:
    shape = f" {list(field.shape)}" if field.shape is not None else ""
    optional = "" if field.required else " (optional)"
    return f"{field.type}{shape}{optional}{': ' + field.detail if field.detail else ''}"


def _environment(snapshot: Snapshot) -> Flat:
    return snapshot.environment


_KINDS: dict[str, Callable[[Snapshot], Flat]] = {
    "params": _params,
    "metrics": _metrics,
    "tags": _tags,
    "data": _data,
    "requirements": _requirements,
    "signature": _signature,
    "environment": _environment,
}


def _files(candidate: Snapshot, baseline: Snapshot | None) -> FilesDiff:
    if candidate.artifact is None or baseline is None or baseline.artifact is None:
        return FilesDiff(unchanged=0)
    after, before = _by_path(candidate.artifact.files), _by_path(baseline.artifact.files)
    both = after.keys() & before.keys()
    changed = {path for path in both if after[path].sha256 != before[path].sha256}
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    notes = {"MLmodel", "registered_model_meta", *_examples(candidate), *_examples(baseline)}
    only_notes = not (added | removed | changed) - notes
    return FilesDiff(
        added=_listed(added),
        removed=_listed(removed),
        changed=_listed(changed),
        unchanged=len(both) - len(changed),
        computes_identical=only_notes and _computing(candidate.artifact) == _computing(baseline.artifact),
    )


def _by_path(files: Iterable[ArtifactFile]) -> dict[str, ArtifactFile]:
    return {file.path: file for file in files}


def _examples(snapshot: Snapshot) -> set[str]:
    """The input example and what MLflow derives from it: files that nothing computes with."""
    return {snapshot.input_example, "serving_input_example.json"} if snapshot.input_example else set()


def _computing(artifact: Artifact) -> str | None:
    """MLmodel without the keys that only say when and by which run it was written, told apart without parsing YAML."""
    file = artifact.path / "MLmodel"
    try:
        if file.stat().st_size > _MLMODEL_CAP_BYTES:
            return None
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    blocks = re.split(r"(?m)^(?=[^\s#-])", text)
    return "".join(block for block in blocks if block.split(":", 1)[0] not in _BOOKKEEPING)


def _listed(paths: Iterable[str]) -> tuple[str, ...]:
    ordered = sorted(paths)
    more = (f"… {len(ordered) - FILES_CAP} more",) if len(ordered) > FILES_CAP else ()
    return (*(cut(path) for path in ordered[:FILES_CAP]), *more)
