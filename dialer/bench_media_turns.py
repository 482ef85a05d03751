"""`make bench` rows of one call's own time: how long an answer and a barge-in wait for us.

The real session between ports that answer at once, on the machine's clock; audio is fed as fast as
it is taken, because turn-taking goes by the audio's own seconds. An answer: from the recogniser's
final transcript to the first sound on the socket, a cached prompt. A barge-in: from the frame with
which the speech has lasted long enough to the `clear` on the socket. How long is long enough is
policy, so it stands in the note.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import gettempdir
from typing import Any

import orjson
import uvloop

from dialer.bench_media_ports import SLOTS, NoLog, bench_script, rendered_voice, vowel
from dialer.media.frames import FRAME_BYTES, SILENCE
from dialer.media.session import SessionControl, SessionLimits, converse
from dialer.mind import ServedMind
from dialer.ports import EarEvent, FinalText, PartialText, StreamStart
from dialer.serving import set_apart_what_stays
from ml.serving import ModelServer
from voice_ai.clock import SystemClock

ROW_NAMES = ("media.turn_overhead", "media.barge_in")
_CALLS = 50
_TURNS_A_CALL = 16  # a script ends by itself after some more
_ANSWER_MS, _CLEAR_MS = 10.0, 60.0
_FRAME_MS = 20
_SPEAKS_FRAMES, _PAUSES_FRAMES = 20, 40
_LOUD, _QUIET = (
    orjson.dumps(
        {"event": "media", "media": {"track": "inbound", "payload": b64encode(sound).decode()}}
    )
    for sound in (vowel(), SILENCE * FRAME_BYTES)
)
# A recogniser has nothing to say of a first tenth of a second.
_WORDLESS_FRAMES = 5
# How often the loop goes round for one frame: everything that follows from it has been done then.
_ROUNDS = 12


class _Line:
    """A carrier that plays in no time, and notes when the first sound and each `clear` came."""

    def __init__(self) -> None:
        self.take: Callable[[bytes], None] = lambda message: None
        self.sound_at: float | None = None
        self.cleared_at: float | None = None
        self.marks: list[str] = []
        self._open = asyncio.Event()

    async def receive(self) -> str | bytes:
        raise NotImplementedError("the session pumps")

    async def pump(self, take: Callable[[str | bytes], None]) -> None:
        self.take = take
        await self._open.wait()

    async def send(self, text: str) -> None:
        now = time.perf_counter()
        if text.startswith('{"event":"media"'):
            self.sound_at = self.sound_at or now
        elif text.startswith('{"event":"clear"'):
            self.cleared_at = now
        else:
            self.marks.append(orjson.loads(text)["mark"]["name"])

    async def close(self) -> None: ...

    async def frame(self, message: bytes) -> None:
        self.take(message)
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)

    def play_all(self) -> None:
        for name in self.marks:
            self.take(orjson.dumps({"event": "mark", "mark": {"name": name}}))
        self.marks.clear()


class _Ears:
    """Understands "yes" whatever was said, at once; notes when it said so."""

    def __init__(self) -> None:
        self.final_at: float | None = None
        self.words: asyncio.Queue[EarEvent] = asyncio.Queue()

    async def open(self, *, language: str) -> "_Ears":
        del language
        return self

    async def send(self, audio: bytes) -> None: ...

    async def commit(self) -> None:
        self.words.put_nowait(FinalText("yes"))

    async def hear(self) -> AsyncIterator[EarEvent]:
        while True:
            event = await self.words.get()
            if isinstance(event, FinalText):
                self.final_at = time.perf_counter()
            yield event

    async def close(self) -> None: ...


@dataclass
class _Times:
    """In ms; `heard` is how much speech there was before a `clear`."""

    answers: list[float] = field(default_factory=list)
    clears: list[float] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)


class _Call:
    """One call that is led through its turns."""

    def __init__(self, line: _Line, ears: _Ears, times: _Times) -> None:
        self._line = line
        self._ears = ears
        self._times = times

    async def listen(self) -> None:
        for _ in range(_PAUSES_FRAMES):
            await self._line.frame(_QUIET)

    async def turn(self) -> None:
        """The person speaks after the agent, which answers."""
        self._line.play_all()
        for _ in range(_SPEAKS_FRAMES):
            await self._line.frame(_LOUD)
        await self._pause()

    async def barge_in(self) -> None:
        """The person speaks over the agent, and the recogniser has a word of it; then as above."""
        line = self._line
        line.cleared_at, frames, began = None, 0, 0.0
        while line.cleared_at is None:
            # The moment of the last frame before the `clear`, which is the one that was enough.
            began, frames = time.perf_counter(), frames + 1
            if frames > _WORDLESS_FRAMES:
                self._ears.words.put_nowait(PartialText("wait " * frames))
            await line.frame(_LOUD)
            assert frames < 100, "speech over the agent was not taken for a barge-in"
        self._times.clears.append(1000 * (line.cleared_at - began))
        self._times.heard.append(frames * _FRAME_MS)
        line.marks.clear()
        await self._pause()

    async def _pause(self) -> None:
        line, ears = self._line, self._ears
        line.sound_at = ears.final_at = None
        await self.listen()
        assert line.sound_at is not None, "the turn was not answered"
        assert ears.final_at is not None
        self._times.answers.append(1000 * (line.sound_at - ears.final_at))


def rows() -> Iterator[dict[str, Any]]:
    set_apart_what_stays()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the server runs
        times = runner.run(_held())
    answers = f"{len(times.answers)} answers, median {median(times.answers):.2f} ms"
    clears = f"{len(times.clears)} barge-ins, each after {max(times.heard)} ms of speech or less"
    yield _row("media.turn_overhead", _p99(times.answers), _ANSWER_MS) | {"note": answers}
    yield _row("media.barge_in", _p99(times.clears), _CLEAR_MS) | {"note": clears}


def _row(name: str, ours: float, most: float) -> dict[str, Any]:
    """Times: less is better, so the ratio says how many times ours fits into the limit."""
    return {
        "row": name,
        "ours": ours,
        "other": most,
        "unit": "ms, p99",
        "ratio": most / ours,
        "target": 1.0,
        "holds": ours <= most,
    }


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


async def _held() -> _Times:
    script, times = bench_script(), _Times()
    voice = await rendered_voice(script)
    for _ in range(_CALLS):
        line, ears = _Line(), _Ears()
        session = asyncio.create_task(
            converse(
                socket=line,
                start=StreamStart(stream_sid="MZ0", call_sid="CA0", account_sid="AC0"),
                script=script,
                slots=SLOTS,
                ears=ears,
                voice=voice,
                mind=ServedMind(ModelServer(Path(gettempdir()))),
                log=NoLog(),
                clock=SystemClock(),
                limits=SessionLimits(),
                control=SessionControl(),
            )
        )
        await _lead(_Call(line, ears, times))
        session.cancel()
        with suppress(asyncio.CancelledError):
            await session
    return times


async def _lead(call: _Call) -> None:
    await call.listen()
    for _ in range(_TURNS_A_CALL // 2):
        await call.turn()
        await call.barge_in()
