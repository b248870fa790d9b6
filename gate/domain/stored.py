"""What is stored with a version, and what two versions are compared on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gate.domain.inspected import Inspection
from gate.domain.terms import JsonValue

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


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
    artifact_refused: bool = False
    """Whether the files are there, and break the rules for a tree of files: then there is no `artifact`."""
    flavor_settings: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    """What MLmodel says of each flavour."""
    inspection: Inspection | None = None
    """What the files are, once they were looked at."""
    withheld: str | None = None
    """Why the files are there and must not be loaded all the same, None where they may."""
    unequipped: str | None = None
    """Why there is no environment that the version could run in, None where there is one."""

    @property
    def digest(self) -> str | None:
        """The digest of the artifact's tree, None where there is none."""
        return self.artifact.digest if self.artifact else None

    @property
    def denied(self) -> str:
        """Why the version must not be loaded, empty where it may be."""
        return self.inspection.denied if self.inspection else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which of the rows were looked at, where not all were by everything.

    Of `rows_total` rows in the set both versions answered `rows_judged`, the `share`. Checks that need all rows at once
    looked at `rows_sampled` of these. They were drawn by what each row holds and the `seed`.
    """

    rows_total: int
    rows_judged: int
    rows_sampled: int
    share: float
    seed: int

    @classmethod
    def of(cls, *, total: int, judged: int, sampled: int, seed: int) -> Coverage:
        """Put the share beside the counts."""
        return cls(rows_total=total, rows_judged=judged, rows_sampled=sampled, share=judged / total, seed=seed)


class RowStream(Protocol):
    """Rows that do not fit in memory. The same rows every time, with their numbers in the set."""

    def batches(self, rows: int) -> Iterator[tuple[pa.Table, np.ndarray[Any, Any]]]:
        """Give all judged rows in batches of at most `rows`, each with its rows' numbers (int64, shape (m,))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationData:
    """The rows that both versions answer.

    `table` holds all columns, features, targets and id alike; `target` is the label's column, or several. `source`
    says where it comes from, for people; `digest` is `sha256:` over the files it was read from (or over the Arrow
    stream where there is no file).
    """

    table: pa.Table
    source: str
    digest: str
    target: str | tuple[str, ...] | None
    id: str | None
    slices: tuple[JsonValue, ...] = ()
    positions: np.ndarray[Any, Any] | None = None
    """Where the table's rows stand in the whole set (int64, shape (n,)), None where the table is the whole set."""
    coverage: Coverage | None = None
    """What the table leaves out, None where it leaves nothing out."""
    stream: RowStream | None = None
    """All rows, where the table is a sample of them."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns with the labels, () where there are none."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target or ())

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
