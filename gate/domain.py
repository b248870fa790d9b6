"""The nouns of a release gate, as frozen values. Standard library only, so that every room can share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

JsonValue = Any
"""What JSON can hold: None, bool, int, float, str, lists and string-keyed dicts of these."""


class Verdict(StrEnum):
    """What the gate says of a candidate."""

    PASS = "pass"
    PASS_WITH_WARNINGS = "pass_with_warnings"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Status(StrEnum):
    """How one check ended. An error is the gate's fault, not the model's."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    ERROR = "error"


class Severity(StrEnum):
    """How much a result weighs."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Category(StrEnum):
    """What a check looks at. The first half of its identity."""

    CONTRACT = "contract"
    OUTLIERS = "outliers"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    REPRODUCIBILITY = "reproducibility"
    SECURITY = "security"


class Stage(StrEnum):
    """Where a version can be promoted to."""

    STAGING = "staging"
    PRODUCTION = "production"


class Task(StrEnum):
    """What the model's answers are."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"
    PROBABILITY = "probability"
    FORECAST = "forecast"
    TEXT = "text"
    EMBEDDING = "embedding"
    OTHER = "other"


# --- what is stored with a version -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFile:
    """One file of an artifact: its POSIX path below the root in NFC, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A private local copy of a version's files, and the digest of the whole tree (`sha256:<hex>`)."""

    path: Path
    files: tuple[ArtifactFile, ...]
    digest: str

    @property
    def size_bytes(self) -> int:
        """The sum of the files' sizes."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input, output or parameter of a signature.

    `type` is MLflow's name of the type ("double", "long", "string", …; "object", "array", "map" and "any" with
    `detail` their JSON), or the NumPy name of a tensor's type, in which case `shape` is its shape with -1 for any.
    """

    name: str | None
    type: str
    required: bool = True
    shape: tuple[int, ...] | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a model takes and answers; a part that was not logged is None."""

    inputs: tuple[Field, ...] | None
    outputs: tuple[Field, ...] | None
    params: tuple[Field, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDataset:
    """A dataset that the run logged. `source` is MLflow's JSON text; rows and columns are None where unknown."""

    name: str
    digest: str
    context: str | None
    source_type: str
    source: str
    rows: int | None
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a run holds. `deleted` runs are still readable; metrics are the last values."""

    run_id: str
    name: str
    deleted: bool
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    datasets: tuple[LoggedDataset, ...]
    source_files: tuple[str, ...] = ()
    """Artifact paths of the run that look like source code or data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that is stored with one registered version, as it was when the gate looked.

    `artifact` is None where the files cannot be had; `artifact_problem` then says why, as a sentence about the
    model. `tags` leaves the gate's own marks out. `requirements` are the lines of requirements.txt, `environment`
    is {"python": "3.11.7", "mlflow": "3.17.2", …} as MLmodel has it, `flavors` the names in MLmodel.
    """

    model: str
    version: int
    run_id: str | None
    model_id: str | None
    source: str | None
    created_at: str | None
    description: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    legacy_stage: str | None
    run: RunFacts | None
    signature: Signature | None
    requirements: tuple[str, ...]
    environment: Mapping[str, str]
    flavors: tuple[str, ...]
    artifact: Artifact | None
    artifact_problem: str | None = None
    input_example: str | None = None
    """Path of the input example below the artifact's root, as MLmodel names it."""

    @property
    def digest(self) -> str | None:
        """The digest of the artifact's tree, None where there is none."""
        return self.artifact.digest if self.artifact else None


# --- what is compared --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationData:
    """The rows that both versions answer.

    `table` holds all columns, features, target and id alike. `source` says where it comes from, for people;
    `digest` is `sha256:` over the files it was read from (or over the Arrow stream where there is no file).
    """

    table: pa.Table
    source: str
    digest: str
    target: str | None
    id: str | None
    slices: tuple[JsonValue, ...] = ()

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.table.num_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A candidate, what it is compared with, and the rows that both answer."""

    candidate: Snapshot
    baseline: Snapshot | None
    baseline_chosen_by: str | None
    data: EvaluationData | None


# --- what the models answered ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a version could not be scored.

    `stage` is where: "start", "load", "predict", "protocol". `kind` is the exception's class, or "Timeout",
    "Killed", "Exited", "Memory". `text` is one line. `output` is the tail of what the worker printed.
    """

    stage: str
    kind: str
    text: str
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The same rows asked in another way: `rows` (int64, shape (m,)) index the evaluation data, `table` has m rows."""

    name: Literal["repeated", "alone", "shuffled"]
    rows: np.ndarray[Any, Any]
    table: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one version answered.

    `table` has the columns of the contract's section 9 (`prediction`, `proba_<class>`, …), None on failure.
    `classes` are the labels behind the `proba_` columns, in order. `positional` says that input or output agree
    with the signature only by position. `matrix` says that the answer was a bare two-dimensional array.
    """

    table: pa.Table | None
    failure: Failure | None
    classes: tuple[JsonValue, ...] = ()
    twins: tuple[Twin, ...] = ()
    positional: bool = False
    load_s: float | None = None
    predict_s: float | None = None
    output: str = ""


# --- what was timed ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyPairs:
    """Interleaved block medians of one scenario: seconds a call, float64, shape (pairs,), candidate and baseline."""

    scenario: str
    batch_size: int
    calls_per_block: int
    candidate_cpu_s: np.ndarray[Any, Any]
    baseline_cpu_s: np.ndarray[Any, Any]
    candidate_wall_s: np.ndarray[Any, Any]
    baseline_wall_s: np.ndarray[Any, Any]
    stopped_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """All that was timed; `problem` says why there is nothing."""

    environment: Mapping[str, JsonValue]
    method: str
    latency: tuple[LatencyPairs, ...] = ()
    problem: str | None = None


# --- what was found ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number of a check, with what it is held against."""

    name: str
    value: float | int | str | None
    unit: str | None = None
    baseline: float | int | str | None = None
    limit: float | int | str | None = None
    ci: tuple[float | str, float | str] | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTest:
    """One three-ended comparison with margin m, before the confidence is shared.

    `loss` is positive where the candidate is worse, in the metric's unit, with its standard error.
    `p_beyond` is the one-sided p-value against "the loss is at most m": small means worse beyond the margin.
    `p_within` is the one-sided p-value against "the loss is at least 2m": small means that 2m is excluded.
    """

    name: str
    loss: float
    standard_error: float
    margin: float
    p_beyond: float
    p_within: float
    needed_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one check found, before severities, waivers and the sharing of confidence are settled.

    A check with `tests` is settled from them: its status here is what it is without them (passed, or failed by a
    fixed limit).
    """

    id: str
    title: str
    category: Category
    severity: Severity
    status: Status
    message: str = ""
    duration_s: float = 0.0
    measurements: tuple[Measurement, ...] = ()
    rows: tuple[Mapping[str, JsonValue], ...] = ()
    rows_total: int = 0
    tests: tuple[LossTest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A named person's dated exception. `expires` is an ISO date, the last day on which it holds."""

    check: str
    owner: str
    reason: str
    expires: str


# --- the report: section 4 of the contract, key by key -------------------------------------------------------------


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
class LatencyResult:
    """Latency of one scenario: seconds a call, and the candidate's CPU time as a share of the baseline's."""

    scenario: str
    batch_size: int
    pairs: int
    calls_per_block: int
    candidate_cpu_s: float
    baseline_cpu_s: float
    candidate_wall_s: float
    baseline_wall_s: float
    cpu_ratio: float
    cpu_ratio_ci: tuple[float | str, float | str]
    wall_ratio: float
    wall_ratio_ci: tuple[float | str, float | str]
    confidence: float
    stopped_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """The benchmark section. `raw` is the path of the raw pairs beside the report."""

    environment: Mapping[str, JsonValue] = field(default_factory=dict)
    method: str = ""
    latency: tuple[LatencyResult, ...] = ()
    throughput: tuple[JsonValue, ...] = ()
    load_s: Mapping[str, float | None] = field(default_factory=dict)
    peak_rss_bytes: Mapping[str, int | None] = field(default_factory=dict)
    raw: str | None = None


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
    """The code behind two versions. `note` says what is not known, and why. `dirty` is True, False or None (unknown)."""

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
    """The evaluation data in the report."""

    source: str | None = None
    digest: str | None = None
    rows: int | None = None
    columns: tuple[str, ...] = ()
    target: str | None = None
    looks: Looks = field(default_factory=Looks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where the gate ran. `packages` are the versions of those that shape the result."""

    python: str
    platform: str
    cpu: str
    cores: int
    packages: Mapping[str, str]


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


# --- promotion ---------------------------------------------------------------------------------------------------


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
    """What a promotion did: the stage, its new holder, the former one, and what is worth saying (a stage mirror that
    could not be set, say)."""

    model: str
    stage: Stage
    alias: str
    version: int
    former: int | None
    notes: tuple[str, ...] = ()
