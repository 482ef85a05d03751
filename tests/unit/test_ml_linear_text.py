"""The fast path gives scikit-learn's own probabilities, for any text."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.datasets import Dataset, Example
from ml.fit import fit, parameters_sha256
from ml.linear_text import LinearText, clean

_TEXTS = {
    "yes": ["yes", "yeah sure", "okay that's fine", "yes I will", "sure", "a a a b", "I do"],
    "no": ["no", "nope", "no thank you", "not really", "I won't", "b b a", "ß is not ö"],
    "rating": ["four", "4 out of 5", "I'd say a three", "five stars", "1", "a 10", "9 9 9"],
}


@cache
def trained(labels: int) -> tuple[Any, LinearText]:
    rows = [Example(text, label) for label in list(_TEXTS)[:labels] for text in _TEXTS[label]]
    pipeline = fit(Dataset("tiny", tuple(rows))).pipeline
    return pipeline, LinearText.from_pipeline(pipeline)


_WORDS = ("yes", "no", "four", "4", "i", "do", "wont", "a", "b", "ß", "really", "stars")
known_words = st.lists(st.sampled_from(_WORDS)).map(" ".join)


@pytest.mark.parametrize("labels", [2, 3])
@given(text=st.one_of(st.text(max_size=80), known_words))
@settings(max_examples=150, deadline=None)
def test_probabilities_equal_scikit_learn(labels: int, text: str) -> None:
    pipeline, model = trained(labels)
    expected = pipeline.predict_proba([clean(text)])[0]
    assert np.abs(model.probabilities(text) - expected).max() < 1e-9


def test_labels_are_in_the_order_of_the_probabilities() -> None:
    _, model = trained(3)
    best = {word: model.labels[model.probabilities(word).argmax()] for word in ("yes", "four")}
    assert best == {"yes": "yes", "four": "rating"}


def test_a_word_repeated_more_often_than_the_log_table_holds() -> None:
    pipeline, model = trained(3)
    text = " ".join(["yes"] * 200)
    assert np.abs(model.probabilities(text) - pipeline.predict_proba([text])[0]).max() < 1e-9


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  Stop CALLING me!!  ", "stop calling me"),
        ("I don't", "i do not"),
        ("I don’t", "i do not"),
        ("café, Zoë", "cafe zoe"),
        ("4/5 - okay?", "4 5 okay"),
        ("...", ""),
    ],
)
def test_clean_writes_as_a_recogniser_would(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


def test_the_same_data_and_seed_give_the_same_model_and_other_data_another() -> None:
    pipeline, _ = trained(3)
    rows = [Example(text, label) for label, texts in _TEXTS.items() for text in texts]
    again = fit(Dataset("tiny", tuple(rows)))
    assert again.parameters_sha256 == parameters_sha256(pipeline)
    other = fit(Dataset("tiny", (*rows, Example("certainly", "yes"))))
    assert other.parameters_sha256 != again.parameters_sha256
