"""One call over a text socket, from its setup to its outcome."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence

from dialer.media.books import TurnBook
from dialer.media.conversing import Conversation
from dialer.media.events import SessionControl
from dialer.media.playback import Playback
from dialer.media.session import (
    Session,
    SessionLimits,
    SessionResult,
    hold,
)
from dialer.ports import Answerer, CallLog, MediaSocket, Mind, Nobody, Onlooker, SocketClosed
from dialer.relay import wire
from dialer.relay.hearing import Hearing
from dialer.relay.inbound import Inbound
from dialer.relay.mouth import TextMouth
from voice_ai.clock import Clock
from voice_ai.conversation import begin
from voice_ai.conversation.graph import Script
from voice_ai.conversation.turns import State

# The carrier closes the socket after an `end`; real seconds that it is waited for.
_FAREWELL_S = 1.0
# A longer time between two looks at it, and the machine stood still; the second is real.
_TICK_S = 0.3
_STALL_S = 0.05
# Nothing moves and no time that passes will move it: this many times `no_media_s` are waited.
_STUCK_FOR = 3


async def converse(
    *,
    socket: MediaSocket,
    setup: wire.Setup,
    script: Script,
    slots: Mapping[str, str | None],
    mind: Mind,
    log: CallLog,
    clock: Clock,
    limits: SessionLimits,
    control: SessionControl,
    onlooker: Onlooker | None = None,
    arm: str | None = None,
    answerer: Answerer | None = None,
) -> SessionResult:
    """Hold the conversation of one call, as `dialer.media.session.converse` does over audio.

    The same promises: BadInput before anything is said, trouble of the call in the result, the
    log's last words `outcome` and `media_stopped`. `no_media` says that nothing moved any more.
    """
    state, opening = begin(script, slots, arm=arm)
    watch = onlooker or Nobody()
    session = _RelaySession(socket, script, state, mind, log, clock, limits, watch, answerer)
    return await hold(session, opening, setup.session_id, control)


class _RelaySession(Session):
    """The parts of a call over ConversationRelay."""

    def __init__(
        self,
        socket: MediaSocket,
        script: Script,
        state: State,
        mind: Mind,
        call_log: CallLog,
        clock: Clock,
        limits: SessionLimits,
        onlooker: Onlooker,
        answerer: Answerer | None,
    ) -> None:
        super().__init__(socket, call_log, clock, limits)
        limits = self._limits
        self._gone = False
        self._alive_at = self._began_at
        self._read_out = asyncio.Event()
        self._hearing = hearing = Hearing(
            clock.monotonic, limits.turns.final_wait_s, max(_TICK_S, _STALL_S * clock.speed)
        )
        self._book = TurnBook(self.journal, clock.now())
        self._playback = playback = Playback()
        mouth = TextMouth(socket, playback, clock, lambda: hearing.now_s, script.language)
        self._inbound = Inbound(
            socket=socket,
            hearing=hearing,
            mouth=mouth,
            playback=playback,
            clock=clock,
            emit=self.tell,
            max_call_s=limits.max_call_s,
            onlooker=onlooker,
        )
        self._conversation = Conversation(
            script=script,
            state=state,
            mouth=mouth,
            playback=playback,
            taking=hearing,
            book=self._book,
            mind=mind,
            call_log=call_log,
            clock=clock,
            events=self.events,
            tell=self.tell,
            spawn=self._spawn,
            last_words_s=limits.last_words_s,
            onlooker=onlooker,
            answerer=answerer,
        )

    @property
    def heard_s(self) -> float:
        return self._hearing.now_s

    def _beside(self) -> Sequence[Coroutine[None, None, None]]:
        return self._read(), self._inbound.keep_time(), self._watch()

    async def _read(self) -> None:
        try:
            await self._inbound.read()
        except SocketClosed as closed:
            self._gone = True
            self._inbound.hang_up(by_person=closed.properly)
        finally:
            self._read_out.set()

    def _is_lifeless(self, now: float) -> bool:
        """That nothing can move it any more."""
        if self._will_move:
            self._alive_at = now
        return now - self._alive_at > _STUCK_FOR * self._limits.no_media_s

    @property
    def _will_move(self) -> bool:
        lines = self._playback.lines
        return self._hearing.waits or bool(lines and lines[0].all_sent)

    async def _close_socket(self) -> None:
        """Say so first: to the carrier a socket that just closes is an application that broke."""
        if not self._socket_closed and not self._gone:
            reason = self._conversation.closing or "error"
            try:
                async with asyncio.timeout(_FAREWELL_S):
                    await self._socket.send(wire.end({"reason": reason}))
                    await self._read_out.wait()
            except (SocketClosed, TimeoutError):
                pass
        await super()._close_socket()
