"""Which changes of a signature break its callers."""

from __future__ import annotations

from collections.abc import Sequence

from gate.domain import Field, Signature

WIDER = {
    "integer": {"long", "float", "double"},
    "long": {"double"},
    "float": {"double"},
    "boolean": set[str](),
}
"""Types that take everything that the first one takes, by MLflow's schema enforcement."""


def breaking_changes(baseline: Signature, candidate: Signature) -> list[str]:
    """Say each change that breaks a caller of the baseline, a phrase each."""
    return [
        *_inputs(baseline.inputs or (), candidate.inputs or ()),
        *_outputs(baseline.outputs or (), candidate.outputs or ()),
        *_params(baseline.params or (), candidate.params or ()),
    ]


def _inputs(before: Sequence[Field], after: Sequence[Field]) -> list[str]:
    if before and not after:
        return ["the inputs are no longer described"]
    if not before:
        return []
    if (before[0].shape is None) != (after[0].shape is None):
        return [f"inputs were {_form(before)}, and are {_form(after)}"]
    if any(field.name is None for field in (*before, *after)):
        return _by_position(before, after)
    old, new = ({str(field.name): field for field in fields} for fields in (before, after))
    removed = [name for name in old if name not in new]
    added = [name for name, field in new.items() if name not in old and field.required]
    if len(removed) == len(added) == 1:
        return [f"input {removed[0]!r} was renamed to {added[0]!r}", *_narrowed(old, new)]
    return [
        *(f"input {name!r} was removed" for name in removed),
        *(f"input {name!r} was added, and is required" for name in added),
        *_narrowed(old, new),
    ]


def _form(fields: Sequence[Field]) -> str:
    return "a tensor" if fields[0].shape is not None else "columns"


def _narrowed(old: dict[str, Field], new: dict[str, Field]) -> list[str]:
    both = [name for name in old if name in new]
    changed = [name for name in both if not _takes(old[name], new[name])]
    strict = [name for name in both if new[name].required and not old[name].required]
    return [
        *(f"input {name!r} was {_type(old[name])}, and is {_type(new[name])}" for name in changed),
        *(f"input {name!r} was optional, and is required" for name in strict),
    ]


def _takes(before: Field, after: Field) -> bool:
    """Whether all values of one type are taken by the other."""
    same_type = before.type == after.type and before.detail == after.detail
    wider = after.type in WIDER.get(before.type, set()) or after.type == "any"
    return (same_type or wider) and _fits(before.shape, after.shape)


def _fits(before: tuple[int, ...] | None, after: tuple[int, ...] | None) -> bool:
    if before is None or after is None:
        return before == after
    same_rank = len(before) == len(after)
    return same_rank and all(new in {-1, old} for old, new in zip(before, after, strict=True))


def _type(field: Field) -> str:
    return field.type if field.shape is None else f"{field.type}{list(field.shape)}"


def _by_position(before: Sequence[Field], after: Sequence[Field]) -> list[str]:
    if len(before) != len(after):
        return [f"there were {len(before)} inputs, and are {len(after)}"]
    return [
        f"input {place} was {_type(old)}, and is {_type(new)}"
        for place, (old, new) in enumerate(zip(before, after, strict=True), start=1)
        if not _takes(old, new) or (old.name and new.name and old.name != new.name)
    ]


def _outputs(before: Sequence[Field], after: Sequence[Field]) -> list[str]:
    """A caller reads what was there: an output may be added, none may go or change its type."""
    if not before or not after:
        return ["the outputs are no longer described"] if before else []
    if len(before) == 1 and len(after) == 1:
        same = _reads(before[0], after[0])
        return [] if same else [f"the output was {_type(before[0])}, and is {_type(after[0])}"]
    old, new = ({field.name or str(place): field for place, field in enumerate(part)} for part in (before, after))
    return [
        *(f"output {name!r} was removed" for name in old if name not in new),
        *(
            f"output {name!r} was {_type(field)}, and is {_type(new[name])}"
            for name, field in old.items()
            if name in new and not _reads(field, new[name])
        ),
    ]


_NUMBERS = {"integer", "long", "float", "double"}


def _reads(before: Field, after: Field) -> bool:
    """Whether a caller that reads the one can read the other: a float read as a double is the same number."""
    if before.shape is not None and after.shape is not None:
        return before.shape[1:] == after.shape[1:] and before.type[:3] == after.type[:3]
    if before.shape is not None or after.shape is not None:
        return _single(before) and _single(after)
    both_real = {before.type, after.type} <= {"float", "double"}
    both_whole = {before.type, after.type} <= {"integer", "long"}
    return before.type == after.type or both_real or both_whole


def _single(field: Field) -> bool:
    """One number a row: a column of numbers, or a tensor of shape (-1,) or (-1, 1)."""
    if field.shape is None:
        return field.type in _NUMBERS
    return len(field.shape) == 1 or field.shape[1:] == (1,)


def _params(before: Sequence[Field], after: Sequence[Field]) -> list[str]:
    names = {field.name for field in after}
    return [f"parameter {field.name!r} was removed" for field in before if field.name not in names]
