"""What gate.yaml may say, key by key: section 7 of the contract."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from gate.domain import Severity, Task
from gate.setting_types import Margin, Percent, Positive, Settings, Share
from gate.trust_settings import Promotion, Security, WaiverEntry

__all__ = ["File", "ModelConfig", "Promotion", "Security", "Share", "WaiverEntry"]


class ReleaseNotes(Settings):
    """Where release notes go, and how they are written."""

    dir: str = "release_notes"
    """The folder, below that of gate.yaml."""
    lang: Literal["en", "ko"] = "en"
    """The language of the notes."""
    template: str | None = None
    """A Jinja template of your own; the shipped one where absent."""
    html: bool = True
    """Write an HTML page beside the Markdown."""


class Isolation(Settings):
    """How the untrusted model is isolated, and its limits."""

    minimum: Literal["subprocess", "landlock", "bwrap"] = "subprocess"
    """The weakest isolation that is accepted, from the weakest to the strongest. The strongest that works is used."""
    readable: tuple[str, ...] = ()
    """Files and folders that models may read beside their own and Python's, where they keep something elsewhere."""
    memory_mb: Annotated[int, Field(ge=64)] = 4096
    """Memory that a worker may use."""
    timeout_s: Positive = 600
    """Seconds that a load or a batch may take."""
    processes: Literal["auto", "forked", "fresh"] = "auto"
    """How workers begin: forked from one process that imported the libraries (on Linux, by default), or each fresh."""


def _slice(value: object) -> object:
    """Refuse what is no way to cut rows into slices."""
    if isinstance(value, Mapping):
        _refuse_other_cuts(value)
    elif not isinstance(value, str):
        raise ValueError(f"{value!r} is no slice: {_SLICE_HELP}")  # noqa: TRY004 - pydantic takes ValueError
    return value


def _refuse_other_cuts(entry: Mapping[str, Any]) -> None:
    if "where" in entry and not isinstance(entry["where"], (int, list)):
        odd = set(entry) - {"name", "where"}
        if odd or not isinstance(entry["where"], str):
            raise ValueError(f"{dict(entry)!r} is no slice: {_SLICE_HELP}")
        return
    cuts = list(entry.values())
    if len(cuts) != 1 or not (_bins(cuts[0]) or _edges(cuts[0])):
        raise ValueError(f"{dict(entry)!r} is no slice: {_SLICE_HELP}")


def _bins(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and _FEWEST_BINS <= value <= _MOST_BINS


def _edges(value: object) -> bool:
    return isinstance(value, (list, tuple)) and 0 < len(value) < _MOST_BINS and all(map(_is_finite, value))


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


_FEWEST_BINS, _MOST_BINS = 2, 50
_SLICE_HELP = (
    'write a column, {column: number of bins from 2 to 50}, {column: [edges]}, or {name: seniors, where: "age > 60"}'
)
Slice = Annotated[
    str | dict[str, Any], BeforeValidator(_slice), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]})
]


def _targets(value: object) -> object:
    """Refuse an empty list, a column twice and what is no name, in words of the setting's own."""
    if value is None or isinstance(value, str):
        return value
    names = value if isinstance(value, (list, tuple)) else ()
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError("name the column with the labels, or a list of different columns")
    return tuple(names)


Targets = Annotated[str | tuple[str, ...], BeforeValidator(_targets)]


class Data(Settings):
    """The evaluation data: rows that both versions answer."""

    path: str | None = None
    """A file (Parquet, CSV, Feather, JSON lines), a folder of them, a Delta table, or an s3, gs, abfs, runs address."""
    target: Targets | None = None
    """The column with the labels, or a list of them where the model has several targets."""
    id: str | None = None
    """The column that names a row; row numbers where absent."""
    slices: tuple[Slice, ...] = ()
    """Columns, {column: number of bins}, {column: [edges]}, or {name: seniors, where: age > 60}, to look at apart."""
    min_slice: Annotated[int, Field(ge=20)] = 50
    """The fewest rows of a slice."""
    looks: Annotated[int, Field(ge=1, le=10_000)] = 20
    """How many candidates this evaluation set is to judge: they share the confidence. Then rotate the set."""
    max_rows: Annotated[int, Field(ge=1)] | None = None
    """The most rows that are asked, for slow models: drawn by what each row holds, whatever the order of the file."""


class Limits(Settings):
    """Fixed limits of one check."""

    min: float | None = None
    """The lowest value that passes."""
    max: float | None = None
    """The highest value that passes."""


class MetricLimits(Limits):
    """Limits of one metric."""

    max_regression: Margin | None = None
    """How much worse than the baseline: a share of the baseline's value, or a number in the metric's unit."""
    greater_is_better: bool | None = None
    """The direction of a metric that is a function of your own; where absent the function's, else what is inferred."""


class Outliers(Settings):
    """Limits of the output checks; where absent the gate derives them from the baseline."""

    nulls: Limits = Limits()
    """Share of rows without an answer."""
    range: Limits = Limits()
    """The answers themselves."""
    robust: Limits = Limits()
    """Share of answers far from the baseline's median, in its MAD."""
    paired_delta: Limits = Limits()
    """Size of the difference between both versions' answers to one row."""
    drift: Limits = Limits()
    """Effect size of the distribution's shift."""
    stuck: Limits = Limits()
    """Share of rows that get one exact value."""


BatchSize = Annotated[int, Field(ge=1, le=1_000_000)]


class Latency(Settings):
    """How latency is compared."""

    warn: Percent = Share(0.02)
    """Slower than this is a warning."""
    block: Percent = Share(0.05)
    """Slower than this rejects the version."""
    batch_sizes: Annotated[tuple[BatchSize, ...], Field(min_length=1)] = (1, 32, 256)
    """Rows a call, one scenario each."""
    scenarios: dict[Annotated[str, Field(pattern=r"^[A-Za-z][\w-]{0,39}$")], BatchSize] = Field(default_factory=dict)
    """Scenarios of your own: name -> rows a call, drawn from the evaluation data."""
    p99_ms: Positive | None = None
    """The 99th percentile that callers need, in milliseconds; ten times the baseline's median where absent."""
    budget_s: Positive = 60
    """Seconds for everything that is timed."""
    served_s: Positive = 60
    """Seconds of load on both versions behind a real server, where `--served` asks for it; their start comes before."""

    @property
    def p99_s(self) -> float | None:
        """The same in seconds."""
        return None if self.p99_ms is None else self.p99_ms / 1000

    @model_validator(mode="after")
    def _scenarios_have_names_of_their_own(self) -> Latency:
        sizes = [f"batch_{size}" for size in self.batch_sizes]
        twice = [name for name in (*sizes, "sustained") if name in self.scenarios or sizes.count(name) > 1]
        if twice:
            raise ValueError(f"two scenarios are called {twice[0]!r}: name each differently, each batch size once")
        return self


class Throughput(Settings):
    """How throughput is compared."""

    warn: Percent = Share(0.05)
    """Fewer rows a second than this share below the baseline is a warning."""
    block: Percent = Share(0.10)
    """Fewer than this rejects the version."""


class Expectation(BaseModel):
    """One of Great Expectations' expectations, by its own names; other keys are its arguments.

    `row_condition: 'age > 60 and sex == "f"'` says which rows count. A limit may be `{baseline: mean}`, `{label: max}`
    or `{baseline: {quantile: 0.05}, times: 0.9, plus: 1, column: prediction}`.
    """

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
    """The check is `outliers.expect_<id>`."""
    type: str
    """The expectation's name, for example expect_column_mean_to_be_between."""
    severity: Severity = Severity.WARNING
    """critical, warning or info."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The expectation's own arguments."""
        return dict(self.model_extra or {})


class Relation(Settings):
    """How answers must change, or not, when inputs are changed."""

    name: Annotated[str, Field(pattern=r"^[\w .-]{1,60}$")] | None = None
    """What the report calls it; the changed columns where absent."""
    change: Annotated[dict[str, Any], Field(min_length=1)]
    """Column -> {old value: new value}, a move of numbers ("+1", "-10%", "*2"), or one value for all rows."""
    expect: Literal["same", "increase", "decrease"] = "same"
    """What the answers do: the same, no lower (increase), or no higher (decrease)."""
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """How far an answer may be off, in its own unit; rounding is allowed anyhow."""
    column: str | None = None
    """The column of the answers that is looked at; all for same, else the prediction or the last probability."""

    @property
    def title(self) -> str:
        """What the report calls it."""
        return self.name or f"change of {', '.join(self.change)}"

    @property
    def twin(self) -> str:
        """The name of its twin."""
        return f"relation:{self.title}"


class ModelConfig(Settings):
    """The settings of one model."""

    task: Task | None = None
    """What the answers are; inferred where absent."""
    classes: tuple[str | int | bool | float, ...] | None = None
    """The classes behind a matrix of probabilities, in order."""
    positive: str | int | bool | float | None = None
    """The class that a single probability is about; the last one where absent."""
    data: Data = Data()
    """The evaluation data."""
    env: Literal["none", "uv"] = "none"
    """Where each version runs: on the gate's own Python (none), or in an environment of its own requirements (uv)."""
    golden: str | None = None
    """A file of golden cases, below the folder of gate.yaml; golden/<model>.jsonl where absent."""
    metrics: dict[str, MetricLimits] | None = None
    """Metrics to judge; the task's standard ones where absent."""
    outliers: Outliers = Outliers()
    """Limits of the output checks."""
    expect: tuple[Expectation, ...] = ()
    """Great Expectations on the predictions and their inputs."""
    metamorphic: tuple[Relation, ...] = ()
    """How answers must change, or not, when inputs are changed."""
    latency: Latency = Latency()
    """How latency is compared."""
    throughput: Throughput = Throughput()
    """How throughput is compared."""
    promotion: Promotion = Promotion()
    """What a promotion sets."""
    security: Security = Security()
    """What may be loaded at all, and what must be signed."""
    severity: dict[str, Literal["critical", "warning", "info", "ignore"]] = Field(default_factory=dict)
    """Check identity -> critical, warning, info or ignore."""
    waivers: tuple[WaiverEntry, ...] = ()
    """Dated exceptions."""

    @model_validator(mode="after")
    def _expectations_have_names_of_their_own(self) -> ModelConfig:
        names = [entry.id for entry in self.expect]
        if len(set(names)) != len(names):
            raise ValueError("two expectations have the same id")
        return self

    @model_validator(mode="after")
    def _relations_have_names_of_their_own(self) -> ModelConfig:
        titles = [relation.title for relation in self.metamorphic]
        if len(set(titles)) != len(titles):
            raise ValueError("two metamorphic relations have the same name: give each a name of its own")
        return self


class File(Settings):
    """gate.yaml as it is written."""

    tracking_uri: str | None = None
    """Where MLflow keeps runs; default: MLFLOW_TRACKING_URI, then MLflow's own default."""
    registry_uri: str | None = None
    """Where MLflow keeps registered models, where that is another place."""
    checks: tuple[str, ...] = ("gate.checks",)
    """Packages and folders of pytest check modules."""
    release_notes: ReleaseNotes = ReleaseNotes()
    """Release notes."""
    isolation: Isolation = Isolation()
    """Isolation of the models."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.99
    """Confidence of every statistical verdict, over the whole gate."""
    defaults: ModelConfig = ModelConfig()
    """Settings of all models, merged deeply with each model's own."""
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    """Settings by registered model."""
