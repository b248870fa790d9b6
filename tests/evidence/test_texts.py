"""Edits and common subsequences equal plain implementations; empty texts do not break them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.evidence.metrics import METRICS, Truth

TEXTS = st.lists(st.text("ab cé한", max_size=8), min_size=4, max_size=12)


def bound(labels, answers, name):
    levels = tuple(dict.fromkeys([*labels, *answers]))
    code = {text: index for index, text in enumerate(levels)}
    truth = Truth(values=np.array([code[text] for text in labels]), classes=len(levels), levels=levels)
    return METRICS[name].value(truth, np.array([code[text] for text in answers]))


def edits(left, right):
    """Levenshtein's distance, as it is defined."""
    row = list(range(len(right) + 1))
    for place, letter in enumerate(left, start=1):
        last, row[0] = row[0], place
        for other, found in enumerate(right, start=1):
            last, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, last + (letter != found))
    return row[-1]


def common(left, right):
    """The longest common subsequence, as it is defined."""
    table = np.zeros((len(left) + 1, len(right) + 1), dtype=int)
    for i, one in enumerate(left, start=1):
        for j, two in enumerate(right, start=1):
            table[i, j] = table[i - 1, j - 1] + 1 if one == two else max(table[i - 1, j], table[i, j - 1])
    return table[-1, -1]


@pytest.mark.parametrize(("name", "split"), [("character_error_rate", list), ("word_error_rate", str.split)])
@settings(max_examples=40, deadline=None)
@given(texts=TEXTS)
def test_error_rates_are_edits_over_length(name, split, texts):
    """All edits over all characters or words of the labels."""
    labels, answers = texts[::2], texts[1::2][: len(texts[::2])]
    labels = labels[: len(answers)]
    length = sum(len(split(text)) for text in labels)
    expected = sum(edits(split(y), split(p)) for y, p in zip(labels, answers, strict=True))
    found = bound(labels, answers, name)
    assert found == (pytest.approx(expected / length) if length else None)


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS)
def test_rouge_l_is_the_share_of_common_words(texts):
    """Twice the common words over the words of both, in lower case, whatever stands between words."""
    labels, answers = texts[::2], texts[1::2][: len(texts[::2])]
    labels = labels[: len(answers)]
    expected = []
    for y, p in zip(labels, answers, strict=True):
        left, right = y.split(), p.split()
        expected.append(2 * common(left, right) / (len(left) + len(right)) if left or right else 1.0)
    assert bound(labels, answers, "rouge_l") == pytest.approx(np.mean(expected))


def test_case_and_punctuation_do_not_count_for_rouge():
    """As in MLflow's rougeL."""
    assert bound(["The cat, sat."], ["the CAT sat"], "rouge_l") == 1.0
