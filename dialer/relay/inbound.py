"""From the carrier's messages, and from time that passes without any, to the events of a call."""

from itertools import takewhile

import structlog

from dialer.media.events import (
    Emit,
    Interrupted,
    KeyPressed,
    LineDropped,
    LineOver,
    TimeIsUp,
    Transcript,
)
from dialer.media.playback import Floor, Playback
from dialer.ports import MediaSocket, Onlooker
from dialer.relay import wire
from dialer.relay.hearing import Hearing
from dialer.relay.mouth import TextMouth
from dialer.relay.pace import place_of
from voice_ai.clock import Clock

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.1
# So much may be left by the estimate of words that nothing can stop, and the person answers all
# the same: the voice was quicker than thought. What is answered was heard.
_SLACK_S = 1.5


class Inbound:
    """Never waits for anything but the next message; what needs waiting becomes an event."""

    def __init__(
        self,
        *,
        socket: MediaSocket,
        hearing: Hearing,
        mouth: TextMouth,
        playback: Playback,
        clock: Clock,
        emit: Emit,
        max_call_s: float,
        onlooker: Onlooker,
    ) -> None:
        self.bad_messages = 0
        self.complaints = 0
        self._socket = socket
        self._hearing = hearing
        self._mouth = mouth
        self._playback = playback
        self._clock = clock
        self._emit = emit
        self._max_call_s = max_call_s
        self._onlooker = onlooker

    async def read(self) -> None:
        """Until the socket closes. Raises SocketClosed."""
        while True:
            message = await self._socket.receive()
            try:
                self._take(wire.read(message))
            except wire.BadMessage as error:
                self.bad_messages += 1
                log.warning("relay_message_refused", reason=str(error))

    async def keep_time(self) -> None:
        """What happens because nothing is heard."""
        while True:
            await self._clock.sleep(_LOOK_EVERY_S)
            self._look_at_the_time()

    def hang_up(self, *, by_person: bool) -> None:
        """The line is gone; what was being said on it is all that will be known of it."""
        for turn in self._hearing.give_up():
            self._emit(Transcript(turn.partial, turn, None, None))
        self._emit(LineDropped(hung_up=by_person))

    def _take(self, message: wire.FromCarrier) -> None:
        match message:
            case wire.Prompt(text, last=False):
                self._hearing.speaks(self._floor(), text)
                self._onlooker.partial(text)
            case wire.Prompt(text):
                self._said(text)
            case wire.Interrupt(heard):
                self._interrupted(heard)
            case wire.Key(digit):
                self._emit(KeyPressed(digit, self._hearing.now_s))
            case wire.Complaint(code):
                self.complaints += 1
                log.warning("relay_complained", code=code)
            case wire.Setup():
                raise wire.BadMessage("a second setup")

    def _said(self, text: str) -> None:
        """Words that did not stop what they could have stopped were said after the end of it."""
        floor, hearing = self._floor(), self._hearing
        began_s = min(hearing.open_since_s, hearing.now_s)
        if floor is Floor.QUIET or (floor is Floor.OPEN and not hearing.has_cut):
            self._finish(sum(line.all_sent for line in self._playback.lines), began_s)
        turn = hearing.final(text, self._floor())
        if turn is not None:
            self._emit(Transcript(text, turn, None, None))

    def _interrupted(self, heard: str) -> None:
        """What the carrier tells of the agent's speech holds before any estimate.

        What was stopped can be stopped: all that cannot, and was to be heard before it, is over.
        """
        playback, hearing = self._playback, self._hearing
        turn = hearing.speaks(playback.floor)
        turn.cut = True
        self._mouth.stopped()
        answer = self._mouth.answer
        before = len(answer) - len(playback.lines)
        place = place_of(heard, [line.text for line in answer])
        if place is not None:
            self._finish(place.line - before, hearing.now_s)
        protected = takewhile(lambda line: not line.interruptible, playback.lines)
        self._finish(sum(1 for _ in protected), hearing.now_s)
        if playback.floor is Floor.OPEN:
            line = playback.lines[0]
            if place is not None and answer[place.line] is line:
                line.told_fraction = place.fraction
            elif place is not None or not heard.strip():
                line.told_fraction = 0.0
        self._emit(Interrupted(turn))

    def _floor(self) -> Floor:
        """What the agent is doing; nothing any more in the last moment of the estimate."""
        lines, now_s = self._playback.lines, self._hearing.now_s
        if not all(line.all_sent for line in lines):
            return self._playback.floor
        began_s = lines[0].starts_s if lines else None
        left_s = sum(line.seconds for line in lines) - (
            0.0 if began_s is None else max(0.0, now_s - began_s)
        )
        return Floor.QUIET if left_s <= _SLACK_S else self._playback.floor

    def _finish(self, count: int, at_s: float) -> None:
        """The first lines that are being said have been heard to their end by then."""
        lines = self._playback.lines[: max(0, count)]
        if lines:
            for line in self._playback.marked(lines[-1].mark, at_s):
                self._emit(LineOver(line))

    def _look_at_the_time(self) -> None:
        self._hearing.tick()
        now_s = self._hearing.now_s
        for line in self._playback.overdue(now_s, 0.0):
            self._emit(LineOver(line))
        turn = self._hearing.overdue()
        if turn is not None:
            self._emit(Transcript(turn.partial, turn, None, None))
        silence = self._hearing.silence()
        if silence is not None:
            self._emit(silence)
        if now_s >= self._max_call_s:
            self._max_call_s = float("inf")
            self._emit(TimeIsUp())
