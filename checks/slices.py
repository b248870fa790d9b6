"""Checks of subgroups: those that gate.yaml names, and those that nobody thought of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gate import LossTest, check
from gate.evidence.conditions import ConditionError, mask, parse
from gate.evidence.keys import lowest, row_keys
from gate.evidence.slice_search import Found, search
from gate.evidence.slices import Judged, Losses, adjusted, in_metric, judge, losses_of, sums
from gate.evidence.slicing import Partition, cut, matching

from .comparing import Compared, compared, main_metrics
from .subject import Case

Measure = Callable[..., None]
Rows = Callable[..., None]

SEARCHED_ROWS = 30_000
"""The search looks at a sample of more rows."""
SEARCHED_COLUMNS = 200
MEASURED = 60
"""Slices whose numbers are recorded, the worst first."""
PROVEN = 0.01
SHOWN = 0.002
"""A slice that cannot be decided is said where it is shown to be worse at all, all slices together."""


@pytest.mark.usefixtures("predictions", "labels", "baseline_predictions")
@check(category="quality")
def check_slices(
    case: Case,
    eval_data: pd.DataFrame,
    measure: Measure,
    offending_rows: Rows,
    test: Callable[[LossTest], None],
    remark: Callable[[str], None],
) -> None:
    """No subgroup of the rows gets worse answers than before.

    The loss of each row (squared error, shown as rmse; wrong or right; squared error of the probabilities), candidate
    less baseline, by slice: Student's t after Hall's correction for skewness, corrected for all slices (Holm 1979).

    Declared slices are those of `data.slices`: a column, `{age: 4}` (quantile bins), `{age: [18, 65]}` (edges), or
    `{name: seniors, where: age > 65 and sex == "f"}`; what is missing is a slice of its own. Limit: the margin of rmse,
    accuracy or brier, more where the baseline's loss is larger in the slice than elsewhere. A warning beyond it,
    critical beyond twice of it. A slice that is shown to be worse and cannot be decided is inconclusive, as a warning.

    Found slices are levels and runs of quantile bins of every input, and pairs of them (after Chung et al., Slice
    Finder, 2019). Limit: only what is proven beyond twice the margin is said, and beyond twice the largest gain
    elsewhere: versions that differ everywhere lose here what they gain there. Of more than 30,000 rows a sample is
    searched.

    Default: slices of at least 50 rows, of categories the 50 largest.
    A failure means that some callers get worse answers, while the mean hides it; the rows are listed.
    To change it: `data: {slices: [...], min_slice: 100}`, the margin under `metrics: {rmse: {max_regression: "5%"}}`,
    or `severity: {quality.slices: warning}`.
    """
    data = compared(case, main_metrics(case.task))
    losses = losses_of(data.metric, data.paired, data.margin)
    least = case.config.data.min_slice
    if len(losses.difference) < 2 * least:
        pytest.skip(f"{len(losses.difference)} rows are too few to look at slices of {least} (data.min_slice)")
    frame = eval_data.iloc[data.paired.rows]
    declared = _declared(case, frame, losses, least)
    for text in declared.remarks:
        remark(text)
    _record(declared, losses, measure)
    found, searched = _searched(case, frame, data, losses)
    tests = [*_tests(declared, losses), *_test_of(found, losses)]
    for each in tests:
        test(each)
    if found is not None:
        measure("slices searched", found.tested)
    if tests:
        _list_rows(_worst(declared, found, searched), data, losses, offending_rows)
    elif not declared.decided and (found is None or not found.decided):
        pytest.skip(
            f"no slice has enough rows to be decided: {len(losses.difference)} rows, slices of at least {least}"
        )


def _list_rows(inside: Any, data: Compared, losses: Losses, offending_rows: Rows) -> None:
    """List the rows of a slice that lost, the worst first; squared errors are told in the baseline's mean."""
    rows = inside[np.argsort(-losses.difference[inside], kind="stable")]
    rows = rows[losses.difference[rows] > 0]
    unit = "loss_in_mean_squared_errors" if losses.metric == "rmse" else "loss"
    offending_rows(data.paired.rows[rows], **{unit: losses.difference[rows]})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    """The declared slices that have enough rows, tested; where each begins among the partitions; what is to be said."""

    names: tuple[str, ...]
    places: tuple[tuple[Partition, int], ...]
    judged: Judged | None
    remarks: tuple[str, ...] = ()
    p_beyond: Any = field(default_factory=lambda: np.ones(0))
    p_critical: Any = field(default_factory=lambda: np.ones(0))
    p_worse: Any = field(default_factory=lambda: np.ones(0))

    @property
    def decided(self) -> bool:
        """Whether a loss can be excluded or is proven in any of them."""
        return self.judged is not None and bool(((self.judged.p_within <= PROVEN) | (self.p_beyond <= PROVEN)).any())


def _declared(case: Case, frame: pd.DataFrame, losses: Losses, least: int) -> _Declared:
    """Cut the rows as gate.yaml says, and test each slice that is large enough."""
    partitions, remarks = [], []
    for entry in case.config.data.slices:
        found = _cut(entry, frame, least)
        remarks += [found] if isinstance(found, str) else []
        partitions += [found] if isinstance(found, Partition) else []
    added = [sums(partition.codes, len(partition.names), losses) for partition in partitions]
    every = np.concatenate([*added, np.zeros((0, 6))])
    places = [(partition, code) for partition in partitions for code in range(len(partition.names))]
    names = [partition.names[code] for partition, code in places]
    remarks += [f"nobody is in {name}" for name, count in zip(names, every[:, 0], strict=True) if count == 0]
    small = [name for name, count in zip(names, every[:, 0], strict=True) if 0 < count < least]
    small += [f"{part.left_out:,} of the values of {part.column}" for part in partitions if part.left_out]
    remarks += [f"smaller than {least} rows or beyond the 50 largest: {', '.join(small[:5])}"] if small else []
    kept = np.flatnonzero(every[:, 0] >= least)
    if not len(kept):
        return _Declared(names=(), places=(), judged=None, remarks=tuple(remarks))
    judged = judge(every[kept], losses)
    return _Declared(
        names=tuple(names[place] for place in kept),
        places=tuple(places[place] for place in kept),
        judged=judged,
        remarks=tuple(remarks),
        p_beyond=adjusted(judged.p_beyond),
        p_critical=adjusted(judged.p_critical),
        p_worse=adjusted(judged.p_worse),
    )


def _cut(entry: Any, frame: pd.DataFrame, least: int) -> Partition | str:
    """Cut by one entry of `data.slices`; give a sentence where that cannot be done."""
    if isinstance(entry, str):
        return cut(entry, frame[entry], least) if entry in frame else f"there is no column {entry}"
    if "where" in entry:
        try:
            return matching(str(entry.get("name", entry["where"])), mask(parse(entry["where"]), frame))
        except (ConditionError, KeyError) as error:
            return f"the slice {entry.get('name', entry['where'])} cannot be cut: {error}"
    column, bins = next(iter(entry.items()))
    return cut(column, frame[column], least, bins) if column in frame else f"there is no column {column}"


def _record(declared: _Declared, losses: Losses, measure: Measure) -> None:
    """Record every declared slice, the worst first."""
    if declared.judged is None:
        return
    for place in np.argsort(declared.p_worse, kind="stable")[:MEASURED]:
        loss, error, margin = in_metric(losses, declared.judged, int(place))
        ci = (loss - 2.576 * error, loss + 2.576 * error)
        measure(f"{losses.metric} lost where {declared.names[place]}", loss, margin=margin, ci=ci, confidence=0.99)


def _tests(declared: _Declared, losses: Losses) -> list[LossTest]:
    """The declared slices that are proven to be worse, and those shown to be worse that cannot be decided."""
    if declared.judged is None:
        return []
    proven = declared.p_beyond <= PROVEN
    open_ = (declared.p_worse <= SHOWN) & (declared.judged.p_within > PROVEN) & ~proven
    return [_loss_test(declared, int(place), losses) for place in np.flatnonzero(proven | open_)]


def _loss_test(declared: _Declared, place: int, losses: Losses) -> LossTest:
    if declared.judged is None:
        raise ValueError("no slice was judged")
    loss, error, margin = in_metric(losses, declared.judged, place)
    return LossTest(
        name=f"{losses.metric} where {declared.names[place]}",
        loss=loss,
        standard_error=error,
        margin=margin,
        p_beyond=float(declared.p_beyond[place]),
        p_within=float(declared.judged.p_within[place]),
        p_critical=float(declared.p_critical[place]),
    )


def _test_of(found: Found | None, losses: Losses) -> list[LossTest]:
    """A found slice that is proven to be worse; what is not proven says nothing."""
    if found is None or found.p_beyond > PROVEN:
        return []
    loss, error, margin = in_metric(losses, found.judged, 0)
    return [
        LossTest(
            name=f"{losses.metric} where {found.name} (found)",
            loss=loss,
            standard_error=error,
            margin=margin,
            p_beyond=found.p_beyond,
            p_within=0.0,
            p_critical=found.p_beyond,
        )
    ]


def _searched(case: Case, frame: pd.DataFrame, data: Compared, losses: Losses) -> tuple[Found | None, Any]:
    """Search the inputs, on a sample of many rows; give what was found and the rows that were searched."""
    settings = case.comparison.data
    kept = {*(settings.targets if settings else ()), settings.id if settings else None}
    names = [name for name in frame.columns if name not in kept][:SEARCHED_COLUMNS]
    ours, theirs = (np.asarray(answer) for answer in (data.paired.candidate, data.paired.baseline))
    rows = np.arange(len(frame))
    if len(rows) > SEARCHED_ROWS:
        rows = _sample(frame, losses)
        frame, losses, ours, theirs = frame.iloc[rows], losses.take(rows), ours[rows], theirs[rows]
    least = case.config.data.min_slice
    partitions = [cut(str(name), frame[name], least) for name in names if _hashable(frame[name])]
    return search([part for part in partitions if part.names], losses, _moved(ours, theirs), least), rows


def _sample(frame: pd.DataFrame, losses: Losses) -> Any:
    """Draw rows by the numbers they hold, the same in any order of the data; by position where these repeat."""
    numbers = [frame[name].to_numpy() for name in frame.columns if getattr(frame[name].dtype, "kind", "O") in "iuf"]
    plain = [values for values in numbers if isinstance(values, np.ndarray) and values.dtype.kind in "iuf"]
    keys = row_keys([losses.baseline, losses.difference, *plain], len(frame), 0)
    if len(np.unique(keys[:10_000])) < 9_900:  # noqa: PLR2004 - alike rows would be drawn together
        return np.sort(np.random.default_rng(0).permutation(len(frame))[:SEARCHED_ROWS])
    return lowest(keys, SEARCHED_ROWS)


def _hashable(values: pd.Series) -> bool:
    """Whether a column holds single values; vectors and images are not searched."""
    if values.dtype != object:
        return True
    return not any(isinstance(value, (list, dict, np.ndarray, bytes)) for value in values[values.notna()].head(1))


def _moved(ours: Any, theirs: Any) -> Any:
    """The squared distance between both answers to each row (n,): 0 or 1 for classes."""
    if ours.dtype.kind not in "fc":
        return (ours != theirs).reshape(len(ours), -1).mean(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        return ((ours - theirs) ** 2).reshape(len(ours), -1).sum(axis=1)


def _worst(declared: _Declared, found: Found | None, searched: Any) -> Any:
    """Give the positions of the rows in the worst slice."""
    if declared.judged is not None and (found is None or declared.p_beyond.min() <= found.p_beyond):
        partition, code = declared.places[int(np.argmin(declared.p_beyond))]
        return np.flatnonzero(partition.codes == code)
    return searched[found.inside] if found is not None else searched[:0]
