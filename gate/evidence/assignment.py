"""Are the answers on the right rows? Finds answers that were given to other rows: shuffled, shifted or reversed.

Marginal statistics are blind to this: the distribution of the answers stays what it was. Here rows are paired: the
agreement is the cosine between the centred scores of two columns (of ranks: Spearman's correlation; of classes: close
to Cohen's kappa), and its chance deviation that over all permutations of the rows.

Source: N. Mantel, The detection of disease clustering and a generalized regression approach, Cancer Res. 27 (1967).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gate.evidence.arrays import Array, Bools, Floats, Ints
from gate.evidence.outliers import centre_and_scale

COLUMNS = 4
"""Of wide answers so many columns are used: those that vary most."""
CLEAR_Z = 3.09
"""One-sided p = 0.001."""
REACH_Z = 2.33
"""One-sided 99 % bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How well two columns agree by row.

    `agreement` lies in [-1, 1], with the deviation `chance` that it has over random pairings. `best` is the largest
    agreement over all rotations of the rows and of their reverse, `lag` and `reversed` say which, and `better_z` how
    clearly it beats the present order. `varied` counts the rows outside the commonest answer of either column, where
    the agreement is not clear (it matters nowhere else).
    """

    rows: int
    agreement: float
    chance: float
    varied: int = 0
    best: float = 0.0
    lag: int = 0
    reversed: bool = False
    better_z: float = 0.0

    @property
    def clear(self) -> bool:
        """Whether the columns go together beyond chance."""
        return self.agreement >= CLEAR_Z * self.chance

    @property
    def at_most(self) -> float:
        """Give the upper 99 % bound of the agreement."""
        return self.agreement + REACH_Z * self.chance

    @property
    def elsewhere(self) -> bool:
        """Whether another order of the rows fits clearly better, and at least halves the misfit."""
        return self.better_z > 6 and 1 - self.best < 0.5 * (1 - self.agreement)  # noqa: PLR2004 - six deviations


def rank_scores(values: Floats) -> Floats:
    """Give centred ranks (n, 1), ties sharing theirs; rows without a finite value score 0."""
    valid = np.isfinite(values)
    _, inverse, counts = np.unique(values[valid], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    scores = np.zeros((len(values), 1))
    if valid.any():
        scores[valid, 0] = middle[inverse] - middle[inverse].mean()
    return scores


def column_scores(values: Floats, columns: Ints) -> Floats:
    """Give the chosen columns (n, d) of an array (n, k), centred; rows with anything not finite score 0."""
    chosen = values[:, columns]
    valid = np.isfinite(chosen).all(axis=1)
    scores = np.zeros(chosen.shape)
    if valid.any():
        scores[valid] = chosen[valid] - chosen[valid].mean(axis=0)
    return scores


def class_scores(codes: Ints, classes: Ints) -> Floats:
    """Give centred indicators (n, d) of the chosen classes; a missing answer (-1) is none of them."""
    marks = (codes[:, None] == classes[None, :]).astype(np.float64)
    return np.asarray(marks - marks.mean(axis=0))


def widest(values: Floats) -> Ints:
    """Choose the columns of an array (n, k) that vary most."""
    valid = np.isfinite(values).all(axis=1)
    spread = (values if valid.all() else values[valid]).std(axis=0) if valid.any() else np.zeros(values.shape[1])
    return np.sort(np.argsort(-spread, kind="stable")[:COLUMNS]).astype(np.int64)


def commonest(codes: Ints) -> Ints:
    """Choose the classes that occur most."""
    found, counts = np.unique(codes[codes >= 0], return_counts=True)
    return np.asarray(np.sort(found[np.argsort(-counts, kind="stable")[:COLUMNS]]), dtype=np.int64)


def align(ours: Floats, theirs: Floats, *, search: bool = True) -> Alignment:
    """Compare centred scores (n, d) of both columns row by row, and in every rotation, forwards and backwards.

    Without `search` the present order alone is looked at.
    """
    rows = len(ours)
    size = math.sqrt(float((ours**2).sum()) * float((theirs**2).sum()))
    if rows < 2 or size == 0:  # noqa: PLR2004 - nothing to compare
        return Alignment(rows=rows, agreement=0, chance=1)
    chance = math.sqrt(float(((ours.T @ ours) * (theirs.T @ theirs)).sum()) / (rows - 1)) / size
    agreement = float(np.vdot(ours, theirs)) / size
    varied = 0 if agreement >= CLEAR_Z * chance else min(_varied(ours), _varied(theirs))
    if not search:
        return Alignment(rows=rows, agreement=agreement, chance=chance, varied=varied)
    best, lag, backwards = _best_order(ours, theirs, size)
    better_z = _better(ours, theirs, reorder(rows, lag, backwards=backwards)) if best > agreement else 0.0
    return Alignment(
        rows=rows,
        agreement=agreement,
        chance=chance,
        varied=varied,
        best=best,
        lag=lag,
        reversed=backwards,
        better_z=better_z,
    )


def reorder(rows: int, lag: int, *, backwards: bool) -> Ints:
    """Give the row of the second column that each row of the first one is compared with."""
    order = (np.arange(rows, dtype=np.int64) + lag) % rows
    return order[::-1] if backwards else order


def _best_order(ours: Floats, theirs: Floats, size: float) -> tuple[float, int, bool]:
    """The rotation with the largest agreement, all at once by the convolution theorem."""
    mine, others = (np.fft.rfft(scores, axis=0) for scores in (ours, theirs))
    forwards = np.fft.irfft((np.conj(mine) * others).sum(axis=1), len(ours))
    turned = np.fft.irfft((mine * others).sum(axis=1), len(ours))
    lag, mirror = int(forwards.argmax()), int(turned.argmax())
    if forwards[lag] >= turned[mirror]:
        return float(forwards[lag]) / size, lag, False
    return float(turned[mirror]) / size, (mirror + 1) % len(ours), True


def _better(ours: Floats, theirs: Floats, order: Ints) -> float:
    """How clearly rows come closer in another order: the sign test's statistic, which no single row can sway."""
    gain = np.zeros(len(ours))
    ours_size, theirs_size = (math.sqrt(float(np.vdot(scores, scores))) for scores in (ours, theirs))
    for column in range(ours.shape[1]):
        mine, other = ours[:, column] / ours_size, theirs[:, column] / theirs_size
        gain += (mine - other) ** 2 - (mine - other[order]) ** 2
    closer, farther = int((gain > 0).sum()), int((gain < 0).sum())
    return (closer - farther) / math.sqrt(max(1, closer + farther))


def _varied(scores: Floats) -> int:
    """Count the rows outside the commonest score."""
    weights = np.sqrt(np.arange(2, scores.shape[1] + 2))
    return len(scores) - int(np.unique(scores @ weights, return_counts=True)[1].max())


def misplaced(ours: Floats, theirs: Floats) -> Bools:
    """Mark the rows (n,) whose values are the baseline's of other rows: the same set of values, in another order.

    Two models do not give the very same set of values by chance, so this is proof; no row is marked where the sets
    differ by more than rounding, or hold too few distinct values to prove anything.
    """
    none = np.zeros(len(ours), dtype=bool)
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all() and len(ours)):
        return none
    centre, scale = centre_and_scale(theirs)
    rounding = 4e-6 * scale + 4e-7 * abs(centre)
    if abs(float(ours.mean() - theirs.mean())) > rounding:
        return none
    if not bool((np.abs(np.sort(ours) - np.sort(theirs)) <= rounding).all()):
        return none
    moved = np.abs(ours - theirs) > 10 * rounding
    levels = len(np.unique(theirs))
    continuous = levels >= 0.5 * len(theirs) and bool((theirs != np.round(theirs)).any())
    enough = levels >= 10 and int(moved.sum()) >= 20  # noqa: PLR2004 - see the docstring
    return moved if continuous or enough else none


PARTS = 20
PART_ROWS = 50
FAR = 6.0
FEW_EXCHANGED = 20


def exchanged(ours: Floats, theirs: Floats) -> Ints:
    """Find rows (m,) whose answers were exchanged among them, in a version that otherwise goes with the baseline.

    Both (n,) for the same rows. Such rows lie 6 robust deviations off what the candidate answers where the baseline
    answers the like (medians of twentieths), at least 20 of them; among themselves they do not go together by row (a
    rank correlation below 0.3) though they hold the same values as often: the mean distance between equal quantiles is
    at most a quarter of that between the rows. None where there are no such rows.
    """
    none = np.zeros(0, dtype=np.int64)
    known = np.flatnonzero(np.isfinite(ours) & np.isfinite(theirs))
    parts = min(PARTS, len(known) // PART_ROWS)
    if parts < 2:  # noqa: PLR2004 - too few to tell the usual from the unusual
        return none
    usual, far = np.zeros(len(ours)), np.zeros(len(ours), dtype=bool)
    for rows in np.array_split(known[np.argsort(theirs[known], kind="stable")], parts):
        middle = float(np.median(ours[rows] - theirs[rows]))
        usual[rows] = theirs[rows] + middle
        away = np.abs(ours[rows] - usual[rows])
        far[rows] = away > FAR * max(1.4826 * float(np.median(away)), 1e-9 * float(np.abs(theirs[rows]).max()))
    rows = np.flatnonzero(far)
    if not FEW_EXCHANGED <= len(rows) <= len(known) / 3:
        return none
    one, other = ours[rows], usual[rows]
    together = float(np.corrcoef(rank_scores(one)[:, 0], rank_scores(other)[:, 0])[0, 1]) if np.ptp(one) > 0 else 1.0
    apart = float(np.abs(np.sort(one) - np.sort(other)).mean()) / float(np.abs(one - other).mean())
    return rows.astype(np.int64) if together < 0.3 and apart < 0.25 else none  # noqa: PLR2004 - see the docstring


def fingerprint(values: Floats) -> Floats:
    """Turn vectors (n, k) into one number a row, by a fixed projection that keeps different ones apart."""
    weights = np.sqrt(np.arange(2, values.shape[1] + 2))
    return np.asarray(values @ weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that speaks for or against wrong rows: the versions' agreement, and each one's with the labels.

    `alike` says whether the answers are distributed alike, `moved` how many rows hold the value of another row,
    `exchanged` how many are far from the baseline's and hold the like of others' among them,
    `label_gain` how much better the candidate agrees with the labels in its best order.
    """

    versions: Alignment
    alike: bool
    moved: int = 0
    exchanged: int = 0
    candidate_labels: Alignment | None = None
    baseline_labels: Alignment | None = None
    label_gain: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """How it ends ("passed", "failed", "inconclusive", "skipped"), why, and whether a mere warning."""

    ends: str
    why: str = ""
    warning: bool = False


def rule(evidence: Evidence) -> Ruling:
    """Say whether the answers are on wrong rows, by proof, by a better order, by the labels, by the baseline."""
    found = evidence.versions
    if evidence.moved:
        return Ruling(ends="failed", why=f"{evidence.moved} rows have the answer that belongs to another row")
    if evidence.exchanged and found.clear:
        return Ruling(ends="failed", why=f"{evidence.exchanged} rows have answers that fit other rows among them")
    if found.elsewhere and _confirmed(evidence):
        how = "in reverse order" if found.reversed else f"shifted by {abs(_shift(found))} of the rows"
        fits = f"agreement {found.best:.3f}, row by row {found.agreement:.3f}"
        return Ruling(ends="failed", why=f"the answers fit the baseline's {how} ({fits})")
    return _by_labels(evidence) or _by_baseline(evidence)


def _confirmed(evidence: Evidence) -> bool:
    """Labels say whether the better order is right; without them it must be all but perfect."""
    if evidence.candidate_labels is not None:
        return evidence.label_gain > 0
    found = evidence.versions
    return found.best > 0.9 and 1 - found.best < 0.1 * (1 - found.agreement)  # noqa: PLR2004 - see the docstring


def _shift(found: Alignment) -> int:
    return found.lag if found.lag <= found.rows // 2 else found.lag - found.rows


def _by_labels(evidence: Evidence) -> Ruling | None:
    """The candidate goes with the labels; or it does not, where the baseline clearly does."""
    ours, theirs = evidence.candidate_labels, evidence.baseline_labels
    if ours is None or theirs is None:
        return None
    lost = ours.at_most < (0.25 if ours.clear else 0.5) * theirs.agreement
    if theirs.clear and lost and evidence.versions.at_most < 0.5:  # noqa: PLR2004 - versions that agree have one fate
        why = f"agreement with the labels is {ours.agreement:.3f}, the baseline's {theirs.agreement:.3f}"
        return Ruling(ends="failed", why=f"the answers go with the rows no better than shuffled ones: {why}")
    return Ruling(ends="passed") if ours.clear else None


def _by_baseline(evidence: Evidence) -> Ruling:
    found = evidence.versions
    if found.clear and found.agreement > 0:
        return Ruling(ends="passed")
    if found.rows < 20:  # noqa: PLR2004 - a random pairing of fewer rows can look like anything
        return Ruling(ends="inconclusive", why=f"{found.rows} rows are too few to tell; about 50 would do")
    if found.varied < 20:  # noqa: PLR2004 - the same
        return Ruling(ends="skipped", why="nearly all answers are the same: rows cannot be told apart")
    why = f"agreement with the baseline's answers by row is {found.agreement:.3f}, as by chance"
    if evidence.candidate_labels is not None:
        return Ruling(ends="inconclusive", why=f"{why}, and neither version goes with the labels", warning=True)
    if evidence.alike and found.at_most < 0.3:  # noqa: PLR2004 - honest versions agree more
        return Ruling(ends="failed", why=f"{why}, though both give the same values as often")
    return Ruling(ends="inconclusive", why=f"{why}; labels would tell a new model from wrong rows")


def scores_of(truth: Array, answer: Array) -> tuple[Floats, Floats]:
    """Make comparable scores of labels and answers: amounts by ranks, codes by indicators, codes with probabilities."""
    if answer.ndim == 2 and truth.ndim == 1:  # noqa: PLR2004 - probabilities against codes
        columns = widest(answer)
        return class_scores(truth, columns), column_scores(answer, columns)
    if answer.dtype.kind == "i":
        classes = commonest(truth)
        return class_scores(truth, classes), class_scores(answer, classes)
    if answer.ndim == 2:  # noqa: PLR2004 - several targets
        columns = widest(answer)
        return column_scores(truth, columns), column_scores(answer, columns)
    return rank_scores(truth), rank_scores(answer)
