"""The models of a world: the baseline, versions that changed harmlessly, improved, or went wrong in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble, feature_extraction, linear_model, preprocessing
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.pipeline import make_pipeline

from bench.calibrate.worlds import World
from gate.evidence.arrays import Array

Columns = Mapping[str, Array]
"""One version's answers by column."""
Model = Any
"""A scikit-learn estimator, which has no type of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a version is trained. `rows` is a share of the baseline's rows."""

    variant: str = "plain"
    seed: int = 0
    rows: float = 1.0
    order: str = ""
    extra_column: bool = False
    without: bool = False
    calibrated: bool = False


TRAINED: Mapping[str, Recipe] = {
    "baseline": Recipe(),
    "other seed": Recipe(seed=1),
    "refit on 2 % more rows": Recipe(rows=1.02),
    "refit on 2 % fewer rows": Recipe(rows=0.98),
    "refit on resampled rows": Recipe(order="bootstrap"),
    "rows in another order": Recipe(order="shuffled"),
    "columns in another order": Recipe(order="columns"),
    "a column of noise added": Recipe(extra_column=True),
    "more iterations": Recipe(variant="longer"),
    "a little more regularised": Recipe(variant="regularised"),
    "another solver": Recipe(variant="solver"),
    "another scaler": Recipe(variant="scaler"),
    "another algorithm": Recipe(variant="algorithm"),
    "calibrated anew": Recipe(calibrated=True),
    "half as many rows again": Recipe(rows=1.5),
    "four times the rows": Recipe(rows=4.0),
    "stale": Recipe(rows=0.05),
    "never saw the main column": Recipe(without=True),
}
"""Every version that needs training."""


def _linear(variant: str, seed: int, *, classes: bool) -> Model:
    if variant == "algorithm":
        if classes:
            return linear_model.SGDClassifier(loss="log_loss", alpha=1e-3, random_state=seed)
        return linear_model.BayesianRidge()
    weight = 1.1 if variant == "regularised" else 1.0
    if classes:
        solver = "newton-cg" if variant == "solver" else "lbfgs"
        return linear_model.LogisticRegression(
            C=0.3 / weight, solver=solver, max_iter=1500 if variant == "longer" else 500
        )
    return linear_model.Ridge(alpha=3 * weight, solver="lsqr" if variant == "solver" else "auto")


def _forest(variant: str, seed: int, *, classes: bool) -> Model:
    kind = "ExtraTrees" if variant == "algorithm" else "RandomForest"
    make = getattr(ensemble, kind + ("Classifier" if classes else "Regressor"))
    leaf = {"regularised": 4, "algorithm": 2}.get(variant, 3)
    trees = {"longer": 90, "solver": 60}.get(variant, 60)
    return make(
        n_estimators=trees,
        min_samples_leaf=leaf,
        random_state=seed,
        max_features="sqrt" if classes or variant == "solver" else 0.7,
    )


def _boosting(variant: str, seed: int, *, classes: bool) -> Model:
    if variant == "algorithm":
        make = ensemble.GradientBoostingClassifier if classes else ensemble.GradientBoostingRegressor
        return make(n_estimators=80, max_depth=4, subsample=0.8, random_state=seed)
    make = ensemble.HistGradientBoostingClassifier if classes else ensemble.HistGradientBoostingRegressor
    return make(
        max_iter=90 if variant == "longer" else 80,
        learning_rate=0.07,
        max_leaf_nodes=12,
        l2_regularization=1.0 if variant == "regularised" else 0.0,
        max_bins=127 if variant == "solver" else 255,
        max_features=0.8,
        random_state=seed,
    )


LEARNERS: Mapping[str, Callable[..., Model]] = {
    "linear": _linear,
    "forest": _forest,
    "boosting": _boosting,
    "text": _linear,
}


def _preparation(world: World, variant: str) -> Model:
    scaler = preprocessing.RobustScaler() if variant == "scaler" else preprocessing.StandardScaler()
    if world.learner == "text":
        words = feature_extraction.text.TfidfVectorizer(sublinear_tf=variant == "scaler")
        return ColumnTransformer([("text", words, "text")])
    names = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", scaler, make_column_selector(dtype_include="number")),
            ("names", names, make_column_selector(dtype_exclude="number")),
        ]
    )


def fit(world: World, recipe: Recipe, frame: pd.DataFrame, labels: Array) -> Model:
    """Train one version on its share of the rows that a world can train on."""
    classes = world.shape != "number"
    draw = np.random.default_rng([recipe.seed, 7])
    rows = np.arange(round(recipe.rows * world.train_rows))
    if recipe.order == "bootstrap":
        rows = draw.choice(rows, len(rows))
    if recipe.order == "shuffled":
        rows = draw.permutation(rows)
    model = LEARNERS[world.learner](recipe.variant, recipe.seed, classes=classes)
    if recipe.calibrated and classes:
        model = CalibratedClassifierCV(model, method="sigmoid", cv=5)
    return make_pipeline(_preparation(world, recipe.variant), model).fit(
        seen(world, recipe, frame).iloc[rows], labels[rows]
    )


def seen(world: World, recipe: Recipe, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the columns as a version sees them."""
    if recipe.extra_column:
        frame = frame.assign(noise=np.random.default_rng(len(frame)).normal(size=len(frame)))
    if recipe.without:
        frame = blinded(world, frame)
    return frame[frame.columns[::-1]] if recipe.order == "columns" else frame


def blinded(world: World, frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows without what is in the main column: its mean, or no words."""
    lost = frame[world.matters]
    empty = float(lost.mean()) if lost.dtype.kind in "fi" else lost.str.split().str[-3:].str.join(" ")
    return frame.assign(**{world.matters: empty})


def answers(world: World, model: Model, frame: pd.DataFrame) -> Columns:
    """What a model answers, in the columns that a world's task has."""
    if world.shape in {"number", "label"}:
        return {"prediction": model.predict(frame)}
    proba = model.predict_proba(frame)
    if world.shape == "probability":
        return {"prediction": proba[:, 1]}
    classes = model.classes_
    columns = {f"proba_{name}": proba[:, index] for index, name in enumerate(classes)}
    return {"prediction": classes[proba.argmax(axis=1)], **columns}


def train_all(world: World, seed: int, frame: pd.DataFrame, labels: Array, pool: pd.DataFrame) -> dict[str, Columns]:
    """Train every version and let it answer the pool; other seeds of the world train on other rows."""
    found: dict[str, Columns] = {}
    for name, recipe in TRAINED.items():
        seeded = replace(recipe, seed=recipe.seed + 100 * seed)
        model = fit(world, seeded, frame, labels)
        found[name] = answers(world, model, seen(world, seeded, pool))
        if name == "baseline":
            found["blind"] = answers(world, model, blinded(world, pool))
    return found
