"""What a team's settings mean for one run: which checks, which metrics, and whether the names they use exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gate.config import Config
from gate.config_file import closest
from gate.domain import REPRODUCIBILITY_ITEMS, Task
from gate.errors import UsageError

if TYPE_CHECKING:
    from gate.checking.case import MetricAsked
    from gate.checking.engine import CatalogEntry
    from gate.evidence.metrics import Metric


def check_targets(config: Config) -> list[str | Path]:
    """Give the packages and folders of checks; a relative folder starts at the folder of gate.yaml."""
    return [config.below(name) if name.startswith((".", "/", "~")) else name for name in config.file.checks]


def known_ids(config: Config, entries: Sequence[CatalogEntry]) -> set[str]:
    """Name every check that can appear in a report."""
    from gate.evidence.metrics import METRICS

    ids = {entry.id for entry in entries if not entry.id.endswith(".*")}
    if any(entry.id == "quality.*" for entry in entries):
        ids |= {f"quality.{name}" for name in METRICS}
        ids |= {f"quality.{name}" for model in config.file.models for name in config.model(model).metrics or {}}
    if any(entry.id == "reproducibility.*" for entry in entries):
        ids |= {f"reproducibility.{name}" for name in REPRODUCIBILITY_ITEMS}
    settings = [config.model(name) for name in config.file.models] or [config.model("")]
    return ids | {f"outliers.expect_{entry.id}" for model in settings for entry in model.expect}


def refuse_unknown_names(config: Config, model: str) -> None:
    """Refuse checks, metrics and expectations that do not exist.

    Raises:
        UsageError: with the file, the line and the valid names.
    """
    from gate.checking import engine

    settings = config.model(model)
    named = {**dict.fromkeys(settings.severity, "severity"), **{w.check: "waivers" for w in settings.waivers}}
    if named:
        known = known_ids(config, engine.catalog(check_targets(config)))
        for name, key in named.items():
            if name not in known:
                place = config.place_of(model, key, name)
                raise UsageError(f"{place}: there is no check {name!r}.", remedy=closest(name, sorted(known)))
    _refuse_unknown_metrics(config, model)
    _refuse_unknown_expectations(config, model)


def _refuse_unknown_metrics(config: Config, model: str) -> None:
    for name in config.model(model).metrics or {}:
        _find_metric(config, model, name, config.model(model).task or Task.OTHER)


def _find_metric(config: Config, model: str, name: str, task: Task) -> Metric:
    from gate.checking import named_metrics
    from gate.evidence.metrics import METRICS

    limits = (config.model(model).metrics or {})[name]
    try:
        return named_metrics.find(name, task, config.root, limits.greater_is_better)
    except named_metrics.UnknownMetricError as error:
        known = closest(name, sorted(error.names)) if error.names else ""
        raise UsageError(
            f"{config.place_of(model, 'metrics', name)}: {error}.",
            remedy=f"{known} The gate's own: {', '.join(sorted(METRICS))}; or `module:function`, importable from "
            "the folder of gate.yaml.".strip(),
        ) from None


def _refuse_unknown_expectations(config: Config, model: str) -> None:
    entries = config.model(model).expect
    if not entries:
        return
    from gate.checking import expectations

    expectations.validate(entries, place_of_expectations(config, model))


def place_of_expectations(config: Config, model: str) -> Callable[[int], str]:
    """Say `file:line` of a model's `expect:` entries by their number."""
    return lambda index: config.place_of(model, "expect", index)


def place_of_relations(config: Config, model: str) -> str:
    """Say `file:line` of a model's `metamorphic:` entries."""
    return config.place_of(model, "metamorphic")


def metrics_asked(
    config: Config, model: str, task: Task, *, labelled: bool, answered: tuple[str, ...] = ()
) -> tuple[MetricAsked, ...]:
    """Give the metrics to judge: those of the settings, else the task's standard ones for the columns `answered`.

    Raises:
        UsageError: metrics are configured, and there are no labels to compute them from.
    """
    from gate.checking.case import MetricAsked
    from gate.evidence.metrics import standard

    configured = config.model(model).metrics
    if configured is None:
        return tuple(MetricAsked(name=name, limits=None) for name in standard(task, answered)) if labelled else ()
    if not labelled:
        raise UsageError(
            f"{config.place_of(model, 'metrics')}: metrics are configured, and the evaluation data have no labels.",
            remedy="Set data.target to the column that holds them.",
        )
    return tuple(
        MetricAsked(name=name, limits=limits, metric=_find_metric(config, model, name, task))
        for name, limits in configured.items()
    )
