"""Speaks lines into the media socket.

A line is sent as fast as its synthesis comes, without pacing: the carrier buffers and plays it in
real time, a mark tells when it has been heard, and a clear throws away the rest. Pacing 20 ms
frames here would cost a timer a frame and would stutter whenever this process is busy.
"""

from collections.abc import Callable, Iterable
from contextlib import aclosing

from dialer.media.frames import SAMPLE_RATE, Writer
from dialer.media.playback import Line, Playback
from dialer.media.recorder import Tape
from dialer.ports import MediaSocket, Voice, VoiceLost
from voice_ai.clock import Clock

_MESSAGE_BYTES = SAMPLE_RATE  # one second of audio


class Mouth:
    """`audio_now_s` is the time that `Playback` goes by."""

    def __init__(
        self,
        socket: MediaSocket,
        writer: Writer,
        voice: Voice,
        playback: Playback,
        clock: Clock,
        audio_now_s: Callable[[], float],
        tape: Tape,
    ) -> None:
        self._socket = socket
        self._writer = writer
        self._voice = voice
        self._playback = playback
        self._clock = clock
        self._audio_now_s = audio_now_s
        self._tape = tape

    async def say(self, lines: Iterable[Line], speech_ended: float | None) -> None:
        """`speech_ended`: clock.monotonic() when the person these lines answer stopped speaking.

        Raises VoiceLost, SocketClosed. Cancel it to stop speaking, then send a clear.
        """
        for line in lines:
            await self._say(line, speech_ended)
            speech_ended = None

    async def clear(self) -> None:
        self._tape.cleared()
        await self._socket.send(self._writer.clear)

    async def _say(self, line: Line, speech_ended: float | None) -> None:
        asked = self._clock.monotonic()
        # Closed here, not by the garbage collector, when a barge-in stops this task.
        async with aclosing(self._voice.speak(line.text, line.key)) as pieces:
            async for piece in pieces:
                if line.sent_bytes == 0:
                    now = self._clock.monotonic()
                    line.tts_first_byte_ms = None if piece.cached else 1000 * (now - asked)
                await self._send(line, piece.audio)
                if speech_ended is not None:
                    line.response_ms = 1000 * (self._clock.monotonic() - speech_ended)
                    speech_ended = None
        if line.sent_bytes == 0:
            raise VoiceLost("the synthesis gave no audio")
        line.all_sent = True
        await self._socket.send(self._writer.mark(line.mark))

    async def _send(self, line: Line, audio: bytes) -> None:
        for at in range(0, len(audio), _MESSAGE_BYTES):
            message = audio[at : at + _MESSAGE_BYTES]
            self._playback.sent(line, len(message), self._audio_now_s())
            self._tape.sent(line.mark, message)
            await self._socket.send(self._writer.media(message))
