"""From the carrier's messages and the recogniser's words to the events of a call."""

from dialer.media.answering import AnswerEar
from dialer.media.ears import EarLine
from dialer.media.events import (
    Emit,
    Interrupted,
    KeyPressed,
    LineDropped,
    LineOver,
    TimeIsUp,
    Transcript,
    Trouble,
)
from dialer.media.feeling import Feeling
from dialer.media.frames import Audio, BadFrame, Digit, Mark, Stopped, read
from dialer.media.playback import Line, Playback
from dialer.media.recorder import Tape
from dialer.media.turn_taking import (
    BargeIn,
    EndOfTurn,
    FinalMissing,
    PersonTurn,
    Signal,
    SilenceOver,
    TurnTaking,
)
from dialer.ports import (
    EarEvent,
    EarsFactory,
    EarsLost,
    FinalText,
    Onlooker,
    PartialText,
    PumpedSocket,
)
from voice_ai.clock import Clock

_OVERDUE_EVERY_S = 0.1


class Inbound:
    """Never waits for anything but the next frame; what needs waiting becomes an event."""

    def __init__(
        self,
        *,
        socket: PumpedSocket,
        ears: EarsFactory,
        language: str,
        taking: TurnTaking,
        answer_ear: AnswerEar,
        playback: Playback,
        clock: Clock,
        emit: Emit,
        backlog_s: float,
        mark_grace_s: float,
        max_call_s: float,
        tape: Tape,
        onlooker: Onlooker,
        feeling: Feeling | None = None,
    ) -> None:
        self.last_frame_at = clock.monotonic()
        self.bad_frames = 0
        self._socket = socket
        self._taking = taking
        self._answer_ear = answer_ear
        self._playback = playback
        self._clock = clock
        self._emit = emit
        self._mark_grace_s = mark_grace_s
        self._max_call_s = max_call_s
        self._tape = tape
        self._onlooker = onlooker
        self._feeling = feeling
        self._take = self._audio if feeling is None else self._felt_audio
        self._overdue_at_s = 0.0
        self._deaf = False
        self._committed_at: dict[int, float] = {}
        self._ear_line = EarLine(ears, language=language, on_event=self._heard, backlog_s=backlog_s)

    async def read(self) -> None:
        """Until the socket closes. Raises SocketClosed."""
        await self._socket.pump(self._message)

    def _message(self, message: str | bytes) -> None:
        try:
            frame = read(message)
        except BadFrame:
            self.bad_frames += 1
            return
        match frame:
            case Audio(audio, at_ms):
                self._tape.heard(audio, at_ms)
                self._take(audio)
            case Mark(name):
                self._tape.played(name)
                self._over(self._playback.marked(name, self._taking.now_s))
            case Digit(digit):
                self._emit(KeyPressed(digit, self._taking.now_s))
            case Stopped():
                self.hang_up(by_person=True)

    def hang_up(self, *, by_person: bool) -> None:
        """The line is gone; what was being said on it is still to be understood."""
        self._commit(self._taking.end_now())
        self._emit(LineDropped(hung_up=by_person))

    def listen_in(self, language: str) -> None:
        """The person is to be understood in another language from now on."""
        self._ear_line.listen_in(language)

    async def listen(self) -> None:
        """Carry audio to the ears until they are lost for good."""
        try:
            await self._ear_line.run()
        except EarsLost:
            self._lose_ears()

    def _audio(self, audio: bytes) -> None:
        self.last_frame_at = self._clock.monotonic()
        taking = self._taking
        signal = taking.hear(audio, self._playback.floor)
        answerer = self._answer_ear.hear(audio)
        if answerer is not None:
            self._emit(answerer)
        if not self._deaf:
            try:
                self._ear_line.feed(audio)
            except EarsLost:
                self._lose_ears()
        if signal is not None:
            self._signal(signal)
        if taking.now_s >= self._overdue_at_s:
            self._look_at_the_time(taking.now_s)

    def _felt_audio(self, audio: bytes) -> None:
        assert self._feeling is not None
        self._audio(audio)
        self._feeling.hear(audio, self._taking.now_s, self._taking.speaking_since_s)

    def _signal(self, signal: Signal) -> None:
        match signal:
            case BargeIn(turn):
                self._emit(Interrupted(turn))
            case FinalMissing(turn):
                self._emit(Transcript(turn.partial, turn, self._committed_time(turn), None))
            case SilenceOver():
                self._emit(signal)
            case EndOfTurn():
                self._commit(signal)

    def _commit(self, end: EndOfTurn | None) -> None:
        if end is not None and self._feeling is not None:
            self._feeling.end(end.turn)
        if end is None or self._deaf:
            return
        self._committed_at[id(end.turn)] = self._clock.monotonic()
        try:
            self._ear_line.commit()
        except EarsLost:
            self._lose_ears()

    def _over(self, lines: list[Line]) -> None:
        """These were played to their ends. At once, not as an event: the tape goes by frames."""
        for line in lines:
            if line.notice:
                self._tape.begin()
                if self._feeling is not None:
                    self._feeling.inform(self._taking.now_s)
            self._emit(LineOver(line))

    def _look_at_the_time(self, now_s: float) -> None:
        self._overdue_at_s = now_s + _OVERDUE_EVERY_S
        self._over(self._playback.overdue(now_s, self._mark_grace_s))
        if now_s >= self._max_call_s:
            self._max_call_s = float("inf")
            self._emit(TimeIsUp())

    def _heard(self, event: EarEvent) -> None:
        answerer = self._answer_ear.text(event.text, final=isinstance(event, FinalText))
        if answerer is not None:
            self._emit(answerer)
        if isinstance(event, PartialText):
            self._onlooker.partial(event.text)
            playback = self._playback
            asking = bool(playback.lines) and playback.lines[0].silence_s is not None
            barge_in = self._taking.partial(event.text, playback.floor, asking=asking)
            if barge_in is not None:
                self._emit(Interrupted(barge_in.turn))
        elif isinstance(event, FinalText):
            turn = self._taking.final(event.text)
            if turn is not None:
                if self._feeling is not None and turn.committed_s is None:
                    self._feeling.end(turn)
                now = self._clock.monotonic()
                self._emit(Transcript(event.text, turn, self._committed_time(turn), now))

    def _committed_time(self, turn: PersonTurn) -> float | None:
        return self._committed_at.pop(id(turn), None)

    def _lose_ears(self) -> None:
        if not self._deaf:
            self._deaf = True
            self._emit(Trouble("ears_lost"))
