"""The fast path gives scikit-learn's own probabilities, for any text."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.datasets import Dataset
from ml.kinds import Fitted
from ml.text.cleaning import clean, style_of
from ml.text.kind import example, fit, quantised, reference, serve
from ml.text.linear import LinearText

_TEXTS = {
    "yes": ["yes", "yeah sure", "okay that's fine", "yes I will", "sure", "a a a b", "I do"],
    "no": ["no", "nope", "no thank you", "not really", "I won't", "b b a", "ß is not ö"],
    "rating": ["four", "4 out of 5", "I'd say a three", "five stars", "1", "a 10", "9 9 9"],
}


ROWS = [(text, label) for label, texts in _TEXTS.items() for text in texts]


def taught(rows: Sequence[tuple[str, ...]]) -> Fitted:
    data = Dataset("tiny", tuple(example(*row) for row in rows))
    return fit(data, seed=7, progress=lambda share, what: None)


@cache
def trained(labels: int) -> tuple[Fitted, LinearText]:
    """Of two or three labels that exclude each other, or (nought) of some that do not."""
    rows = [row for row in ROWS if row[1] in list(_TEXTS)[: labels or 3]]
    both = [("yes four", "yes", "rating"), ("no 1", "no", "rating")]
    made = taught(rows if labels else [*rows, *both])
    return made, serve(made.pipeline, made.settings)


_WORDS = ("yes", "no", "four", "4", "i", "do", "wont", "a", "b", "ß", "really", "stars")
known_words = st.lists(st.sampled_from(_WORDS)).map(" ".join)


@pytest.mark.parametrize("labels", [2, 3, 0])
@given(text=st.one_of(st.text(max_size=80), known_words))
@settings(max_examples=60, deadline=None)
def test_probabilities_equal_scikit_learn(labels: int, text: str) -> None:
    made, model = trained(labels)
    expected = reference(made.pipeline, made.settings, [text])[0]
    assert np.abs(model.probabilities(text) - expected).max() < 1e-9


@pytest.mark.parametrize("labels", [2, 3, 0])
@given(texts=st.lists(st.one_of(st.text(max_size=40), known_words), max_size=6))
@settings(max_examples=25, deadline=None)
def test_many_at_once_are_the_same_as_one_by_one(labels: int, texts: list[str]) -> None:
    _, model = trained(labels)
    one_by_one = [model.probabilities(text) for text in texts]
    assert np.allclose(
        model.batch(texts), np.reshape(one_by_one, (len(texts), len(model.labels))), atol=1e-9
    )


def test_labels_are_in_the_order_of_the_probabilities() -> None:
    _, model = trained(3)
    best = {word: model.labels[model.probabilities(word).argmax()] for word in ("yes", "four")}
    assert best == {"yes": "yes", "four": "rating"}


def test_a_word_repeated_more_often_than_the_log_table_holds() -> None:
    made, model = trained(3)
    text = " ".join(["yes"] * 200)
    assert np.abs(model.probabilities(text) - made.pipeline.predict_proba([text])[0]).max() < 1e-9


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
    made, _ = trained(3)
    assert taught(ROWS).fingerprint == made.fingerprint
    assert taught([*ROWS, ("certainly", "yes")]).fingerprint != made.fingerprint


def test_labels_that_coincide_are_given_together() -> None:
    made, model = trained(0)
    (given,) = model.decision.chosen(model.batch(["yes four"]), model.labels)
    assert made.settings["decision"]["multi_label"]
    assert {label for label, one in zip(model.labels, given, strict=True) if one} >= {"yes"}


def test_written_texts_keep_their_marks() -> None:
    texts = ["so happy!! :)", "oh no, not again...", "what?! 😡"]
    assert style_of(texts) == "written"
    assert style_of(["yes.", "no thanks", "I don't know."]) == "speech"
    assert clean("Sooooo happy!!! 😡", "written") == "soo happy ! ! 😡"
    assert clean("I don’t, 'really'", "written") == "i don't , ' really '"
    assert clean("नमस्ते आप कैसे हैं") == "नमस्ते आप कैसे हैं"


def test_what_belongs_to_no_label_is_rejected_below_a_floor() -> None:
    strange = ["the weather", "purple elephant", "quantum physics", "my garden", "blue", "old car"]
    made = taught([*ROWS, *[(text, "oos") for text in strange]])
    model = serve(made.pipeline, made.settings)
    assert model.decision.label(model.probabilities("zzz qqq"), model.labels) == "oos"
    assert model.decision.label(model.probabilities("yeah sure"), model.labels) == "yes"


def test_half_precision_answers_nearly_the_same_and_agrees_with_scikit_learn() -> None:
    made, model = trained(3)
    small = quantised(made)
    light = serve(small.pipeline, small.settings)
    for text in ("yes I will", "not really", "four stars"):
        expected = reference(small.pipeline, small.settings, [text])[0]
        assert np.abs(light.probabilities(text) - expected).max() < 1e-9
        assert np.abs(light.probabilities(text) - model.probabilities(text)).max() < 0.01
    assert small.fingerprint != made.fingerprint
