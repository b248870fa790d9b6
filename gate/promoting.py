"""Moving stages by the settings of a project: promote what was judged, finish what was begun, roll back."""

from __future__ import annotations

import getpass
import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gate import attesting, comparing, inspecting, isolating, staffing, storing, trusting
from gate.config import Config
from gate.domain import Artifact, JsonValue, Promotion, Report, Stage
from gate.errors import GateError, RefusedError
from gate.request import Narrator
from gate.scoring.launching import Launcher
from gate.scoring.session import WorkerFailedError

if TYPE_CHECKING:
    from gate.registry import Mover, PromotionSettings, Registry

    Record = Callable[[Registry, Report, Mapping[str, Path], Path], None]
    """Records a verdict that was verified: the report, its files by name, and the folder that the report lies in."""

JOURNAL = "journal.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRequest:
    """What is to be promoted; `report` is a file that another job made, None for the recorded one."""

    model: str
    version: str
    stage: Stage
    report: Path | None = None
    approved_by: tuple[str, ...] = ()


def promote(request: PromotionRequest, config: Config, narrator: Narrator, record: Record) -> Promotion:
    """Promote a version that has a valid verdict: a recorded one, or that of a report file, which is then recorded.

    Raises:
        RefusedError: there is no verdict, it is not believed, or it does not allow the promotion.
    """
    people = ensure_approved(config, request.model, request.stage, request.approved_by)
    trust = trusting.trust_of(config, request.model)
    registry = storing.connect(config)
    version = comparing.resolve(registry, request.model, request.version)
    with ExitStack() as stack:
        with narrator.step("Read the verdict"):
            if request.report is None:
                found, keep = _recorded(registry, (request.model, version), trust, narrator), _nothing
            else:
                found, files = stack.enter_context(
                    trusting.handed_over(request.report, (request.model, version), trust)
                )
                _ensure_newest(registry, found, request.report)
                keep = partial(record, registry, found, files, request.report.parent)
        with narrator.step(f"Promote to {request.stage}"):
            return promoted(registry, found, config, request.stage, (people, narrator, keep))


def ensure_approved(config: Config, model: str, stage: Stage, approved_by: Iterable[str]) -> tuple[str, ...]:
    """Count who approves, each person once; give the names as the history keeps them.

    Raises:
        RefusedError: they are too few.
    """
    people = {_folded(name): _printable(name) for name in approved_by if _printable(name)}
    wanted = config.model(model).promotion.approvals.get(stage, 0)
    if len(people) < wanted:
        raise RefusedError(
            f"A promotion to {stage} needs {wanted} approval{'' if wanted == 1 else 's'}, {len(people)} given.",
            remedy="Give --approved-by WHO, once for each person.",
        )
    return tuple(sorted(people.values()))


def promoted(
    registry: Registry,
    found: Report,
    config: Config,
    stage: Stage,
    mover: tuple[tuple[str, ...], Narrator, Callable[[], None]],
) -> Promotion:
    """Promote by a report; `mover` is who approved, who tells people, what to do once the verdict is found valid."""
    from gate import registry as rooms

    people, narrator, when_valid = mover
    with _mover(_Who(people=people, trust=trusting.trust_of(config, found.model)), narrator, when_valid) as who:
        return rooms.promote(registry, found, to=stage, settings=settings_of(config, found.model), mover=who)


def resume(model: str, config: Config, narrator: Narrator) -> str:
    """Finish what a process left open that died, here or elsewhere; say what became of it.

    Raises:
        RefusedError: it was not valid any more, and was undone.
    """
    from gate import registry as rooms

    registry = storing.connect(config)
    with (
        narrator.step("Look for what was left open"),
        _mover(_Who(trust=trusting.trust_of(config, model)), narrator) as who,
    ):
        settled = rooms.resume(registry, model, settings=settings_of(config, model), mover=who)
    if settled is None:
        return f"Nothing was left open of {model}."
    if not settled.done:
        raise RefusedError(settled.line(), remedy="")
    return settled.line()


def rollback(model: str, stage: Stage, version: str | None, config: Config, narrator: Narrator) -> Promotion:
    """Give a stage back to a former holder, None for the one before.

    Raises:
        RefusedError: there is none; or its files are gone, were changed, or do not load.
    """
    from gate import registry as rooms

    registry = storing.connect(config)
    with narrator.step(f"Roll {stage} back"), _mover(_Who(trust=trusting.trust_of(config, model)), narrator) as who:
        return rooms.rollback(
            registry, model, (stage, version), settings_of(config, model), who, partial(_load, config, model)
        )


def _load(config: Config, model: str, artifact: Artifact, flavors: Mapping[str, Mapping[str, JsonValue]]) -> None:
    """Load a model apart from this process, as it would be loaded to be judged.

    Raises:
        RefusedError: it must not be loaded, or does not load here.
        GateError: this machine does not isolate models as `isolation.minimum` asks, or the process does not start.
    """
    level = isolating.level_of(config)
    denied = inspecting.looked_at(artifact, flavors, config.model(model), level).denied
    if denied:
        raise RefusedError(
            f"The version to go back to was not loaded: {denied}.",
            remedy="Change security.policy in gate.yaml, or name another former holder with --to.",
        )
    with _launcher(config, model, artifact) as launcher, launcher.start() as worker:
        try:
            worker.load(artifact.path)
        except WorkerFailedError as error:
            failure = error.failure
            if failure.stage == "start":
                raise GateError(
                    f"A worker process did not start: {failure.kind}: {failure.text}",
                    remedy="See isolation.memory_mb and the output of `gate doctor`.",
                ) from None
            raise RefusedError(
                f"The version to go back to does not load: {failure.kind}: {failure.text}",
                remedy="Install what it needs, or name another former holder with --to.",
            ) from None


def _launcher(config: Config, model: str, artifact: Artifact) -> Launcher:
    """Give what starts processes that can load this version, in its own environment where the settings say so.

    Raises:
        RefusedError: there is no such environment.
    """
    enclosure = isolating.enclosure_of(config, artifact.path)
    if not staffing.builds(config, model):
        return isolating.launcher(config, enclosure)
    try:
        python = staffing.equipment(artifact, enclosure, config).built.python
    except staffing.UnequippedError as error:
        raise RefusedError(
            f"The version to go back to was not loaded: {error}.", remedy="Name another former holder with --to."
        ) from None
    return isolating.launcher(config, enclosure.of_python(python))


def settings_of(config: Config, model: str) -> PromotionSettings:
    """Give what a promotion needs of a model's settings."""
    from gate import registry as rooms

    settings = config.model(model).promotion
    return rooms.PromotionSettings(
        policy_digest=config.policy_digest(model),
        aliases=settings.aliases,
        legacy_stages=settings.legacy_stages,
        staging_first=settings.order == "staging_first",
        journal=storing.report_folder(None, config, model, 0).parent / JOURNAL,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    """Who approved a move, and whose verdicts are believed."""

    people: tuple[str, ...] = ()
    trust: attesting.Trust


@contextmanager
def _mover(who: _Who, narrator: Narrator, when_valid: Callable[[], None] = lambda: None) -> Iterator[Mover]:
    """Make who moves a stage: the approvers, else whoever runs the gate; copies go to a folder of its own."""
    from gate import registry as rooms

    def verdict_on(registry: Registry, model: str, version: int) -> Report:
        return trusting.recorded(registry, model, version, who.trust).report

    with tempfile.TemporaryDirectory(prefix="gate-") as room:
        yield rooms.Mover(
            by=", ".join(who.people) or _user(),
            into=Path(room),
            waiting=rooms.Waiting(say=narrator.say),
            when_valid=when_valid,
            verdict_on=verdict_on,
        )


def _recorded(registry: Registry, version: tuple[str, int], trust: attesting.Trust, narrator: Narrator) -> Report:
    verified = trusting.recorded(registry, *version, trust)
    for remark in verified.remarks:
        narrator.say(remark)
    return verified.report


def _ensure_newest(registry: Registry, found: Report, path: Path) -> None:
    """Refuse the report of a file where the version was judged since: an old pass does not outvote a new fail."""
    from gate import registry as rooms

    model, version = found.model, found.candidate.version
    recorded = rooms.recorded_report(registry, model, version)
    if recorded is not None and recorded.finished_at > found.finished_at:
        raise RefusedError(
            f"{path} is of {found.finished_at}, and version {version} of {model!r} was judged since: "
            f"{recorded.verdict.value} at {recorded.finished_at}.",
            remedy="Leave --report out to promote by the newer verdict, or judge the version again.",
        )


def _nothing() -> None:
    """Do nothing: the verdict is recorded already."""


def _folded(name: str) -> str:
    """One person is one name, however it is spelled."""
    return unicodedata.normalize("NFKC", _printable(name)).casefold()


def _printable(name: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def _user() -> str:
    """Whoever runs the gate: in GitHub Actions the person who triggered it."""
    try:
        return os.environ.get("GITHUB_ACTOR") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def told(promotion: Promotion) -> list[str]:
    """Say what a promotion or a rollback did, a line each."""
    before = f", before: v{promotion.former}" if promotion.former is not None else ""
    again = " again" if promotion.action == "rollback" and promotion.former is not None else ""
    held = f"{promotion.model} v{promotion.version} holds {promotion.stage}{again} (alias {promotion.alias!r}{before})"
    return [held, *promotion.notes]
