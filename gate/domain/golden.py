"""Golden cases: inputs with answers that must never flip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gate.domain.judged import Failure
from gate.domain.terms import JsonValue

if TYPE_CHECKING:
    import pyarrow as pa

Expected = Literal["answer", "class", "range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCase:
    """One line of the file: inputs by column, and what the answer must be.

    `kind` says how it is compared: "answer" as a number within `tolerance`, or as text, a list, an object of columns;
    "class" as the most likely class; "range" as a number between two bounds, None where there is none.
    `notes` are the keys that only people read: why, added_at, from.
    """

    id: str
    inputs: Mapping[str, JsonValue]
    kind: Expected
    expected: JsonValue
    tolerance: float | None = None
    notes: Mapping[str, JsonValue]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenAnswers:
    """What the candidate answered to the golden cases, one row a case; `failure` says why it gave no answers.

    `source` names the file. `positive` is the class that a single probability a row is about, None where the answers
    are no such probabilities.
    """

    source: str
    cases: tuple[GoldenCase, ...]
    table: pa.Table | None
    failure: Failure | None = None
    positive: JsonValue = None
