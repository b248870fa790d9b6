"""Which verdicts are believed: statements are written and signed with a report, and verified before a promotion."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gate import attesting, storing
from gate.attesting.keys import VARIABLE
from gate.config import Config
from gate.domain import Report
from gate.errors import RefusedError, UsageError
from gate.report import canonical

if TYPE_CHECKING:
    from gate.registry import Registry


def write_evidence(report: Report, folder: Path, key: attesting.SigningKey | None) -> Report:
    """Write report.json and the statement about it, signed where there is a key; give the report as it was written.

    A statement that an earlier run left there goes first: at no moment does one lie beside a report of another run.

    Raises:
        GateError: no space, or the folder cannot be written.
    """
    signed_by = key.public.fingerprint if key is not None else None
    report = replace(report, gate=replace(report.gate, signed_by=signed_by))
    storing.remove(folder / attesting.ENVELOPE, folder / attesting.STATEMENT)
    storing.write_report(report, folder)
    for name, text in attesting.statements(report, canonical(report).encode(), key).items():
        storing.write_whole(folder / name, text)
    return report


def trust_of(config: Config, model: str) -> attesting.Trust:
    """Give whose verdicts on a model are believed.

    Raises:
        UsageError: a trusted key cannot be read, or a signature is required and no key is trusted; with file and line.
    """
    settings = config.model(model).promotion
    place = config.place_of(model, "promotion", "trusted_keys")
    keys = attesting.public_keys(settings.trusted_keys, config.below, place)
    if settings.require_signature and not keys:
        place = config.place_of(model, "promotion", "require_signature")
        raise UsageError(
            f"{place}: promotion.require_signature is set, and promotion.trusted_keys names no key.",
            remedy="Name the public half of the key that signs verdicts; `gate keygen` makes a pair.",
        )
    return attesting.Trust(required=settings.require_signature, keys=keys)


def foretell(trust: attesting.Trust, say: Callable[[str], None]) -> None:
    """Say before an hour of work that its verdict will not be promoted.

    Raises:
        UsageError: what GATE_SIGNING_KEY holds is no ed25519 key.
    """
    key = attesting.signing_key()
    if trust.required and key is None:
        say(f"promotion.require_signature is set and {VARIABLE} is not: the verdict will not be promoted.")
    elif trust.keys and key is not None and key.public.fingerprint not in {each.fingerprint for each in trust.keys}:
        say(f"promotion.trusted_keys does not name the key of {VARIABLE}: the verdict will not be promoted.")


def signing_key(say: Callable[[str], None], isolation: str) -> attesting.SigningKey | None:
    """Give the key that signs, and warn where it could get lost.

    Raises:
        UsageError: what GATE_SIGNING_KEY holds is no ed25519 key.
    """
    key = attesting.signing_key()
    for warning in key.warnings if key is not None else ():
        say(warning)
    if key is not None and isolation == "subprocess":
        say(
            f"The model runs as the user who can read the key of {VARIABLE}, isolated by a process alone: "
            "sign only verdicts on models whose code you trust."
        )
    return key


def recorded(registry: Registry, model: str, version: int, trust: attesting.Trust) -> attesting.Verified:
    """Give the recorded verdict on a version, verified.

    Raises:
        RefusedError: there is none, or it is not believed.
    """
    from gate import registry as rooms

    files = rooms.recorded_files(registry, model, version)
    if not files:
        marked = rooms.is_marked(registry, model, version)
        raise RefusedError(
            f"The report behind the marks of version {version} of {model!r} is gone, is about other files, or is of "
            "another schema than this gate reads: it is no verdict."
            if marked
            else f"Version {version} of {model!r} has no recorded verdict.",
            remedy=f"Run `gate release {model} {version}`, or give --report FILE.",
        )
    evidence = attesting.Evidence(
        name=f"report.json (recorded for version {version} of {model!r})",
        report=files[attesting.REPORT],
        statement=files.get(attesting.STATEMENT),
        envelope=files.get(attesting.ENVELOPE),
    )
    return attesting.verify(evidence.without_leftovers(), trust, model, version)


@contextmanager
def handed_over(
    path: Path, subject: tuple[str, int], trust: attesting.Trust
) -> Iterator[tuple[Report, dict[str, Path]]]:
    """Give the report of a file, verified, and private copies of exactly the bytes that were.

    Raises:
        UsageError: the file cannot be read, or is no report.
        RefusedError: it is not believed, or is about something else.
    """
    evidence = attesting.beside(path)
    report = attesting.verify(evidence, trust, *subject).report
    with tempfile.TemporaryDirectory(prefix="gate-") as room:
        yield report, evidence.completed(report).spread(Path(room))


def released(report: Report, folder: Path, trust: attesting.Trust) -> attesting.Verified:
    """Verify the verdict that this process wrote, as any other is verified.

    Raises:
        RefusedError: it is not signed by a key that is trusted.
    """
    return attesting.verify(attesting.beside(folder / attesting.REPORT), trust, report.model, report.candidate.version)


def kept(folder: Path, report: Report) -> dict[str, Path]:
    """Give the files of a verdict that this process wrote: name -> path. None where they are of another report."""
    files = {name: folder / name for name in (attesting.REPORT, attesting.STATEMENT, attesting.ENVELOPE)}
    found = {name: path for name, path in files.items() if path.is_file()}
    path = found.get(attesting.REPORT)
    return found if path is not None and path.read_bytes() == canonical(report).encode() else {}
