"""What `gate explain` and the reference say of a check: from the check itself, and from the settings in force."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate import policy, report
from gate.config import Config
from gate.config_file import closest
from gate.domain import REPRODUCIBILITY_ITEMS, CheckResult, Task
from gate.errors import UsageError

if TYPE_CHECKING:
    from gate.checking.engine import CatalogEntry
    from gate.evidence.metrics import Metric

EXPECT = "outliers.expect_"
ITEMS: Mapping[str, str] = {
    "source_code": "The commit that was trained is recorded, in this repository, and nothing uncommitted ran.",
    "metrics": "The run holds the metrics that were computed when it was trained.",
    "parameters": "The run holds the parameters of the training.",
    "model_file": "The model's files can be had; the gate takes a digest of all of them.",
    "training_data": "The run logs the dataset with the context `training`; its source gives the same digest again.",
    "preprocessing_code": "What prepares the data is in the artifact or the run: a pipeline, code paths, source files.",
    "preprocessed_data": "The run logs the dataset with the context `preprocessed`, and its source can be read again.",
}
"""What each item of reproducibility asks."""
OWN: Mapping[str, str] = {
    "contract.checks_collected": (
        "All modules of checks can be imported.\n\n"
        "Every module of the packages and folders under `checks:` is imported before anything runs.\n\n"
        "Limit: none may fail: a check that cannot be asked is never a check less.\n"
        "A failure means that a module of checks raises when it is imported; the message has its name and why.\n"
        "To change it: mend the module, or take its folder out of `checks:` in gate.yaml."
    )
}
"""What the gate says of itself: no function stands behind it."""
EXPECTATION = """\
What it tests: one of Great Expectations' expectations, by its own name and arguments, on the candidate's answers
and their inputs (`expect:` in gate.yaml); columns are those of the evaluation data, the answers, `label`, and the
baseline's answers as `baseline_<column>`.

Limits: the entry's own; `{baseline: mean}` and `{label: mean}` take them from the baseline's answers or the labels
(mean, min, max, median, std, sum, {quantile: 0.05}; times and plus change them). `row_condition` says which rows count.
Where nothing could be judged it is no pass: failed where the candidate's own column is the reason, else inconclusive.

A failure means that the answers are not what the team expects of them; the rows that are not are named, the farthest
beyond a limit first.

To change it: the entry's `severity` (critical, warning or info; warning where absent), its limits, or `mostly` for a
share of rows that may be otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a check is. `configured` are lines on what the settings say of it."""

    id: str
    severity: str
    text: str
    configured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIn:
    """What one report says of a check."""

    model: str
    version: int
    finished_at: str
    result: CheckResult


def found_in(path: Path, check_id: str) -> FoundIn:
    """Give what a report file says of a check.

    Raises:
        UsageError: the file is no report, or the report has no such check; with the closest of its names.
    """
    found = report.read(path)
    result = next((each for each in found.checks if each.id == check_id), None)
    if result is None:
        names = [each.id for each in found.checks]
        remedy = closest(check_id, names) if names else "It has no checks at all: the gate failed before."
        raise UsageError(f"The report {path} has no check {check_id!r}.", remedy=remedy)
    return FoundIn(model=found.model, version=found.candidate.version, finished_at=found.finished_at, result=result)


def catalog(config: Config) -> tuple[CatalogEntry, ...]:
    """List the check functions that are configured."""
    from gate.checking import engine

    return engine.catalog(policy.check_targets(config))


def explain(
    check_id: str, config: Config, entries: Sequence[CatalogEntry], result: CheckResult | None = None
) -> Explanation:
    """Explain a check of any kind: shipped, a team's own, a metric's, an expectation's, an item's.

    `entries` are those of `catalog`. A `result` of another project's report is explained by its title where the
    settings here know no such check.

    Raises:
        UsageError: there is no such check; with the closest valid names.
    """
    own = Explanation(id=check_id, severity="critical", text=OWN[check_id]) if check_id in OWN else None
    found = own or _of_a_function(check_id, entries) or _of_an_item(check_id, entries)
    found = found or _of_a_metric(check_id, entries, config) or _of_an_expectation(check_id, config)
    if found is None and result is not None:
        text = f"{result.title}\n\nThe checks that are configured here have none of this name."
        found = Explanation(id=check_id, severity=result.severity.value, text=text)
    if found is None:
        known = sorted(policy.known_ids(config, entries))
        raise UsageError(f"There is no check {check_id!r}.", remedy=closest(check_id, known))
    return Explanation(
        id=found.id,
        severity=found.severity,
        text=found.text,
        configured=(*found.configured, *_configured(check_id, config)),
    )


def check_text(entry: CatalogEntry) -> str:
    """Give the whole text of a check function."""
    return inspect.cleandoc(entry.doc) or entry.title


def metric_text(metric: Metric) -> str:
    """Give what is computed, its direction, its margin and its source."""
    from gate.evidence.formulas import FORMULAS, smallest_margin

    better = "higher is better" if metric.greater_is_better else "lower is better"
    direction = better if metric.directed else "its direction is read off the labels, unless greater_is_better says it"
    lines = [f"{metric.name}: {metric.title}; {direction}.", ""]
    formula = FORMULAS.get(metric.name)
    if formula is None:
        lines.append("Formula: scikit-learn's own, or that of the function which gate.yaml names.")
    else:
        lines += [f"Formula: {formula.text}; y is a row's label, p its answer", f"Source: {formula.source}"]
        lines.append(f"Judges: {', '.join(sorted(metric.tasks))}.")
    return "\n".join([*lines, f"Default margin: {smallest_margin(metric)}."])


def _of_a_function(check_id: str, entries: Sequence[CatalogEntry]) -> Explanation | None:
    entry = next((entry for entry in entries if entry.id == check_id and not entry.id.endswith(".*")), None)
    return None if entry is None else _explanation(check_id, entry, check_text(entry))


def _of_an_item(check_id: str, entries: Sequence[CatalogEntry]) -> Explanation | None:
    name = check_id.removeprefix("reproducibility.")
    entry = _family("reproducibility.*", entries)
    if entry is None or name == check_id or name not in REPRODUCIBILITY_ITEMS:
        return None
    return _explanation(check_id, entry, f"{ITEMS[name]}\n\n{check_text(entry)}")


def _of_a_metric(check_id: str, entries: Sequence[CatalogEntry], config: Config) -> Explanation | None:
    name = check_id.removeprefix("quality.")
    entry = _family("quality.*", entries)
    if entry is None or name == check_id:
        return None
    metric = _metric(name, config)
    return None if metric is None else _explanation(check_id, entry, f"{metric_text(metric)}\n\n{check_text(entry)}")


def _metric(name: str, config: Config) -> Metric | None:
    """The gate's own, else scikit-learn's or a team's, whose import costs more."""
    from gate.checking import named_metrics

    try:
        return named_metrics.find(name, Task.OTHER, config.root)
    except named_metrics.UnknownMetricError:
        return None


def _of_an_expectation(check_id: str, config: Config) -> Explanation | None:
    import yaml

    where = [(model, entry) for model, settings in _models(config) for entry in settings.expect]
    found = [(model, entry) for model, entry in where if f"{EXPECT}{entry.id}" == check_id]
    if not found:
        return None
    entry = found[0][1]
    told = yaml.safe_dump({"type": entry.type, **entry.arguments}, sort_keys=False, allow_unicode=True, width=100)
    models = ", ".join(model for model, _ in found if model) or "every model"
    text = f"{entry.type}, an expectation on {models}:\n\n{_indented(told)}\n\n{EXPECTATION}"
    return Explanation(id=check_id, severity=entry.severity.value, text=text)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip().split("\n"))


def _family(name: str, entries: Sequence[CatalogEntry]) -> CatalogEntry | None:
    return next((entry for entry in entries if entry.id == name), None)


def _explanation(check_id: str, entry: CatalogEntry, text: str) -> Explanation:
    return Explanation(id=check_id, severity=entry.severity.value, text=text)


def _models(config: Config) -> list[tuple[str, Any]]:
    """The settings of every model that gate.yaml names, or the defaults under no name."""
    return [(name, config.model(name)) for name in config.file.models] or [("", config.model(""))]


def _configured(check_id: str, config: Config) -> Iterator[str]:
    """Say what gate.yaml sets for a check, a line a model and setting."""
    category, _, name = check_id.partition(".")
    for model, settings in _models(config):
        where = f"{model}: " if model else ""
        if check_id in settings.severity:
            yield f"{where}severity {settings.severity[check_id]}"
        for waiver in settings.waivers:
            if waiver.check == check_id:
                yield f"{where}waived by {waiver.owner} until {waiver.expires}: {waiver.reason}"
        said = _limits(settings, category, name)
        if said:
            yield where + ", ".join(f"{key} {_value(value)}" for key, value in said.items())


def _limits(settings: Any, category: str, name: str) -> dict[str, Any]:  # noqa: ANN401 - ModelConfig
    """The limits that a model's settings have for a check."""
    found = (settings.metrics or {}).get(name) if category == "quality" else None
    found = getattr(settings.outliers, name, None) if category == "outliers" else found
    return dict(found.model_dump(exclude_none=True)) if found is not None and hasattr(found, "model_dump") else {}


def _value(value: object) -> str:
    share = value.get("value") if isinstance(value, Mapping) else getattr(value, "value", None)
    return f"{float(share):.4g} of the baseline's value" if share is not None else str(value)
