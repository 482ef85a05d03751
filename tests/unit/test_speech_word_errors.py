"""Recognition errors: seeded, by what was said, at the rate asked for."""

from math import inf

import pytest

from dialer.simulator.speech import Final, Speech
from dialer.simulator.speech.word_errors import distort

CORPUS = [
    tuple(f"please call {name} back later today, the number is wrong {n}".split())
    for n, name in enumerate(["me", "us", "my wife", "the office", "him"] * 60)
]


def errors(rate: float, seed: int) -> float:
    pairs = [
        (said, heard)
        for words in CORPUS
        for said, heard in zip(words, distort(words, rate=rate, seed=seed), strict=True)
    ]
    return sum(said != heard for said, heard in pairs) / len(pairs)


@pytest.mark.parametrize("rate", [0.0, 0.08, 0.3, 1.0])
def test_errs_at_the_rate_asked_for(rate: float) -> None:
    assert errors(rate, seed=7) == pytest.approx(rate, abs=0.015)


def test_the_same_text_is_always_misheard_the_same_way() -> None:
    assert distort(CORPUS[0], rate=0.5, seed=7) == distort(CORPUS[0], rate=0.5, seed=7)
    assert [distort(w, rate=0.5, seed=7) for w in CORPUS] != [
        distort(w, rate=0.5, seed=8) for w in CORPUS
    ]


def test_words_are_dropped_and_taken_for_others_with_their_punctuation() -> None:
    heard = [word for words in CORPUS for word in distort(words, rate=1.0, seed=7)]
    dropped = heard.count("") / len(heard)
    assert 0.25 < dropped < 0.35
    assert any(word.endswith(",") for word in heard)


def test_only_an_ear_that_mishears_has_errors() -> None:
    speech = Speech(seed=7, word_error_rate=0.5)
    said = speech.speak("please take me off your list and never call this number", voice="a")
    audio = said.audio + Speech.silence(1)
    (exact,) = [h for h in speech.listen().feed(audio) if isinstance(h, Final)]
    (wrong,) = [h for h in speech.listen(mishearing=True).feed(audio) if isinstance(h, Final)]
    assert exact.text == said.text
    assert wrong.text != said.text
    assert wrong.complete


def test_the_errors_do_not_depend_on_voice_style_or_chunks() -> None:
    speech = Speech(seed=7, word_error_rate=0.4)
    text = "please take me off your list and never call this number again"
    transcripts = set()
    for voice, style, chunk in (("a", "calm", 160), ("b", "angry", 800), ("c", "sad", 12_345)):
        audio = speech.speak(text, voice=voice, style=style).audio
        ear = speech.listen(silence_commit_s=inf, mishearing=True)
        for at in range(0, len(audio), chunk):
            ear.feed(audio[at : at + chunk])
        transcripts.add(ear.commit()[0].text)
    assert len(transcripts) == 1
