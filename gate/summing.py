"""What is summed over all rows of data that do not fit in memory: rules are settled on a sample, then batches added."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.checking.case import Case
from gate.checking.rows_file import Kept, columns_of
from gate.domain import Answers, Task
from gate.evidence import outliers
from gate.evidence.impossible import IMPOSSIBLE
from gate.evidence.metrics import Metric, find
from gate.evidence.outputs import Kind, Output, as_classes, read
from gate.evidence.paired import moves
from gate.evidence.sides import PROBA, Columns, Labels, main_answer, order_levels
from gate.evidence.summaries import metrics, watches
from gate.evidence.summaries.classes import UnknownClasses
from gate.evidence.summaries.faults import Rows
from gate.evidence.summaries.found import AllRows
from gate.evidence.summaries.moved import Moved, Reach
from gate.evidence.summaries.watches import Seen, Watch
from gate.registry.sampling import keys_of

if TYPE_CHECKING:
    import pyarrow as pa

    from gate.evidence.arrays import Ints

CLASS_TASKS = frozenset({Task.CLASSIFICATION, Task.PROBABILITY})
ROUNDING = 1e-6
FEW = 20
"""Fewer values than this span no range to speak of."""
FARTHER = 5.0
"""A row moved wildly where it did so many times as far as any of the sample: extremes grow with the rows,"""
WILD = 2.0
"""and so many times as far as the check of a sample allows many rows to move."""
CLASSES_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of the data, their numbers in the set (m,), and what both versions answered."""

    table: pa.Table
    numbers: Ints
    candidate: pa.Table
    baseline: pa.Table | None


class AllRowsSums:
    """Adds batches by the rules of a case, which holds a sample."""

    def __init__(self, case: Case) -> None:
        """Settle the rules; nothing is added yet."""
        self._case, self._rows = case, 0
        seen = _seen(case, _whole(case), ())
        self._kinds = {name: output.kind for name, output in seen.columns.items()}
        self._odd: set[str] = set()
        self._classes = _classes(case, seen)
        self._watches: tuple[Watch, ...] = tuple(_watches(case, seen))
        labels = _with_classes(seen.labels, self._classes)
        asked = _asked(case)
        self._metrics = metrics.start(asked, labels, seen.columns, seen.before or seen.columns) if labels else {}

    def update(self, batch: Batch) -> None:
        """Add a batch."""
        seen = _seen(self._case, batch, self._classes)
        self._rows += len(seen)
        for name, kind in self._kinds.items():
            output = seen.columns.get(name)
            if output is None or (output.kind is not kind and not output.null.all()):
                self._odd.add(name)
        for watch in self._watches:
            watch.update(seen)
        if seen.labels is not None:
            for metric in self._metrics.values():
                metric.update(seen.labels, seen.columns, seen.before or seen.columns)

    def merge(self, other: AllRowsSums) -> None:
        """Add what another has added, by the rules of the same sample."""
        self._rows += other._rows
        self._odd |= other._odd
        for ours, theirs in zip(self._watches, other._watches, strict=True):
            ours.merge(theirs)
        for name, metric in self._metrics.items():
            metric.merge(other._metrics[name])

    def finish(self) -> AllRows:
        """Give what was found."""
        finished = {name: metric.finish() for name, metric in self._metrics.items()}
        return AllRows(
            rows=self._rows,
            bounds=tuple(bound for watch in self._watches for bound in watch.finish()),
            metrics={name: found for name, found in finished.items() if found is not None},
            unfit={name: metric.unfit for name, metric in self._metrics.items() if metric.unfit},
            kinds=tuple(sorted(self._odd)),
        )


def _whole(case: Case) -> Batch:
    """The sample as a batch."""
    data, before = case.comparison.data, case.baseline_answers
    if data is None or case.answers.table is None:
        raise ValueError("a case without rows or answers has no sample")
    return Batch(
        table=data.table,
        numbers=np.arange(data.rows) if data.positions is None else data.positions,
        candidate=case.answers.table,
        baseline=before.table if before is not None and case.baseline_paired else None,
    )


def _asked(case: Case) -> Mapping[str, Metric]:
    """The metrics that are judged, those that the gate knows."""
    known = {asked.name: asked.metric or find(asked.name) for asked in case.metrics}
    return {name: metric for name, metric in known.items() if metric is not None}


def _seen(case: Case, batch: Batch, classes: tuple[Any, ...]) -> Seen:
    """Read a batch as the checks read the sample."""
    data = case.comparison.data
    targets = data.targets if data is not None else ()
    columns = _columns(case, batch.candidate, targets)
    labels = _labels(case, batch.table, targets)
    return Seen(
        columns=columns,
        before=_columns(case, batch.baseline, targets) if batch.baseline is not None else {},
        labels=_with_classes(labels, classes),
        rows=Rows(
            names=lambda places: (keys_of(batch.table.take(_arrow(places))), batch.numbers[places]),
            record=lambda places: _records(case, batch, places),
        ),
    )


def _columns(case: Case, table: pa.Table, targets: tuple[str, ...]) -> Columns:
    frame = table.to_pandas()
    columns = {str(name): read(frame[name].to_numpy(), frame[name].isna().to_numpy()) for name in frame.columns}
    main = main_answer(columns, targets[0] if len(targets) == 1 else None)
    names = case.task is Task.CLASSIFICATION or (case.task is Task.PROBABILITY and _has_matrix(columns))
    if not names or main is None or main.kind is not Kind.NUMBER:
        return columns
    return {name: as_classes(output) if output is main else output for name, output in columns.items()}


def _has_matrix(columns: Columns) -> bool:
    return any(name.startswith(PROBA) for name in columns)


def _labels(case: Case, table: pa.Table, targets: tuple[str, ...]) -> Labels | None:
    if not targets:
        return None
    outputs = {}
    for name in targets:
        series = table.column(name).to_pandas()
        outputs[name] = read(series.to_numpy(), series.isna().to_numpy())
    return Labels(
        output=outputs[targets[0]],
        name=", ".join(targets),
        targets=outputs if len(targets) > 1 else {},
        task=case.task,
        classes=case.config.classes or case.answers.classes or (),
        positive=case.config.positive,
    )


def _with_classes(labels: Labels | None, classes: tuple[Any, ...]) -> Labels | None:
    return replace(labels, classes=classes) if labels is not None and classes else labels


def _classes(case: Case, sample: Seen) -> tuple[Any, ...]:
    """The classes in the order in which the sample has them, so that every batch has them so; () where unknown."""
    labels = sample.labels
    if labels is None or labels.classes or case.task not in CLASS_TASKS or labels.targets:
        return labels.classes if labels is not None else ()
    try:
        levels = as_classes(labels.output).levels
    except ValueError:
        return ()
    known = [level for level in levels if level is not None and level == level]  # noqa: PLR0124 - NaN is no class
    if not 1 < len(known) <= CLASSES_LIMIT:
        return ()
    return order_levels(labels, tuple(sorted(known, key=_rank)))


def _rank(level: object) -> tuple[int, float, str]:
    number = isinstance(level, (int, float, np.number, np.bool_))
    return (0, float(level), "") if number else (1, 0.0, str(level))  # type: ignore[arg-type] # a number by now


def _watches(case: Case, sample: Seen) -> Iterator[Watch]:
    """What is looked for in every row."""
    settings = case.config.outliers
    yield watches.Holes("outliers.nulls", "missing", watches.missing)
    if any(output.numbers is not None for output in sample.columns.values()):
        yield watches.Holes("outliers.finite", "infinite", watches.infinite)
    main = _main_name(case, sample)
    yield from _ranges(case, sample, main)
    for rule in IMPOSSIBLE:
        if not rule.excused(sample.before, case.task):
            yield watches.Off(rule, case.task)
    if case.task in CLASS_TASKS and main is not None and sample.columns[main].codes is not None:
        yield UnknownClasses(main, case.config.classes or (), case.answers.classes, sample)
    for name, output in _amounts(sample.columns).items():
        theirs = sample.before.get(name)
        if theirs is None or theirs.numbers is None or theirs.numbers.ndim > 1:
            continue
        reach = _reach((output, theirs), settings.paired_delta.max, bounded=_is_probability(case, name, sample))
        if reach is not None:
            yield Moved(name, replace(reach, excused=reach.excused and name == main))


def _ranges(case: Case, sample: Seen, main: str | None) -> Iterator[Watch]:
    """The range of gate.yaml, that of a probability, else one that baseline and labels suggest."""
    limits, numbers = case.config.outliers.range, _amounts(sample.columns)
    configured = limits.min is not None or limits.max is not None
    for name in numbers:
        if configured and (name == main or main not in numbers):
            low = -math.inf if limits.min is None else limits.min
            yield watches.Outside(name, low, math.inf if limits.max is None else limits.max)
        if _is_probability(case, name, sample):
            yield watches.Outside(name, -ROUNDING, 1 + ROUNDING)
        elif not configured:
            known = _references(sample, name, main=name == main)
            if len(known) >= FEW:
                yield watches.Outside(name, *outliers.room(known, 0.5), main=name == main, derived=True)


def _references(sample: Seen, name: str, *, main: bool) -> Any:  # noqa: ANN401 - an array
    """The sample's finite answers of the baseline, and its labels."""
    label = sample.labels.output if main and sample.labels is not None else None
    found = [output for output in (sample.before.get(name), label) if output is not None]
    values = [
        output.numbers[output.valid] for output in found if output.numbers is not None and output.numbers.ndim == 1
    ]
    return np.concatenate(values) if values else np.zeros(0)


def _reach(pair: tuple[Output, Output], limit: float | None, *, bounded: bool) -> Reach | None:
    """The limit of gate.yaml; else many times what is usual, and what the sample's farthest row moved.

    None for bounded answers, of which none can move wildly.
    """
    if limit is not None:
        return Reach(limit=limit)
    both = pair[0].valid & pair[1].valid
    if bounded or not both.any():
        return None
    ours, theirs = (np.asarray(output.numbers)[both] for output in pair)
    centre, unit = outliers.centre_and_scale(theirs)
    unit = unit if unit > 0 else math.inf
    far = np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs - centre) / unit)
    farthest = max(WILD * moves(*pair).limit, FARTHER * float(far.max()))
    return Reach(limit=farthest, centre=centre, unit=unit, excused=True)


def _amounts(columns: Columns) -> Mapping[str, Output]:
    return {name: output for name, output in columns.items() if output.numbers is not None and output.numbers.ndim == 1}


def _is_probability(case: Case, name: str, sample: Seen) -> bool:
    single = case.task is Task.PROBABILITY and name == "prediction" and not _has_matrix(sample.columns)
    return name.startswith(PROBA) or single


def _main_name(case: Case, sample: Seen) -> str | None:
    targets = case.comparison.data.targets if case.comparison.data is not None else ()
    main = main_answer(sample.columns, targets[0] if len(targets) == 1 else None)
    return next((name for name, output in sample.columns.items() if output is main), None)


def _records(case: Case, batch: Batch, places: Ints) -> list[Kept]:
    """Offending rows as the report shows them, and as they are filed beside it."""
    data = case.comparison.data
    if data is None:
        return []
    rows = _arrow(places)
    chosen = replace(data, table=batch.table.take(rows), positions=batch.numbers[places], stream=None)
    few = replace(
        case,
        comparison=replace(case.comparison, data=chosen),
        answers=Answers(table=batch.candidate.take(rows), failure=None),
        baseline_answers=None if batch.baseline is None else Answers(table=batch.baseline.take(rows), failure=None),
    )
    filed = columns_of(few)
    return [Kept(shown=few.row(place, {}), filed=filed.slice(place, 1)) for place in range(len(places))]


def _arrow(places: Ints) -> pa.Array:
    import pyarrow as pa

    return pa.array(places)
