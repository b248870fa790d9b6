"""Where notes lie, and writing them so that a reader never meets half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gate.errors import GateError

if TYPE_CHECKING:
    from gate.domain import Report

FRAGMENT = "next.md"
"""The file, beside a model's notes, in which people say why this release is made."""
_FRAGMENT_CAP_BYTES = 20_000


def slug(model: str) -> str:
    """Give the folder's name of a model (contract, section 6); different names never share one."""
    name = re.sub(r"[^a-z0-9._-]", "-", model.lower())
    if name == model:
        return name
    return f"{name}-{hashlib.sha256(model.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def write_notes(
    report: Report, directory: Path, formats: Sequence[str] = ("md",), lang: str = "en", template: Path | None = None
) -> list[Path]:
    """Write the release note in every format, with its figures, all of it or nothing, and give the notes.

    Figures lie in the folder `v<N>` beside the Markdown, which refers to them; the HTML page holds its own.

    Raises:
        GateError: the folder or a file cannot be written.
        UsageError: an unknown format or language, or an error in the user's template.
    """
    from gate.notes.rendering import figures, render

    folder, name = directory / slug(report.model), f"v{report.candidate.version}"
    fragment = _fragment(folder / FRAGMENT)
    notes = {
        folder / f"{name}.{each}": render(report, format=each, lang=lang, template=template, fragment=fragment)
        for each in formats
    }
    drawn = {folder / name / each: text for each, text in figures(report, lang).items()} if "md" in formats else {}
    _write(folder, drawn | notes)
    if "md" in formats and not drawn:
        _drop_figures(folder / name)
    return list(notes)


def _fragment(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_FRAGMENT_CAP_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _write(folder: Path, texts: Mapping[Path, str]) -> None:
    """Write beside the places, then rename, the figures first: a reader sees the old note or the new one, whole."""
    temporaries: list[Path] = []
    path = list(texts)[-1]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            temporaries.append(_temporary(folder, path.suffix, text))
        for path, temporary in zip(texts, temporaries, strict=True):
            path.parent.mkdir(exist_ok=True)
            temporary.replace(path)
    except OSError as error:
        _remove(temporaries)
        raise GateError(
            f"The release note {path} cannot be written: {error.strerror or error}.",
            remedy="Make the folder writable and free some space, or name another with release_notes.dir.",
        ) from None


def _temporary(folder: Path, suffix: str, text: str) -> Path:
    """Write a file that is complete and on the disk, under a name of its own."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".note-", suffix=suffix)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
    except OSError:
        _remove([Path(name)])
        raise
    return Path(name)


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def _drop_figures(folder: Path) -> None:
    """Remove the figure of an earlier judgement, which the note no longer refers to, and the folder if that was all."""
    from gate.notes.figure import NAME

    _remove([folder / NAME])
    with contextlib.suppress(OSError):
        folder.rmdir()
