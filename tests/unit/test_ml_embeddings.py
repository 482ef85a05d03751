"""Sentence embeddings: the published network, without its framework."""

import numpy as np
import pytest

from ml.datasets import Dataset
from ml.text.embeddings import SIZE, SentenceEmbedding, available
from ml.text.kind import example, fit, reference, serve
from voice_ai.errors import Refused

pytestmark = pytest.mark.skipif(not available(), reason="needs the extra: make embeddings")


def test_similarities_are_the_published_ones() -> None:
    """The example of the model's page on Hugging Face: 0.695, 0.943 and 0.257."""
    texts = ["person", "dog", "person"]
    happy = [f"That is a {'very ' if n == 2 else ''}happy {word}" for n, word in enumerate(texts)]
    vectors = SentenceEmbedding().transform([*happy, "Today is a sunny day"])[:, :384]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert vectors[0] @ vectors[1:].T == pytest.approx([0.6946, 0.9429, 0.2569], abs=1e-4)


def test_a_text_is_embedded_the_same_alone_and_among_others() -> None:
    embed = SentenceEmbedding()
    alone = embed.transform(["stop calling me"])
    among = embed.transform(["yes", "stop calling me", "who is this please", ""])
    assert alone.shape == (1, SIZE)
    assert np.allclose(alone[0], among[1], atol=1e-5)


def test_a_model_with_embeddings_is_served_as_scikit_learn_computes_it() -> None:
    words = {"yes": ("sure", "of course", "gladly"), "no": ("never", "not at all", "no way")}
    rows = tuple(example(text, label) for label, texts in words.items() for text in texts)
    made = fit(
        Dataset("d", rows),
        seed=7,
        progress=lambda share, what: None,
        options={"embeddings": True},
    )
    model = serve(made.pipeline, made.settings)
    expected = reference(made.pipeline, made.settings, ["certainly", "no never"])
    assert np.allclose(model.batch(["certainly", "no never"]), expected, atol=1e-6)
    assert "MiniLM" in str(made.params["algorithm"])


def test_other_weights_than_those_it_was_trained_with_are_refused() -> None:
    with pytest.raises(Refused, match="not those this model was trained with"):
        SentenceEmbedding("0" * 64).transform(["yes"])
