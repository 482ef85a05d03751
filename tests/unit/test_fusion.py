"""Words and sound of one turn to one feeling, or to none."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ml.fusion import Fusion

LABELS = ("neutral", "joy", "anger")
fuse = Fusion()


def test_both_agree_and_are_surer_together() -> None:
    fused = fuse({"neutral": 0.3, "anger": 0.7}, {"neutral": 0.4, "angry": 0.6})
    assert fused.label == "anger"
    assert fused.scores["anger"] == pytest.approx(
        0.7 * 0.6**0.5 / (0.7 * 0.6**0.5 + 0.3 * 0.4**0.5)
    )


def test_labels_of_the_sound_are_called_what_the_words_call_them() -> None:
    calm = {"calm": 0.5, "neutral": 0.2, "happy": 0.3}
    fused = fuse(None, calm)
    assert fused.label == "neutral"
    assert fused.scores["neutral"] == pytest.approx(0.6, abs=0.02)
    assert Fusion(names={"calm": "bored"})(None, calm).scores.keys() == {
        "bored",
        "neutral",
        "happy",
    }


@pytest.mark.parametrize(("words", "sound"), [(None, None), ({}, {}), (None, {})])
def test_nothing_was_heard(words: None, sound: None) -> None:
    fused = fuse(words, sound)
    assert (fused.label, dict(fused.scores)) == (None, {})


def test_one_witness_alone_speaks_for_itself() -> None:
    words = {"neutral": 0.2, "joy": 0.8}
    assert dict(fuse(words, None).scores) == pytest.approx(words)
    assert fuse(words, None).label == "joy"


def test_who_is_unsure_says_nothing() -> None:
    even = dict.fromkeys(LABELS, 1 / 3)
    assert fuse(even, even).label is None
    assert sum(fuse(even, even).scores.values()) == pytest.approx(1)


def test_two_sure_witnesses_of_different_feelings_give_none() -> None:
    words, sound = {"joy": 0.9, "anger": 0.1}, {"joy": 0.1, "anger": 0.9}
    assert fuse(words, sound).label is None
    assert Fusion(opposed=1.0)(words, sound).label == "joy"


@given(
    some.lists(some.floats(0.01, 1.0), min_size=3, max_size=3),
    some.lists(some.floats(0.01, 1.0), min_size=3, max_size=3),
)
def test_it_is_a_distribution_and_names_its_best(words: list[float], sound: list[float]) -> None:
    given = [
        dict(zip(LABELS, [value / sum(values) for value in values], strict=True))
        for values in (words, sound)
    ]
    fused = fuse(*given)
    assert sum(fused.scores.values()) == pytest.approx(1)
    assert fused.label is None or fused.scores[fused.label] == max(fused.scores.values())
