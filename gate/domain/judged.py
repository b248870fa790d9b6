"""What the models answered, what was timed, what the checks found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gate.domain.terms import Category, JsonValue, Severity, Status

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


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
    """The same rows asked in another way: `rows` (int64, shape (m,)) index the evaluation data, `table` has m rows.

    `name` is repeated, shuffled, alone, split, twice, columns, optional, elsewhere, or relation:<title> for changed
    inputs. Where the model failed to answer there is no table, and the failure.
    """

    name: str
    rows: np.ndarray[Any, Any]
    table: pa.Table | None
    failure: Failure | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPairs:
    """One scenario timed in adjacent pairs: the same rows asked of both versions, one right after the other.

    `judged_as` is latency or throughput; `warn` and `block` are its tolerances on time, as shares. Arrays have shape
    (pairs,): int64 nanoseconds of `calls` calls of `batch_size` rows each, timed together; `crew` (int64) says which
    pair of processes answered; `unseen` (bool) that these processes were asked these rows for the first time.
    """

    scenario: str
    judged_as: str
    warn: float
    block: float
    batch_size: int
    calls: int
    candidate_cpu_ns: np.ndarray[Any, Any]
    baseline_cpu_ns: np.ndarray[Any, Any]
    candidate_wall_ns: np.ndarray[Any, Any]
    baseline_wall_ns: np.ndarray[Any, Any]
    crew: np.ndarray[Any, Any]
    unseen: np.ndarray[Any, Any]
    stopped_by: str = ""

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return len(self.crew)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One cold start of one version ("candidate" or "baseline"): CPU seconds, bytes, and threads after two calls.

    `wall_s` are the seconds from the order to load until the first answer, by the gate's clock.
    """

    side: str
    load_cpu_s: float
    first_cpu_s: float
    second_cpu_s: float
    wall_s: float
    peak_rss_bytes: int | None
    threads: int | None

    @property
    def cpu_s(self) -> float:
        """Loading and the first answer together."""
        return self.load_cpu_s + self.first_cpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Endurance:
    """Resident memory of one version ("candidate" or "baseline") after so many calls, both in the order of calls."""

    side: str
    calls: tuple[int, ...]
    rss_bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """Rows a second by the wall clock while so many threads of one process predict at once."""

    side: str
    threads: int
    rows_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """All that was timed; `problem` says why there is nothing.

    `processes` says how the timed processes came about: "forked" (from one that imported the libraries) or "fresh".
    `harness_ns` is the CPU of a ping, which is what the gate adds to a timed token. `confidence` is that of the
    settings, `p99_s` the objective that callers have, None for the default.
    """

    environment: Mapping[str, JsonValue]
    method: str
    confidence: float = 0.99
    p99_s: float | None = None
    processes: str = "forked"
    pairs: tuple[TimedPairs, ...] = ()
    harness_ns: float | None = None
    starts: tuple[Start, ...] = ()
    endurance: tuple[Endurance, ...] = ()
    concurrency: tuple[Concurrency, ...] = ()
    notes: tuple[str, ...] = ()
    failed: str | None = None
    """The side that broke down while it was timed, "candidate" or "baseline"."""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRun:
    """One run of the load generator: a value a request, in the order in which they were due.

    `rate` is the requests a second that each version gets, None where a request waits for the answer before it.
    Arrays have shape (requests,): `side` (int64) is the place in `Served.sides`, `due_ns` when the request was due,
    `late_ns` how much later it was sent, `took_ns` the time from due to answered; `status` is HTTP's, 0 for no answer.
    """

    rate: float | None
    side: np.ndarray[Any, Any]
    due_ns: np.ndarray[Any, Any]
    late_ns: np.ndarray[Any, Any]
    took_ns: np.ndarray[Any, Any]
    status: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """All that was asked of served versions: `sides` are "candidate", then "baseline" where there is one.

    `problems` says of a side what went wrong.
    """

    sides: tuple[str, ...]
    runs: tuple[ServedRun, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)


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
    `p_critical`, where there are two margins, is the one-sided p-value against "the loss is at most the critical
    margin": the failure is critical where it is small, and a warning where only `p_beyond` is; undecided is a warning.
    """

    name: str
    loss: float
    standard_error: float
    margin: float
    p_beyond: float
    p_within: float
    p_critical: float | None = None
    needed_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offending:
    """Rows that a check named, worst first: `positions` (int64, shape (m,)) in the evaluation data, at most ROWS_FILED.

    `columns` hold what the check says of each, m values a name.
    """

    positions: np.ndarray[Any, Any]
    columns: Mapping[str, Any]


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
    offending: tuple[Offending, ...] = field(default=(), compare=False, repr=False)
    """All offending rows by position, for the file beside the report; `rows` are the few that the report shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A named person's dated exception. `expires` is an ISO date, the last day on which it holds."""

    check: str
    owner: str
    reason: str
    expires: str
