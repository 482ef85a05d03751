"""Expected valence of a turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.tasks import EMOTION
from ml.tasks.emotion.valence import VALENCE, valence


def test_every_emotion_has_an_anchor() -> None:
    assert set(VALENCE) == set(EMOTION.labels)


def test_a_sure_emotion_has_its_anchor_and_doubt_lies_between() -> None:
    assert valence({"joy": 1.0}) == VALENCE["joy"]
    assert valence({"joy": 0.5, "neutral": 0.5}) == pytest.approx(VALENCE["joy"] / 2)


def test_what_has_no_anchor_says_nothing() -> None:
    assert valence({"gratitude": 1.0}) is None
    assert valence({}) is None
    assert valence({"gratitude": 0.9, "anger": 0.1}) == pytest.approx(VALENCE["anger"])


@given(st.dictionaries(st.sampled_from(sorted(VALENCE)), st.floats(0, 1)))
def test_it_stays_within_its_bounds(scores: dict[str, float]) -> None:
    told = valence(scores)
    assert told is None or -1 <= told <= 1
