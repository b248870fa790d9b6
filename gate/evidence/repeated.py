"""One exact value that many rows share, told from honest repeats by what the baseline answers to the same rows."""

from __future__ import annotations

import numpy as np

from gate.evidence.arrays import Bools, Floats, Ints
from gate.evidence.outliers import Stuck

FEW = 5
SHARE = 0.002
TIMES = 3
"""The baseline may hold the value a third as often."""
DISTINCT = 0.25
"""Of coarser answers repeats say nothing."""
APART = 0.2
"""The deviation of ranks (0 to 1) of rows that have nothing in common is 0.29, in a tenth of the range 0.03."""
ALONE_APART = 0.06
NOISE = 2.0
"""The baseline's answers to these rows lie so many times as far from the value as versions usually differ."""
TRIED = 20


def stuck(values: Floats, baseline: Floats) -> Stuck | None:
    """Find an exact value that rows share which the baseline tells apart; both (n,) for the same rows, NaN for none.

    Equal inputs, saturated answers and leaves of trees repeat values too, but then the baseline answers these rows
    alike. A value is stuck where at least 5 rows and 0.2 % have it, the baseline has it a third as often at most, the
    ranks of the baseline's answers to these rows are spread as if the rows had been chosen at random, and either it
    is alone, three times as frequent as the fourth commonest, or these answers lie twice as far from the value as both
    versions' answers usually lie apart (medians). One that is alone and inside the range of the answers, so no bound,
    needs only twice the spread of rows of one tenth. None where there is none, or fewer than a quarter are distinct.
    """
    known = np.isfinite(values)
    levels, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    if len(levels) < DISTINCT * int(known.sum()):
        return None
    enough = np.flatnonzero(counts >= max(FEW, SHARE * len(values)))
    theirs = baseline[known]
    ranks, usual = _ranks(theirs), _median(np.abs(values[known] - theirs))
    others = int(np.partition(counts, -4)[-4]) if len(counts) >= 4 else 1  # noqa: PLR2004 - as the docstring says
    for level in enough[np.argsort(-counts[enough], kind="stable")][:TRIED]:
        inside = inverse == level
        own = int((baseline == levels[level]).sum())
        away = _median(np.abs(theirs[inside] - levels[level]))
        alone = counts[level] >= TIMES * others
        apart = ALONE_APART if alone and 0 < level < len(levels) - 1 else APART
        if (alone or away > NOISE * usual) and counts[level] >= TIMES * own and _apart(ranks, inside, apart):
            return Stuck(value=float(levels[level]), rows=_places(known, inside), explained=own)
    return None


def stuck_name(ours: Ints, theirs: Ints | None) -> Stuck | None:
    """Find one text or list that rows share which the baseline tells apart; codes (n,) over common levels, -1 for none.

    It is stuck where at least 5 rows and 0.2 % have it, three times as many as have the fourth commonest and as have it
    in the baseline, whose answers to these rows are mostly distinct. None where there is none, or fewer than a quarter
    of the answers are distinct.
    """
    known = ours[ours >= 0]
    counts = np.bincount(known)
    if not len(known) or int((counts > 0).sum()) < DISTINCT * len(known):
        return None
    level = int(counts.argmax())
    others = int(np.sort(counts)[-4]) if len(counts) >= 4 else 1  # noqa: PLR2004 - as the docstring says
    rows = np.flatnonzero(ours == level).astype(np.int64)
    own = 0 if theirs is None else int((theirs == level).sum())
    apart = theirs is None or len(np.unique(theirs[rows])) >= len(rows) / 2
    enough = len(rows) >= max(FEW, SHARE * len(ours), TIMES * others, TIMES * own)
    return Stuck(value=float("nan"), rows=rows, explained=own) if enough and apart else None


def _places(known: Bools, inside: Bools) -> Ints:
    return np.flatnonzero(known)[inside].astype(np.int64)


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _apart(ranks: Floats, inside: Bools, least: float) -> bool:
    here = ranks[inside]
    here = here[np.isfinite(here)]
    return len(here) >= FEW and float(here.std()) >= least


def _ranks(values: Floats) -> Floats:
    """Ranks from 0 to 1, equal values sharing theirs; NaN where there is no answer."""
    ranks = np.full(len(values), np.nan)
    known = np.isfinite(values)
    if known.any():
        _, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
        middle = np.cumsum(counts) - (counts - 1) / 2
        ranks[known] = middle[inverse] / int(known.sum())
    return ranks
