"""What a model's answers are, where the configuration does not say: read off the labels and the answers."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from gate.domain import JsonValue, Signature, Task
from gate.evidence.forecasts import is_forecast
from gate.scoring.matrix import looks_like_probabilities, matrix_of
from gate.scoring.raw import RawAnswer

FEW_CLASSES = 50
"""More distinct texts than this are no classes, unless each comes back some twenty times."""

CLASSES_LIMIT = 1000
"""More distinct labels than this are never classes."""

FEW_INTEGERS = 20
"""More distinct integers than this are a quantity."""

UNLABELLED_WIDTH = 8
"""One number a row is no label of so many targets: beside it a matrix this wide is one vector a row."""

EMBEDDING_WIDTH = 32
"""A matrix without labels, this wide and not of probabilities, is read as one vector a row."""


def infer_task(raw: RawAnswer, labels: pa.ChunkedArray | pa.Table | None, signature: Signature | None) -> Task:
    """The task, from labels where there are any (a table of several targets) and from the baseline's answers.

    Probability: a matrix of probabilities, or fractions between 0 and 1 for labels of two values. Classification:
    labels are text, truth values or few integers, and the answers repeat them. Forecast: columns named like the
    bounds of an interval or like quantiles. Ranking: lists of names, or lists of numbers for labels that are lists of
    another length. Text: text without few classes. Embedding: vectors. Regression: other numbers.
    """
    if isinstance(labels, pa.Table):
        return _of_targets(raw, labels)
    if _is_forecast(raw) and (labels is None or not _is_text(labels.type)):
        return Task.FORECAST
    return Task.RANKING if _is_ranking(raw, labels) else _of_one(raw, labels, signature)


def _of_one(raw: RawAnswer, labels: pa.ChunkedArray | None, signature: Signature | None) -> Task:
    """What is no forecast and no ranking, with one column of labels or none."""
    if raw.shape in ("matrix", "tensor", "nested"):
        return _of_vectors(raw, labels, signature)
    column = prediction_of(raw)
    if column is None:
        return _of_columns(raw)
    if pa.types.is_nested(column.type):
        return Task.EMBEDDING
    plain = labels is not None and not pa.types.is_nested(labels.type)
    return _of_labels(column, labels) if plain else _of_values(column)


def prediction_of(raw: RawAnswer) -> pa.ChunkedArray | None:
    """The column that is the prediction: named so, or the only one; None where several have names of their own."""
    if "prediction" in raw.table.column_names:
        return raw.table.column("prediction")
    return raw.only if raw.table.num_columns == 1 else None


def label_values(labels: pa.ChunkedArray | pa.Table | None) -> tuple[JsonValue, ...]:
    """The distinct labels in order; whole floats (a CSV column with gaps) as integers; () where they are too many."""
    if labels is None or isinstance(labels, pa.Table) or pa.types.is_nested(labels.type):
        return ()
    distinct = pc.unique(labels).drop_null()
    if len(distinct) > CLASSES_LIMIT:
        return ()
    values = [
        int(value) if isinstance(value, float) and value.is_integer() else value for value in distinct.to_pylist()
    ]
    return tuple(sorted(values, key=lambda value: (str(type(value)), value)))


def _is_forecast(raw: RawAnswer) -> bool:
    """Whether columns are named like the bounds of an interval (`yhat_lower`) or like quantiles (`q0.1`, `p90`)."""
    return raw.shape in ("frame", "dict") and is_forecast(raw.table.column_names)


def _is_ranking(raw: RawAnswer, labels: pa.ChunkedArray | None) -> bool:
    """Lists of names rank items; lists of numbers do where the labels are lists of whole numbers of another length."""
    column = prediction_of(raw)
    if column is None or not _is_list(column.type):
        return False
    if _is_text(column.type.value_type):
        return labels is None or not _repeats(labels)
    if labels is None or not _is_list(labels.type) or not pa.types.is_integer(labels.type.value_type):
        return False
    return pa.types.is_integer(column.type.value_type) and not _lengths(column).equals(_lengths(labels))


def _repeats(labels: pa.ChunkedArray) -> bool:
    """Whether lists name one item twice: then they are no sets of relevant items but sequences (tags of words)."""
    if not _is_list(labels.type):
        return False
    some = labels.slice(0, 1000).to_pylist()
    return any(isinstance(items, list) and len(set(map(str, items))) < len(items) for items in some)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _lengths(column: pa.ChunkedArray) -> pa.Array:
    """The distinct lengths of a column's lists."""
    return pc.unique(pc.list_value_length(column)).sort()


def _of_targets(raw: RawAnswer, labels: pa.Table) -> Task:
    """Several targets: names of classes where each of them is and no answer is a fraction, else amounts."""
    if not all(_are_classes(column) for column in labels.columns):
        return Task.REGRESSION
    matrix = matrix_of(raw)
    if matrix is not None:
        return Task.REGRESSION if (matrix % 1 != 0).any() else Task.CLASSIFICATION
    fractions = any(pa.types.is_floating(column.type) and not _whole(column) for column in raw.table.columns)
    return Task.REGRESSION if fractions else Task.CLASSIFICATION


def _of_vectors(raw: RawAnswer, labels: pa.ChunkedArray | None, signature: Signature | None) -> Task:
    matrix = matrix_of(raw)
    if matrix is None:
        return Task.EMBEDDING
    if looks_like_probabilities(matrix) and (labels is None or _can_be_classes(labels)):
        return Task.PROBABILITY
    if matrix.shape[1] == 1 and labels is not None:
        return _of_labels(pa.chunked_array([pa.array(matrix[:, 0])]), labels)
    if raw.shape == "nested":
        return Task.EMBEDDING
    named = signature is not None and len(signature.outputs or ()) == matrix.shape[1]
    single = labels is not None and not pa.types.is_nested(labels.type)
    wide = matrix.shape[1] >= (UNLABELLED_WIDTH if single else EMBEDDING_WIDTH)
    return Task.EMBEDDING if wide and not named else Task.REGRESSION


def _of_columns(raw: RawAnswer) -> Task:
    """Several columns with names of their own: probabilities by their names, several targets where all are numbers."""
    if any(name.startswith("proba_") for name in raw.table.column_names):
        return Task.PROBABILITY
    numbers = all(pa.types.is_floating(kind) or pa.types.is_integer(kind) for kind in raw.table.schema.types)
    return Task.REGRESSION if numbers else Task.OTHER


def _of_labels(column: pa.ChunkedArray, labels: pa.ChunkedArray) -> Task:
    if not _are_classes(labels):
        return _of_text(labels) if _is_text(labels.type) else _of_numbers(labels)
    if not pa.types.is_floating(column.type) or _whole(column):
        return Task.CLASSIFICATION
    if len(label_values(labels)) <= 2 and _within_unit(column):  # noqa: PLR2004 - a probability is of one class of two
        return Task.PROBABILITY
    return Task.REGRESSION


def _are_classes(labels: pa.ChunkedArray) -> bool:
    """Text, truth values or whole numbers, with few distinct values that repeat."""
    kind = labels.type
    if pa.types.is_nested(kind):
        return False
    if pa.types.is_boolean(kind):
        return True
    distinct = len(pc.unique(labels).drop_null())
    if _is_text(kind) or pa.types.is_dictionary(kind):
        few = FEW_CLASSES if distinct > len(labels) // 20 else CLASSES_LIMIT
        return distinct <= few and distinct <= max(2, len(labels) // 2)
    return _can_be_classes(labels) and distinct <= FEW_INTEGERS and distinct <= max(2, len(labels) // 2)


def _can_be_classes(labels: pa.ChunkedArray) -> bool:
    kind = labels.type
    if pa.types.is_floating(kind):
        return _whole(labels)
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind) or _is_text(kind))


def _of_values(column: pa.ChunkedArray) -> Task:
    """From the answers alone. Fractions between 0 and 1 may be any quantity, so they are no proof of probability."""
    if _are_classes(column):
        return Task.CLASSIFICATION
    return _of_text(column) if _is_text(column.type) else _of_numbers(column)


def _of_text(column: pa.ChunkedArray) -> Task:
    return Task.TEXT if len(column) else Task.OTHER


def _of_numbers(column: pa.ChunkedArray) -> Task:
    kind = column.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return Task.REGRESSION if is_number else Task.OTHER


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _whole(column: pa.ChunkedArray) -> bool:
    finite = column.filter(pc.is_finite(column))
    return len(finite) > 0 and bool(pc.all(pc.equal(finite, pc.round(finite))).as_py())


def _within_unit(column: pa.ChunkedArray) -> bool:
    extremes = pc.min_max(column).as_py()
    return extremes["min"] is not None and extremes["min"] >= 0 and extremes["max"] <= 1
