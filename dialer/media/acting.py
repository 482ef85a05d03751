"""What a conversation does: one step of the script after another, said, stopped and noted."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Protocol

from dialer.media.answered import Answered
from dialer.media.answering import AnswerEar
from dialer.media.books import TurnBook
from dialer.media.events import (
    Emit,
    Event,
)
from dialer.media.feeling import Feeling
from dialer.media.handover import Handover, Leaving
from dialer.media.journal import opt_out_recorded
from dialer.media.playback import Floor, Line, Playback
from dialer.media.recorder import Tape
from dialer.media.sides import Listening, Speaking
from dialer.media.speaker import Speaker
from dialer.media.thinking import Thinking
from dialer.media.translating import line_of
from dialer.ports import Answerer, CallLog, LastResort, Mind, Nobody, Onlooker
from voice_ai.answering import Answering
from voice_ai.clock import Clock
from voice_ai.conversation import step
from voice_ai.conversation.graph import Script
from voice_ai.conversation.prompts import comfort_line
from voice_ai.conversation.turns import (
    Action,
    Ask,
    Callback,
    Disposition,
    FindAnswer,
    HangUp,
    Heard,
    Judged,
    OptOut,
    Say,
    SetSlot,
    State,
    Transfer,
)

# After a noise made the agent stop for nothing, the question is asked again this soon.
_RESUME_S = 2.0

Actions = Sequence[Action]


class Spawn(Protocol):
    def __call__(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]: ...


class Acting:
    """The agent's side of one call, and what is known of the call so far."""

    def __init__(
        self,
        *,
        script: Script,
        state: State,
        mouth: Speaking,
        playback: Playback,
        taking: Listening,
        book: TurnBook,
        mind: Mind,
        call_log: CallLog,
        clock: Clock,
        events: asyncio.Queue[Event],
        tell: Emit,
        spawn: Spawn,
        last_words_s: float,
        answerer: Answerer | None = None,
        listen_in: Callable[[str], None] = lambda language: None,
        handover: Handover | None = None,
        answering: Answering | None = None,
        answer_ear: AnswerEar | None = None,
        onlooker: Onlooker | None = None,
        tape: Tape | None = None,
        last_resort: LastResort | None = None,
        feeling: Feeling | None = None,
    ) -> None:
        self.state = state
        self.closing: str | None = None
        self.handled = 0
        self.disposition: str | None = state.disposition
        self.slots: dict[str, str] = {}
        self._script = script
        self._mouth = mouth
        self._playback = playback
        self._taking = taking
        self._book = book
        self._mind = mind
        self._log = call_log
        self._clock = clock
        self._events = events
        self._tell = tell
        self._spawn = spawn
        self._last_words_s = last_words_s
        self._leaving = Leaving(handover)
        self._onlooker = onlooker or Nobody()
        self._tape = tape or Tape(0.0)
        self._unrecorded = state.unrecorded
        self._last_resort = last_resort
        self._feeling = feeling
        self._lingering: asyncio.Task[None] | None = None
        self._at_once = False
        self._gone = False
        self._dropped = False
        self._silence_s = script.silence_s
        self._speaker = Speaker(mouth, tell, spawn)
        self._heard_of_agent: str | None = None
        self._after_protected: Actions = ()
        self._thinking = Thinking(answerer, clock, tell, spawn)
        self._asked_at: float | None = None
        self._listen_in = listen_in
        self._language = state.language or script.language
        self._answered = Answered(
            script=script,
            policy=answering or Answering(),
            ear=answer_ear or AnswerEar(),
            talk=self,
            taking=taking,
            act=self._act,
            end_now=self._end_now,
            hush=self._hush,
        )

    def wait_quietly(self, seconds: float) -> None:
        """For `Answered`: so much silence is told to it."""
        self._heard_of_agent = None
        self._silence_s = seconds
        self._taking.wait_for_answer(seconds)

    async def _hush(self) -> None:
        await self._cut(by_person=False)

    async def _end_now(self, reason: str) -> None:
        self._at_once = True
        self.closing = self.closing or reason
        await self._cut(by_person=False)

    async def _step(self, heard: Heard, speech_ended: float | None = None) -> None:
        self.state, actions = step(self._script, self.state, heard)
        self._answered.stepped()
        self._heed_objection()
        await self._act(actions, speech_ended)

    async def _say_by_carrier(self, lines: Sequence[Line]) -> None:
        """What no voice of ours can say any more: nobody is hung up on without a word."""
        text = " ".join(line.text for line in lines)
        if not text or self._gone or self._last_resort is None:
            return
        if await self._last_resort.say_and_end(text, self._language):
            said = replace(lines[-1], text=text, key=None)
            said.starts_s = said.ended_s = self._taking.now_s
            self._book.agent_line(said, heard_fraction=1.0, interrupted=False)

    def _heed_objection(self) -> None:
        """Who does not want to be recorded is not, from the first word on, nor listened to."""
        if self.state.unrecorded and not self._unrecorded:
            self._unrecorded = True
            self._tape.discard()
            self._feel_no_more()
            self._book.recording_declined()

    def _feel_no_more(self) -> None:
        if self._feeling is not None:
            self._feeling.stop()

    async def _act(
        self,
        actions: Actions,
        speech_ended: float | None,
        *,
        behind: bool = False,
        mind_ms: float | None = None,
    ) -> None:
        if actions:
            self._after_protected, self._leaving.asked = (), None
        if self.state.thinking is None:
            self._thinking.stop()
        spoken = self.state.language or self._script.language
        if spoken != self._language:
            self._language = spoken
            self._listen_in(spoken)
            worded = self._script.worded(self.state.arm, self.state.language)
            self._mouth.speak_in(spoken, comfort_line(worded, self.state.slots))
        lines: list[Line] = []
        endpoint_s = None
        for action in actions:
            if isinstance(action, Ask):
                endpoint_s = action.endpoint_s
            if isinstance(action, Say | Ask):
                lines.append(line_of(action, self.state.node))
            elif not await self._do(action, speech_ended):
                break
        if actions and self._playback.lines and not behind:
            await self._cut(by_person=False)
        if lines and not self._gone:
            lines[0].mind_ms = mind_ms
            self._taking.listen_for(endpoint_s)
            self._say(lines, speech_ended)

    async def _do(
        self,
        action: OptOut | Transfer | FindAnswer | SetSlot | Callback | Disposition | HangUp | Judged,
        speech_ended: float | None,
    ) -> bool:
        """Everything but speaking; False: nothing more may be said."""
        if isinstance(action, FindAnswer):
            self._asked_at = speech_ended
            self._thinking.begin(action)
        elif isinstance(action, Transfer):
            self._leaving.asked = action
        elif not isinstance(action, OptOut):
            self._note(action)
        elif not await opt_out_recorded(self._log, action.evidence):
            self.disposition, self.closing = "opt_out", "opt_out"
            return False
        return True

    def _note(self, action: SetSlot | Callback | Disposition | HangUp | Judged) -> None:
        match action:
            case Judged(why):
                self._book.answered_freely(why)
            case SetSlot(name, value):
                self.slots[name] = value
            case Callback(when_text):
                self.slots["callback_when"] = when_text or ""
            case Disposition(code):
                self.disposition = code
            case HangUp(reason):
                self.closing = self.closing if self._gone else reason
                self._at_once = self._at_once or reason == "machine"

    def _say(self, lines: list[Line], speech_ended: float | None) -> None:
        self._taking.wait_for_answer(None)
        behind = bool(self._playback.lines)
        self._playback.queue(lines)
        self._onlooker.saying(" ".join(line.text for line in lines))
        self._speaker.say(lines, speech_ended, behind=behind)

    async def _cut(self, *, by_person: bool) -> str:
        """Stop the agent; what was heard of its present answer."""
        self._speaker.stop()
        if not self._playback.lines:
            return self._playback.heard_text
        if any(line.sent_bytes for line in self._playback.lines):
            await self._speaker.clear()
        self._forget_lines(by_person=by_person)
        return self._playback.heard_text

    def _forget_lines(self, *, by_person: bool = False) -> None:
        self._taking.opening = False
        for cut in self._playback.cut(self._taking.now_s):
            if cut.heard_fraction > 0.0:
                self._book.agent_line(
                    cut.line, heard_fraction=cut.heard_fraction, interrupted=by_person
                )

    def _listen_again(self) -> None:
        """Nothing was answered and nothing is being said: do not wait for ever."""
        ends = self.closing or self._leaving.under_way
        if not ends and self._playback.floor is Floor.QUIET:
            stopped_for_nothing = self._heard_of_agent is not None
            self._heard_of_agent = None
            self._taking.wait_for_answer(_RESUME_S if stopped_for_nothing else self._silence_s)
