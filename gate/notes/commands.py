"""The commands that a reader of a note runs next."""

from __future__ import annotations

import shlex

from gate.notes.found import Plain
from gate.notes.values import Commands, Phrase

PROMOTABLE = ("pass", "pass_with_warnings")


def commands(report: Plain) -> Commands:
    """Give the commands to judge again, to look closer, to promote and to go back, as far as each can be done."""
    model, version = report["model"], report["candidate"]["version"]
    baseline = report["baseline"]
    lines = [*_checkout(report), (Phrase("command.check"), _judge(model, version, baseline))]
    lines += [(Phrase("command.explain"), f"gate explain {shlex.quote(each['id'])}") for each in _first_problem(report)]
    if report["verdict"] in PROMOTABLE and report["gate"]["only"] is None:
        lines.append((Phrase("command.promote"), _promote(model, version)))
    else:
        lines.append((Phrase("command.not_promotable"), "gate history " + _name(model)))
    if baseline:
        lines.append((Phrase("command.back"), _promote(model, baseline["version"])))
    lines.append((Phrase("command.note"), f"gate note {_name(model, str(version))}"))
    return Commands(lines)


def _checkout(report: Plain) -> list[tuple[Phrase, str]]:
    commit = report["diff"]["code"]["candidate_commit"]
    return [(Phrase("command.checkout"), f"git checkout {shlex.quote(commit)}")] if commit else []


def _judge(model: str, version: int, baseline: Plain | None) -> str:
    against = str(baseline["version"]) if baseline else "none"
    return f"gate check --baseline {against} {_name(model, str(version))}"


def _promote(model: str, version: int) -> str:
    return f"gate promote --to production {_name(model, str(version))}"


def _first_problem(report: Plain) -> list[Plain]:
    """The check that the first reason names."""
    named = {reason.partition(" ")[0] for reason in report["reasons"][:1]}
    return [each for each in report["checks"] if each["id"] in named]


def _name(model: str, version: str = "") -> str:
    """Quote a model's name for a shell; `--` ends the options, since `--help` is a legal name."""
    quoted = f"{shlex.quote(model)} {version}".rstrip()
    return f"-- {quoted}" if model.startswith("-") else quoted
