"""One task that speaks: lines behind one another, stopped as one, its troubles told as events."""

import asyncio
from collections.abc import Callable

from dialer.media.events import Emit, LineDropped, Trouble
from dialer.media.playback import Line
from dialer.media.sides import Speaking
from dialer.ports import SocketClosed, VoiceLost


class Speaker:
    def __init__(
        self, mouth: Speaking, emit: Emit, spawn: Callable[..., asyncio.Task[None]]
    ) -> None:
        self._mouth = mouth
        self._emit = emit
        self._spawn = spawn
        self._speaking: asyncio.Task[None] | None = None

    def say(self, lines: list[Line], speech_ended: float | None, *, behind: bool) -> None:
        """`behind` what is being said; whoever does not want that stops it first."""
        before = self._speaking if behind else None
        self._speaking = self._spawn(self._say(lines, speech_ended, before))

    def stop(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None

    async def clear(self) -> None:
        """Throw away what was handed over and is not yet heard."""
        try:
            await self._mouth.clear()
        except SocketClosed:
            self._emit(LineDropped(hung_up=False))

    async def _say(
        self, lines: list[Line], speech_ended: float | None, before: asyncio.Task[None] | None
    ) -> None:
        try:
            if before is not None:
                await before
            await self._mouth.say(lines, speech_ended)
        except VoiceLost:
            self._emit(Trouble("voice_lost"))
        except SocketClosed:
            self._emit(LineDropped(hung_up=False))
