"""gate.yaml -> Config: section 7 of the contract. The only reader of YAML settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from gate.config_file import Document, Where, closest, load
from gate.domain import Severity, Stage, Task, Waiver
from gate.errors import UsageError

FILE_NAME = "gate.yaml"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a reference value, written as a percentage ("2%")."""

    value: float

    def of(self, reference: float) -> float:
        """Give the share of the reference's size."""
        return self.value * abs(reference)


def _share(value: object) -> object:
    """Read "2%" as Share(0.02); leave everything else to the type's own check."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return Share(float(value.strip()[:-1]) / 100)
        except ValueError:
            pass
    if isinstance(value, str):
        raise ValueError(f'{value!r} is no percentage: write it like "2%"')  # noqa: TRY004 - pydantic takes ValueError
    return value


def _only_share(value: object) -> object:
    share = _share(value)
    if not isinstance(share, Share):
        raise ValueError('write a percentage, like "2%"')  # noqa: TRY004 - pydantic takes ValueError
    return share


_PERCENT_SCHEMA = {"type": "string", "pattern": r"^\s*-?\d+(\.\d+)?\s*%\s*$"}
Percent = Annotated[Share, BeforeValidator(_only_share), WithJsonSchema(_PERCENT_SCHEMA)]
Margin = Annotated[
    Share | float, BeforeValidator(_share), WithJsonSchema({"anyOf": [_PERCENT_SCHEMA, {"type": "number"}]})
]
Positive = Annotated[float, Field(gt=0)]


class _Settings(BaseModel):
    """Frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)


class ReleaseNotes(_Settings):
    """Where release notes go, and how they are written."""

    dir: str = "release_notes"
    """The folder, below that of gate.yaml."""
    lang: Literal["en", "ko"] = "en"
    """The language of the notes."""
    template: str | None = None
    """A Jinja template of your own; the shipped one where absent."""
    html: bool = True
    """Write an HTML page beside the Markdown."""


class Isolation(_Settings):
    """How the untrusted model is isolated, and its limits."""

    minimum: Literal["subprocess"] = "subprocess"
    """The weakest isolation that is accepted."""
    memory_mb: Annotated[int, Field(ge=64)] = 4096
    """Memory that a worker may use."""
    timeout_s: Positive = 600
    """Seconds that a load or a batch may take."""


class Data(_Settings):
    """The evaluation data: rows that both versions answer."""

    path: str | None = None
    """A Parquet, CSV, Feather or JSON-lines file, or a folder of them."""
    target: str | None = None
    """The column with the labels."""
    id: str | None = None
    """The column that names a row; row numbers where absent."""
    slices: tuple[str | dict[str, Any], ...] = ()
    """Columns, or {column: number of bins}, to look at apart."""


class Limits(_Settings):
    """Fixed limits of one check."""

    min: float | None = None
    """The lowest value that passes."""
    max: float | None = None
    """The highest value that passes."""


class MetricLimits(Limits):
    """Limits of one metric."""

    max_regression: Margin | None = None
    """How much worse than the baseline: a share of the baseline's value, or a number in the metric's unit."""


class Outliers(_Settings):
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


class Latency(_Settings):
    """How latency is compared."""

    warn: Percent = Share(0.02)
    """Slower than this is a warning."""
    block: Percent = Share(0.05)
    """Slower than this rejects the version."""
    batch_sizes: Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(min_length=1)] = (1, 32, 256)
    """Rows a call, one scenario each."""
    budget_s: Positive = 60
    """Seconds for all scenarios together."""


class Throughput(_Settings):
    """How throughput is compared."""

    warn: Percent = Share(0.05)
    """Fewer rows a second than this share below the baseline is a warning."""
    block: Percent = Share(0.10)
    """Fewer than this rejects the version."""


class Promotion(_Settings):
    """What a promotion sets in the registry."""

    aliases: dict[Stage, str] = Field(default_factory=dict)
    """The alias of each stage, where a team has names of its own."""
    legacy_stages: bool = True
    """Mirror the aliases in MLflow's legacy stages where the registry has them."""
    approvals: dict[Stage, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """How many people must approve, for each stage."""

    def alias(self, stage: Stage) -> str:
        """Give the alias that stands for a stage."""
        return self.aliases.get(stage, stage.value)


def _iso_date(value: object) -> object:
    import datetime as dt

    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    if isinstance(value, str):
        dt.date.fromisoformat(value)
    return value


class WaiverEntry(_Settings):
    """A named person's dated exception."""

    check: str
    """The identity of the check."""
    owner: str
    """Who answers for it."""
    reason: str
    """Why."""
    expires: Annotated[
        str, BeforeValidator(lambda value: _iso_date(value)), Field(json_schema_extra={"format": "date"})
    ]
    """The last day on which it holds, YYYY-MM-DD."""

    def waiver(self) -> Waiver:
        """Give the value that the report carries."""
        return Waiver(check=self.check, owner=self.owner, reason=self.reason, expires=self.expires)


class Expectation(BaseModel):
    """One of Great Expectations' expectations, by its own names; other keys are its arguments."""

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


class ModelConfig(_Settings):
    """The settings of one model."""

    task: Task | None = None
    """What the answers are; inferred where absent."""
    classes: tuple[str | int | bool | float, ...] | None = None
    """The classes behind a matrix of probabilities, in order."""
    positive: str | int | bool | float | None = None
    """The class that a single probability is about; the last one where absent."""
    data: Data = Data()
    """The evaluation data."""
    metrics: dict[str, MetricLimits] | None = None
    """Metrics to judge; the task's standard ones where absent."""
    outliers: Outliers = Outliers()
    """Limits of the output checks."""
    expect: tuple[Expectation, ...] = ()
    """Great Expectations on the predictions and their inputs."""
    latency: Latency = Latency()
    """How latency is compared."""
    throughput: Throughput = Throughput()
    """How throughput is compared."""
    promotion: Promotion = Promotion()
    """What a promotion sets."""
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


class File(_Settings):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, resolved once; paths are absolute."""

    file: File
    root: Path
    document: Document | None = None

    @property
    def path(self) -> Path | None:
        """The file that was read, None where there is none."""
        return self.document.path if self.document else None

    def model(self, name: str) -> ModelConfig:
        """Give one model's settings, the defaults merged in. A model that the file does not name has the defaults."""
        return ModelConfig.model_validate(self._merged(name))

    def policy_digest(self, name: str) -> str:
        """Digest everything that decides a verdict on this model: `sha256:` over canonical JSON, the same anywhere."""
        policy = {
            "model": {key: value for key, value in self._merged(name).items() if key != "data"},
            "confidence": self.file.confidence,
            "isolation": self.file.isolation.minimum,
            "checks": self.file.checks,
        }
        text = json.dumps(policy, sort_keys=True, default=str, ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def below(self, path: str) -> Path:
        """Resolve a path of the file: relative ones start at its folder."""
        return self.root / Path(path).expanduser()

    def place(self, *where: str | int) -> str:
        """Say `file:line` of a setting."""
        return self.document.place(where) if self.document else "the defaults"

    def _merged(self, name: str) -> dict[str, Any]:
        raw = self.document.value if self.document else {}
        own = (raw.get("models") or {}).get(name) or {}
        return _merge(raw.get("defaults") or {}, own)


def find(start: Path) -> Path | None:
    """Find gate.yaml in a folder or the nearest above it."""
    return next((path for folder in (start, *start.parents) if (path := folder / FILE_NAME).is_file()), None)


def read(path: Path | None) -> Config:
    """Read the settings; None gives the defaults.

    Raises:
        UsageError: the file is missing, broken, or says something the gate does not know, with file and line.
    """
    if path is None:
        return Config(file=File(), root=Path.cwd())
    document = load(path.absolute())
    file = _validated(document)
    for name in file.models:
        _check_merged(document, name)
    root = document.path.parent
    uris = {key: _absolute_sqlite(getattr(file, key), root) for key in ("tracking_uri", "registry_uri")}
    return Config(file=file.model_copy(update=uris), root=root, document=document)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of gate.yaml (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **File.model_json_schema(), "title": FILE_NAME}


def _validated(document: Document) -> File:
    try:
        return File.model_validate(_without_nulls(document.value))
    except ValidationError as error:
        raise _explained(document, error) from None


def _check_merged(document: Document, name: str) -> None:
    """What defaults and a model say together must hold too (an expectation's id, say)."""
    try:
        ModelConfig.model_validate(_merge(document.value.get("defaults") or {}, document.value["models"][name] or {}))
    except ValidationError as error:
        raise _explained(document, error, prefix=("models", name)) from None


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """A key with nothing behind it (`models:`) means the default."""
    return {
        key: _without_nulls(item) if isinstance(item, dict) else item for key, item in value.items() if item is not None
    }


def _explained(document: Document, error: ValidationError, prefix: Where = ()) -> UsageError:
    first = error.errors()[0]
    where: Where = (*prefix, *(part for part in first["loc"] if not str(part).startswith("function-")))
    name = ".".join(str(part) for part in where) or FILE_NAME
    if first["type"] == "extra_forbidden":
        valid = _keys_at(where[:-1])
        return UsageError(
            f"{document.place(where)}: unknown key {name!r}.", remedy=closest(str(where[-1]), valid) if valid else ""
        )
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    given = f" (given: {first['input']!r})" if isinstance(first["input"], (str, int, float, bool)) else ""
    return UsageError(f"{document.place(where)}: {name}: {message}{given}.")


def _keys_at(where: Where) -> list[str]:
    """The keys that a place of the file may hold."""
    model: Any = File
    for part in where:
        inside = _inside(model, part)
        if inside is None:
            continue
        model = inside
    return list(model.model_fields)


def _inside(model: type[BaseModel], part: str | int) -> type[BaseModel] | None:
    """The settings behind one key: the class itself, or that of a mapping's or list's entries."""
    field = model.model_fields.get(str(part))
    if field is None:
        return None
    pending: list[Any] = [field.annotation]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        pending.extend(getattr(kind, "__args__", ()))
    return None


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge deeply: mappings key by key, everything else replaced."""
    result = dict(below)
    for key, value in above.items():
        if value is None:
            continue
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merge(result[key], value) if both else value
    return {key: value for key, value in result.items() if value is not None}


def _absolute_sqlite(uri: str | None, root: Path) -> str | None:
    """Relative SQLite addresses start at the folder of gate.yaml."""
    prefix = "sqlite:///"
    if uri is None or not uri.startswith(prefix) or uri.startswith("sqlite:////"):
        return uri
    return prefix + str(root / uri.removeprefix(prefix))
