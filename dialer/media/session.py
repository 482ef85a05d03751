"""One call over a media socket, from its first frame to its outcome."""

import asyncio
import traceback
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from dialer.media.answering import AnswerEar
from dialer.media.books import TurnBook
from dialer.media.conversing import Conversation
from dialer.media.events import Event, SessionControl
from dialer.media.feeling import Feeling
from dialer.media.frames import Writer
from dialer.media.handover import Handover, Resumed
from dialer.media.inbound import Inbound
from dialer.media.journal import Journal
from dialer.media.mouth import Mouth
from dialer.media.playback import Playback
from dialer.media.recorder import Tape
from dialer.media.turn_taking import TurnLimits, TurnTaking
from dialer.ports import (
    Answerer,
    CallLog,
    EarsFactory,
    LastResort,
    MediaSocket,
    Mind,
    Nobody,
    Onlooker,
    PumpedSocket,
    SocketClosed,
    StreamStart,
    Voice,
    VoiceEars,
)
from voice_ai.answering import Answering
from voice_ai.clock import Clock
from voice_ai.conversation import begin
from voice_ai.conversation.answerers import told_by
from voice_ai.conversation.graph import Script
from voice_ai.conversation.prompts import comfort_line
from voice_ai.conversation.turns import Action, State

__all__ = ["SessionControl", "SessionLimits", "SessionResult", "converse"]

log = structlog.get_logger(__name__)

_CLOSE_S = 5.0
# The carrier's own end of the call, some clock seconds after ours; then the watchdog ends it.
_OVERTIME_S = 30.0
_TECHNICAL = frozenset({"media_lost", "no_media", "ears_lost", "voice_lost", "stuck", "error"})
# Far more than a conversation that still moves ever leaves waiting.
_MOST_EVENTS = 500


@dataclass(frozen=True, kw_only=True)
class SessionLimits:
    """Seconds. Those of `_MACHINE_WAITS` are waits for machines, so they are real seconds."""

    turns: TurnLimits = field(default_factory=TurnLimits)
    max_call_s: float = 170.0
    no_media_s: float = 10.0
    mark_grace_s: float = 2.0
    last_words_s: float = 3.0
    ears_backlog_s: float = 10.0
    comfort_s: float = 1.2
    stuck_s: float = 20.0

    def at_speed(self, speed: float) -> "SessionLimits":
        """In clock seconds: a rehearsal that runs faster makes people quicker, not machines."""
        factor = max(1.0, speed)
        turns = replace(
            self.turns,
            settle_s=self.turns.settle_s * factor,
            final_wait_s=self.turns.final_wait_s * factor,
        )
        scaled = {name: getattr(self, name) * factor for name in _MACHINE_WAITS}
        return replace(self, turns=turns, **scaled)


_MACHINE_WAITS = (
    "no_media_s",
    "mark_grace_s",
    "last_words_s",
    "ears_backlog_s",
    "comfort_s",
    "stuck_s",
)


@dataclass(frozen=True, kw_only=True)
class SessionResult:
    """`end_reason`: one of the script's hang-up reasons, what `SessionControl.stop` was given, or

    `fax`, `ivr`, `screening`, `message_left`, `message_cut` (the mailbox hung up over it),
    `time_up`, `human_hangup`, `media_lost`, `no_media`, `ears_lost`, `voice_lost`, `stuck` (events
    were no longer taken), `error`, `server_stopped`. `disposition` is None when the call decided
    nothing. `audio_s` is how long the person's side was heard.
    """

    end_reason: str
    disposition: str | None
    slots: Mapping[str, str]
    turns: int
    barge_ins: int
    opted_out: bool
    audio_s: float


async def converse(
    *,
    socket: PumpedSocket,
    start: StreamStart,
    script: Script,
    slots: Mapping[str, str | None],
    ears: EarsFactory,
    voice: Voice,
    mind: Mind,
    log: CallLog,
    clock: Clock,
    limits: SessionLimits,
    control: SessionControl,
    tape: Tape | None = None,
    arm: str | None = None,
    language: str | None = None,
    answerer: Answerer | None = None,
    answering: Answering | None = None,
    handover: Handover | None = None,
    resumed: Resumed | None = None,
    onlooker: Onlooker | None = None,
    last_resort: LastResort | None = None,
    voice_ears: VoiceEars | None = None,
) -> SessionResult:
    """Hold the conversation of one call; trouble of the call is in the result, never raised.

    Raises BadInput for a required slot without a value, before anything is said; CancelledError
    when the server stops, after the outcome has been logged. The log's last words are always
    `outcome` and `media_stopped`, once each, but for a call that goes to a colleague (end reason
    `transfer`): it has no outcome yet. `tape` takes down both sides for whoever gave it.
    `arm` and `language` are of the script; None is the first arm, and the file's own language.
    Without an `answerer` free-form questions get the script's fallback.
    `resumed`: the call comes back from a colleague and goes on as it stood.
    `answering`: what to do about machines; None: the default. `last_resort` says what no voice can.
    `voice_ears` hear the person's feelings, once they were told so; None: nobody does.
    """
    if resumed is None:
        state, opening = begin(script, slots, arm=arm, language=language)
    else:
        state, opening = resumed.go_on(script)
    tape = tape or Tape(0.0)
    watch = onlooker or Nobody()
    session = _MediaSession(
        socket, start, script, state, ears, voice, mind, log, clock, limits, tape, handover,
        answerer, answering or Answering(), watch, last_resort,
        Feeling.of_call(voice_ears, script, state),
        first_turn=0 if resumed is None else resumed.turns,
    )  # fmt: skip
    return await hold(session, opening, start.stream_sid, control)


async def hold(
    session: "Session", opening: Sequence[Action], stream_sid: str, control: SessionControl
) -> SessionResult:
    """From the opening to the closed books, on any transport."""
    control.attach(session.tell)
    journal = asyncio.create_task(session.journal.run())
    session.journal.write(lambda call_log: call_log.media_started(stream_sid))
    try:
        reason = await session.run(opening)
    except asyncio.CancelledError:
        control.detach()
        await asyncio.shield(session.finish("server_stopped", journal))
        raise
    control.detach()
    return await asyncio.shield(session.finish(reason, journal))


class Over(Exception):
    """Ends the session past anything in it that may be stuck."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Session(ABC):
    """Runs the parts of one call and closes its books; each transport's own puts them together."""

    _conversation: Conversation
    _book: TurnBook

    def __init__(
        self, socket: MediaSocket, call_log: CallLog, clock: Clock, limits: SessionLimits
    ) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue(_MOST_EVENTS)
        self.journal = Journal(call_log)
        self._socket = socket
        self._clock = clock
        self._limits = limits.at_speed(clock.speed)
        self._began_at = clock.monotonic()
        self._socket_closed = False
        self._flooded = False
        self._handled, self._moved_at = 0, self._began_at
        self._tasks: asyncio.TaskGroup | None = None

    @property
    @abstractmethod
    def heard_s(self) -> float:
        """How long the person's side was heard."""

    @abstractmethod
    def _beside(self) -> Sequence[Coroutine[None, None, None]]:
        """What runs beside the conversation; raises Over to end the call past it."""

    @abstractmethod
    def _is_lifeless(self, now: float) -> bool:
        """Whether nothing has come, or moved, for too long; asked again and again."""

    def tell(self, event: Event) -> None:
        """Never waits. A call that no longer takes its events is ended by its watchdog."""
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:
            self._flooded = True

    async def _watch(self) -> None:
        """By the clock, because a call without frames has no time of its own. Raises Over."""
        limits, clock = self._limits, self._clock
        latest = self._began_at + limits.max_call_s + limits.no_media_s + _OVERTIME_S
        while True:
            await clock.sleep(limits.no_media_s / 4)
            now = clock.monotonic()
            if self._is_lifeless(now):
                raise Over("no_media")
            if now > latest:
                raise Over("time_up")
            self._end_if_stuck(now, limits.stuck_s)

    def _end_if_stuck(self, now: float, longest_s: float) -> None:
        handled = self._conversation.handled
        if self.events.empty() or handled > self._handled:
            self._handled, self._moved_at = handled, now
        if self._flooded or now - self._moved_at > longest_s:
            log.error("session_stuck", events=self.events.qsize())
            raise Over("stuck")

    async def run(self, opening: Sequence[Action]) -> str:
        """The end reason."""
        reason = "error"
        try:
            async with asyncio.TaskGroup() as self._tasks:
                beside = [self._spawn(task) for task in self._beside()]
                await self._conversation.run(opening)
                reason = self._conversation.closing or reason
                # Before anything is tidied up: the person should not hear a dead line.
                await self._close_socket()
                for task in beside:
                    task.cancel()
        except* Over as over:
            reason = _first(over).reason
        except* Exception as errors:
            log.error("media_session_failed", errors=[_place(e) for e in errors.exceptions])
        return reason

    async def finish(self, reason: str, journal: asyncio.Task[None]) -> SessionResult:
        """Put the phone down first, then close the books."""
        conversation = self._conversation
        conversation.break_off()
        await self._close_socket()
        state, slots = conversation.state, dict(conversation.slots)
        disposition = conversation.disposition or state.disposition
        if disposition is None and state.spoken_to:
            disposition = "conversed_no_goal"
        elif disposition is None and reason in _TECHNICAL:
            disposition = "failed_transient"
        if reason != "transfer":
            self.journal.write(lambda call_log: call_log.outcome(disposition, reason, slots))
        self.journal.write(lambda call_log: call_log.media_stopped(reason))
        self.journal.end()
        await journal
        return SessionResult(
            end_reason=reason,
            disposition=disposition,
            slots=slots,
            turns=self._book.turns,
            barge_ins=self._book.barge_ins,
            opted_out=state.opted_out,
            audio_s=self.heard_s,
        )

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        return self._tasks.create_task(coroutine)

    async def _close_socket(self) -> None:
        if self._socket_closed:
            return
        self._socket_closed = True
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close()
        except SocketClosed:
            pass
        except TimeoutError as error:
            log.warning("media_socket_not_closed", error=type(error).__name__)


class _MediaSession(Session):
    """The parts of a call over Media Streams."""

    def __init__(
        self,
        socket: PumpedSocket,
        start: StreamStart,
        script: Script,
        state: State,
        ears: EarsFactory,
        voice: Voice,
        mind: Mind,
        call_log: CallLog,
        clock: Clock,
        limits: SessionLimits,
        tape: Tape,
        handover: Handover | None,
        answerer: Answerer | None,
        answering: Answering,
        onlooker: Onlooker,
        last_resort: LastResort | None,
        feeling: Feeling | None,
        *,
        first_turn: int,
    ) -> None:
        super().__init__(socket, call_log, clock, limits)
        limits = self._limits
        self._taking = taking = TurnTaking(limits.turns)
        self._book = TurnBook(self.journal, clock.now(), first_turn)
        playback, answer_ear = Playback(), _answer_ear(mind, comes_back=first_turn > 0)
        self._inbound = Inbound(
            socket=socket,
            ears=ears,
            language=state.language or script.language,
            taking=taking,
            answer_ear=answer_ear,
            playback=playback,
            clock=clock,
            emit=self.tell,
            backlog_s=limits.ears_backlog_s,
            mark_grace_s=limits.mark_grace_s,
            max_call_s=limits.max_call_s,
            tape=tape,
            onlooker=onlooker,
            feeling=feeling,
        )
        mouth = Mouth(
            socket, Writer(start.stream_sid), voice, playback, clock, lambda: taking.now_s, tape,
            comfort=comfort_line(script.worded(state.arm, state.language), state.slots),
            comfort_s=limits.comfort_s,
        )  # fmt: skip
        self._conversation = Conversation(
            script=script,
            state=state,
            mouth=mouth,
            playback=playback,
            taking=taking,
            book=self._book,
            mind=mind,
            call_log=call_log,
            clock=clock,
            events=self.events,
            tell=self.tell,
            spawn=self._spawn,
            last_words_s=limits.last_words_s,
            answerer=answerer,
            listen_in=self._inbound.listen_in,
            handover=handover,
            onlooker=onlooker,
            tape=tape,
            answering=answering,
            answer_ear=answer_ear,
            last_resort=last_resort,
            feeling=feeling,
        )

    @property
    def heard_s(self) -> float:
        return self._taking.now_s

    def _beside(self) -> Sequence[Coroutine[None, None, None]]:
        return self._read(), self._inbound.listen(), self._watch()

    async def _read(self) -> None:
        try:
            await self._inbound.read()
        except SocketClosed:
            self._inbound.hang_up(by_person=False)

    def _is_lifeless(self, now: float) -> bool:
        return now - self._inbound.last_frame_at > self._limits.no_media_s


def _answer_ear(mind: Mind, *, comes_back: bool) -> AnswerEar:
    """A call that comes back has been talked in: who answered is known."""
    ear = AnswerEar(lambda text: told_by(text, mind.who_says(text)))
    if comes_back:
        ear.rest()
    return ear


def _first(group: BaseExceptionGroup[Over]) -> Over:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _place(error: BaseException) -> str:
    """Type and line; the message is left out, it may quote what was said."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {where}"
