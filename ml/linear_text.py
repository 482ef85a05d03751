"""TF-IDF with logistic regression for one utterance at a time, in dictionaries and numpy.

Gives the probabilities of the scikit-learn pipeline in `ml.fit` (a test holds them together to
1e-9) at a fraction of its time per call: scikit-learn's cost for one text is almost all overhead.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORD_BLOCK = "words"
CHAR_BLOCK = "characters"
WORD_NGRAMS = (1, 2)
CHAR_NGRAMS = (2, 5)
TOKEN_PATTERN = r"(?u)\b\w+\b"

_NOT_WORD = re.compile(r"[^\w\s]+")
_APOSTROPHES = str.maketrans("", "", "'’‘`´")
# Recognisers write both forms; learnt as one they need half the examples.
_CONTRACTIONS = {
    "arent": "are not",
    "cannot": "can not",
    "cant": "can not",
    "couldnt": "could not",
    "didnt": "did not",
    "doesnt": "does not",
    "dont": "do not",
    "havent": "have not",
    "im": "i am",
    "isnt": "is not",
    "ive": "i have",
    "shouldnt": "should not",
    "thats": "that is",
    "theres": "there is",
    "wasnt": "was not",
    "whats": "what is",
    "whos": "who is",
    "wont": "will not",
    "wouldnt": "would not",
    "youre": "you are",
    "youve": "you have",
}
_WORDS_KEPT = 20_000
_LOGS = [0.0, *(1.0 + math.log(count) for count in range(1, 64))]


def clean(text: str) -> str:
    """Lower case, no accents, no punctuation, contractions written out, single spaces."""
    text = text.translate(_APOSTROPHES)
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    words = _NOT_WORD.sub(" ", text.lower()).split()
    return " ".join([_CONTRACTIONS.get(word, word) for word in words])


def word_ngrams(words: list[str]) -> list[str]:
    """Words and pairs of neighbouring words."""
    return words + [f"{first} {second}" for first, second in zip(words, words[1:], strict=False)]


def char_ngrams(word: str) -> Iterator[str]:
    """Character n-grams of one padded word, counted as scikit-learn's `char_wb` does."""
    shortest, longest = CHAR_NGRAMS
    padded = f" {word} "
    length = len(padded)
    for size in range(shortest, longest + 1):
        if size >= length:
            yield padded
            break
        for start in range(length - size + 1):
            yield padded[start : start + size]


@dataclass(frozen=True)
class Block:
    """One TF-IDF vectoriser: term -> row of the weights, and the terms' idf from row `offset`."""

    rows: Mapping[str, int]
    idf: Sequence[float]
    offset: int


def _weigh(found: Iterable[int], block: Block, rows: list[int], values: list[float]) -> None:
    """Append rows and their L2-normed, sublinear TF-IDF weights."""
    counts: dict[int, int] = {}
    for row in found:
        counts[row] = counts.get(row, 0) + 1
    if not counts:
        return
    idf, offset = block.idf, block.offset
    weights = [
        (_LOGS[n] if n < 64 else 1.0 + math.log(n)) * idf[row - offset] for row, n in counts.items()
    ]
    norm = math.sqrt(sum([weight * weight for weight in weights]))
    rows.extend(counts)
    values.extend([weight / norm for weight in weights])


class LinearText:
    """A trained text classifier that answers for one utterance."""

    def __init__(
        self, labels: Sequence[str], words: Block, chars: Block, weights: Floats, bias: Floats
    ) -> None:
        self.labels = tuple(labels)
        self._words = words
        self._chars = chars
        self._weights = weights
        self._bias = bias
        self._rows_of_word: dict[str, list[int]] = {}

    @classmethod
    def from_pipeline(cls, pipeline: Any) -> "LinearText":
        """Read the numbers out of a fitted pipeline of `ml.fit`."""
        union, model = pipeline.named_steps["features"], pipeline.named_steps["model"]
        vectorisers = dict(union.transformer_list)
        words = _block(vectorisers[WORD_BLOCK], 0)
        chars = _block(vectorisers[CHAR_BLOCK], len(words.idf))
        coef, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            coef, bias = np.vstack([np.zeros_like(coef), coef]), np.array([0.0, bias[0]])
        weights = np.ascontiguousarray(coef.T, dtype=np.float64)
        return cls([str(c) for c in model.classes_], words, chars, weights, np.asarray(bias))

    def probabilities(self, text: str) -> Floats:
        """One probability per label, in the order of `labels`; they sum to one."""
        cleaned = clean(text)
        rows: list[int] = []
        values: list[float] = []
        words = cleaned.split()
        known = self._words.rows
        _weigh([known[t] for t in word_ngrams(words) if t in known], self._words, rows, values)
        _weigh(chain.from_iterable(map(self._chars_of, words)), self._chars, rows, values)
        logits = self._bias
        if rows:
            logits = np.array(values) @ self._weights.take(rows, axis=0) + logits
        exponents = np.exp(logits - logits.max())
        return np.asarray(exponents / exponents.sum(), dtype=np.float64)

    def _chars_of(self, word: str) -> list[int]:
        """Rows of a word's character n-grams; people use few words, so they are kept."""
        rows = self._rows_of_word.get(word)
        if rows is None:
            known = self._chars.rows
            rows = [known[term] for term in char_ngrams(word) if term in known]
            if len(self._rows_of_word) >= _WORDS_KEPT:
                self._rows_of_word.clear()
            self._rows_of_word[word] = rows
        return rows


def _block(vectoriser: Any, offset: int) -> Block:
    rows = {str(term): int(index) + offset for term, index in vectoriser.vocabulary_.items()}
    return Block(rows=rows, idf=[float(value) for value in vectoriser.idf_], offset=offset)
