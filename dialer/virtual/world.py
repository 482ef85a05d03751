"""The world around a media session in virtual time: a line, ears, a voice and a log.

Audio drives everything, 20 ms at a time, as a carrier does: the line takes the agent's sounds and
plays them, marks come back when they were heard, and the clock moves with the frames.
"""

import asyncio
import heapq
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson

from dialer.media.handover import Handover, Resumed
from dialer.media.recorder import Tape
from dialer.media.session import SessionControl, SessionLimits, converse
from dialer.ports import (
    Answerer,
    EarEvent,
    EarsLost,
    FinalText,
    LastResort,
    PartialText,
    Recording,
    SocketClosed,
    SpokenAudio,
    StreamStart,
    TurnRecord,
    Understanding,
    VoiceEars,
    VoiceLost,
)
from dialer.virtual.in_time import InTime
from voice_ai import mulaw
from voice_ai.answering import Answering, AnswerVerdict
from voice_ai.conversation.graph import Script

FRAME = 160
SILENT = b"\xff" * FRAME
# A vowel at 100 Hz, two periods a frame, so that frames join.
_HARMONICS = np.arange(1, 10)[:, None]
_WEIGHTS = np.array([1, 0.9, 0.8, 0.7, 0.5, 0.6, 0.8, 0.5, 0.3])[:, None]
_VOWEL = _WEIGHTS * np.sin(2 * np.pi * _HARMONICS * np.arange(FRAME) / 80 + _HARMONICS)
LOUD = mulaw.encode((2000 * _VOWEL.sum(axis=0)).astype(np.int16))
START = StreamStart(stream_sid="MZ" + "a" * 32, call_sid="CA" + "b" * 32, account_sid="AC0")
SLOTS = {"seller": "Acme Health", "callback_number": "+1 800 555 0100"}
CHARACTERS_PER_S = 14.0


class VirtualClock:
    """Moves when told to; sleepers wake in the order of their times."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 19, 0, tzinfo=UTC) + timedelta(seconds=self._now)

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + seconds, self._count, woken))
        await woken

    def advance(self, seconds: float) -> None:
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)


class FakeLine:
    """A `MediaSocket` whose other end plays in real time of the audio."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed = False
        self.breaks_on_send = False
        self.hangs_on_clear = False
        self.returns_marks = True
        self.played = 0
        self._incoming: asyncio.Queue[str | None] = asyncio.Queue()
        self._buffered = 0
        self._marks: deque[tuple[int, str]] = deque()

    async def receive(self) -> str | bytes:
        message = await self._incoming.get()
        if message is None:
            raise SocketClosed
        return message

    async def pump(self, take: Callable[[str | bytes], None]) -> None:
        while True:
            take(await self.receive())

    async def send(self, text: str) -> None:
        if self.closed or self.breaks_on_send:
            raise SocketClosed
        message = orjson.loads(text)
        self.sent.append(message)
        match message["event"]:
            case "media":
                self._buffered += len(b64decode(message["media"]["payload"]))
            case "mark":
                self._marks.append((self.played + self._buffered, message["mark"]["name"]))
            case "clear" if self.hangs_on_clear:
                await asyncio.Event().wait()
            case "clear":
                self._buffered = 0
                self._marks = deque((0, name) for _, name in self._marks)
                self._return_marks()

    async def close(self) -> None:
        self.closed = True
        self._incoming.put_nowait(None)

    @property
    def seconds_left(self) -> float:
        """How long the agent's sounds will still play."""
        return self._buffered / 8000

    def events(self) -> list[str]:
        return [message["event"] for message in self.sent]

    def frame(self, audio: bytes) -> None:
        """20 ms go by: the person's sound comes in, the agent's is played."""
        played = min(FRAME, self._buffered)
        self._buffered -= played
        self.played += played
        self._return_marks()
        payload = b64encode(audio).decode()
        self.bring({"event": "media", "media": {"track": "inbound", "payload": payload}})

    def bring(self, message: Mapping[str, Any]) -> None:
        self._incoming.put_nowait(orjson.dumps(message).decode())

    def hang_up(self) -> None:
        self.bring({"event": "stop", "stop": {}})
        self._incoming.put_nowait(None)

    def break_down(self) -> None:
        self.breaks_on_send = True
        self._incoming.put_nowait(None)

    def _return_marks(self) -> None:
        while self._marks and self._marks[0][0] <= self.played:
            name = self._marks.popleft()[1]
            if self.returns_marks:
                self.bring({"event": "mark", "mark": {"name": name}})


class FakeEars:
    """Knows what the person says because the test says it; times of its own it has none."""

    def __init__(self) -> None:
        self.heard_bytes = 0
        self.commits = 0
        self.closed = False
        self.answers = True
        self._said: list[str] = []
        self._events: asyncio.Queue[EarEvent | EarsLost] = asyncio.Queue()

    def listen_to(self, text: str) -> None:
        self._said.append(text)

    def partial(self, text: str) -> None:
        self._events.put_nowait(PartialText(text))

    def die(self) -> None:
        self._events.put_nowait(EarsLost("gone"))

    async def send(self, audio: bytes) -> None:
        self.heard_bytes += len(audio)

    async def commit(self) -> None:
        self.commits += 1
        text = " ".join(self._said)
        self._said.clear()
        if self.answers:
            self.answer(text)

    def answer(self, text: str) -> None:
        self._events.put_nowait(FinalText(text))

    async def hear(self) -> AsyncIterator[EarEvent]:
        while True:
            event = await self._events.get()
            if isinstance(event, EarsLost):
                raise event
            yield event

    async def close(self) -> None:
        self.closed = True


class FakeEarsFactory:
    """Opens the given ears one after the other; when there are none left, nothing opens."""

    def __init__(self, *ears: FakeEars) -> None:
        self.ears = list(ears)
        self.opened: list[FakeEars] = []
        self.languages: list[str] = []

    @property
    def now(self) -> FakeEars:
        return self.opened[-1]

    async def open(self, *, language: str) -> FakeEars:
        self.languages.append(language)
        if not self.ears:
            raise EarsLost("cannot be reached")
        self.opened.append(self.ears.pop(0))
        return self.now


class FakeVoice:
    """Speaks in pieces of 100 ms; texts with a key are cached, those in `broken` are lost.

    Texts in `stuck` give one piece and then nothing until `stuck[text]` is set; those in `late`
    give nothing before. `known` are the texts that can sound at once.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken: Callable[[str], bool] = lambda text: False
        self.stuck: dict[str, asyncio.Event] = {}
        self.late: dict[str, asyncio.Event] = {}
        self.known: set[str] = set()

    def remembered(self, text: str) -> Recording | None:
        return Recording(_sound(text)) if text in self.known else None

    async def speak(self, text: str, key: str | None) -> AsyncGenerator[SpokenAudio, None]:
        self.asked.append(text)
        if self.broken(text):
            raise VoiceLost("429")
        if text in self.late:
            await self.late[text].wait()
        sound = _sound(text)
        for number, at in enumerate(range(0, len(sound), 800)):
            yield SpokenAudio(sound[at : at + 800], cached=key is not None)
            if number == 0 and text in self.stuck:
                await self.stuck[text].wait()


def _sound(text: str) -> bytes:
    return b"\x20" * 800 * max(1, round(10 * len(text) / CHARACTERS_PER_S))


@dataclass(frozen=True)
class Guess:
    """A prediction as a model makes it."""

    task: str
    label: str
    score: float = 0.9
    scores: Mapping[str, float] = field(default_factory=dict)
    model_name: str = "guess"
    version: str = "1"
    latency_us: float = 1.0
    slot: str | None = None


class FakeMind:
    """Understands the texts it was told about."""

    def __init__(self) -> None:
        self.intents: dict[str, str] = {}
        self.emotions: dict[str, str] = {}
        self.opt_outs: dict[str, float] = {}
        self.answerers: dict[str, Mapping[str, float]] = {}

    def understand(self, text: str) -> Understanding:
        intent, emotion = self.intents.get(text), self.emotions.get(text)
        return Understanding(
            intent=Guess("intent", intent) if intent else None,
            emotion=Guess("emotion", emotion) if emotion else None,
            opt_out=self._wish(text),
        )

    def _wish(self, text: str) -> Guess | None:
        sure = self.opt_outs.get(text)
        return None if sure is None else Guess("opt_out", "opt_out", sure, {"opt_out": sure})

    def who_says(self, text: str) -> Mapping[str, float] | None:
        return self.answerers.get(text.strip())


@dataclass
class KeptLog:
    """What a call log was told, in order; `refuses` names entries that fail."""

    entries: list[tuple[str, Any]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    async def media_started(self, stream_sid: str) -> None:
        self._keep("media_started", stream_sid)

    async def turn(self, turn: TurnRecord) -> None:
        self._keep("turn", turn)

    async def barge_in(self, index: int, heard_fraction: float) -> None:
        self._keep("barge_in", (index, heard_fraction))

    async def answered(self, verdict: AnswerVerdict) -> None:
        self._keep("answered", verdict)

    async def opt_out(self, evidence: str) -> None:
        self._keep("opt_out", evidence)

    async def recording_declined(self) -> None:
        self._keep("recording_declined", None)

    async def outcome(
        self, disposition: str | None, end_reason: str, slots: Mapping[str, str]
    ) -> None:
        self._keep("outcome", (disposition, end_reason, dict(slots)))

    async def media_stopped(self, reason: str) -> None:
        self._keep("media_stopped", reason)

    async def answered_freely(self, why: str) -> None:
        self._keep("answered_freely", why)

    def of(self, kind: str) -> list[Any]:
        return [what for name, what in self.entries if name == kind]

    @property
    def turns(self) -> list[TurnRecord]:
        return self.of("turn")

    def said_by(self, speaker: str) -> list[str]:
        return [turn.text for turn in self.turns if turn.speaker == speaker]

    def _keep(self, kind: str, what: object) -> None:
        if kind in self.refuses:
            raise ConnectionError(kind)
        self.entries.append((kind, what))


class Call(InTime):
    """One session and its world; every method lets time go by and the session catch up."""

    def __init__(
        self,
        script: Script,
        *,
        ears: int = 2,
        limits: SessionLimits | None = None,
        speed: float = 1.0,
        slots: Mapping[str, str | None] | None = None,
        arm: str | None = None,
        language: str | None = None,
        answering: Answering | None = None,
    ) -> None:
        self._answering = answering
        self.clock = VirtualClock(speed)
        self.line = FakeLine()
        self.ears = FakeEarsFactory(*(FakeEars() for _ in range(ears)))
        self.voice = FakeVoice()
        self.mind = FakeMind()
        self.log = KeptLog()
        self.control = SessionControl()
        self.tape: Tape | None = None
        self.last_resort: LastResort | None = None
        self.voice_ears: VoiceEars | None = None
        self.answerer: Answerer | None = None
        self.arm, self.language = arm, language
        self.slots = dict(SLOTS if slots is None else slots)
        self.handover: Handover | None = None
        self.resumed: Resumed | None = None
        self._script = script
        self._limits = limits or SessionLimits()

    def pick_up(self) -> "Call":
        self.task = asyncio.create_task(
            converse(
                socket=self.line,
                start=START,
                script=self._script,
                slots=self.slots,
                ears=self.ears,
                voice=self.voice,
                mind=self.mind,
                log=self.log,
                clock=self.clock,
                limits=self._limits,
                control=self.control,
                tape=self.tape,
                answerer=self.answerer,
                handover=self.handover,
                resumed=self.resumed,
                answering=self._answering,
                last_resort=self.last_resort,
                voice_ears=self.voice_ears,
                arm=self.arm,
                language=self.language,
            )
        )
        return self

    async def pass_time(self, seconds: float, sound: bytes = SILENT) -> None:
        for _ in range(round(seconds / 0.02)):
            if self.over:
                return
            self.line.frame(sound)
            self.clock.advance(0.02)
            await self.settle()

    async def say(self, text: str, seconds: float = 0.8, *, quiet_after: float = 0.6) -> None:
        """The person speaks, and then is quiet for long enough to be answered."""
        self.ears.now.listen_to(text)
        await self.pass_time(seconds, LOUD)
        await self.pass_time(quiet_after)

    async def until_asked(self, question: str, longest: float = 60.0) -> None:
        """Until this question has been played out."""
        await self.until(lambda: self.was_heard(question), longest)

    def _said(self) -> object:
        return self.log.said_by("agent")

    def was_heard(self, text: str) -> bool:
        return any(text in said for said in self.log.said_by("agent"))
