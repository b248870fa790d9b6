"""Which column of the evaluation data is the label, which names the row, which are slices."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gate.domain import EvaluationData, JsonValue, Signature
from gate.errors import UsageError
from gate.evidence.conditions import ConditionError, parse

_TARGETS = ("target", "label", "labels", "y", "class", "y_true", "ground_truth", "targets")
_IDS = ("id", "row_id", "index", "uuid", "_id", "key", "sample_id", "record_id")
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the settings say of the columns, and how many rows they allow; None where they say nothing."""

    target: str | tuple[str, ...] | None = None
    id: str | None = None
    slices: Sequence[JsonValue] = ()
    max_rows: int | None = None


class NoSuchColumnError(UsageError):
    """A setting of `data:` names a column that the data do not have; `setting` is its key."""

    def __init__(self, text: str, remedy: str, setting: str) -> None:
        """Carry the key."""
        super().__init__(text, remedy=remedy)
        self.setting = setting


def ensure_columns(names: Sequence[str], columns: Columns, where: str) -> None:
    """Refuse settings that name a column that is not there.

    Raises:
        NoSuchColumnError: with the existing names, the closest first.
    """
    targets = (columns.target,) if isinstance(columns.target, str) else columns.target or ()
    wanted: list[tuple[str, str | None]] = [*(("target", name) for name in targets), ("id", columns.id)]
    wanted += [("slice", name) for slice_ in columns.slices for name in _slice_names(slice_)]
    for role, name in wanted:
        if name is not None and name not in names:
            raise NoSuchColumnError(
                f"The {role} column {name!r} is not in the evaluation data ({where}).",
                remedy=f"They have: {_listed(name, names)}.",
                setting="slices" if role == "slice" else role,
            )


def _slice_names(entry: JsonValue) -> list[str]:
    """The columns that a slice asks for.

    Raises:
        UsageError: its condition cannot be read.
    """
    if not isinstance(entry, Mapping):
        return [str(entry)]
    where = entry.get("where")
    if not isinstance(where, str):
        return [str(name) for name in entry]
    try:
        return sorted(parse(where).columns)
    except ConditionError as error:
        raise UsageError(f"The slice {entry.get('name', where)!r} has the condition {where!r}: {error}.") from None


def _listed(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    ordered = [*close, *(other for other in names if other not in close)]
    more = f" and {len(ordered) - _NAMES_SHOWN} more" if len(ordered) > _NAMES_SHOWN else ""
    return ", ".join(repr(other) for other in ordered[:_NAMES_SHOWN]) + more


def infer_columns(data: EvaluationData, signature: Signature | None) -> EvaluationData:
    """Find the label and the row's name where no setting names them, among the columns that are no input.

    The label is a left-over column with a usual name, else the only one that is left; the row's name is a left-over
    column with a usual name. What was inferred is said in `source`.
    """
    rest = _left_over(data, signature)
    found_id = data.id or _named(rest, _IDS)
    rest = [name for name in rest if name != found_id]
    target = data.target or _named(rest, _TARGETS) or _only(rest)
    found = {"target": target, "id": found_id}
    inferred = [f"{role} {name!r} inferred" for role, name in found.items() if name and name != getattr(data, role)]
    source = f"{data.source} ({', '.join(inferred)})" if inferred else data.source
    return replace(data, target=target, id=found_id, source=source)


def with_repeats_said(data: EvaluationData) -> EvaluationData:
    """Say in `source` how many rows repeat another's name: they cannot be told apart by it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if data.id is None:
        return data
    try:
        distinct = pc.count_distinct(data.table.column(data.id), mode="all").as_py()
    except pa.ArrowException:  # lists and structs cannot be counted
        return data
    repeats = data.table.num_rows - distinct
    said = f"{data.source} (id {data.id!r}: {repeats:,} rows repeat another's)"
    return replace(data, source=said) if repeats else data


def _left_over(data: EvaluationData, signature: Signature | None) -> list[str]:
    """Give the columns that are no input of the model; none where its inputs have no names."""
    inputs = [field.name for field in (signature.inputs or ())] if signature else []
    if not inputs or None in inputs:
        return [name for name in data.table.column_names if name.lower() in {*_TARGETS, *_IDS}]
    settled = {*inputs, *data.targets, data.id, *(name for entry in data.slices for name in _slice_names(entry))}
    return [name for name in data.table.column_names if name not in settled and not _unnamed(name)]


def _unnamed(name: str) -> bool:
    """An index that somebody's CSV writer left behind."""
    return not name.strip() or name.startswith("Unnamed:")


def _named(names: Sequence[str], usual: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in usual if name in by_lower), None)


def _only(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None
