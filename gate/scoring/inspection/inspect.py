"""One artifact, from its files to its class: MLmodel's plan, every file's look, the requirement lines."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from gate.domain import ArtifactClass, Finding, Inspection
from gate.scoring.inspection import onnx, requirements
from gate.scoring.inspection.budget import Budget, UnscannableError
from gate.scoring.inspection.contents import look
from gate.scoring.inspection.flavors import Plan, plan
from gate.scoring.inspection.looks import PICKLE, SKOPS, UNREADABLE, Seen, Wrong
from gate.scoring.inspection.streams import Source

_PROGRAM = "program"
_LONGEST = 200
_MOST_FINDINGS = 1000


def inspect(root: Path, paths: Sequence[str], flavors: Mapping[str, Mapping[str, Any]]) -> Inspection:
    """Look at all files of an artifact that lies in a private folder, free of links; nothing of it is imported or run.

    `paths` are its files as POSIX paths below `root`, `flavors` what MLmodel says of each flavour.
    """
    planned = plan(flavors, paths)
    budget = Budget()
    seen = {path: _look(root, path, planned, budget) for path in paths}
    seen = _with_numbers_beside(seen)
    found = [*planned.findings, *_wrong(seen, planned), *_unexpected(seen, planned)]
    declared = [*planned.declared, *_programs(seen)]
    return Inspection(
        artifact_class=_class(seen, found, declared),
        findings=tuple(map(shown, found[:_MOST_FINDINGS])),
        declared=tuple(map(shown, declared[:_MOST_FINDINGS])),
        requirements=tuple(map(shown, requirements.look(root)[:_MOST_FINDINGS])),
        formats={_cut(path): each.format for path, each in seen.items()},
    )


def _look(root: Path, path: str, planned: Plan, budget: Budget) -> Seen:
    source = Source(name=path, open=partial(_open, root / path), budget=budget)
    try:
        seen = look(source, planned.tolerance)
        return replace(seen, points_to=onnx.external_files(source)) if seen.format == "onnx" else seen
    except UnscannableError as error:
        what = str(error)
    except Exception as error:  # noqa: BLE001 - hostile files: what the gate stumbles over is not clean
        what = f"cannot be read ({type(error).__name__})"
    return Seen(format=UNREADABLE, wrong=(Wrong(file=path, symbol="", what=what),))


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _with_numbers_beside(seen: Mapping[str, Seen]) -> dict[str, Seen]:
    """Files that an ONNX model names hold its large tensors: bytes of no format. Others must not be named."""
    result = dict(seen)
    for path, each in seen.items():
        for location in each.points_to:
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), location))
            if beside in seen:
                if seen[beside].format == UNREADABLE:
                    result[beside] = Seen(format="tensors")
                continue
            wrong = Wrong(file=path, symbol=location, what="is read as the model's numbers, and is not in the artifact")
            result[path] = replace(result[path], wrong=(*result[path].wrong, wrong))
    return result


def _wrong(seen: Mapping[str, Seen], planned: Plan) -> Iterator[Finding]:
    """Where the artifact openly brings code of its own, a file that the gate cannot read adds nothing."""
    for each in seen.values():
        for wrong in each.all_wrong():
            if wrong.symbol or not planned.tolerance.any_names:
                yield Finding(file=wrong.file, symbol=wrong.symbol, what=wrong.what)


def _unexpected(seen: Mapping[str, Seen], planned: Plan) -> Iterator[Finding]:
    """A model's file must be what its loader takes it for."""
    for path, formats in planned.expected.items():
        each = seen.get(posixpath.normpath(path)) if path else None
        if each is not None and each.format not in formats and not each.all_wrong():
            wanted = " or ".join(sorted(formats))
            yield Finding(file=path, symbol="", what=f"is {each.format}, where its loader takes {wanted}")


def _programs(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    for path, each in seen.items():
        if any(_PROGRAM in format_.split() for format_ in _formats(each)):
            yield Finding(file=path, symbol="", what="holds a program")


def _formats(seen: Seen) -> Iterator[str]:
    yield seen.format
    for inner in seen.inside:
        yield from _formats(inner)


def _class(seen: Mapping[str, Seen], found: Sequence[Finding], declared: Sequence[Finding]) -> ArtifactClass:
    if found or declared:
        return ArtifactClass.CODE
    words = {word for each in seen.values() for format_ in _formats(each) for word in format_.split()}
    if words & {PICKLE, "pytorch"}:
        return ArtifactClass.PICKLE
    return ArtifactClass.SKOPS if SKOPS in words else ArtifactClass.DATA


def shown(finding: Finding) -> Finding:
    """Make a finding fit to be shown: its names are the artifact's."""
    return Finding(file=_cut(finding.file), symbol=_cut(finding.symbol), what=_cut(finding.what))


def _cut(text: str) -> str:
    """Names are the artifact's: one line, printable, not too long."""
    clean = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:_LONGEST])
    return f"{clean}…" if len(text) > _LONGEST else clean
