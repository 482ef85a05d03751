"""Speaks lines into the media socket.

A line is sent as fast as its synthesis comes, without pacing: the carrier buffers and plays it in
real time, a mark tells when it has been heard, and a clear throws away the rest. Pacing 20 ms
frames here would cost a timer a frame and would stutter whenever this process is busy.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing

from dialer.media.frames import SAMPLE_RATE, Writer
from dialer.media.playback import Line, Playback
from dialer.media.recorder import Tape
from dialer.ports import MediaSocket, SpokenAudio, Voice, VoiceLost
from voice_ai.clock import Clock
from voice_ai.conversation.prompts import Prompt

_MESSAGE_BYTES = SAMPLE_RATE  # one second of audio


class Mouth:
    """`audio_now_s` is the time that `Playback` goes by.

    `comfort` is said, if it is in the cache, when a synthesis leaves the person in silence for
    `comfort_s` clock seconds.
    """

    def __init__(
        self,
        socket: MediaSocket,
        writer: Writer,
        voice: Voice,
        playback: Playback,
        clock: Clock,
        audio_now_s: Callable[[], float],
        tape: Tape,
        *,
        comfort: Prompt,
        comfort_s: float,
    ) -> None:
        self._socket = socket
        self._writer = writer
        self._voice = voice
        self._playback = playback
        self._clock = clock
        self._audio_now_s = audio_now_s
        self._tape = tape
        self._comfort = comfort
        self._comfort_s = comfort_s

    async def say(self, lines: Iterable[Line], speech_ended: float | None) -> None:
        """`speech_ended`: clock.monotonic() when the person these lines answer stopped speaking.

        Raises VoiceLost, SocketClosed. Cancel it to stop speaking, then send a clear.
        """
        for line in lines:
            await self._say(line, speech_ended)
            speech_ended = None

    def speak_in(self, language: str, comfort: Prompt) -> None:
        """The voice itself needs no telling: it reads what it is given."""
        self._comfort = comfort

    async def clear(self) -> None:
        self._tape.cleared()
        await self._socket.send(self._writer.clear)

    async def _say(self, line: Line, speech_ended: float | None) -> None:
        asked = self._clock.monotonic()
        # Closed here, not by the garbage collector, when a barge-in stops this task.
        async with (
            aclosing(self._voice.speak(line.text, line.key)) as spoken,
            aclosing(self._never_silent(line, spoken)) as pieces,
        ):
            async for piece in pieces:
                if line.sent_bytes == 0:
                    now = self._clock.monotonic()
                    line.tts_first_byte_ms = None if piece.cached else 1000 * (now - asked)
                line.ends_ms.extend(piece.ends_ms)
                await self._send(line, piece.audio)
                if speech_ended is not None:
                    line.response_ms = 1000 * (self._clock.monotonic() - speech_ended)
                    speech_ended = None
        if line.sent_bytes == 0:
            raise VoiceLost("the synthesis gave no audio")
        await self._over(line)

    async def _never_silent(
        self, line: Line, pieces: AsyncGenerator[SpokenAudio, None]
    ) -> AsyncGenerator[SpokenAudio, None]:
        """The pieces; when the first is long in coming and nothing plays, a comfort line before."""
        if self._voice.remembered(line.text) is None:
            first = asyncio.ensure_future(anext(pieces, None))
            try:
                if not await self._comes_in_time(first) and self._playback.lines[:1] == (line,):
                    await self._comfort_the_person(line)
                piece = await first
            finally:
                first.cancel()
                await asyncio.wait((first,))
            if piece is None:
                return
            yield piece
        async for piece in pieces:
            yield piece

    async def _comes_in_time(self, first: "asyncio.Future[SpokenAudio | None]") -> bool:
        waiting = asyncio.ensure_future(self._clock.sleep(self._comfort_s))
        try:
            await asyncio.wait((first, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        return first.done()

    async def _comfort_the_person(self, line: Line) -> None:
        """Not when the comfort itself would have to be synthesised."""
        known = self._voice.remembered(self._comfort.text)
        if known is None:
            return
        said = Line(self._comfort.text, self._comfort.key, line.interruptible, line.node)
        self._playback.put_before(line, said)
        said.ends_ms.extend(known.ends_ms)
        await self._send(said, known.audio)
        await self._over(said)

    async def _over(self, line: Line) -> None:
        line.all_sent = True
        await self._socket.send(self._writer.mark(line.mark))

    async def _send(self, line: Line, audio: bytes) -> None:
        for at in range(0, len(audio), _MESSAGE_BYTES):
            message = audio[at : at + _MESSAGE_BYTES]
            self._playback.sent(line, len(message), self._audio_now_s())
            self._tape.sent(line.mark, message)
            await self._socket.send(self._writer.media(message))
