import random

import numpy as np

from dialer.media.frames import FRAME_BYTES, SILENCE
from dialer.media.voice_activity import VoiceActivity, pcm16
from tests.unit.media_fakes import LOUD
from voice_ai import mulaw

QUIET = SILENCE * FRAME_BYTES
FAINT = b"\xf0" * FRAME_BYTES  # the lowest segment, hiss of a good line
# Somebody's radio: a voice that is louder than the lowest threshold, and does not stop.
RADIO = mulaw.encode(mulaw.decode(LOUD) // 3)
FRAME_S = 0.02


def feed(activity: VoiceActivity, frame: bytes, seconds: float) -> list[bool]:
    return [activity.feed(frame) for _ in range(round(seconds / FRAME_S))]


def test_silence_and_hiss_are_not_speech() -> None:
    activity = VoiceActivity()
    assert not any(feed(activity, QUIET, 2.0) + feed(activity, FAINT, 2.0))
    assert activity.onset_s is None
    assert activity.voiced_until_s is None


def test_speech_begins_where_it_began_although_it_is_noticed_later() -> None:
    activity = VoiceActivity()
    feed(activity, QUIET, 1.0)
    voiced = feed(activity, LOUD, 0.2)
    assert voiced[:2] == [False, False]
    assert all(voiced[2:])
    assert activity.onset_s == 1.0
    assert activity.voiced_until_s == activity.now_s == 1.2


def test_clicks_are_not_speech() -> None:
    activity = VoiceActivity()
    for _ in range(20):
        assert not any(feed(activity, LOUD, 0.02) + feed(activity, QUIET, 0.1))
    assert activity.onset_s is None


def test_the_next_turn_has_an_onset_of_its_own() -> None:
    activity = VoiceActivity()
    feed(activity, LOUD, 0.5)
    feed(activity, QUIET, 1.0)
    activity.end_turn()
    assert activity.onset_s is None
    feed(activity, LOUD, 0.1)
    assert activity.onset_s == 1.5


def test_a_voice_that_never_stops_is_learned_and_a_person_is_heard_above_it() -> None:
    activity = VoiceActivity()
    assert feed(activity, RADIO, 1.0)[-1], "at first it cannot be told from speech"
    feed(activity, RADIO, 40.0)
    assert not any(feed(activity, RADIO, 2.0))
    activity.end_turn()
    assert any(feed(activity, LOUD, 0.2))


def test_when_the_line_is_good_again_soft_speech_is_heard_again() -> None:
    activity = VoiceActivity()
    feed(activity, RADIO, 40.0)
    feed(activity, QUIET, 20.0)
    activity.end_turn()
    assert any(feed(activity, RADIO, 0.2))


def test_the_size_of_the_frames_makes_no_difference_to_the_time() -> None:
    chance = random.Random(3)
    audio = QUIET * 50 + LOUD * 30 + QUIET * 50
    activity = VoiceActivity()
    while audio:
        size = chance.randrange(1, 400)
        activity.feed(audio[:size])
        audio = audio[size:]
    assert activity.now_s == 2.6
    assert activity.onset_s is not None
    assert abs(activity.onset_s - 1.0) < 0.05
    assert activity.voiced_until_s is not None
    assert abs(activity.voiced_until_s - 1.6) < 0.05


def test_a_loud_line_that_is_no_voice_is_never_taken_for_one() -> None:
    street = np.random.default_rng(5).normal(0, 500, 8000 * 10).astype(np.int16)
    audio = mulaw.encode(street)
    activity = VoiceActivity()
    voiced = [activity.feed(audio[at : at + 160]) for at in range(0, len(audio), 160)]
    assert sum(voiced) < 0.02 * len(voiced)


def test_samples_are_those_of_the_standard() -> None:
    every = bytes(range(256))
    assert pcm16(every) == mulaw.decode(every).tobytes()
