"""TF-IDF with a linear model for one utterance at a time, in dictionaries and numpy.

Gives the probabilities of the scikit-learn pipeline in `ml.text.fit` (a test holds them together
to 1e-9) at a fraction of its time per call: scikit-learn's cost for one text is almost all
overhead.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from ml.decisions import Decision, Floats
from ml.text.cleaning import Style, clean

WORD_BLOCK = "words"
CHAR_BLOCK = "characters"
SENTENCE_BLOCK = "sentence"
TOKEN_PATTERN = r"\S+"

_WORDS_KEPT = 20_000
_LOGS = [0.0, *(1.0 + math.log(count) for count in range(1, 64))]


def word_ngrams(words: list[str]) -> list[str]:
    """Words and pairs of neighbouring words."""
    return words + [f"{first} {second}" for first, second in zip(words, words[1:], strict=False)]


def char_ngrams(word: str, sizes: tuple[int, int]) -> Iterator[str]:
    """Character n-grams of one padded word, counted as scikit-learn's `char_wb` does."""
    shortest, longest = sizes
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
    sizes: tuple[int, int]


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
        self,
        labels: Sequence[str],
        words: Block,
        chars: Block,
        weights: Any,
        bias: Floats,
        decision: Decision,
        style: Style,
        sentence: "Sentence | None" = None,
    ) -> None:
        self.labels = tuple(labels)
        self.decision = decision
        self._words = words
        self._chars = chars
        self._weights = weights
        self._bias = bias
        self._style = style
        self._sentence = sentence
        self._rows_of_word: dict[str, list[int]] = {}

    @classmethod
    def from_pipeline(cls, pipeline: Any, settings: Mapping[str, Any]) -> "LinearText":
        """Read the numbers out of a fitted pipeline of `ml.text.fit`."""
        union, model = pipeline.named_steps["features"], pipeline.named_steps["model"]
        vectorisers = dict(union.transformer_list)
        words = _block(vectorisers[WORD_BLOCK], 0)
        chars = _block(vectorisers[CHAR_BLOCK], len(words.idf))
        coef, bias = coefficients(model)
        counted = len(words.idf) + len(chars.idf)
        sentence = None
        if SENTENCE_BLOCK in vectorisers:
            sentence = Sentence(
                vectorisers[SENTENCE_BLOCK], np.ascontiguousarray(coef[:, counted:].T)
            )
        return cls(
            [str(c) for c in model.classes_],
            words,
            chars,
            _smallest(np.ascontiguousarray(coef[:, :counted].T, dtype=np.float64)),
            bias,
            Decision.of(settings["decision"]),
            settings["style"],
            sentence,
        )

    @property
    def tolerance(self) -> float:
        """How closely an answer repeats: sums in single precision depend on what is beside."""
        return 1e-4 if self._sentence is not None else 1e-9

    @property
    def knows(self) -> frozenset[str]:
        """The single words it has weights for."""
        return frozenset(term for term in self._words.rows if " " not in term)

    def probabilities(self, text: str) -> Floats:
        """One probability per label, in the order of `labels`."""
        rows: list[int] = []
        values: list[float] = []
        words = clean(text, self._style).split()
        known = self._words.rows
        _weigh([known[t] for t in word_ngrams(words) if t in known], self._words, rows, values)
        _weigh(chain.from_iterable(map(self._chars_of, words)), self._chars, rows, values)
        logits = self._bias
        if rows:
            logits = np.array(values) @ self._weights.take(rows, axis=0).astype(np.float64) + logits
        if self._sentence is not None:
            logits = logits + self._sentence.logits([" ".join(words)])[0]
        return squash(logits, exclusive=not self.decision.multi_label)

    def batch(self, texts: Sequence[str]) -> Floats:
        """n x labels, for many texts at once; needs scipy, which scikit-learn brings."""
        from ml.text.batch import logits_of

        cleaned = [clean(text, self._style) for text in texts]
        logits = (
            logits_of(cleaned, self._words, self._chars, self._weights.astype(np.float64))
            + self._bias
        )
        if self._sentence is not None:
            logits = logits + self._sentence.logits(cleaned)
        return squash(logits, exclusive=not self.decision.multi_label)

    def _chars_of(self, word: str) -> list[int]:
        """Rows of a word's character n-grams; people use few words, so they are kept."""
        rows = self._rows_of_word.get(word)
        if rows is None:
            known = self._chars.rows
            rows = [known[term] for term in char_ngrams(word, self._chars.sizes) if term in known]
            if len(self._rows_of_word) >= _WORDS_KEPT:
                self._rows_of_word.clear()
            self._rows_of_word[word] = rows
        return rows


@dataclass(frozen=True)
class Sentence:
    """The part of the logits that comes from sentence embeddings; `embed` is a transformer."""

    embed: Any
    weights: Floats

    def logits(self, cleaned: Sequence[str]) -> Floats:
        return np.asarray(self.embed.transform(cleaned) @ self.weights, dtype=np.float64)


def squash(logits: Floats, *, exclusive: bool) -> Floats:
    """Softmax over the last axis, or the logistic function of each where labels may coincide."""
    if not exclusive:
        # Both halves, as the exponential of a large positive number overflows.
        small = np.exp(-np.abs(logits))
        return np.asarray(np.where(logits >= 0, 1 / (1 + small), small / (1 + small)))
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), dtype=np.float64)


def coefficients(model: Any) -> tuple[Floats, Floats]:
    """Weights (labels x features) and bias of a logistic regression, or of one per label."""
    if hasattr(model, "estimators_"):
        coef = np.vstack([one.coef_ for one in model.estimators_])
        return coef, np.concatenate([one.intercept_ for one in model.estimators_])
    coef, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2 and len(coef) == 1:
        return np.vstack([np.zeros_like(coef), coef]), np.array([0.0, bias[0]])
    return np.asarray(coef), np.asarray(bias)


def _smallest(weights: Floats) -> Any:
    """In half the memory, or a quarter of it, where that holds the very same numbers."""
    for kind in (np.float16, np.float32):
        smaller = weights.astype(kind)
        if (smaller == weights).all():
            return smaller
    return weights


def _block(vectoriser: Any, offset: int) -> Block:
    rows = {str(term): int(index) + offset for term, index in vectoriser.vocabulary_.items()}
    idf = [float(value) for value in vectoriser.idf_]
    return Block(rows=rows, idf=idf, offset=offset, sizes=tuple(vectoriser.ngram_range))
