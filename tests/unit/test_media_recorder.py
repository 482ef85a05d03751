"""The tape in virtual time, and what is sealed of it."""

import struct
import wave
from io import BytesIO
from pathlib import Path

import pytest

from dialer.media.recorder import Tape, Tracks
from tests.unit.media_fakes import LOUD, SILENT, Call
from voice_ai.conversation import builtin_scripts, load_script
from voice_ai.errors import BadInput, NotFound
from voice_ai.recordings import open_recording, remove_drafts, store_recording
from voice_ai.vault import Keyring

SCRIPT = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
RATING_QUESTION = "On a scale from one to five"
OPT_OUT_LINE = "Say stop or press nine to end these calls."
AGENT = b"\x20"
QUIET = b"\xff"


def pieces(track: bytes, sound: bytes) -> list[tuple[float, float]]:
    """Where the track holds this sound: from and to, in seconds."""
    found, start = [], None
    for frame in range(0, len(track), 160):
        here = sound in track[frame : frame + 160]
        if here and start is None:
            start = frame
        elif not here and start is not None:
            found.append((start / 8000, frame / 8000))
            start = None
    return [*found, (start / 8000, len(track) / 8000)] if start is not None else found


def run(tape: Tape, frames: int, audio: bytes = SILENT, start: int = 0) -> None:
    for number in range(frames):
        tape.heard(audio, 20 * (start + number))


def test_both_sides_lie_on_one_timeline() -> None:
    tape = Tape(60)
    run(tape, 10)
    tape.sent("0.1", AGENT * 1600)
    run(tape, 10, LOUD, start=10)
    tape.played("0.1")
    run(tape, 10, start=20)
    tracks = tape.take()
    assert tracks.seconds == 0.6
    assert pieces(tracks.caller, LOUD[:1]) == [(0.2, 0.4)]
    assert pieces(tracks.agent, AGENT) == [(0.2, 0.4)]


def test_the_mark_says_where_a_line_was_really_played() -> None:
    tape = Tape(60)
    tape.sent("0.1", AGENT * 800)
    tape.sent("0.2", b"\x21" * 800)
    run(tape, 8)  # the way to the carrier and back took 60 ms
    tape.played("0.1")
    run(tape, 5, start=8)
    tape.played("0.2")
    tracks = tape.take()
    assert pieces(tracks.agent, AGENT) == [(0.06, 0.16)]
    assert pieces(tracks.agent, b"\x21") == [(0.16, 0.26)]


def test_a_slow_synthesis_leaves_its_gap() -> None:
    tape = Tape(60)
    tape.sent("0.1", AGENT * 800)
    run(tape, 10)
    tape.sent("0.1", AGENT * 800)
    run(tape, 5, start=10)
    tape.played("0.1")
    assert pieces(tape.take().agent, AGENT) == [(0.0, 0.1), (0.2, 0.3)]


def test_what_a_clear_threw_away_was_never_played() -> None:
    tape = Tape(60)
    tape.sent("0.1", AGENT * 8000)
    run(tape, 5)
    tape.cleared()
    tape.played("0.1")
    tape.sent("1.2", b"\x21" * 320)
    run(tape, 20, start=5)
    tape.played("1.2")
    tracks = tape.take()
    assert pieces(tracks.agent, AGENT) == [(0.0, 0.1)]
    assert sum(end - start for start, end in pieces(tracks.agent, b"\x21")) == pytest.approx(0.04)


def test_lost_frames_are_silence_and_nothing_moves() -> None:
    tape = Tape(60)
    tape.heard(LOUD, 0)
    tape.heard(LOUD, 100)
    tracks = tape.take()
    assert pieces(tracks.caller, LOUD[:1]) == [(0.0, 0.02), (0.1, 0.12)]


def test_a_tape_is_bounded_whatever_the_carrier_says() -> None:
    tape = Tape(1.0)
    for _ in range(40):
        tape.sent("0.1", AGENT * 8000)
        tape.heard(LOUD, 10**9)
    tracks = tape.take()
    assert len(tracks.caller) == len(tracks.agent) == 8000
    assert Tape(0.0).take() == Tracks(b"", b"")


def recorded(call: Call, tape: Tape) -> Call:
    call.tape = tape
    return call.pick_up()


async def test_a_call_is_on_the_tape_as_it_was_heard() -> None:
    tape = Tape(120)
    call = recorded(Call(SCRIPT), tape)
    await call.until_asked("May I ask them now?")
    await call.say("Yes, sure.")
    await call.until_asked(RATING_QUESTION)
    call.line.hang_up()
    result = await call.result()
    tracks = tape.take()
    assert tracks.seconds == pytest.approx(result.audio_s)
    turns = [turn for turn in call.log.turns if turn.speaker == "agent"]
    spoken = sum((turn.ended_at - turn.started_at).total_seconds() for turn in turns)
    assert tracks.agent.count(AGENT) / 8000 == pytest.approx(spoken, abs=0.3)
    ((start, end),) = pieces(tracks.caller, LOUD[:1])
    assert end - start == pytest.approx(0.8)
    assert not any(start < e and s < end for s, e in pieces(tracks.agent, AGENT))


async def test_words_that_a_barge_in_cut_off_are_not_on_the_tape() -> None:
    tape = Tape(120)
    call = recorded(Call(SCRIPT), tape)
    await call.until(lambda: call.was_heard(OPT_OUT_LINE))
    await call.pass_time(0.5)
    await call.say("Sorry, who is calling?", 1.2)
    await call.until_asked("May I ask them now?")
    played = call.line.played
    call.line.hang_up()
    await call.result()
    assert "clear" in call.line.events()
    assert tape.take().agent.count(AGENT) == pytest.approx(played, abs=800)


def test_a_sealed_file_gives_back_both_channels(tmp_path: Path, keyring: Keyring) -> None:
    caller, agent = bytes(range(256)) * 4000, QUIET * 1024000
    path = store_recording(tmp_path, keyring, "a-call", "2026-11", caller, agent)
    assert path == "recordings/2026-11/a-call.sealed"
    file = tmp_path / path
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert QUIET * 8 not in file.read_bytes()
    assert list(file.parent.iterdir()) == [file]
    with wave.open(BytesIO(open_recording(tmp_path, keyring, path))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 8000)
        assert sound.getnframes() == 1024000
        first = struct.unpack("<512h", sound.readframes(256))
    # G.711: 0x00 and 0x80 are the loudest, 0x7f and 0xff silence.
    assert (first[0], first[2 * 0x80], first[2 * 0x7F], first[2 * 0xFF]) == (-32124, 32124, 0, 0)
    assert set(first[1::2]) == {0}


def test_a_second_stream_of_a_call_overwrites_nothing(tmp_path: Path, keyring: Keyring) -> None:
    names = [store_recording(tmp_path, keyring, "a", "2026-11", LOUD, LOUD) for _ in range(2)]
    assert names == ["recordings/2026-11/a.sealed", "recordings/2026-11/a-2.sealed"]
    assert all(open_recording(tmp_path, keyring, name) for name in names)


def test_a_changed_cut_or_renamed_file_does_not_open(tmp_path: Path, keyring: Keyring) -> None:
    caller = LOUD * 6000  # two chunks
    path = tmp_path / store_recording(tmp_path, keyring, "a", "2026-11", caller, caller)
    whole = path.read_bytes()
    one_chunk = 8 + 4 + int.from_bytes(whole[8:12], "big")
    for changed in (whole[:-1], whole[:one_chunk], whole[:8], b"RIFF" + whole, whole + b"more"):
        path.write_bytes(changed)
        with pytest.raises(BadInput):
            open_recording(tmp_path, keyring, "recordings/2026-11/a.sealed")
    path.with_name("b.sealed").write_bytes(whole)
    with pytest.raises(BadInput, match="does not open"):
        open_recording(tmp_path, keyring, "recordings/2026-11/b.sealed")
    with pytest.raises(NotFound):
        open_recording(tmp_path, keyring, "recordings/2026-11/c.sealed")
    for outside in ("secret.key", "recordings/../secret.key", "/etc/passwd"):
        with pytest.raises(BadInput, match="not the path"):
            open_recording(tmp_path, keyring, outside)


def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recordings").write_text("not a folder")
    with pytest.raises(OSError, match="."):
        store_recording(tmp_path, keyring, "a", "2026-11", LOUD, LOUD)
    assert [entry.name for entry in tmp_path.iterdir()] == ["recordings"]


def test_what_a_crash_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "recordings" / "2026-11"
    folder.mkdir(parents=True)
    (folder / ".a.123.draft").write_bytes(b"half")
    (folder / "b.sealed").write_bytes(b"whole")
    assert remove_drafts(tmp_path) == 0, "another server may be writing it"
    assert remove_drafts(tmp_path, older_than_s=-1) == 1
    assert [entry.name for entry in folder.iterdir()] == ["b.sealed"]
