"""The data sets: rows without end, of several tasks, each with the learner that a team might use on it.

Small real sets (of scikit-learn) are made endless by a smoothed bootstrap: a real row is drawn and each of its numbers
moves by a part of that number's deviation (B. W. Silverman, Density Estimation, 1986, section 6.4). The label is that
of the drawn row. The others are generators, whose noise is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
from sklearn import datasets

from gate.domain import Task
from gate.evidence.arrays import Array

Shape = Literal["number", "probability", "matrix", "label"]
Draw = Callable[[int, np.random.Generator], tuple[pd.DataFrame, Array]]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A data set with a task, what its models answer, the learner, and the column that matters most."""

    name: str
    what: str
    task: Task
    shape: Shape
    learner: Literal["linear", "forest", "boosting", "text"]
    draw: Draw
    matters: str
    train_rows: int = 3000


def _numbered(values: Array) -> pd.DataFrame:
    return pd.DataFrame(values, columns=[f"x{index}" for index in range(values.shape[1])])


@cache
def _loaded(name: str) -> tuple[Array, Array]:
    found = getattr(datasets, f"load_{name}")()
    return found.data.astype(float), found.target


def _smoothed(name: str, rows: int, draw: np.random.Generator, share: float) -> tuple[Array, Array]:
    """Rows of a real set, each number moved by a share of its deviation."""
    values, labels = _loaded(name)
    chosen = draw.integers(0, len(values), rows)
    return values[chosen] + share * values.std(axis=0) * draw.normal(size=(rows, values.shape[1])), labels[chosen]


def _diabetes(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    values, labels = _smoothed("diabetes", rows, draw, 0.3)
    return _numbered(values), labels + draw.normal(scale=15, size=rows)


def _friedman(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """Friedman's first function (MARS, 1991), with noise that grows."""
    x = draw.uniform(size=(rows, 8))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return _numbered(x), y + (0.5 + x[:, 3]) * draw.normal(size=rows)


def _prices(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """Flats: sizes and ages, cities of unequal frequency, prices with a heavy right tail."""
    city = draw.choice(12, size=rows, p=np.arange(12, 0, -1) / 78)
    area, age = np.exp(draw.normal(4.2, 0.4, rows)), draw.gamma(2, 15, rows)
    kind = draw.choice(["flat", "house", "loft"], size=rows, p=[0.7, 0.25, 0.05])
    level = np.log(area) + 0.08 * city - 0.004 * age + 0.3 * (kind == "house") + 0.5 * (kind == "loft")
    frame = pd.DataFrame({"area": area, "age": age, "city": [f"city {c}" for c in city], "kind": kind})
    return frame, 1000 * np.exp(level + draw.normal(scale=0.2, size=rows))


def _demand(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """What shops sell on a day, from what they sold a day and a week before."""
    level, weekday = np.exp(draw.normal(3, 0.5, rows)), draw.integers(0, 7, rows)
    season = np.array([1, 0.9, 0.9, 1, 1.2, 1.6, 0.4])
    promo = draw.binomial(1, 0.1, rows)
    day_before = level * season[(weekday - 1) % 7] * np.exp(draw.normal(scale=0.15, size=rows))
    week_before = level * season[weekday] * np.exp(draw.normal(scale=0.15, size=rows))
    sold = level * season[weekday] * (1 + 0.5 * promo) * np.exp(draw.normal(scale=0.15, size=rows))
    days = pd.DataFrame({"day_before": day_before, "week_before": week_before, "promo": promo.astype(float)})
    return days.assign(weekday=[f"day {day}" for day in weekday]), sold


def _cancer(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    values, labels = _smoothed("breast_cancer", rows, draw, 0.3)
    return _numbered(values), labels


def _churn(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """Customers of whom one in twelve leaves."""
    months, calls = draw.gamma(2, 12, rows), draw.poisson(1.5, rows)
    plan = draw.choice(["basic", "plus", "business"], size=rows, p=[0.6, 0.3, 0.1])
    bill, noise = draw.normal(50, 15, rows), draw.normal(size=rows)
    score = -3.4 - 0.05 * months + 0.6 * calls + 0.02 * (bill - 50) + 0.7 * (plan == "basic")
    labels = (score + draw.logistic(size=rows) > 0).astype(np.int64)
    frame = pd.DataFrame({"calls": calls.astype(float), "months": months, "bill": bill, "other": noise, "plan": plan})
    return frame, labels


def _digits(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    values, labels = _smoothed("digits", rows, draw, 0.5)
    return _numbered(values), labels


def _wine(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    values, labels = _smoothed("wine", rows, draw, 0.8)
    return _numbered(values), np.array(["barolo", "grignolino", "barbera"], dtype=object)[labels]


def _income(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """Whether somebody earns more than a threshold: one in four does."""
    years, age = draw.integers(6, 20, rows).astype(float), draw.uniform(18, 80, rows)
    work = draw.choice(["office", "craft", "farm", "service"], size=rows, p=[0.4, 0.3, 0.05, 0.25])
    hours = draw.normal(40, 10, rows)
    score = -8.2 + 0.5 * years + 0.04 * (hours - 40) - 0.002 * (age - 50) ** 2 + 0.8 * (work == "office")
    labels = (score + 1.1 + draw.logistic(size=rows) > 0).astype(np.int64)
    return pd.DataFrame({"years": years, "age": age, "hours": hours, "work": work}), labels


TOPICS = {
    "billing": "invoice charge refund card payment price bill euro discount receipt",
    "delivery": "parcel late address courier tracking lost box door shipment arrive",
    "login": "password reset account locked email code sign browser token user",
    "broken": "screen battery crack noise return warranty repair dead button power",
    "praise": "thanks great love happy fast friendly perfect recommend helpful best",
}
COMMON = "the a is my it not please can you order when since still today and have been new was for"


def _tickets(rows: int, draw: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """Short made-up letters on five topics, some of which speak of two."""
    names, common = list(TOPICS), COMMON.split()
    labels = draw.choice(len(names), size=rows, p=[0.35, 0.25, 0.2, 0.12, 0.08])
    own, other = draw.poisson(2.0, rows), draw.poisson(0.7, rows)
    texts = []
    for label, mine, theirs in zip(labels, own, other, strict=True):
        stray = TOPICS[names[draw.integers(len(names))]].split()
        words = [*draw.choice(TOPICS[names[label]].split(), mine), *draw.choice(stray, theirs), *draw.choice(common, 8)]
        texts.append(" ".join(draw.permutation(words)))
    return pd.DataFrame({"text": texts, "length": own + other + 8.0}), np.array(names, dtype=object)[labels]


WORLDS = {
    world.name: world
    for world in (
        World(name="diabetes", what="diabetes (real, smoothed): progression, ridge", task=Task.REGRESSION,
              shape="number", learner="linear", draw=_diabetes, matters="x8"),
        World(name="friedman", what="Friedman's function, growing noise: boosted trees", task=Task.REGRESSION,
              shape="number", learner="boosting", draw=_friedman, matters="x3", train_rows=6000),
        World(name="prices", what="flats with categories, heavy tail: random forest", task=Task.REGRESSION,
              shape="number", learner="forest", draw=_prices, matters="area"),
        World(name="demand", what="sales of shops by day: boosted trees", task=Task.FORECAST,
              shape="number", learner="boosting", draw=_demand, matters="week_before", train_rows=6000),
        World(name="cancer", what="breast cancer (real, smoothed): two classes, logistic", task=Task.PROBABILITY,
              shape="matrix", learner="linear", draw=_cancer, matters="x20"),
        World(name="churn", what="rare class (1 in 12): one probability, boosted trees", task=Task.PROBABILITY,
              shape="probability", learner="boosting", draw=_churn, matters="calls"),
        World(name="digits", what="digits (real, smoothed): ten classes, random forest", task=Task.PROBABILITY,
              shape="matrix", learner="forest", draw=_digits, matters="x36"),
        World(name="wine", what="wine (real, smoothed): three labels, logistic", task=Task.CLASSIFICATION,
              shape="label", learner="linear", draw=_wine, matters="x6"),
        World(name="income", what="two unequal labels with categories: boosted trees", task=Task.CLASSIFICATION,
              shape="label", learner="boosting", draw=_income, matters="years", train_rows=6000),
        World(name="tickets", what="letters on five topics: words, logistic", task=Task.CLASSIFICATION,
              shape="label", learner="text", draw=_tickets, matters="text"),
    )
}  # fmt: skip
