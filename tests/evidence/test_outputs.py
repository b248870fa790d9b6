"""Answers of every type are read as numbers, classes, dates or vectors."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from gate.evidence.outputs import Kind, as_classes, as_numbers, common_codes, read, same_level


def objects(*values):
    out = np.empty(len(values), dtype=object)
    out[:] = list(values)
    return out


COLUMNS = {
    "floats": (np.array([1.0, np.nan]), Kind.NUMBER),
    "integers": (np.array([1, 2]), Kind.NUMBER),
    "single precision": (np.array([1.5, 2.5], dtype=np.float32), Kind.NUMBER),
    "numbers and holes": (objects(1, None, 2.5), Kind.NUMBER),
    "decimals": (objects(Decimal("1.5"), Decimal(2)), Kind.NUMBER),
    "nothing": (objects(None, None), Kind.NUMBER),
    "no rows": (np.array([]), Kind.NUMBER),
    "truth values": (np.array([True, False]), Kind.CLASS),
    "truth values and holes": (objects(*[True, None]), Kind.CLASS),
    "texts": (objects("a", "b", None), Kind.CLASS),
    "bytes": (objects(b"a", b"b"), Kind.CLASS),
    "texts and numbers": (objects("a", 1), Kind.CLASS),
    "moments": (np.array(["2026-01-01", "NaT"], dtype="datetime64[ns]"), Kind.DATE),
    "dates": (objects(dt.date(2026, 1, 1), None), Kind.DATE),
    "moments with zones": (objects(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), Kind.DATE),
    "durations": (np.array([1, 2], dtype="timedelta64[s]"), Kind.DATE),
    "lists": (objects([1.0, 2.0], [3.0, 4.0]), Kind.VECTOR),
    "arrays and holes": (objects(np.zeros(2), None), Kind.VECTOR),
    "nested": (objects([[1, 2], [3, 4]], [[5, 6], [7, 8]]), Kind.VECTOR),
    "uneven lists": (objects([1.0], [1.0, 2.0]), Kind.OTHER),
    "lists of texts": (objects(["a"], ["b"]), Kind.OTHER),
    "mappings": (objects({"a": 1}, {"a": 2}), Kind.OTHER),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_kind_of_a_column(name):
    """Every column has a kind, and one entry a row."""
    values, kind = COLUMNS[name]
    found = read(values)
    assert (found.kind, len(found)) == (kind, len(values))


def test_a_vector_is_flattened():
    """Two by two becomes four columns."""
    assert read(COLUMNS["nested"][0]).numbers.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_moment_counts_days_whatever_its_zone():
    """The same moment in two zones is one number."""
    zone = dt.timezone(dt.timedelta(hours=9))
    found = read(objects(dt.datetime(1970, 1, 2, tzinfo=dt.UTC), dt.datetime(1970, 1, 2, 9, tzinfo=zone)))
    assert found.numbers.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "other", [objects("1", "0"), np.array([1.0, 0.0]), np.array([True, False]), objects("1.0", "0")]
)
def test_labels_of_another_type_are_the_same_classes(other):
    """1, 1.0, "1" and True name one class."""
    (ours, theirs), levels = common_codes(as_classes(read(np.array([1, 0]))), as_classes(read(other)))
    assert ours.tolist() == theirs.tolist()
    assert len(levels) == 2


def test_names_of_one_type_are_taken_as_they_are():
    """The texts "01" and "1" are two classes."""
    _, levels = common_codes(read(objects("01", "1")), read(objects("1", "01")))
    assert levels == ("01", "1")


def test_classes_are_ordered_by_size():
    """Numbers by size, not as texts."""
    _, levels = common_codes(as_classes(read(np.array([10, 9, 2]))))
    assert levels == (2, 9, 10)


def test_names_can_be_amounts():
    """Texts that are numbers can be judged as such; others cannot."""
    assert as_numbers(read(objects("1.5", None, "2"))).numbers.tolist()[::2] == [1.5, 2.0]
    with pytest.raises(ValueError, match="could not convert"):
        as_numbers(read(objects("a")))


def test_a_hundred_thousand_classes_are_read():
    """Categories may be many."""
    names = objects(*(f"c{index}" for index in range(100_000)))
    assert len(read(names).levels) == 100_000


@pytest.mark.parametrize(
    ("one", "other", "same"), [(1, "1", True), (True, 1.0, True), ("a", "A", False), ("2", 3, False)]
)
def test_which_names_mean_one_class(one, other, same):
    """Types do not matter, letters do."""
    assert same_level(one, other) is same
