"""The world around a text session in virtual time: a carrier that speaks, hears and interrupts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dialer.media.session import SessionControl, SessionLimits
from dialer.ports import SocketClosed
from dialer.relay.session import converse
from dialer.relay.wire import Setup
from dialer.virtual.in_time import InTime
from tests.unit.media_fakes import SLOTS, FakeMind, KeptLog, VirtualClock
from voice_ai.conversation.graph import Script

SETUP = Setup("VX" + "a" * 32, "CA" + "b" * 32, "AC0", {})
_STEP_S = 0.05


@dataclass
class Token:
    """A text that waits to be spoken, or is being spoken."""

    text: str
    last: bool
    interruptible: bool
    preemptible: bool
    spoken_s: float = 0.0


class FakeRelay:
    """A `MediaSocket` whose other end speaks what it is sent, at `words_per_s`."""

    def __init__(self, words_per_s: float = 2.8) -> None:
        self.words_per_s = words_per_s
        self.sent: list[dict[str, Any]] = []
        self.closed = False
        self.ended: str | None = None
        self.spoken: list[str] = []
        self.breaks_on_send = False
        self.takes_nothing = False
        self._waiting: list[Token] = []
        self._open = False
        self._incoming: asyncio.Queue[str | bytes | SocketClosed] = asyncio.Queue()

    async def receive(self) -> str | bytes:
        message = await self._incoming.get()
        if isinstance(message, SocketClosed):
            raise message
        return message

    async def send(self, text: str) -> None:
        if self.closed or self.breaks_on_send:
            raise SocketClosed
        if self.takes_nothing:
            await asyncio.Event().wait()
        message = orjson.loads(text)
        self.sent.append(message)
        if message["type"] == "end":
            self.ended = orjson.loads(message["handoffData"])["reason"]
            self._waiting.clear()
            self.hang_up()
            return
        if not self._open and self._waiting and self._waiting[-1].preemptible:
            self._waiting.clear()
        self._open = not message["last"]
        self._waiting.append(
            Token(
                message["token"].strip(),
                message["last"],
                message["interruptible"],
                message["preemptible"],
            )
        )

    async def close(self) -> None:
        self.closed = True
        self._incoming.put_nowait(SocketClosed())

    @property
    def speaking(self) -> Token | None:
        return self._waiting[0] if self._waiting else None

    def bring(self, message: Mapping[str, Any] | str) -> None:
        self._incoming.put_nowait(
            message if isinstance(message, str) else orjson.dumps(message).decode()
        )

    def hang_up(self) -> None:
        self._incoming.put_nowait(SocketClosed(properly=True))

    def break_down(self) -> None:
        self.breaks_on_send = True
        self._incoming.put_nowait(SocketClosed())

    def pass_time(self, seconds: float) -> None:
        while seconds > 0 and self._waiting:
            token = self._waiting[0]
            whole = len(token.text.split()) / self.words_per_s
            part = min(seconds, whole - token.spoken_s)
            token.spoken_s += part
            seconds -= max(part, 1e-6)
            if token.spoken_s >= whole - 1e-9:
                self.spoken.append(self._waiting.pop(0).text)

    def person_speaks(self) -> None:
        """Words over what may be interrupted stop it."""
        token = self.speaking
        if token is None or not token.interruptible:
            return
        words = token.text.split()[: int(token.spoken_s * self.words_per_s)]
        self._waiting.clear()
        self.bring(
            {
                "type": "interrupt",
                "utteranceUntilInterrupt": " ".join(words),
                "durationUntilInterruptMs": round(1000 * token.spoken_s),
            }
        )

    def prompt(self, text: str, *, last: bool = True) -> None:
        self.bring({"type": "prompt", "voicePrompt": text, "lang": "en-US", "last": last})


class TextCall(InTime):
    """One session and its world; every method lets time go by and the session catch up."""

    def __init__(
        self, script: Script, *, limits: SessionLimits | None = None, words_per_s: float = 2.8
    ) -> None:
        self.clock = VirtualClock()
        self.relay = FakeRelay(words_per_s)
        self.mind = FakeMind()
        self.log = KeptLog()
        self.control = SessionControl()
        self._script = script
        self._limits = limits or SessionLimits()

    def pick_up(self) -> "TextCall":
        self.task = asyncio.create_task(
            converse(
                socket=self.relay,
                setup=SETUP,
                script=self._script,
                slots=SLOTS,
                mind=self.mind,
                log=self.log,
                clock=self.clock,
                limits=self._limits,
                control=self.control,
            )
        )
        return self

    async def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / _STEP_S)):
            if self.over:
                return
            self.relay.pass_time(_STEP_S)
            self.clock.advance(_STEP_S)
            await self.settle()

    async def say(self, text: str, seconds: float = 0.8) -> None:
        """The person speaks, is heard in part, and then to the end."""
        self.relay.person_speaks()
        await self.settle()
        self.relay.prompt(text.split()[0], last=False)
        await self.pass_time(seconds)
        self.relay.prompt(text)
        await self.settle()

    async def press(self, digit: str) -> None:
        self.relay.bring({"type": "dtmf", "digit": digit})
        await self.settle()

    async def until_asked(self, question: str, longest: float = 60.0) -> None:
        """Until this question has been spoken to its end, and a moment to think."""
        await self.until(lambda: any(question in text for text in self.relay.spoken), longest)
        self.relay.spoken.clear()
        await self.pass_time(0.3)

    def _said(self) -> object:
        return self.relay.spoken
