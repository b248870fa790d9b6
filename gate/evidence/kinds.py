"""What each kind of answer needs: the form of answers and labels, and how the gate tells the kind where nobody says."""

from __future__ import annotations

from dataclasses import dataclass

from gate.domain import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class KindNeeds:
    """One kind: what answers and labels look like, and how it is inferred where `task` does not say it."""

    task: Task
    answers: str
    labels: str
    inferred: str


KINDS = (
    KindNeeds(
        task=Task.REGRESSION,
        answers="a number a row; of several targets a column each: by their names, as `prediction_0` …, else in order",
        labels="a column of numbers, or a list of columns in `data.target`; a column of vectors for several at once",
        inferred="numbers that are neither classes nor probabilities",
    ),
    KindNeeds(
        task=Task.CLASSIFICATION,
        answers="a class a row; of several targets a column each",
        labels='the classes; 1, 1.0, `"1"` and true are one class',
        inferred="labels (without labels, answers) that are truth values, or few texts or whole numbers that repeat",
    ),
    KindNeeds(
        task=Task.PROBABILITY,
        answers="columns `proba_<class>`, a matrix, or one number: the probability of the positive class (`positive`)",
        labels="the classes",
        inferred="rows of numbers that sum to 1, columns `proba_…`, or fractions up to 1 for labels of two values",
    ),
    KindNeeds(
        task=Task.FORECAST,
        answers="numbers, a column or a vector for each horizon; bounds in columns such as `lower` and `upper`, "
        "`yhat_lower`, `lo-90`; quantiles in columns such as `q0.1`, `p90`, `0.5`",
        labels="the numbers that came true: a column, several, or a column of vectors",
        inferred="columns named like the bounds of an interval, or like at least two quantiles",
    ),
    KindNeeds(
        task=Task.TEXT,
        answers="a text a row",
        labels="the right text",
        inferred="texts that hardly repeat",
    ),
    KindNeeds(
        task=Task.EMBEDDING,
        answers="a vector a row, all of one length",
        labels="none, or the right vector; labels of another kind are left alone",
        inferred="vectors that are neither probabilities, several targets nor lists of items",
    ),
    KindNeeds(
        task=Task.RANKING,
        answers="a list of items a row, the best first; or a list of scores, one for each item of the label's list",
        labels="the list of relevant items (one item may stand alone), or for scores the list of relevances",
        inferred="lists of texts, or of whole numbers where the labels are such lists of other lengths",
    ),
    KindNeeds(
        task=Task.OTHER,
        answers="anything: only what needs no meaning is judged (rows, types, missing values, repetition)",
        labels="none are used, unless `metrics` names exact_match or a function of yours",
        inferred="what is none of the others",
    ),
)
"""All kinds, in the order of the contract."""
