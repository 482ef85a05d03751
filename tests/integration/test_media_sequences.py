"""Our server against Media Streams as they are seen in the wild: odd, doubled, unfinished.

A file in `tests/data/media_streams` is one call, a message a line. Lines with `do` stand for what
a recording cannot hold: sound of a length, marks that answer the agent's, the end of the socket.
"""

import asyncio
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import websockets

from dialer.ports import Ears, EarsFactory
from tests.integration.dialer_parts import House, until
from tests.integration.test_dialer_server import Server, dialed, server
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
FOLDER = Path(__file__).parents[1] / "data" / "media_streams"


class Stream:
    """The carrier's end of one call."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._marks: list[str] = []
        self._number = 0

    async def do(self, do: str, **how: Any) -> None:
        await getattr(self, f"_{do}")(**how)

    async def _audio(
        self,
        *,
        seconds: float,
        bytes: int = 160,
        loud: bool = False,
        timestamps: bool = True,
        fragments: int = 1,
        binary: bool = False,
    ) -> None:
        sound = b"\x10" if loud else b"\xff"
        for at in range(0, int(seconds * 8000), bytes):
            self._number += 1
            media: dict[str, str] = {"track": "inbound", "chunk": str(self._number)}
            if timestamps:
                media["timestamp"] = str(at // 8)
            media["payload"] = b64encode(sound * bytes).decode()
            text = json.dumps({"event": "media", "media": media, "streamSid": "MZ0"})
            if binary:
                await self._socket.send(text.encode())
            elif fragments == 1:
                await self._socket.send(text)
            else:
                size = len(text) // fragments + 1
                await self._socket.send(text[at : at + size] for at in range(0, len(text), size))

    async def _await_marks(self, *, count: int) -> None:
        while len(self._marks) < count:
            await self._take()

    async def _return_marks(self, *, order: str = "sent", times: int = 1) -> None:
        names = self._marks[::-1] if order == "reversed" else self._marks
        for name in names:
            for _ in range(times):
                mark = {"event": "mark", "mark": {"name": name}, "streamSid": "MZ0"}
                await self._socket.send(json.dumps(mark))
        self._marks = []

    async def _talk_until_closed(self) -> None:
        """A carrier that plays in no time, until the server closes."""
        taking = asyncio.create_task(self._await_close())
        while not taking.done():
            try:
                await self._audio(seconds=0.02)
                await self._return_marks()
            except websockets.ConnectionClosed:
                break
            await asyncio.wait({taking}, timeout=0.02)
        await taking

    async def _await_close(self) -> None:
        try:
            while True:
                await self._take()
        except websockets.ConnectionClosed:
            return

    async def _drop(self) -> None:
        self._socket.transport.abort()

    async def _close(self) -> None:
        await self._socket.close()

    async def _take(self) -> None:
        told = json.loads(await self._socket.recv())
        if told["event"] == "mark":
            self._marks.append(told["mark"]["name"])


async def play(running: Server, attempt_id: AttemptId, lines: list[str]) -> None:
    token = running.parts.urls.token(attempt_id)
    async with running.media() as socket:
        stream = Stream(socket)
        for line in lines:
            message = line.replace("$ATTEMPT", str(attempt_id)).replace("$TOKEN", token)
            if line.startswith('{"do"'):
                await stream.do(**json.loads(line))
            else:
                await socket.send(message)


async def books(running: Server, dialer: House, attempt_id: AttemptId) -> dict[str, Any]:
    """The attempt, once its conversation has ended."""

    async def over() -> dict[str, Any] | None:
        attempt = dialer.office.attempt(attempt_id)
        done = attempt["end_reason"] is not None and len(running.parts.live) == 0
        return attempt if done else None

    return await until(over, 40)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
async def test_a_call_ends_with_a_reason_and_complete_books(
    path: Path, dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    *lines, last = path.read_text(encoding="utf-8").splitlines()
    expected = json.loads(last)["expect"]
    async with server(dialer, monkeypatch, real_time=True) as running:
        attempt_id = await dialed(dialer)
        async with asyncio.timeout(50):
            await play(running, attempt_id, lines)
            attempt = await books(running, dialer, attempt_id)
    assert attempt["end_reason"] == expected["end_reason"]
    kinds = dialer.office.kinds(attempt_id)
    for kind in ("media_started", "outcome_reached", "media_stopped"):
        assert kinds.count(kind) == 1, kind
    turns = dialer.office.rows(
        "SELECT * FROM turns WHERE attempt_id = %s AND speaker = 'agent'", attempt_id
    )
    assert len(turns) >= expected.get("agent_lines", 0)


class SecondBreaks:
    """Ears whose second session fails as nobody has foreseen."""

    def __init__(self, ears: EarsFactory) -> None:
        self._open = ears.open
        self._opened = 0

    async def open(self, *, language: str) -> Ears:
        self._opened += 1
        if self._opened == 2:
            raise ZeroDivisionError
        return await self._open(language=language)


async def test_a_call_that_breaks_leaves_the_one_beside_it_alone(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialer.office.leads(2)
    dialer.office.campaign()
    well, _ = await dialer.dial()
    dialer.clock.advance(2)  # the account's next slot
    broken, _ = await dialer.dial()
    odd = (FOLDER / "odd_sizes.jsonl").read_text(encoding="utf-8").splitlines()[:-1]
    async with server(dialer, monkeypatch, real_time=True) as running, asyncio.timeout(60):
        ears = SecondBreaks(running.parts.speech)
        monkeypatch.setattr(running.parts.speech, "open", ears.open)

        async def one_lives() -> bool | None:
            return len(running.parts.live) == 1 or None

        going_on = asyncio.create_task(play(running, well, odd))
        await until(one_lives)
        await play(running, broken, [*odd[:2], '{"do": "await_close"}'])
        await going_on
        assert (await books(running, dialer, broken))["end_reason"] == "error"
        assert (await books(running, dialer, well))["end_reason"] == "human_hangup"
    for attempt_id in (broken, well):
        kinds = dialer.office.kinds(attempt_id)
        assert [kinds.count(k) for k in ("outcome_reached", "media_stopped")] == [1, 1]
