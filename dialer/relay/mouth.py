"""Speaks lines as text: talk cycles with what may stop them, and the time that they will take.

A talk cycle is a run of lines that may or may not be interrupted. There is no message that stops
speech: a person's words stop what is interruptible, and a talk cycle replaces one before it that
is preemptible. Only the last one of an answer is, and only when it is interruptible: the others
are followed by the next, and what must be heard is not to be cut by an estimate that is too short.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

from dialer.media.frames import SAMPLE_RATE
from dialer.media.playback import Line, Playback
from dialer.ports import MediaSocket
from dialer.relay import pace, wire
from voice_ai.clock import Clock
from voice_ai.conversation.prompts import Prompt

# From the text to the first sound of it: the carrier's synthesis and the way there.
LEAD_IN_S = 0.4
# The next talk cycle is handed over this long before the one before it should be over, so that a
# voice that is quicker than the estimate makes no pause. It queues; nothing is cut by it.
_AHEAD_S = 2.0


class TextMouth:
    """`now_s` is the time that `Playback` goes by; `answer` is what was said last, whole."""

    def __init__(
        self,
        socket: MediaSocket,
        playback: Playback,
        clock: Clock,
        now_s: Callable[[], float],
        language: str,
    ) -> None:
        self.answer: tuple[Line, ...] = ()
        self._free_from_s = 0.0
        self._socket = socket
        self._playback = playback
        self._clock = clock
        self._now_s = now_s
        self._language = language

    def speak_in(self, language: str, comfort: Prompt) -> None:
        self._language = language

    async def say(self, lines: Sequence[Line], speech_ended: float | None) -> None:
        """Raises SocketClosed. `speech_ended` is of no use: when speech begins is not known."""
        self.answer = tuple(lines)
        cycles = [tuple(run) for _, run in groupby(lines, key=lambda line: line.interruptible)]
        over_at_s = max(self._now_s() + LEAD_IN_S, self._free_from_s)
        for number, cycle in enumerate(cycles, start=1):
            preemptible = number == len(cycles) and cycle[0].interruptible
            await self._speak(cycle, over_at_s, preemptible=preemptible)
            over_at_s += sum(pace.speaking_s(line.text) for line in cycle)
            if not preemptible:
                self._free_from_s = over_at_s
            if number < len(cycles):
                await self._clock.sleep(max(0.0, over_at_s - self._now_s() - _AHEAD_S))

    async def clear(self) -> None:
        """Nothing to do: words of the person have stopped it, or what is said next will.

        What neither can stop is spoken to its end; what comes next waits for it.
        """

    def stopped(self) -> None:
        """The person's words have stopped everything that was handed over."""
        self._free_from_s = 0.0

    async def _speak(self, cycle: Sequence[Line], starts_s: float, *, preemptible: bool) -> None:
        for line in cycle:
            token = wire.text(
                line.text if line is cycle[-1] else f"{line.text} ",
                last=line is cycle[-1],
                interruptible=line.interruptible,
                preemptible=preemptible,
                language=self._language,
            )
            await self._socket.send(token)
            # Playback counts audio; here it is the audio that the text will probably become.
            estimate = round(pace.speaking_s(line.text) * SAMPLE_RATE)
            self._playback.sent(line, estimate, starts_s)
            line.all_sent = True
