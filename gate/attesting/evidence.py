"""The files that a verdict consists of: report.json, the statement about it, the signed envelope."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from gate.attesting import envelope, statement
from gate.attesting.keys import SigningKey
from gate.domain import Report
from gate.errors import UsageError

REPORT = "report.json"
STATEMENT = "statement.json"
ENVELOPE = "statement.dsse.json"
_REPORT_CAP = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The bytes of each file as they were read, once: what is verified is what is used. None where there is none.

    `name` is what people call the report.
    """

    name: str
    report: bytes
    statement: bytes | None = None
    envelope: bytes | None = None

    def without_leftovers(self) -> Evidence:
        """Leave out an envelope of an earlier verdict: a store keeps the file when a later verdict is not signed."""
        try:
            left_over = self.envelope is not None and envelope.read(self.envelope).payload != self.statement
            claimed = json.loads(self.report)["gate"].get("signed_by")
        except (envelope.BrokenEnvelopeError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
            return self
        return replace(self, envelope=None) if left_over and claimed is None else self

    def completed(self, report: Report) -> Evidence:
        """Put the statement beside a report that has none: what was signed, else what follows from the report."""
        if self.statement is not None:
            return self
        if self.envelope is not None:
            return replace(self, statement=envelope.read(self.envelope).payload)
        return replace(self, statement=statements(report, self.report, None)[STATEMENT])

    def spread(self, folder: Path) -> dict[str, Path]:
        """Write the files that there are into a folder; give each with its name."""
        files = {REPORT: self.report, STATEMENT: self.statement, ENVELOPE: self.envelope}
        for name, text in files.items():
            if text is not None:
                (folder / name).write_bytes(text)
        return {name: folder / name for name, text in files.items() if text is not None}


def statements(report: Report, text: bytes, key: SigningKey | None) -> dict[str, bytes]:
    """Give the files that belong beside a report whose file holds `text`: name -> bytes."""
    payload = statement.dumps(statement.statement_of(report, text))
    signed = {ENVELOPE: envelope.seal(payload, key)} if key is not None else {}
    return {STATEMENT: payload, **signed}


def beside(path: Path) -> Evidence:
    """Read a report file and the statements that lie beside it.

    Raises:
        UsageError: one of them cannot be read, or is far too large.
    """
    return Evidence(
        name=str(path),
        report=_read(path, _REPORT_CAP),
        statement=_optional(path.parent / STATEMENT),
        envelope=_optional(path.parent / ENVELOPE),
    )


def _optional(path: Path) -> bytes | None:
    return _read(path, envelope.SIZE_CAP) if path.exists() else None


def _read(path: Path, cap: int) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(cap + 1)
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be read: {error.strerror}."
            if path.name not in {STATEMENT, ENVELOPE}
            else f"{path} cannot be read: {error.strerror}.",
            remedy="Run `gate check MODEL VERSION` first.",
        ) from None
    if len(text) > cap:
        raise UsageError(f"{path} is larger than {cap // 2**20} MiB.", remedy="Give the report.json of a check.")
    return text
