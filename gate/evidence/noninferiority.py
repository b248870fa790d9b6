"""Is the candidate worse than the baseline by more than a margin? Pairs first, three ends.

The loss is the difference of the metric on the same rows, positive where the candidate is worse. Its standard error
comes from a paired bootstrap (rows drawn with replacement, both versions weighted alike) and beyond 5,000 rows from
the influence functions, which agree with it to a few per cent there and take one pass. The studentised loss loses
its skewness by Hall's transformation and is compared with Student's t, with as many degrees of freedom as the
kurtosis of the rows leaves to a variance: 2n / (kurtosis - 1), at most n - 1 (few differing rows are few data).

A share of rows that are right (accuracy, exact_match, coverage) never fails without an exact McNemar test on the rows
that changed sides. A function of which nothing is known but its value gets its standard error from a jackknife of
groups (`foreign`).

Sources: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 6;
P. Hall, On the removal of skewness by transformation, J. R. Stat. Soc. B 54 (1992).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gate.domain import LossTest
from gate.evidence.arrays import Array, Floats
from gate.evidence.discordance import mcnemar
from gate.evidence.foreign import Foreign, jackknife
from gate.evidence.metric import Metric, Truth, rows_behind
from gate.evidence.summaries.losses import Compared
from gate.evidence.weighing import Mean, Statistic

REPLICATES = 1000
BOOTSTRAP_ROWS = 5000
UNSEEN = 0.1
"""A tenth of the rows may behave otherwise; n rows miss all of them with probability 0.9^n, so no p_within is lower."""
ROUNDING = 1e-6
WIDENED_ROWS = 20
"""How much wider the error of a function is on few rows: this over their number."""
FARTHEST = 1e6
"""Standard errors beyond which no distance says more."""
MOST_ROWS = 1e12
"""Whoever would need more rows is not told a number."""
FEWEST_GROUPS = 20
"""Fewer groups on which a function is defined tell nothing of its spread."""
POWER_Z, CONFIDENCE_Z = 0.84, 2.33
"""Normal quantiles behind `needed_rows`: a pass at 99 % in four of five samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """The loss's standard error with its degrees of freedom, and the skewness of its `size` rows' influences."""

    error: float
    size: int
    skewness: float = 0.0
    freedom: float = 1.0


def loss_test(metric: Metric, truth: Truth, candidate: Array, baseline: Array, margin: float, seed: int) -> LossTest:
    """Test the loss of a metric against a margin on n paired rows.

    `candidate` and `baseline` are what the metric needs: amounts (n,) or (n, t), codes (n,), or probabilities
    (n, classes). Equal answers (but for rounding) lose nothing and pass; otherwise no few rows pass, since p_within
    is at least 0.9^n. The caller has asked `metric.undefined` before.
    """
    if same_answers(candidate, baseline):
        return _settled(metric, 0.0, margin, worse=False)
    with np.errstate(over="ignore", invalid="ignore"):
        ours, theirs = metric.bind(truth, candidate), metric.bind(truth, baseline)
        loss = metric.loss(ours.value(), theirs.value())
    if metric.exact:
        return _settled(metric, loss, margin, worse=loss > margin)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = _spread(metric, ours, theirs, len(truth), seed)
    found = _of_few(metric, truth, _judged(metric.name, loss, margin, spread, len(truth)))
    sides = _changed_sides(ours, theirs)
    return found if sides is None else replace(found, p_beyond=max(found.p_beyond, mcnemar(*sides)))


def _of_few(metric: Metric, truth: Truth, found: LossTest) -> LossTest:
    """A score that rests on k rows of a class passes no easier than 2k rows would, whatever the other rows are."""
    if not metric.part or found.standard_error == 0:  # the same ranking is the same on any rows
        return found
    behind = 2 * rows_behind(metric, truth)
    p_within = max(found.p_within, (1 - UNSEEN) ** behind)
    if p_within == found.p_within:
        return found
    wanted = math.log(0.01) / math.log(1 - UNSEEN)
    needed = max(found.needed_rows or 0, math.ceil(len(truth) * wanted / behind)) if p_within > 0.01 else None  # noqa: PLR2004 - 99 %
    return replace(found, p_within=p_within, needed_rows=needed)


def summarised_test(metric: Metric, found: Compared, margin: float) -> LossTest:
    """Test a loss whose rows were summarised: what `loss_test` does beyond 5,000 rows."""
    loss = metric.loss(found.candidate, found.baseline)
    if found.same:
        return _settled(metric, 0.0, margin, worse=False)
    if found.moments is None:
        return _settled(metric, loss, margin, worse=loss > margin)
    influence = found.moments
    rows, step = influence.rows, max(influence.largest, 1.0 if metric.needs == "class" else 0.0)
    if influence.variance <= 0 and step <= 0:
        return _judged(metric.name, loss, margin, _Spread(error=0.0, size=rows), rows)
    error = math.sqrt(influence.variance / rows + 2 * (step / rows) * (step / rows))
    freedom = max(1.0, min(rows - 1.0, 2 * rows / max(influence.kurtosis - 1, 1e-9)))
    skewness = -influence.skewness if metric.greater_is_better else influence.skewness
    spread = _Spread(error=error, size=rows, skewness=skewness, freedom=freedom)
    return _judged(metric.name, loss, margin, spread, rows)


def same_answers(candidate: Array, baseline: Array) -> bool:
    """Say whether two versions' answers are equal but for the rounding of single precision."""
    if candidate.shape != baseline.shape:
        return False
    if candidate.dtype.kind not in "fc":
        return bool(np.array_equal(candidate, baseline))
    size = float(np.max(np.abs(baseline), initial=0.0))
    return bool(np.allclose(candidate, baseline, rtol=ROUNDING, atol=ROUNDING * size * 0.1, equal_nan=True))


def interval(test: LossTest, confidence: float) -> tuple[float, float]:
    """Give the two-sided normal interval of a loss."""
    from scipy.special import ndtri

    reach = float(ndtri((1 + confidence) / 2)) * test.standard_error
    return test.loss - reach, test.loss + reach


def _settled(metric: Metric, loss: float, margin: float, *, worse: bool) -> LossTest:
    """What needs no statistics: equal answers, or an extreme compared as it is."""
    return LossTest(
        name=metric.name,
        loss=loss,
        standard_error=0.0,
        margin=margin,
        p_beyond=0.0 if worse else 1.0,
        p_within=1.0 if worse else 0.0,
    )


def _changed_sides(ours: Statistic, theirs: Statistic) -> tuple[int, int] | None:
    """How many rows were right and are wrong, and the other way round; None where rows are not right or wrong."""
    if not isinstance(ours, Mean) or not isinstance(theirs, Mean) or ours.root or ours.rows.shape[1] > 1:
        return None
    if not all(bool(((side.rows == 0) | (side.rows == 1)).all()) for side in (ours, theirs)):
        return None
    return int((ours.rows < theirs.rows).sum()), int((ours.rows > theirs.rows).sum())


def _untouched(name: str, margin: float) -> LossTest:
    """No row weighs differently in the two metrics: other answers that this metric does not see (the same ranking)."""
    return LossTest(name=name, loss=0.0, standard_error=0.0, margin=margin, p_beyond=1.0, p_within=0.0)


def _judged(name: str, loss: float, margin: float, spread: _Spread, rows: int) -> LossTest:
    if rows > 1 and loss == 0 and spread.error == 0:
        return _untouched(name, margin)
    if rows < 2 or not math.isfinite(spread.error) or spread.error <= 0:  # noqa: PLR2004 - one row has no spread
        return LossTest(name=name, loss=loss, standard_error=math.inf, margin=margin, p_beyond=1.0, p_within=1.0)
    from scipy.special import stdtr

    beyond = _unskewed((loss - margin) / spread.error, spread.skewness, spread.size)
    within = _unskewed((loss - 2 * margin) / spread.error, spread.skewness, spread.size)
    p_within = max(float(stdtr(spread.freedom, within)), (1 - UNSEEN) ** rows)
    return LossTest(
        name=name,
        loss=loss,
        standard_error=spread.error,
        margin=margin,
        p_beyond=float(stdtr(spread.freedom, -beyond)),
        p_within=p_within,
        needed_rows=None if p_within <= 0.01 else _needed(loss, margin, spread.error, rows),  # noqa: PLR2004 - 99 %
    )


def _spread(metric: Metric, ours: Statistic, theirs: Statistic, rows: int, seed: int) -> _Spread:
    """The paired influences' deviation, or the bootstrap's; never below what two more discordant rows would give.

    Two pseudo-rows of the largest influence seen, one each way, keep a handful of differing rows from looking
    certain (D. Bonett and R. Price, Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data, J. Educ. Behav. Stat. 37 (2012)).
    """
    if isinstance(ours, Foreign) and isinstance(theirs, Foreign):
        return _spread_of_groups(metric, jackknife(ours, theirs, rows, seed), rows)
    influence = ours.influence() - theirs.influence()
    centred = influence - influence.mean()
    variance = float(centred @ centred) / max(1, rows - 1)
    step = max(float(np.abs(influence).max()), 1.0 if metric.needs == "class" else 0.0)
    if variance <= 0 and step <= 0:
        return _Spread(error=0.0, size=rows)
    resampled = _bootstrap(ours, theirs, rows, seed) if 2 <= rows <= BOOTSTRAP_ROWS else 0.0  # noqa: PLR2004 - one row cannot be resampled
    error = math.hypot(max(resampled, math.sqrt(variance / rows)), math.sqrt(2) * step / rows)
    return _moments(metric, influence, error)


def _moments(metric: Metric, influence: Floats, error: float) -> _Spread:
    """The skewness of n influences, in the direction of a loss, and the degrees of freedom that their tails leave."""
    rows, centred = len(influence), influence - influence.mean()
    variance = float(centred @ centred) / max(1, rows - 1)
    if variance <= 0:
        return _Spread(error=error, size=rows)
    skewness, kurtosis = (float((centred**power).mean() / variance ** (power / 2)) for power in (3, 4))
    freedom = min(rows - 1.0, 2 * rows / max(kurtosis - 1, 1e-9))
    skewness = -skewness if metric.greater_is_better else skewness
    return _Spread(error=error, size=rows, skewness=skewness, freedom=max(1.0, freedom))


def _spread_of_groups(metric: Metric, pseudo: Floats, rows: int) -> _Spread:
    """From the pseudo-values of groups of rows: as many independent observations as there are groups.

    Of few rows the error is widened, by a tenth at 200: by simulation groups of a few rows are too sure of medians
    and ratios.
    """
    if len(pseudo) < FEWEST_GROUPS:
        return _Spread(error=math.inf, size=max(1, len(pseudo)))
    error = (1 + WIDENED_ROWS / rows) * float(pseudo.std(ddof=1)) / math.sqrt(len(pseudo))
    return _Spread(error=0.0, size=len(pseudo)) if error == 0 else _moments(metric, pseudo, error)


def _bootstrap(ours: Statistic, theirs: Statistic, rows: int, seed: int) -> float:
    """The deviation of the paired difference over replicates; those that leave the metric undefined are left out."""
    draw = np.random.default_rng(seed)
    differences = np.empty(REPLICATES)
    for index in range(REPLICATES):
        weights = np.bincount(draw.integers(0, rows, rows), minlength=rows).astype(np.float64)
        differences[index] = ours.value(weights) - theirs.value(weights)
    defined: Floats = differences[np.isfinite(differences)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else 0.0


def _unskewed(statistic: float, skewness: float, rows: int) -> float:
    """Hall's monotone cubic: removes the skewness of a studentised mean to the order 1/n."""
    statistic = max(-FARTHEST, min(FARTHEST, statistic))
    tilt = max(-3.0, min(3.0, skewness / math.sqrt(rows)))
    return statistic + tilt * (statistic**2 / 3 + 1 / 6) + tilt**2 * statistic**3 / 27


def _needed(loss: float, margin: float, error: float, rows: int) -> int | None:
    """How many rows would decide, were the loss as it looks: to the end that is nearer. None where no number would."""
    gap = loss - margin if loss > 1.5 * margin else 2 * margin - max(loss, 0.0)
    ratio = (CONFIDENCE_Z + POWER_Z) * error / gap if gap > 0 else math.inf
    floor = math.log(0.01) / math.log(1 - UNSEEN)
    wanted = max(rows * ratio * ratio, floor, 1.5 * rows)
    return math.ceil(wanted) if wanted < MOST_ROWS else None
