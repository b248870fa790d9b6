"""How far answered texts are from the labels: edits of characters and words, common subsequences of words.

Sources: V. Levenshtein, Binary codes capable of correcting deletions, insertions and reversals, Soviet Physics
Doklady 10 (1966); C.-Y. Lin, ROUGE: a package for automatic evaluation of summaries (2004).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from gate.evidence.arrays import Array, Floats
from gate.evidence.metric import Truth
from gate.evidence.weighing import Mean, Ratio, Statistic

_WORD = re.compile(r"[^\W_]+")
_FIRST, _SURROGATES, _LAST = 0x100, range(0xD800, 0xE000), 0x10FFFF


def character_error_rate(truth: Truth, answer: Array) -> Statistic:
    """Edits of characters that turn the answers into the labels, as a share of the labels' characters."""
    pairs = _Pairs(truth, answer)
    return _rate(pairs, list(pairs.texts))


def word_error_rate(truth: Truth, answer: Array) -> Statistic:
    """Edits of words (between white space), as a share of the labels' words."""
    pairs = _Pairs(truth, answer)
    return _rate(pairs, _as_letters([text.split() for text in pairs.texts]))


def rouge_l(truth: Truth, answer: Array) -> Statistic:
    """Mean over rows of twice the longest common subsequence of words over the words of both; words in lower case."""
    pairs = _Pairs(truth, answer)
    words = _as_letters([_WORD.findall(text.lower()) for text in pairs.texts])
    size = np.array([len(text) for text in words], dtype=np.float64)
    common = pairs.compared(words, _common)
    total = size[pairs.left] + size[pairs.right]
    # two empty texts are equal; MLflow's rouge gives them 0, which would punish a right answer
    score = np.divide(2 * common, total, out=np.ones_like(common), where=total > 0)
    return Mean(rows=score[pairs.row][:, None])


def _rate(pairs: _Pairs, texts: Sequence[str]) -> Statistic:
    size = np.array([len(text) for text in texts], dtype=np.float64)
    return Ratio(above=pairs.compared(texts, _edits)[pairs.row], below=size[pairs.left][pairs.row])


class _Pairs:
    """The distinct pairs of label and answer: each is compared once, however many rows have it."""

    def __init__(self, truth: Truth, answer: Array) -> None:
        """Find them. `left` and `right` are positions in `texts`, `row` (n,) the pair of each row."""
        self.texts = tuple(str(level) for level in truth.levels)
        keys = truth.values.astype(np.int64) * max(1, len(self.texts)) + answer
        distinct, self.row = np.unique(keys, return_inverse=True)
        self.left, self.right = np.divmod(distinct, max(1, len(self.texts)))

    def compared(self, texts: Sequence[str], how: Callable[[list[str], list[str]], Array]) -> Floats:
        """Compare the texts of each pair."""
        sides = [[texts[code] for code in codes.tolist()] for codes in (self.left, self.right)]
        return np.asarray(how(*sides), dtype=np.float64)


def _edits(left: list[str], right: list[str]) -> Array:
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cpdist

    return np.asarray(cpdist(left, right, scorer=Levenshtein.distance, dtype=np.int64))


def _common(left: list[str], right: list[str]) -> Array:
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cpdist

    return np.asarray(cpdist(left, right, scorer=LCSseq.similarity, dtype=np.int64))


def _as_letters(texts: Sequence[Sequence[str]]) -> list[str]:
    """Write each distinct word as one character, so that edits of words are edits of characters."""
    letters: dict[str, str] = {}
    return ["".join(letters.setdefault(word, _letter(len(letters))) for word in words) for words in texts]


def _letter(index: int) -> str:
    """The index-th character that is no surrogate; beyond a million words the last one stands for all others."""
    code = _FIRST + index
    if code >= _SURROGATES.start:
        code += len(_SURROGATES)
    return chr(min(code, _LAST))
