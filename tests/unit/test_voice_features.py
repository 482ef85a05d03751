"""What is measured of a voice: the stream is the whole, and the figures are right."""

import numpy as np
import pytest

from ml.voice.features import NAMES, Floats, VoiceFeatures, features_of
from ml.voice.sound import COLUMNS, WIDTH, Frames
from ml.voice.speaker import Population, SpeakerSoFar
from tests.voices import samples
from voice_ai import mulaw

VOICE = mulaw.encode(samples(pitch_hz=180, seconds=2.7, swing=0.1))


def named(features: Floats | None) -> dict[str, float]:
    assert features is not None
    return dict(zip(NAMES, features.tolist(), strict=True))


@pytest.mark.parametrize("piece", [160, 1, 7, 8000, 30_000])
def test_a_stream_in_pieces_gives_what_the_whole_gives(piece: int) -> None:
    audio = VOICE if piece > 1 else VOICE[:9000]
    stream = VoiceFeatures()
    for at in range(0, len(audio), piece):
        stream.feed(audio[at : at + piece])
    whole, pieces = features_of(audio), stream.finish()
    assert whole is not None
    assert pieces is not None
    assert np.array_equal(whole, pieces)


def test_a_vector_has_a_figure_for_every_name() -> None:
    features = features_of(VOICE)
    assert features is not None
    assert features.shape == (len(NAMES),)
    assert np.isfinite(features).all()
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("pitch_hz", [80.0, 120.0, 210.0, 300.0])
def test_the_pitch_is_found(pitch_hz: float) -> None:
    audio = mulaw.encode(samples(pitch_hz=pitch_hz))
    semitones = named(features_of(audio))["pitch.p50"]
    assert 100 * 2 ** (semitones / 12) == pytest.approx(pitch_hz, rel=0.02)


def test_louder_is_as_many_decibels_louder() -> None:
    soft, loud = (
        named(features_of(mulaw.encode(samples(pitch_hz=150, loud=level))))
        for level in (2000, 4000)
    )
    assert loud["level.mean"] - soft["level.mean"] == pytest.approx(6.02, abs=0.3)


def test_silence_around_it_changes_little_of_what_is_measured() -> None:
    alone, among = (
        named(features_of(quiet + VOICE + quiet)) for quiet in (b"", mulaw.SILENCE * 4000)
    )
    for name in ("pitch.mean", "pitch.std", "level.mean", "pace.voiced", "alpha.mean"):
        assert among[name] == pytest.approx(alone[name], abs=0.5)


@pytest.mark.parametrize("audio", [b"", b"\xff" * 100, mulaw.SILENCE * 8000])
def test_without_a_voice_there_is_nothing_to_say(audio: bytes) -> None:
    assert features_of(audio) is None


def test_hiss_is_no_voice() -> None:
    noise = np.random.default_rng(1).normal(0, 300, 16000).astype(np.int16)
    assert features_of(mulaw.encode(noise)) is None


def test_a_turn_without_end_is_heard_for_so_long_only() -> None:
    endless = VoiceFeatures()
    for _ in range(int(2 * VoiceFeatures.longest_s)):
        endless.feed(VOICE[:8000])
    short = VoiceFeatures()
    for _ in range(int(VoiceFeatures.longest_s)):
        short.feed(VOICE[:8000])
    ours, theirs = endless.finish(), short.finish()
    assert ours is not None
    assert theirs is not None
    assert np.array_equal(ours, theirs)


def test_frames_have_a_figure_in_every_column() -> None:
    frames = Frames()
    frames.feed(VOICE)
    measured = frames.finish()
    assert measured.shape == ((len(VOICE) - 256) // 80 + 1, WIDTH)
    assert np.median(measured[:, COLUMNS["periodicity"]]) > 0.9


def test_a_speaker_is_known_by_earlier_turns_only() -> None:
    turns = np.random.default_rng(5).normal(3, 2, (6, len(NAMES)))
    so_far = SpeakerSoFar(len(NAMES))
    rows = np.array([so_far.seen_before(turn) for turn in turns])
    width = len(NAMES)
    assert rows[:, width].tolist() == [0, 1, 2, 3, 4, 5]
    assert rows[3, width + 1 : 2 * width + 1] == pytest.approx(turns[:3].mean(axis=0), abs=1e-4)
    spread = ((turns[:3] - turns[:3].mean(axis=0)) ** 2).sum(axis=0)
    assert rows[3, 2 * width + 1 :] == pytest.approx(spread, abs=1e-3)


def test_the_more_turns_came_before_the_more_the_person_counts() -> None:
    population = Population(np.zeros(len(NAMES)), np.ones(len(NAMES)), 1.0, 8.0)
    so_far = SpeakerSoFar(len(NAMES))
    high = np.full(len(NAMES), 6.0)
    rows = np.array([so_far.seen_before(high) for _ in range(20)])
    normal = population.normalised(rows)[:, 0]
    assert normal[0] == pytest.approx(6.0)
    assert (np.diff(normal) < 0).all()
    assert normal[-1] < 0.6
