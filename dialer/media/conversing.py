"""Carries what was heard to the pure conversation, and what it answers to the person."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from math import inf
from typing import Protocol, assert_never

import structlog

from dialer.media.books import NOTHING_UNDERSTOOD, TurnBook
from dialer.media.events import (
    Emit,
    Event,
    Interrupted,
    KeyPressed,
    LastWordsLate,
    LineDropped,
    LineOver,
    MachineVerdict,
    StopOrder,
    TimeIsUp,
    Transcript,
    Trouble,
)
from dialer.media.handover import Handover, Leaving
from dialer.media.playback import Floor, Line, Playback
from dialer.media.sides import Listening, Speaking
from dialer.media.turn_taking import SilenceOver, verdict
from dialer.ports import CallLog, Mind, SocketClosed, Understanding, VoiceLost
from voice_ai.clock import Clock
from voice_ai.conversation import step
from voice_ai.conversation.graph import Script
from voice_ai.conversation.turns import (
    Action,
    Ask,
    Callback,
    Digits,
    Disposition,
    HangUp,
    Heard,
    HungUp,
    MachineDetected,
    OptOut,
    Say,
    SetSlot,
    Silence,
    Speech,
    State,
    TimeUp,
    Transfer,
    TransferFailed,
)
from voice_ai.conversation.understanding import opt_out_evidence

log = structlog.get_logger(__name__)

# After a noise made the agent stop for nothing, the question is asked again this soon.
_RESUME_S = 2.0
# The carrier has promised to take the call: so long it may go on sending us audio.
_TAKES_IT_S = 10.0

Actions = Sequence[Action]


class Spawn(Protocol):
    def __call__(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]: ...


class Conversation:
    """One call's conversation: one event after another, until `ended`."""

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
        handover: Handover | None = None,
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
        self._lingering: asyncio.Task[None] | None = None
        self._at_once = False
        self._gone = False
        self._dropped = False
        self._silence_s = script.silence_s
        self._speaking: asyncio.Task[None] | None = None
        self._heard_of_agent: str | None = None
        self._after_protected: Actions = ()

    @property
    def ended(self) -> bool:
        """There is a reason to end, all was played, and nobody was cut off in mid-sentence.

        Last words are waited for, also after a hang-up: they may ask for no more calls.
        """
        if self.closing is None or self._playback.lines:
            return False
        return self._at_once or (self._taking.open_since_s == inf and self._events.empty())

    async def run(self, opening: Actions) -> None:
        await self._act(opening, None)
        while not self.ended:
            if self.closing is not None and not self._playback.lines and not self._lingering:
                self._lingering = self._spawn(self._linger())
            await self._on(await self._events.get())
            await self._hand_over()
            self.handled += 1
            # A transcript that waits in the queue may belong to an earlier turn.
            if self._events.empty():
                self._book.write(min(self._taking.open_since_s, self._playback.open_since_s))
        if self._dropped:
            self.state, _ = step(self._script, self.state, HungUp())
            self.disposition = self.state.disposition or self.disposition
        for waiting in (self._lingering, self._leaving.patience):
            if waiting is not None:
                waiting.cancel()

    def break_off(self) -> None:
        """The call ends here, whatever is still being said."""
        self._stop_speaking()
        self._forget_lines()
        self._book.write(inf)

    async def _on(self, event: Event) -> None:
        match event:
            case Transcript():
                await self._on_transcript(event)
            case Interrupted():
                if self._playback.floor is Floor.OPEN:
                    self._heard_of_agent = await self._cut(by_person=True)
            case LineOver(line):
                await self._on_line_over(line)
            case SilenceOver(seconds):
                if self._playback.floor is Floor.QUIET:
                    await self._step(Silence(seconds))
            case KeyPressed():
                await self._on_key(event)
            case _:
                await self._on_order(event)

    async def _on_order(
        self,
        event: MachineVerdict | StopOrder | TimeIsUp | LineDropped | LastWordsLate | Trouble,
    ) -> None:
        match event:
            case MachineVerdict(kind):
                await self._step(MachineDetected(kind))
            case StopOrder(reason):
                await self._end_now(reason)
            case TimeIsUp():
                if self.closing is None and not self._leaving.under_way:
                    await self._say_last_words("time_up")
            case LineDropped(hung_up):
                await self._on_line_dropped(hung_up=hung_up)
            case LastWordsLate():
                self._lingering = None
                await self._take_partials()
                self._at_once = not self._playback.lines
            case Trouble(reason):
                await self._on_trouble(reason)
            case _:
                assert_never(event)

    async def _on_transcript(self, heard: Transcript) -> None:
        began = self._clock.monotonic()
        floor, text = self._playback.floor, heard.text
        understood = self._mind.understand(text) if text.strip() else NOTHING_UNDERSTOOD
        speech = _speech(text, understood)
        lines = self._playback.lines
        meaning = verdict(
            heard.turn,
            text,
            floor=floor,
            asking=bool(lines) and lines[0].silence_s is not None,
            opening=self._taking.opening,
            opts_out=not self.state.opted_out and opt_out_evidence(speech) is not None,
        )
        mind_ms = 1000 * (self._clock.monotonic() - began)
        if meaning != "nothing":
            self._book.transcript(
                heard, node=self.state.node, understanding=understood, mind_ms=mind_ms
            )
        if meaning == "over_protected":
            await self._step_over_protected(replace(speech, over_agent=True))
        elif meaning in ("interrupt", "answer"):
            if meaning == "interrupt":
                self._heard_of_agent = await self._cut(by_person=True)
            told, self._heard_of_agent = self._heard_of_agent, None
            await self._step(replace(speech, heard_of_agent=told), _speech_ended(heard))
        self._listen_again()

    async def _step_over_protected(self, heard: Heard) -> None:
        """Words over a prompt that must be heard count only when they lead somewhere else.

        Otherwise the question that is on its way stands, and the person can answer it.
        """
        state, actions = step(self._script, self.state, heard)
        if state.ended is None and state.node == self.state.node:
            self.state = replace(self.state, spoken_to=True)
            return
        self.state = state
        self._after_protected = actions
        await self._act_after_protected()

    async def _act_after_protected(self) -> None:
        if self._after_protected and self._playback.floor is not Floor.PROTECTED:
            actions, self._after_protected = self._after_protected, ()
            await self._cut(by_person=True)
            await self._act(actions, None)

    async def _on_line_over(self, line: Line) -> None:
        self._book.agent_line(line, heard_fraction=1.0, interrupted=False)
        await self._act_after_protected()
        if not self._playback.lines:
            self._taking.opening = False
            self._silence_s = line.silence_s or self._script.silence_s
            ends = self.closing or self._leaving.under_way
            self._taking.wait_for_answer(None if ends else self._silence_s)

    async def _hand_over(self) -> None:
        """Once everything before it was said, and nobody is in mid-sentence: it may be a no.

        What the carrier cannot do, the conversation hears.
        """
        busy = self._playback.lines or self._taking.open_since_s != inf or self.closing
        if self._leaving.asked is None or busy or not self._events.empty():
            return
        refused = await self._leaving.begin(self.state)
        if refused is not None:
            await self._step(TransferFailed(refused))
        else:
            self._leaving.patience = self._spawn(self._expect_the_carrier())

    async def _expect_the_carrier(self) -> None:
        await self._clock.sleep(_TAKES_IT_S * max(1.0, self._clock.speed))
        self._tell(LineDropped(hung_up=False))

    async def _on_key(self, key: KeyPressed) -> None:
        self._book.key_pressed(key.digit, key.at_s, node=self.state.node)
        digits = Digits(key.digit)
        opts_out = opt_out_evidence(digits) is not None and not self.state.opted_out
        if self._playback.floor is Floor.PROTECTED and not opts_out:
            return
        if self._playback.lines:
            await self._cut(by_person=True)
        await self._step(digits)
        self._listen_again()

    async def _on_trouble(self, reason: str) -> None:
        """The last line is fixed, so it is in the prompt cache when the synthesis is gone."""
        if reason == "ears_lost":
            await self._take_partials()
        if self.closing is not None:
            if reason == "voice_lost":
                await self._cut(by_person=False)
            return
        log.warning("call_in_trouble", reason=reason)
        if self._leaving.under_way:
            await self._cut(by_person=False)
            return
        known, spoken_to = self.state.disposition, self.state.spoken_to
        await self._say_last_words(reason)
        self.disposition = known or ("conversed_no_goal" if spoken_to else "failed_transient")

    async def _on_line_dropped(self, *, hung_up: bool) -> None:
        if self.closing is None and await self._leaving.taken(self.state):
            self.closing = "transfer"
        elif self.closing is None:
            self.closing = "human_hangup" if hung_up else "media_lost"
            self._dropped = hung_up
        self._gone = True
        self._stop_speaking()
        self._forget_lines()

    async def _take_partials(self) -> None:
        """What there is of the turns whose transcripts will not come."""
        for turn in self._taking.give_up():
            await self._on_transcript(Transcript(turn.partial, turn, None, None))

    async def _linger(self) -> None:
        await self._clock.sleep(self._last_words_s)
        self._tell(LastWordsLate())

    async def _say_last_words(self, reason: str) -> None:
        await self._cut(by_person=False)
        await self._step(TimeUp())
        self.closing = reason

    async def _end_now(self, reason: str) -> None:
        self._at_once = True
        self.closing = self.closing or reason
        await self._cut(by_person=False)

    async def _step(self, heard: Heard, speech_ended: float | None = None) -> None:
        self.state, actions = step(self._script, self.state, heard)
        await self._act(actions, speech_ended)

    async def _act(self, actions: Actions, speech_ended: float | None) -> None:
        if actions:
            self._after_protected, self._leaving.asked = (), None
        lines: list[Line] = []
        endpoint_s = None
        for action in actions:
            if isinstance(action, Ask):
                endpoint_s = action.endpoint_s
            if isinstance(action, Say | Ask):
                lines.append(_line(action, self.state.node))
            elif isinstance(action, Transfer):
                self._leaving.asked = action
            elif not isinstance(action, OptOut):
                self._note(action)
            elif not await self._opt_out(action.evidence):
                self.disposition, self.closing = "opt_out", "opt_out"
                break
        if actions and self._playback.lines:
            await self._cut(by_person=False)
        if lines and not self._gone:
            self._taking.listen_for(endpoint_s)
            self._say(lines, speech_ended)

    def _note(self, action: SetSlot | Callback | Disposition | HangUp) -> None:
        match action:
            case SetSlot(name, value):
                self.slots[name] = value
            case Callback(when_text):
                self.slots["callback_when"] = when_text or ""
            case Disposition(code):
                self.disposition = code
            case HangUp(reason):
                self.closing = self.closing if self._gone else reason
                self._at_once = self._at_once or reason == "machine"

    async def _opt_out(self, evidence: str) -> bool:
        """Whether it is safe to promise that no other call will come."""
        try:
            await self._log.opt_out(evidence)
        except Exception as error:
            log.critical("opt_out_not_recorded", error=type(error).__name__)
            return False
        return True

    def _say(self, lines: list[Line], speech_ended: float | None) -> None:
        self._taking.wait_for_answer(None)
        self._playback.queue(lines)
        self._speaking = self._spawn(self._speak(lines, speech_ended))

    async def _speak(self, lines: list[Line], speech_ended: float | None) -> None:
        try:
            await self._mouth.say(lines, speech_ended)
        except VoiceLost:
            self._tell(Trouble("voice_lost"))
        except SocketClosed:
            self._tell(LineDropped(hung_up=False))

    async def _cut(self, *, by_person: bool) -> str:
        """Stop the agent; what was heard of its present answer."""
        self._stop_speaking()
        if not self._playback.lines:
            return self._playback.heard_text
        if any(line.sent_bytes for line in self._playback.lines):
            try:
                await self._mouth.clear()
            except SocketClosed:
                self._tell(LineDropped(hung_up=False))
        self._forget_lines(by_person=by_person)
        return self._playback.heard_text

    def _stop_speaking(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None

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


def _line(action: Say | Ask, node: str) -> Line:
    silence_s = action.silence_s if isinstance(action, Ask) else None
    return Line(action.text, action.key, action.interruptible, node, silence_s)


def _speech(text: str, understood: Understanding) -> Speech:
    intent, emotion = understood.intent, understood.emotion
    return Speech(
        text,
        intent=intent.label if intent else None,
        intent_score=intent.score if intent else None,
        emotion=emotion.label if emotion else None,
    )


def _speech_ended(heard: Transcript) -> float | None:
    endpoint_s = heard.turn.endpoint_s
    if heard.committed_at is None or endpoint_s is None:
        return None
    return heard.committed_at - endpoint_s
