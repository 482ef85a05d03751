"""What an ear makes of audio that was synthesised here, however it arrives."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.simulator.speech import Final, Hearing, Listener, Partial, Speech, Utterance
from dialer.simulator.speech.formats import Intake, render
from voice_ai import mulaw
from voice_ai.errors import BadInput

SPEECH = Speech(seed=7)
SENTENCES = (
    "Hello, this is Ava, an automated assistant calling for Lakeside Dental.",
    "Please take me off your list!",
    "Can you call me back tomorrow at three?",
    "Yes.",
    "No, I am driving; not now.",
    "On a scale from 1 to 5, how was it?",
)
UTTERANCES = tuple(
    SPEECH.speak(text, voice=f"voice-{number}") for number, text in enumerate(SENTENCES)
)
SILENCE = Speech.silence(1.0)


def hear(audio: bytes, chunk: int = 160, ear: Listener | None = None) -> list[Hearing]:
    ear = ear or SPEECH.listen()
    return [
        hearing
        for at in range(0, len(audio), chunk)
        for hearing in ear.feed(audio[at : at + chunk])
    ]


def finals(hearings: list[Hearing]) -> list[Final]:
    return [hearing for hearing in hearings if isinstance(hearing, Final)]


def the_final(audio: bytes, chunk: int = 160) -> Final:
    (final,) = finals(hear(audio, chunk))
    return final


@pytest.mark.parametrize("utterance", UTTERANCES, ids=lambda u: str(u.text))
class TestOneUtterance:
    def test_is_exact_frame_by_frame(self, utterance: Utterance) -> None:
        final = the_final(utterance.audio + SILENCE)
        assert (final.text, final.complete) == (utterance.text, True)
        assert final.words == utterance.words
        assert (final.start_s, final.end_s) == (0.0, utterance.seconds)
        assert final.utterance_id == utterance.id

    def test_is_exact_through_16_bit_samples(self, utterance: Utterance) -> None:
        through = mulaw.encode(mulaw.decode(utterance.audio))
        assert through == utterance.audio

    def test_is_exact_in_100_ms_chunks_misaligned_by_37_bytes(self, utterance: Utterance) -> None:
        final = the_final(mulaw.SILENCE * 37 + utterance.audio + SILENCE, chunk=800)
        assert (final.text, final.complete) == (utterance.text, True)
        assert final.start_s == 37 / 8000

    def test_is_exact_through_16_khz(self, utterance: Utterance) -> None:
        intake = Intake("pcm_16000")
        wide = render(utterance.audio + SILENCE, "pcm_16000")
        narrow = b"".join(intake.take(wide[at : at + 777]) for at in range(0, len(wide), 777))
        assert the_final(narrow).text == utterance.text

    def test_has_no_two_equal_frames_and_none_that_starts_silent(
        self, utterance: Utterance
    ) -> None:
        starts = range(0, len(utterance.audio), 160)
        frames = {utterance.audio[at : at + 160] for at in starts}
        assert len(frames) == len(utterance.audio) / 160
        assert all(frame[0] != 0xFF for frame in frames)


def test_partials_grow_word_by_word_from_an_onset_without_text() -> None:
    utterance = UTTERANCES[2]
    texts = [h.text for h in hear(utterance.audio) if isinstance(h, Partial)]
    assert texts[0] == ""
    assert texts[-1] == utterance.text
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert len(texts) == 1 + len(utterance.words)


def test_an_utterance_that_is_cut_gives_the_words_before_the_cut() -> None:
    utterance = UTTERANCES[2]
    third = utterance.words[2]
    cut = round(third.end * 8000)
    final = the_final(utterance.audio[:cut] + SILENCE)
    assert (final.text, final.complete) == ("Can you call", False)
    assert abs(final.end_s - third.end) < 0.02


def test_an_utterance_joined_in_the_middle_gives_the_words_after_that() -> None:
    utterance = UTTERANCES[2]
    since = round(utterance.words[3].start * 8000)
    final = the_final(utterance.audio[since:] + SILENCE)
    assert (final.text, final.complete) == ("me back tomorrow at three?", False)
    assert abs(final.words[0].start) < 0.05


def test_one_lost_frame_loses_no_word() -> None:
    utterance = UTTERANCES[0]
    holed = utterance.audio[:4000] + utterance.audio[4160:]
    final = the_final(holed + SILENCE)
    assert (final.text, final.complete) == (utterance.text, True)


def test_two_utterances_back_to_back_are_two_finals() -> None:
    first, second = UTTERANCES[1], UTTERANCES[2]
    heard = finals(hear(first.audio + second.audio + SILENCE, chunk=800))
    assert [(f.text, f.complete) for f in heard] == [(first.text, True), (second.text, True)]
    assert heard[1].start_s == heard[0].end_s


@pytest.mark.parametrize("torn_at", [4000, 9999])
def test_a_person_understands_an_utterance_whose_playback_stalled(torn_at: int) -> None:
    prompt = UTTERANCES[2]
    stalled = prompt.audio[:torn_at] + SILENCE + prompt.audio[torn_at:] + SILENCE
    first, whole = finals(hear(stalled))
    assert (first.complete, whole.complete) == (False, True)
    assert whole.text == prompt.text
    assert whole.start_s == first.start_s == 0.0


def test_an_utterance_that_was_understood_is_not_told_again_for_its_last_breath() -> None:
    prompt = UTTERANCES[2]
    tail = len(prompt.audio) - 160
    heard = finals(hear(prompt.audio[:tail] + SILENCE + prompt.audio[tail:] + SILENCE))
    assert [(each.text, each.complete) for each in heard] == [(prompt.text, True), ("", False)]


def test_the_recogniser_does_not_tell_the_beginning_twice() -> None:
    exact = Speech(seed=7, word_error_rate=0.0)
    prompt = exact.speak(SENTENCES[2], voice="voice-2")
    stalled = prompt.audio[:8000] + SILENCE + prompt.audio[8000:] + SILENCE
    first, rest = finals(hear(stalled, ear=exact.listen(mishearing=True)))
    assert f"{first.text} {rest.text}" == prompt.text


def test_the_same_utterance_begun_again_is_heard_twice() -> None:
    prompt = UTTERANCES[2]
    heard = finals(hear(prompt.audio[:4003] + prompt.audio + SILENCE))
    assert [f.complete for f in heard] == [False, True]


def test_a_final_waits_for_the_silence_asked_for_in_audio_time() -> None:
    utterance = UTTERANCES[3]
    ear = SPEECH.listen(silence_commit_s=0.4)
    ear.feed(utterance.audio)
    assert ear.feed(Speech.silence(0.39)) == []
    assert ear.hearing
    assert isinstance(ear.feed(Speech.silence(0.01))[0], Final)
    assert not ear.hearing


def test_an_ear_without_patience_answers_at_the_last_frame() -> None:
    ear = SPEECH.listen(silence_commit_s=0.0)
    assert isinstance(ear.feed(UTTERANCES[3].audio)[-1], Final)


def test_commit_ends_an_utterance_early_and_the_rest_is_another_final() -> None:
    utterance = UTTERANCES[2]
    ear = SPEECH.listen()
    half = round(utterance.words[3].end * 8000)
    ear.feed(utterance.audio[:half])
    (first,) = finals(ear.commit())
    (second,) = finals(ear.feed(utterance.audio[half:] + SILENCE))
    assert f"{first.text} {second.text}" == utterance.text
    assert ear.commit() == []


def test_audio_that_was_not_synthesised_here_gives_nothing() -> None:
    stranger = Speech(seed=8).speak(SENTENCES[0], voice="voice-0")
    assert hear(stranger.audio + Speech.beep() + Speech.ring() + SILENCE, chunk=800) == []


def test_a_beep_after_a_greeting_does_not_disturb_it() -> None:
    greeting = UTTERANCES[0]
    assert the_final(greeting.audio + Speech.beep() + SILENCE).text == greeting.text


chunkings = st.lists(st.integers(1, 3000), min_size=1, max_size=60)
pieces = st.lists(
    st.tuples(st.sampled_from(UTTERANCES), st.integers(0, 9000), st.floats(0.1, 1.0)),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=60)
@given(pieces, chunkings)
def test_finals_depend_on_the_bytes_and_not_on_their_chunks(
    story: list[tuple[Utterance, int, float]], sizes: list[int]
) -> None:
    stream = b"".join(
        mulaw.SILENCE * gap + utterance.audio[: round(len(utterance.audio) * share)]
        for utterance, gap, share in story
    )
    stream += SILENCE
    whole = finals(SPEECH.listen().feed(stream))
    ear, at, heard = SPEECH.listen(), 0, []
    for number in range(len(stream)):
        if at >= len(stream):
            break
        size = sizes[number % len(sizes)]
        heard += ear.feed(stream[at : at + size])
        at += size
    assert finals(heard) == whole


def test_many_ears_do_not_hear_each_other() -> None:
    ears = [SPEECH.listen() for _ in UTTERANCES]
    longest = max(len(u.audio) for u in UTTERANCES) + len(SILENCE)
    heard: list[list[Hearing]] = [[] for _ in UTTERANCES]
    for at in range(0, longest, 160):
        for ear, utterance, out in zip(ears, UTTERANCES, heard, strict=True):
            out += ear.feed((utterance.audio[at : at + 160]).ljust(160, mulaw.SILENCE))
    assert [finals(out)[0].text for out in heard] == list(SENTENCES)


def test_the_oldest_utterance_is_forgotten_when_memory_is_full() -> None:
    small = Speech(seed=7, memory_bytes=60_000)
    old = small.speak("This is the oldest sentence of all.", voice="a")
    kept = [small.speak(f"Sentence number {n}, freshly said.", voice="a") for n in range(3)]
    assert finals(small.listen().feed(old.audio + SILENCE)) == []
    assert finals(small.listen().feed(kept[-1].audio + SILENCE))[0].text == kept[-1].text


def test_an_unknown_style_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="no speaking style 'bored'.*calm"):
        SPEECH.speak("Hello.", voice="a", style="bored")


def test_there_is_nothing_to_speak_in_blank_text() -> None:
    with pytest.raises(ValueError, match="no word"):
        SPEECH.speak("  ", voice="a")
