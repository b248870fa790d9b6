"""Where notes lie, and writing them so that a reader never meets half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
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
    """Write the release note in every format, whole or not at all, and give the files.

    Raises:
        GateError: the folder or a file cannot be written.
        UsageError: an unknown format or language, or an error in the user's template.
    """
    from gate.notes.rendering import render

    folder = directory / slug(report.model)
    fragment = _fragment(folder / FRAGMENT)
    texts = {
        folder / f"v{report.candidate.version}.{each}": render(
            report, format=each, lang=lang, template=template, fragment=fragment
        )
        for each in formats
    }
    for path, text in texts.items():
        _write(path, text)
    return list(texts)


def _fragment(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_FRAGMENT_CAP_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    """Write beside the place, then rename: a reader sees the old note or the new one."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".note-", suffix=path.suffix)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise GateError(
            f"The release note {path} cannot be written: {error.strerror or error}.",
            remedy="Make the folder writable and free some space, or name another with release_notes.dir.",
        ) from None
