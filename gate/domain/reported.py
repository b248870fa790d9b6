"""The report, key by key (section 4 of the contract), and what a promotion did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from gate.domain.judged import Measurement, Waiver
from gate.domain.reported_speed import Benchmark
from gate.domain.stored import Coverage
from gate.domain.terms import Category, JsonValue, Severity, Stage, Status, Verdict

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check in the report."""

    id: str
    title: str
    category: Category
    severity: Severity
    status: Status
    message: str
    duration_s: float
    measurements: tuple[Measurement, ...] = ()
    rows: tuple[Mapping[str, JsonValue], ...] = ()
    rows_total: int = 0
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInfo:
    """Which gate judged, by which policy. `only` names the categories of a partial check, None for a whole one."""

    version: str
    policy_digest: str
    only: tuple[Category, ...] | None = None
    strict: bool = False
    holders: Mapping[str, int] = field(default_factory=dict)
    """Who held each stage when the gate looked: a promotion is stale when that has changed."""
    signed_by: str | None = None
    """Fingerprint of the key that signs the verdict (`sha256:…`), None where none does. The signature proves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedVersion:
    """A version in the report; what is unknown is None. `chosen_by` is None for the candidate."""

    version: int
    run_id: str | None
    model_id: str | None
    source: str | None
    digest: str | None
    size_bytes: int | None
    chosen_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many checks ended how; `warnings` counts what made the verdict a pass with warnings."""

    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    skipped: int = 0
    error: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs: what it was in the baseline and is in the candidate; None where it is absent."""

    name: str
    baseline: JsonValue
    candidate: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit between two versions. `at` is RFC 3339."""

    sha: str
    author: str
    at: str
    subject: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDiff:
    """The code behind two versions.

    `note` says what is not known, and why. `dirty` is True, False, or None where nobody knows.
    """

    baseline_commit: str | None = None
    candidate_commit: str | None = None
    repository: str | None = None
    commits: tuple[Commit, ...] = ()
    dirty: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesDiff:
    """The artifacts file by file. `computes_identical`: everything but MLflow's own bookkeeping is the same bytes."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: int = 0
    computes_identical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What differs between baseline and candidate; against nothing where there is no baseline."""

    params: tuple[Change, ...] = ()
    metrics: tuple[Change, ...] = ()
    tags: tuple[Change, ...] = ()
    data: tuple[Change, ...] = ()
    code: CodeDiff = field(default_factory=CodeDiff)
    files: FilesDiff = field(default_factory=FilesDiff)
    requirements: tuple[Change, ...] = ()
    signature: tuple[Change, ...] = ()
    environment: tuple[Change, ...] = ()
    unchanged: Mapping[str, int] = field(default_factory=dict)
    """How many entries of each kind are the same in both."""
    omitted: Mapping[str, int] = field(default_factory=dict)
    """How many differing entries of each kind were left out, beyond the first few hundred."""


class ItemState(StrEnum):
    """How well one thing that a rebuild needs is kept."""

    VERIFIED = "verified"
    PRESENT = "present"
    MISSING = "missing"
    CONTRADICTORY = "contradictory"


REPRODUCIBILITY_ITEMS = (
    "source_code",
    "metrics",
    "parameters",
    "model_file",
    "training_data",
    "preprocessing_code",
    "preprocessed_data",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproducibilityItem:
    """One of the seven things a rebuild needs. `fix` is the command or line of code that mends it."""

    name: str
    state: ItemState
    present: bool
    evidence: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproducibility:
    """Always all seven items, in the order of REPRODUCIBILITY_ITEMS."""

    items: tuple[ReproducibilityItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Uses of an evaluation set; None where they are not counted."""

    used: int | None = None
    planned: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInfo:
    """The evaluation data in the report. `rows` is the number of rows that both versions answered."""

    source: str | None = None
    digest: str | None = None
    rows: int | None = None
    columns: tuple[str, ...] = ()
    target: str | None = None
    looks: Looks = field(default_factory=Looks)
    coverage: Coverage | None = None
    """Which rows of the set were judged, None where all were, by everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEnvironment:
    """The environment that a version ran in: the digest of what it was made of, and what is installed in it."""

    digest: str
    python: str
    packages: Mapping[str, str]
    note: str = ""
    """What is worth saying of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where the gate ran. `packages` are the versions of those that shape the result."""

    python: str
    platform: str
    cpu: str
    cores: int
    packages: Mapping[str, str]
    models: Mapping[str, ModelEnvironment] = field(default_factory=dict)
    """By version ("candidate", "baseline") where it ran in an environment of its own; else it ran in the gate's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole of report.json. Everything that people read is rendered from it alone."""

    schema: Literal["gate.report/1"]
    gate: GateInfo
    model: str
    candidate: ReportedVersion
    baseline: ReportedVersion | None
    verdict: Verdict
    reasons: tuple[str, ...]
    counts: Counts
    checks: tuple[CheckResult, ...]
    benchmark: Benchmark
    diff: Diff
    reproducibility: Reproducibility
    data: DataInfo
    isolation: str
    environment: Environment
    started_at: str
    finished_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One line of the append-only history. `from_version` and `to_version` are null where nobody held the stage."""

    at: str
    action: str
    stage: str
    from_version: int | None
    to_version: int | None
    verdict: str | None
    digest: str | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What a promotion or a rollback (`action`) did: the stage, its new holder, the former one.

    `notes` hold what is worth saying: a stage mirror that could not be set, say.
    """

    model: str
    stage: Stage
    alias: str
    version: int
    former: int | None
    action: str = "promote"
    notes: tuple[str, ...] = ()
