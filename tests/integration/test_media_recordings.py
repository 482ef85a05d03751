"""Recordings of real calls: on the tape, sealed on disk, in the table, and never in the way."""

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from dialer.media.recorder import Tape
from dialer.recordings import Recordings
from tests.integration.dialer_parts import House, until
from tests.integration.media_stream import let_time_go_by, talking
from tests.integration.test_dialer_server import Server, dialed, server
from tests.integration.test_media_calls import held
from tests.unit.media_fakes import LOUD, SILENT
from voice_ai.conversation import builtin_scripts, load_script
from voice_ai.conversation.turns import State
from voice_ai.errors import NotFound
from voice_ai.ids import AttemptId
from voice_ai.recordings import open_recording

pytest_plugins = ("tests.integration.dialer_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

SCRIPT = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
QUIET = 0xFF


def loud_share(track: bytes, began: float, ended: float) -> float:
    """How much of this stretch is not digital silence."""
    part = track[int(began * 8000) : int(ended * 8000)]
    return 1 - sum(part.count(code) for code in (0xFF, 0x7F)) / max(1, len(part))


async def test_a_simulated_call_has_both_voices_where_its_turns_are() -> None:
    call = await held("pleased")
    tracks = call.tape.take()
    assert tracks.seconds == pytest.approx(call.result.audio_s, abs=0.05)
    began = min(turn.started_at for turn in call.log.turns)
    for turn in call.log.turns:
        # Turns carry audio time from the beginning of the stream, a moment before the first word.
        first = (turn.started_at - began).total_seconds()
        last = (turn.ended_at - began).total_seconds()
        if last - first < 0.3:
            continue
        track = tracks.agent if turn.speaker == "agent" else tracks.caller
        assert loud_share(track, first, last + 0.5) > 0.3, turn.text
    agent = sum(
        (turn.ended_at - turn.started_at).total_seconds()
        for turn in call.log.turns
        if turn.speaker == "agent"
    )
    spoken = (len(tracks.agent) - tracks.agent.count(QUIET)) / 8000
    assert 0.5 * agent < spoken < 1.1 * agent


async def streamed(running: Server, attempt_id: AttemptId) -> None:
    """The agent says who calls and that it is recorded, the person answers and hangs up."""
    async with talking(running, attempt_id) as call:
        await call.frames(LOUD, 10)  # before the notice: not to be kept
        await call.hear_lines(3)  # who calls, the notice, and a sentence more
        await call.frames(SILENT, 50)
        await call.frames(LOUD, 25)
        await call.frames(SILENT, 20)
        await call.hang_up()


async def ended(dialer: House, attempt_id: AttemptId) -> str:
    async def over() -> str | None:
        row = dialer.office.attempt(attempt_id)
        return row["end_reason"] if "media_stopped" in dialer.office.kinds(attempt_id) else None

    return await until(over)


@asynccontextmanager
async def held_call(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Server, AttemptId]]:
    let_time_go_by(monkeypatch)
    async with server(dialer, monkeypatch) as running:
        attempt_id = await dialed(dialer)
        await streamed(running, attempt_id)
        assert await ended(dialer, attempt_id) == "human_hangup"
        yield running, attempt_id


def rows(dialer: House) -> list[dict[str, Any]]:
    return dialer.office.db.execute("SELECT * FROM recordings").fetchall()


async def test_the_server_seals_a_call_and_names_it_in_the_table(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with held_call(dialer, monkeypatch) as (_, attempt_id):

        async def written() -> dict[str, Any] | None:
            return next(iter(rows(dialer)), None)

        row = await until(written)
    home = tmp_path / "home"
    assert row["recording_sid"] == f"local-{attempt_id}"
    assert (row["status"], row["channels"]) == ("completed", 2)
    # The sentence after the notice and the answer; not what was said before.
    assert 3.0 < row["duration_s"] < 8.0
    assert row["path"] == f"recordings/{dialer.clock.at:%Y-%m}/{attempt_id}.sealed"
    sealed = (home / row["path"]).read_bytes()
    assert LOUD[:16] not in sealed
    assert SILENT[:16] not in sealed
    with wave.open(BytesIO(open_recording(home, dialer.keyring, row["path"]))) as sound:
        samples = memoryview(sound.readframes(sound.getnframes())).cast("h")
    caller, agent = samples.tolist()[0::2], samples.tolist()[1::2]
    assert max(map(abs, caller[-45 * 160 :])) > 1000
    assert max(map(abs, caller[: -46 * 160])) == 0
    assert max(map(abs, agent)) > 1000


async def test_a_recording_that_cannot_be_written_loses_nothing_else(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "recordings").write_text("in the way")
    async with held_call(dialer, monkeypatch) as (running, attempt_id):
        metrics = (await running.http.get("/metrics")).text
        assert 'voice_ai_conversations_total{end_reason="human_hangup"} 1.0' in metrics
    assert rows(dialer) == []
    assert "outcome_reached" in dialer.office.kinds(attempt_id)


def full_tape() -> Tape:
    tape = Tape(10)
    tape.heard(LOUD, 0)
    return tape


async def test_without_its_row_no_file_stays(
    dialer: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt_id = await dialed(dialer)
    recordings = Recordings(dialer.pool, dialer.keyring, dialer.clock, tmp_path)
    await dialer.pool.close()
    recordings.keep(attempt_id, full_tape())
    await recordings.close()
    assert list(tmp_path.glob("recordings/*/*")) == []


async def test_closing_waits_for_what_is_still_being_written(dialer: House, tmp_path: Path) -> None:
    attempt_id = await dialed(dialer)
    recordings = Recordings(dialer.pool, dialer.keyring, dialer.clock, tmp_path)
    recordings.keep(attempt_id, full_tape())
    recordings.keep(attempt_id, full_tape())
    await recordings.close()
    assert {row["recording_sid"] for row in rows(dialer)} == {
        f"local-{attempt_id}",
        f"local-{attempt_id}-2",
    }


async def test_only_a_script_that_says_so_is_recorded(dialer: House, tmp_path: Path) -> None:
    recordings = Recordings(dialer.pool, dialer.keyring, dialer.clock, tmp_path)
    quiet = SCRIPT.model_copy(update={"recorded": False})
    for script, seconds in ((SCRIPT, 0.02), (quiet, 0.0)):
        tape = recordings.tape(script, 60)
        tape.begin()
        tape.heard(LOUD, 0)
        assert tape.take().seconds == seconds
    await recordings.close()
    assert "recorded" in (SCRIPT.nodes[SCRIPT.start].disclose or "")


def test_a_recording_that_is_elsewhere_is_a_sentence(tmp_path: Path, keyring: Any) -> None:
    with pytest.raises(NotFound, match="not on this machine"):
        open_recording(tmp_path, keyring, "recordings/2026-11/x.sealed")


async def test_who_objects_later_in_the_call_takes_back_what_was_kept(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id = await dialed(dialer)
    recordings = Recordings(dialer.pool, dialer.keyring, dialer.clock, tmp_path)
    recordings.keep(attempt_id, full_tape())
    objected = full_tape()
    objected.discard()
    recordings.keep(attempt_id, objected)
    await recordings.close()
    (row,) = rows(dialer)
    assert row["purged_at"] is not None
    assert list(tmp_path.glob("recordings/*/*")) == []


async def test_a_call_that_comes_back_is_kept_as_it_stood(dialer: House, tmp_path: Path) -> None:
    recordings = Recordings(dialer.pool, dialer.keyring, dialer.clock, tmp_path)
    for state, seconds in (
        (State("rate", noticed=True), 0.02),
        (State("rate"), 0.0),
        (State("rate", noticed=True, unrecorded=True), 0.0),
    ):
        tape = recordings.tape(SCRIPT, 60, state)
        tape.heard(LOUD, 0)
        assert tape.take().seconds == seconds
    await recordings.close()
