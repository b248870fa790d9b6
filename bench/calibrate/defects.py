"""Seeded defects: what goes wrong with a version's answers, and whether it must be rejected.

Each is laid over a version that is as good as the baseline (a refit on 2 % more rows), so that the defect does not
stand out by everything else being the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.calibrate import spoiled_numbers as numbers
from bench.calibrate import spoiled_rows as rows
from bench.calibrate import spoiled_scores as probabilities
from bench.calibrate.samples import Change

Weight = Literal["critical", "loss", "warning"]
NUMBERS = frozenset({"number", "probability", "matrix"})
SCORES = frozenset({"probability", "matrix"})
NAMES = frozenset({"label", "matrix"})
ALL = NUMBERS | {"label"}
NUMBER, LABEL, MATRIX = frozenset({"number"}), frozenset({"label"}), frozenset({"matrix"})
ONE = frozenset({"number", "probability"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A defect.

    `weight`: `critical` must be rejected whatever it does to a metric; `loss` must be where the true loss is beyond
    twice the margin, warned of otherwise, and nothing is asked where it does no harm in this world (overconfidence
    makes a model better that was not confident enough); `warning` must be warned of. `candidate` is the version
    that it is laid over.
    """

    name: str
    make: Change
    weight: Weight
    shapes: frozenset[str] = ALL
    candidate: str = "refit on 2 % more rows"
    worlds: tuple[str, ...] = ()


def _plain(name: str, candidate: str) -> Defect:
    return Defect(name=name, make=lambda sample: sample, weight="loss", candidate=candidate)


_LIST = (
    Defect(name="0.5 % without an answer", make=rows.missing(0.005), weight="critical"),
    Defect(name="one row without an answer", make=rows.missing(0.0), weight="critical"),
    Defect(name="no answers at all", make=rows.missing(1.0), weight="critical"),
    Defect(name="one infinite answer", make=numbers.put(float("inf"), 0.0), weight="critical", shapes=NUMBER),
    Defect(name="0.5 % stuck at one value", make=numbers.stuck(0.005), weight="critical", shapes=NUMBERS),
    Defect(name="2 % stuck at one value", make=numbers.stuck(0.02), weight="critical", shapes=NUMBERS),
    Defect(name="0.5 % stuck at zero", make=numbers.put(0.0, 0.005), weight="critical", shapes=ONE),
    Defect(name="0.5 % at -999", make=numbers.put(-999.0, 0.005), weight="critical", shapes=NUMBERS),
    Defect(name="one answer to all", make=rows.constant, weight="critical"),
    Defect(name="a class is never answered", make=rows.collapsed, weight="loss", shapes=NAMES),
    Defect(name="5 % of the rows permuted", make=rows.permuted(0.05), weight="critical"),
    Defect(name="20 % of the rows permuted", make=rows.permuted(0.2), weight="critical"),
    Defect(name="all rows permuted", make=rows.permuted(1.0), weight="critical"),
    Defect(name="shifted by one row", make=rows.rolled, weight="critical"),
    Defect(name="half of the rows shifted by one", make=rows.half_rolled, weight="critical"),
    Defect(name="reversed", make=rows.backwards, weight="critical"),
    Defect(name="sorted answers", make=rows.ascending, weight="critical"),
    Defect(name="batches swapped", make=rows.batches_swapped, weight="critical"),
    Defect(name="each tenth answer is the one before", make=rows.repeated, weight="loss"),
    Defect(name="a slice of 10 % shifted", make=rows.slice_shifted(0.1, 1.0), weight="loss"),
    Defect(name="a slice of 5 % shifted far", make=rows.slice_shifted(0.05, 2.0), weight="loss"),
    Defect(name="a declared slice shifted", make=rows.declared(rows.slice_shifted(0.1, 1.0)), weight="loss"),
    Defect(name="a slice of 10 % gets a default", make=rows.slice_default(0.1), weight="loss"),
    Defect(name="2 % flipped", make=rows.flipped(0.02), weight="loss", shapes=ALL - NUMBER),
    Defect(name="5 % flipped", make=rows.flipped(0.05), weight="loss", shapes=ALL - NUMBER),
    Defect(name="10 % of the commonest class flipped", make=rows.class_flipped(0.1), weight="loss",
           shapes=ALL - NUMBER),
    Defect(name="two classes swapped", make=rows.swapped, weight="loss", shapes=NAMES),
    Defect(name="classes off by one", make=rows.next_class, weight="loss", shapes=NAMES),
    Defect(name="0.5 % with an unknown class", make=rows.unknown(0.005), weight="critical", shapes=LABEL),
    Defect(name="class names cut short", make=rows.renamed(lambda name: name[:4]), weight="critical", shapes=LABEL,
           worlds=("wine", "tickets")),
    Defect(name="class names in capitals", make=rows.renamed(str.upper), weight="critical", shapes=LABEL,
           worlds=("wine", "tickets")),
    Defect(name="a thousand times too large", make=numbers.scaled(1000), weight="loss", shapes=NUMBER),
    Defect(name="1 % a hundred times too large", make=numbers.some_scaled(0.01, 100), weight="loss", shapes=NUMBER),
    Defect(name="10 % too large", make=numbers.scaled(1.1), weight="loss", shapes=NUMBER),
    Defect(name="the sign flipped", make=numbers.scaled(-1), weight="loss", shapes=NUMBER),
    Defect(name="an offset of half an error", make=numbers.offset(0.5), weight="loss", shapes=NUMBER),
    Defect(name="the logarithm was not undone", make=numbers.logarithm, weight="loss", shapes=NUMBER),
    Defect(name="noise as large as half the error", make=numbers.noise(0.5), weight="loss", shapes=NUMBER),
    Defect(name="2 % with wild noise", make=numbers.some_noise(0.02, 5), weight="loss", shapes=NUMBER),
    Defect(name="rounded to a coarse grid", make=numbers.rounded(0.5), weight="loss", shapes=NUMBER),
    Defect(name="tails clipped at 5 %", make=numbers.clipped(0.05), weight="loss", shapes=NUMBER),
    Defect(name="shrunk towards the mean", make=numbers.shrunk(0.6), weight="loss", shapes=NUMBER),
    Defect(name="yesterday's value is answered", make=numbers.lagged, weight="loss", worlds=("demand",)),
    Defect(name="0.5 % above 1", make=numbers.put(1.2, 0.005), weight="critical", shapes=SCORES),
    Defect(name="0.5 % below 0", make=numbers.put(-0.1, 0.005), weight="critical", shapes=SCORES),
    Defect(name="1 % of the rows do not sum to 1", make=probabilities.short(0.01), weight="critical", shapes=MATRIX),
    Defect(name="logits in place of probabilities", make=probabilities.raw, weight="critical", shapes=SCORES),
    Defect(name="overconfident", make=probabilities.logits(lambda z: 3 * z), weight="loss", shapes=SCORES),
    Defect(name="underconfident", make=probabilities.logits(lambda z: 0.4 * z), weight="loss", shapes=SCORES),
    Defect(name="all log-odds moved by 0.7", make=probabilities.moved(0.7), weight="loss", shapes=SCORES),
    Defect(name="noise in the log-odds", make=probabilities.noisy(1.0), weight="loss", shapes=SCORES),
    Defect(name="decisions in place of probabilities", make=probabilities.decisions, weight="loss", shapes=SCORES),
    Defect(name="probabilities in steps of 0.1", make=probabilities.stepped, weight="warning", shapes=SCORES),
    Defect(name="the other class's probability", make=probabilities.inverted, weight="loss",
           shapes=frozenset({"probability"})),
    _plain("trained on 5 % of the rows", "stale"),
    _plain("the main column is lost when answering", "blind"),
    _plain("trained without the main column", "never saw the main column"),
    Defect(name="the label leaked", make=rows.leaked, weight="warning"),
)  # fmt: skip

DEFECTS: Mapping[str, Defect] = {defect.name: defect for defect in _LIST}


def defects_of(world: str, shape: str) -> list[Defect]:
    """Give the defects that a world can have."""
    return [d for d in _LIST if shape in d.shapes and (not d.worlds or world in d.worlds)]
