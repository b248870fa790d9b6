"""How often a comparison of two versions by a metric is wrong: `python -m bench.metric_error_rates [RUNS]`.

For each metric a large population of rows is made up, with a baseline's answers and those of a candidate whose loss
over the whole population is exactly none, one margin or two margins. Rows are drawn from it, judged, and counted:

- `failed`: a true loss of one margin was called worse than the margin; at most 1 - confidence may be.
- `passed`: a true loss of two margins was called less than that; at most 1 - confidence may be.
- `undecided`: versions of equal quality did not pass: the power, for which nothing is promised here.

Samples in which both versions answer every row alike are counted apart: they pass by rule (`alike`).
Standard errors come from influence functions alone (the bootstrap can only widen them), so the rates are upper bounds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gate.domain import Task
from gate.evidence import noninferiority
from gate.evidence.foreign import foreign_metric
from gate.evidence.metrics import METRICS, Metric, Truth, margin

POPULATION = 100_000
ALPHA = 0.01
EXEMPT = frozenset({"max_error"})
"""An extreme has no sampling distribution that a margin could be held against: it is compared as it is."""
RESULTS = Path(__file__).parent / "metric_error_rates.json"
SIZES: Mapping[int, int] = {200: 2000, 2_000: 1000, 20_000: 300, 1_000_000: 20}
"""Rows of a comparison, and how many comparisons are judged."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A population of rows: `truth`, the baseline's answers, and the candidate's, worse the larger `harm` (0 to 1)."""

    metric: Metric
    truth: Truth
    baseline: Array
    candidate: Callable[[float], Array]

    def value(self, answer: Array) -> float:
        """Give the metric over the whole population."""
        return self.metric.bind(self.truth, answer).value()

    def loss(self, harm: float) -> float:
        """Give the candidate's true loss."""
        return self.metric.loss(self.value(self.candidate(harm)), self.value(self.baseline))

    def drawn(self, rows: Array) -> Truth:
        """Give the labels of some rows."""
        return replace(self.truth, values=self.truth.values[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often comparisons of so many rows were wrong, among how many `runs`."""

    world: str
    rows: int
    runs: int
    failed: int
    passed: int
    undecided: int
    alike: int


def rates(name: str, rows: int, runs: int, seed: int = 0) -> Rate:
    """Judge `runs` samples of a world at each of three true losses."""
    world = worlds()[name]
    draw = np.random.default_rng(seed)
    allowed = margin(world.metric, world.drawn(draw.integers(0, POPULATION, rows)), world.value(world.baseline))
    equal, one, two = (world.candidate(harm_of(name, world, times * allowed)) for times in (0.0, 1.0, 2.0))
    failed = passed = undecided = alike = 0
    for run in range(runs):
        chosen = draw.integers(0, POPULATION, rows)
        truth, before = world.drawn(chosen), world.baseline[chosen]
        tests = [_test(world.metric, truth, after[chosen], before, allowed, run) for after in (equal, one, two)]
        undecided += not tests[0].p_within <= ALPHA
        failed += tests[1].p_beyond <= ALPHA
        same = noninferiority.same_answers(two[chosen], before)
        alike += same
        passed += tests[2].p_within <= ALPHA and not same
    return Rate(world=name, rows=rows, runs=runs, failed=failed, passed=passed, undecided=undecided, alike=alike)


def _test(metric: Metric, truth: Truth, after: Array, before: Array, allowed: float, seed: int) -> Any:  # noqa: ANN401 - as loss_test has them
    kept, noninferiority.BOOTSTRAP_ROWS = noninferiority.BOOTSTRAP_ROWS, 0
    try:
        return noninferiority.loss_test(metric, truth, after, before, allowed, seed)
    finally:
        noninferiority.BOOTSTRAP_ROWS = kept


def harm_of(name: str, world: World, wanted: float) -> float:
    """Find the harm that makes the true loss what is wanted, by bisection; harm only ever makes it larger.

    Raises:
        ValueError: the world cannot be made that bad.
    """
    low, high = -1.0, 1.0
    if world.loss(high) < wanted:
        raise ValueError(f"{name}: the candidate cannot lose {wanted:.4g}, only {world.loss(high):.4g}")
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if world.loss(middle) < wanted else (low, middle)
    return high


@cache
def worlds() -> Mapping[str, World]:
    """Give a population for each metric of the table, and for functions of which nothing is known."""
    found: dict[str, World] = {}
    for tails in ("normal", "heavy"):
        numbers = _numbers(tails)
        names = ("rmse", "mae", "mape", "r2") if tails == "normal" else ("rmse", "mae", "r2")
        found |= {f"{name}, {tails}": numbers(METRICS[name]) for name in names}
    found["pinball"], found["coverage"] = _quantiles(), _intervals()
    found["cosine_distance"] = _vectors()
    for share in (0.5, 0.05):
        classes, scores = _classes(share), _scores(share)
        names = ("accuracy", "exact_match") if share == 0.5 else ()  # noqa: PLR2004 - balanced classes
        names += ("balanced_accuracy", "precision", "recall", "f1")
        found |= {f"{name}, {share:.0%} positive": classes(METRICS[name]) for name in names}
        found |= {
            f"{name}, {share:.0%} positive": scores(METRICS[name])
            for name in ("roc_auc", "pr_auc", "log_loss", "brier")
        }
    texts, rankings = _texts(), _rankings()
    found |= {name: texts(METRICS[name]) for name in ("character_error_rate", "word_error_rate", "rouge_l")}
    found |= {name: rankings(METRICS[name]) for name in ("ndcg", "map")}
    return found | _functions()


def _numbers(tails: str) -> Callable[[Metric], World]:
    """Errors of both versions go together; harm makes the candidate's larger."""
    draw = np.random.default_rng(1)
    shared, own = (
        draw.normal(size=POPULATION) if tails == "normal" else draw.standard_t(5, POPULATION) for _ in range(2)
    )
    truth = 20 + 2 * draw.normal(size=POPULATION)
    error = 0.9 * shared + np.sqrt(1 - 0.81) * own
    return lambda metric: World(
        metric=metric,
        truth=Truth(values=truth),
        baseline=truth + shared,
        candidate=lambda harm: np.asarray(truth + (1 + 0.5 * harm) * error),
    )


def _quantiles() -> World:
    draw = np.random.default_rng(2)
    middle, levels = draw.normal(size=POPULATION), (0.1, 0.5, 0.9)
    truth, offsets = middle + draw.normal(size=POPULATION), np.array([-1.28, 0.0, 1.28])
    ours = middle + 0.2 * draw.normal(size=POPULATION)
    return World(
        metric=METRICS["pinball"],
        truth=Truth(values=truth, levels=levels),
        baseline=(middle + 0.2 * draw.normal(size=POPULATION))[:, None] + offsets,
        candidate=lambda harm: np.asarray(ours[:, None] + offsets + harm),
    )


def _intervals() -> World:
    draw = np.random.default_rng(3)
    truth, ours, theirs = draw.normal(size=POPULATION), *(0.2 * draw.normal(size=(2, POPULATION)))
    return World(
        metric=METRICS["coverage"],
        truth=Truth(values=truth),
        baseline=np.column_stack([theirs - 1.5, theirs + 1.5]),
        candidate=lambda harm: np.column_stack([ours - 1.5 * (1 - harm), ours + 1.5 * (1 - harm)]),
    )


def _vectors() -> World:
    draw = np.random.default_rng(4)
    truth, shared, own = draw.normal(size=(3, POPULATION, 6))
    return World(
        metric=METRICS["cosine_distance"],
        truth=Truth(values=truth),
        baseline=truth + 0.5 * shared,
        candidate=lambda harm: np.asarray(truth + 0.5 * (1 + harm) * (0.9 * shared + 0.44 * own)),
    )


def _classes(share: float) -> Callable[[Metric], World]:
    """Both find most of the positive rows; each errs on rows of its own as well, harm flips more of the candidate's."""
    draw = np.random.default_rng(5)
    truth = (draw.random(POPULATION) < share).astype(np.int64)
    wrong = draw.random(POPULATION) < np.where(truth == 1, 0.2, 0.2 * share)
    again, changed, place = draw.random((3, POPULATION))
    ours = np.where(changed < np.where(truth == 1, 0.1, 0.1 * share), again < wrong.mean(), wrong)

    def candidate(harm: float) -> Array:
        likely = np.where(truth == 1, abs(harm), abs(harm) * share)
        flipped = ours | (place < likely) if harm > 0 else ours & (place >= likely)
        return np.where(flipped, 1 - truth, truth)

    return lambda metric: World(
        metric=metric,
        truth=Truth(values=truth, classes=2, binary=True),
        baseline=np.where(wrong, 1 - truth, truth),
        candidate=candidate,
    )


def _scores(share: float) -> Callable[[Metric], World]:
    """Log odds with noise of each version's own; harm adds to the candidate's."""
    draw = np.random.default_rng(6)
    signal, noise, ours, theirs = draw.normal(size=(4, POPULATION))
    odds = 2 * signal + np.log(share / (1 - share)) * 1.5
    truth = (draw.random(POPULATION) < 1 / (1 + np.exp(-odds))).astype(np.int64)

    def matrix(scores: Array) -> Array:
        positive = 1 / (1 + np.exp(-scores))
        return np.column_stack([1 - positive, positive])

    return lambda metric: World(
        metric=metric,
        truth=Truth(values=truth, classes=2, binary=True),
        baseline=matrix(odds + 0.3 * noise + 0.2 * theirs),
        candidate=lambda harm: matrix(odds + 0.3 * noise + (0.2 + (10 * harm**2 if harm > 0 else harm / 5)) * ours),
    )


def _texts() -> Callable[[Metric], World]:
    """Labels of five words; an answer is right, lacks letters or lacks words. Harm spoils more of the candidate's."""
    draw = np.random.default_rng(7)
    words = ["red", "green", "blue", "large", "small", "round", "square", "old", "new", "warm"]
    right = [" ".join(draw.choice(words, 5)) for _ in range(100)]
    levels = tuple(spoilt for text in right for spoilt in (text, text[:-2], text[: len(text) // 2], ""))
    label, spoiling = draw.integers(0, 100, POPULATION) * 4, draw.choice(4, POPULATION, p=[0.7, 0.2, 0.08, 0.02])
    place, changed, other = draw.random((3, POPULATION))
    redrawn = np.searchsorted([0.7, 0.9, 0.98], other)
    ours = np.where(changed < 0.2, redrawn, spoiling)  # noqa: PLR2004 - a fifth of the rows is answered anew

    def candidate(harm: float) -> Array:
        hit = place < abs(harm)
        return label + np.where(hit, np.maximum(ours, 2) if harm > 0 else 0, ours)

    return lambda metric: World(
        metric=metric,
        truth=Truth(values=label, classes=len(levels), levels=levels),
        baseline=label + spoiling,
        candidate=candidate,
    )


def _rankings() -> Callable[[Metric], World]:
    """One relevant item among ten; harm puts more of the candidate's last."""
    draw = np.random.default_rng(8)
    theirs = np.minimum(draw.geometric(0.4, POPULATION) - 1, 9)
    other = np.minimum(draw.geometric(0.4, POPULATION) - 1, 9)
    place, changed = draw.random((2, POPULATION))
    ours = np.where(changed < 0.2, other, theirs)  # noqa: PLR2004 - a fifth of the rows is ranked anew

    def candidate(harm: float) -> Array:
        return np.eye(10)[np.where(place < abs(harm), 9 if harm > 0 else 0, ours)]

    return lambda metric: World(
        metric=metric, truth=Truth(values=np.ones((POPULATION, 1))), baseline=np.eye(10)[theirs], candidate=candidate
    )


def _functions() -> Mapping[str, World]:
    """Functions of which the gate knows nothing: a median, and a ratio of counts."""

    def median_error(truth: Array, answer: Array) -> float:
        return float(np.median(np.abs(truth - answer)))

    def f_two(truth: Array, answer: Array) -> float:
        hits = float(((truth == 1) & (answer == 1)).sum())
        return 5 * hits / max(1.0, 4.0 * float((truth == 1).sum()) + float((answer == 1).sum()))

    numbers = foreign_metric("median error", median_error, "number", better=False)
    codes = foreign_metric("F2", f_two, "class", better=True, codes=True)
    codes = replace(codes, tasks=frozenset({Task.CLASSIFICATION}), floor=0.05)
    return {"a function: median error": _numbers("normal")(numbers), "a function: F2": _classes(0.5)(codes)}


def main() -> int:
    """Judge every world at every size, print, and write the numbers down; 1 where a rate is beyond what is stated."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else None
    found, broken = [], 0
    for rows, usual in SIZES.items():
        for name in worlds():
            rate = rates(name, rows, runs or usual)
            found.append(rate)
            worse = [what for what in ("failed", "passed") if too_often(getattr(rate, what), rate.runs)]
            broken += bool(worse)
            sys.stdout.write(f"{name:32} {rows:>9,} rows, {rate.runs} runs: failed {rate.failed}, ")
            sys.stdout.write(f"passed {rate.passed}, equal undecided {rate.undecided} {' '.join(worse)}\n")
            sys.stdout.flush()
        RESULTS.write_text(json.dumps([asdict(rate) for rate in found], indent=1) + "\n", encoding="utf-8")
    return int(bool(broken))


def too_often(count: int, runs: int) -> bool:
    """Say whether so many of the runs cannot be chance at the stated rate (one-sided, p < 0.001)."""
    from scipy.stats import binom

    return bool(binom.sf(count - 1, runs, ALPHA) < 0.001)  # noqa: PLR2004 - a thousandth


if __name__ == "__main__":
    sys.exit(main())
