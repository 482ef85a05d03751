"""The built-in voice: paced like speech, the same every time, and different by voice and style."""

from itertools import pairwise

import numpy as np
import pytest

from dialer.simulator.speech import STYLES, Speech, Utterance
from dialer.simulator.speech.utterance import align_characters
from dialer.simulator.speech.voices import CATALOGUE
from voice_ai import mulaw

TEXT = "Hello, this is a reminder of your appointment on Monday. Is that still fine?"
SPEECH = Speech(seed=7)


def loudness(utterance: Utterance) -> float:
    return float(np.sqrt(np.mean(mulaw.decode(utterance.audio).astype(float) ** 2)))


def test_the_same_seed_gives_the_same_bytes_whatever_was_said_before() -> None:
    other = Speech(seed=7)
    other.speak("Something else first.", voice="b")
    assert other.speak(TEXT, voice="a") == SPEECH.speak(TEXT, voice="a")


def test_another_seed_gives_other_bytes() -> None:
    assert Speech(seed=8).speak(TEXT, voice="a").audio != SPEECH.speak(TEXT, voice="a").audio


@pytest.mark.parametrize("voice", [voice.id for voice in CATALOGUE])
def test_speaks_about_fourteen_characters_a_second(voice: str) -> None:
    assert 11 < len(TEXT) / SPEECH.speak(TEXT, voice=voice).seconds < 17


def test_pauses_at_punctuation() -> None:
    words = SPEECH.speak(TEXT, voice="a").words
    gaps = {word.text: after.start - word.end for word, after in pairwise(words)}
    assert gaps["Monday."] > gaps["Hello,"] > 2 * gaps["this"]


def test_words_follow_each_other_inside_the_utterance() -> None:
    utterance = SPEECH.speak(TEXT, voice="a")
    assert [word.text for word in utterance.words] == TEXT.split()
    times = [time for word in utterance.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] < utterance.seconds


def test_voices_differ_and_styles_differ() -> None:
    said = {(v, s): SPEECH.speak(TEXT, voice=v, style=s) for v in ("a", "b") for s in STYLES}
    assert len({utterance.audio for utterance in said.values()}) == len(said)
    calm, angry, sad = said["a", "calm"], said["a", "angry"], said["a", "sad"]
    assert angry.seconds < calm.seconds < sad.seconds
    assert loudness(angry) > 1.5 * loudness(calm) > 2 * loudness(sad)


@pytest.mark.parametrize("text", ["5", "?", "naïve — façade", "a", "Ω", "..."])
def test_speaks_any_text(text: str) -> None:
    utterance = SPEECH.speak(text, voice="a")
    assert len(utterance.audio) % mulaw.FRAME_BYTES == 0
    assert [word.text for word in utterance.words] == text.split()


@pytest.mark.parametrize("text", [TEXT, " two  words ", "one"])
def test_characters_are_timed_from_their_words(text: str) -> None:
    utterance = SPEECH.speak(text, voice="a")
    aligned = align_characters(utterance)
    assert "".join(aligned.characters) == text
    assert list(aligned.starts) == sorted(aligned.starts)
    assert all(s <= e for s, e in zip(aligned.starts, aligned.ends, strict=True))
    first = text.index(utterance.words[0].text)
    assert aligned.starts[first] == utterance.words[0].start


def test_espeak_gives_words_in_time_and_is_recognised() -> None:
    pytest.importorskip("espeakng_loader")
    speech = Speech(seed=7, voice_engine="espeak")
    utterance = speech.speak(TEXT, voice=CATALOGUE[0].id)
    assert speech.slow
    assert [word.text for word in utterance.words] == TEXT.split()
    assert 3 < utterance.seconds < 9
    heard = speech.listen().feed(utterance.audio + Speech.silence(1))[-1]
    assert heard.text == TEXT
