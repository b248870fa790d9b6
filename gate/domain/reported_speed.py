"""What the report says of speed: latency, throughput, starts, load. Times in seconds of one call unless said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gate.domain.judged import Endurance
from gate.domain.terms import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileResult:
    """Seconds a call at one share of the calls (0.99: the slowest hundredth), with a 99 % interval.

    An end is null where there are too few calls to tell it. Where several calls are timed together these are means.
    """

    share: float
    candidate_s: float
    candidate_ci: tuple[float | None, float | None]
    baseline_s: float
    baseline_ci: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyResult:
    """Latency of one scenario: seconds a call, and the candidate's time as a share of the baseline's.

    `calls_per_block` calls were timed together, `pairs` times. `visible` is the smallest slowdown, as a share, that
    could have been told from none; `harness_s` is what the gate itself adds to a call.
    """

    scenario: str
    batch_size: int
    pairs: int
    calls_per_block: int
    clock: str
    """What decides: "cpu", or "wall" where a version mostly waits."""
    candidate_cpu_s: float
    baseline_cpu_s: float
    candidate_wall_s: float
    baseline_wall_s: float
    cpu_ratio: float
    cpu_ratio_ci: tuple[float | str, float | str]
    wall_ratio: float
    wall_ratio_ci: tuple[float | str, float | str]
    confidence: float
    visible: float | str
    harness_s: float | None
    percentiles: tuple[PercentileResult, ...]
    stopped_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """Latency from arrival to answer, in virtual time, at a rate of requests a second that fills `load` of a server."""

    load: float
    rate: float
    p50_s: float
    p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputResult:
    """What calls and rows cost one version ("candidate" or "baseline"); null where it could not be measured.

    A call of n rows takes fixed_s + row_s * n of CPU. `rows_per_s` is by rows a call, `rows_per_s_by_threads` by wall
    clock with so many threads. `saturation_per_s` is the highest rate of single requests whose p99 keeps within
    `p99_objective_s`.
    """

    side: str
    fixed_s: float | None
    row_s: float | None
    rows_per_s: Mapping[str, float]
    rows_per_s_by_threads: Mapping[str, float]
    under_load: tuple[LoadResult, ...]
    saturation_per_s: float | None
    p99_objective_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartResult:
    """Median CPU seconds of cold starts of one version, wall seconds until the first answer, and its threads."""

    side: str
    starts: int
    load_s: float
    first_s: float
    second_s: float
    wall_s: float
    threads: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Latency in seconds, from due to answered, that virtual time predicts for the very arrivals of a run."""

    p50_s: float
    p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLoad:
    """One served version at one rate of requests a second, in real time: seconds from due to answered.

    `load` is the rate as a share of what one request after the other would allow. `failed` of the `requests` got no
    good answer; they count as slower than all others, and a percentile among them is null. `late_p99_s` is how late
    the generator sent. `predicted` holds a server to be busy for the whole round trip, `predicted_model` for the
    model's own time alone, with the rest beside the queue; null where that was not timed.
    """

    load: float
    rate: float
    requests: int
    failed: int
    p50_s: float | None
    p99_s: float | None
    p99_ci: tuple[float | None, float | None]
    late_p99_s: float
    predicted: Predicted
    predicted_model: Predicted | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedResult:
    """One version ("candidate" or "baseline") behind `mlflow models serve`, under open-loop load.

    `round_trip_s` is the median of single requests, one after the other; `overhead_s` what it has more than the
    model's own call. `highest_per_s` is the highest rate tried that kept the p99 objective below the first that did
    not, which is `beyond_per_s`; null where there is none. `predicted_per_s` is that rate in virtual time.
    """

    side: str
    round_trip_s: float | None = None
    overhead_s: float | None = None
    under_load: tuple[ServedLoad, ...] = ()
    p99_objective_s: float | None = None
    highest_per_s: float | None = None
    beyond_per_s: float | None = None
    predicted_per_s: float | None = None
    problem: str = ""
    """What went wrong, in words."""
    raw: str | None = None
    """The file with every request, beside the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """The benchmark section. `raw` is the path of everything that was timed, beside the report."""

    environment: Mapping[str, JsonValue] = field(default_factory=dict)
    method: str = ""
    processes: str | None = None
    latency: tuple[LatencyResult, ...] = ()
    throughput: tuple[ThroughputResult, ...] = ()
    cold_start: tuple[StartResult, ...] = ()
    endurance: tuple[Endurance, ...] = ()
    served: tuple[ServedResult, ...] = ()
    """Both versions behind a real server, where `--served` asked for it."""
    load_s: Mapping[str, float | None] = field(default_factory=dict)
    peak_rss_bytes: Mapping[str, int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    raw: str | None = None
