"""What each metric computes, and where it comes from: for `gate explain` and the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gate.evidence.metric import PART_MOST, PART_ROWS, RARE, SHARE, Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """y is a row's label, p its answer; means and sums are over the n rows, then over several targets."""

    text: str
    source: str


def _formula(text: str, source: str) -> Formula:
    return Formula(text=text, source=source)


_CLASSES = "of the positive class where there are two classes, else the mean over all"

FORMULAS: Mapping[str, Formula] = MappingProxyType(
    {
        "rmse": _formula("sqrt(mean((y - p)^2))", "scikit-learn's root_mean_squared_error"),
        "mae": _formula("mean(|y - p|)", "scikit-learn's mean_absolute_error"),
        "mape": _formula(
            "mean(|y - p| / max(|y|, 2.2e-16))",
            "scikit-learn's mean_absolute_percentage_error: a share, not a percentage",
        ),
        "r2": _formula("1 - sum((y - p)^2) / sum((y - mean(y))^2)", "scikit-learn's r2_score"),
        "max_error": _formula("max(|y - p|)", "scikit-learn's max_error; compared as it is: one row decides"),
        "accuracy": _formula("mean(y = p)", "scikit-learn's accuracy_score"),
        "balanced_accuracy": _formula("mean over the classes of their recall", "Brodersen et al. 2010"),
        "precision": _formula(f"TP / (TP + FP), {_CLASSES}", "van Rijsbergen 1979"),
        "recall": _formula(f"TP / (TP + FN), {_CLASSES}", "van Rijsbergen 1979"),
        "f1": _formula(f"2 TP / (2 TP + FP + FN), {_CLASSES}", "van Rijsbergen 1979"),
        "roc_auc": _formula(
            "share of pairs of a positive and a negative row in which the positive has the higher score, ties half; of "
            "more classes each against the rest, then the mean",
            "Hanley and McNeil 1982",
        ),
        "pr_auc": _formula(
            "sum over thresholds of (recall - recall before) x precision; of more classes each against the rest, then "
            "the mean",
            "average precision, scikit-learn's average_precision_score",
        ),
        "log_loss": _formula("-mean(ln(probability of y)), probabilities kept 2.2e-16 away from 0 and 1", "Good 1952"),
        "brier": _formula(
            "mean((probability of the positive class - [y is positive])^2); of more classes summed over them",
            "Brier 1950",
        ),
        "exact_match": _formula("mean(y = p)", "Rajpurkar et al. 2016"),
        "character_error_rate": _formula(
            "edits of characters that turn p into y, over all rows / characters of all y", "Levenshtein 1966"
        ),
        "word_error_rate": _formula(
            "edits of words that turn p into y, over all rows / words of all y", "Levenshtein 1966"
        ),
        "rouge_l": _formula(
            "mean(2 x longest common subsequence of words / words of y and p), words in lower case", "Lin 2004"
        ),
        "ndcg": _formula(
            "mean(DCG of p / DCG of the best order), DCG = sum(gain / log2(place + 1))", "Järvelin and Kekäläinen 2002"
        ),
        "map": _formula(
            "mean over rows of (sum of the precision at each relevant item / number of relevant items)",
            "Buckley and Voorhees 2000",
        ),
        "pinball": _formula("mean over quantiles q of max(q (y - p), (q - 1) (y - p))", "Koenker and Bassett 1978"),
        "coverage": _formula("mean(lower <= y <= upper)", "Christoffersen 1998"),
        "cosine_distance": _formula("mean(1 - y . p / (|y| |p|))", "Salton and McGill 1983"),
    }
)
"""By the metric's name; a test holds that there is one for each."""


def smallest_margin(metric: Metric) -> str:
    """Say a metric's default margin in words (`metric.margin` computes it)."""
    if metric.floor_in_deviations:
        floor = f"{metric.floor * 100:g} % of the labels' standard deviation"
    elif metric.floor:
        floor = f"{metric.floor:g}"
    else:
        return f"{SHARE * 100:g} % of the baseline's value"
    parts = [floor]
    if metric.part:
        rare = f", {RARE:g} / sqrt(their share)" if metric.part == PART_ROWS else ""
        parts.append(f"{metric.part:g} / sqrt(rows of the class){rare}, these at most {PART_MOST:g}")
    if metric.bounded:
        parts.append("one row")
    return f"{SHARE * 100:g} % of the baseline's value, at least {', '.join(parts)}"
