"""TF-IDF logits of many texts at once, as products of sparse matrices.

What is counted per word is looked up once per distinct word: texts x words, times words x
character n-grams, gives the counts of the characters. Equal to one text at a time to 1e-9.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.decisions import Floats
from ml.text.linear import Block, char_ngrams

Ints = NDArray[np.int64]


def logits_of(cleaned: Sequence[str], words: Block, chars: Block, weights: Floats) -> Floats:
    """n x labels, without the bias. `weights` has the rows of both blocks."""
    split = [text.split(" ") if text else [] for text in cleaned]
    lengths = np.fromiter(map(len, split), dtype=np.int64, count=len(split))
    ids: dict[str, int] = {}
    said = np.fromiter(
        (ids.setdefault(word, len(ids)) for word in chain.from_iterable(split)),
        dtype=np.int64,
        count=int(lengths.sum()),
    )
    text = np.repeat(np.arange(len(split)), lengths)
    vocabulary = list(ids)
    shape = (len(split), len(vocabulary))
    counts = sparse.csr_matrix((np.ones(len(said)), (text, said)), shape=shape)
    spelled = counts @ _characters(vocabulary, chars)
    first = len(words.idf)
    return np.asarray(
        _weighed(_word_counts(text, said, vocabulary, words, len(split)), words) @ weights[:first]
        + _weighed(spelled, chars) @ weights[first:]
    )


def _characters(vocabulary: Sequence[str], block: Block) -> Any:
    """words x character n-grams: how often each occurs in each word."""
    known, offset = block.rows, block.offset
    rows = [
        [known[term] - offset for term in char_ngrams(word, block.sizes) if term in known]
        for word in vocabulary
    ]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    columns = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(lengths.sum()))
    place = np.repeat(np.arange(len(rows)), lengths)
    shape = (len(rows), len(block.idf))
    return sparse.csr_matrix((np.ones(len(columns)), (place, columns)), shape=shape)


def _word_counts(
    text: Ints, said: Ints, vocabulary: Sequence[str], block: Block, texts: int
) -> Any:
    """texts x (words and pairs): how often each known one occurs."""
    known = block.rows
    single = np.array([known.get(word, -1) for word in vocabulary], dtype=np.int64)[said]
    together = text[1:] == text[:-1]
    pairs, where = np.unique(
        said[:-1][together] * np.int64(len(vocabulary)) + said[1:][together], return_inverse=True
    )
    firsts, seconds = np.divmod(pairs, max(1, len(vocabulary)))
    names = (f"{vocabulary[a]} {vocabulary[b]}" for a, b in zip(firsts, seconds, strict=True))
    paired = np.fromiter((known.get(name, -1) for name in names), np.int64, len(pairs))[where]
    columns = np.concatenate([single, paired])
    rows = np.concatenate([text, text[1:][together]])
    seen = columns >= 0
    shape = (texts, len(block.idf))
    values = np.ones(int(seen.sum()))
    counts = sparse.csr_matrix((values, (rows[seen], columns[seen] - block.offset)), shape=shape)
    counts.sum_duplicates()
    return counts


def _weighed(counts: Any, block: Block) -> Any:
    """Sublinear counts times idf, each row of length one."""
    values = _sublinear(counts.data) * np.asarray(block.idf)[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norm = np.sqrt(np.bincount(row, values * values, minlength=counts.shape[0]))
    counts.data = values / norm[row]
    return counts


def _sublinear(counts: Floats) -> Floats:
    """1 + log(count); nearly every count is one, so logarithms are taken of the others only."""
    values = np.ones(len(counts))
    more = np.flatnonzero(counts > 1)
    values[more] += np.log(counts[more])
    return values
