"""Carries what was heard to the pure conversation, and what it answers to the person."""

from dataclasses import replace
from math import inf
from typing import assert_never

import structlog

from dialer.media.acting import Acting, Actions
from dialer.media.answering import BeepHeard
from dialer.media.books import NOTHING_UNDERSTOOD
from dialer.media.events import (
    AnswerFound,
    Event,
    FillerDue,
    Interrupted,
    KeyPressed,
    LastWordsLate,
    LineDropped,
    LineOver,
    MachineVerdict,
    Order,
    StopOrder,
    TimeIsUp,
    Transcript,
    Trouble,
)
from dialer.media.playback import Floor, Line
from dialer.media.translating import line_of, speech_ended_at, speech_of
from dialer.media.turn_taking import SilenceOver, verdict
from voice_ai.answering import AnswerVerdict
from voice_ai.conversation import step
from voice_ai.conversation.turns import (
    Digits,
    FindAnswer,
    Heard,
    HungUp,
    Silence,
    TimeUp,
    TransferFailed,
)
from voice_ai.conversation.understanding import opt_out_evidence

log = structlog.get_logger(__name__)

# The carrier has promised to take the call: so long it may go on sending us audio.
_TAKES_IT_S = 10.0


class Conversation(Acting):
    """One call's conversation: one event after another, until `ended`."""

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
        self._thinking.stop()
        for waiting in (self._lingering, self._leaving.patience):
            if waiting is not None:
                waiting.cancel()

    def break_off(self) -> None:
        """The call ends here, whatever is still being said."""
        self._speaker.stop()
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
                if self._playback.floor is Floor.QUIET and not await self._answered.silence():
                    await self._step(Silence(seconds))
            case KeyPressed():
                await self._on_key(event)
            case _:
                await self._on_order(event)

    async def _on_order(self, event: Order) -> None:
        match event:
            case FillerDue(asked):
                self._fill(asked)
            case AnswerFound():
                await self._on_answer(event)
            case MachineVerdict() | AnswerVerdict() | BeepHeard():
                await self._on_answerer(event)
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

    async def _on_answerer(self, event: MachineVerdict | AnswerVerdict | BeepHeard) -> None:
        """Of who answered."""
        match event:
            case MachineVerdict(kind):
                await self._answered.carrier_says(kind)
            case AnswerVerdict():
                self._book.answered(event)
                await self._answered.own_says(event)
            case BeepHeard():
                await self._answered.beep()

    async def _on_transcript(self, heard: Transcript) -> None:
        began = self._clock.monotonic()
        floor, text = self._playback.floor, heard.text
        understood = self._mind.understand(text) if text.strip() else NOTHING_UNDERSTOOD
        if self._feeling is not None:
            understood = self._feeling.understood(understood, heard.turn.felt)
        speech = speech_of(text, understood, self._language)
        lines = self._playback.lines
        opts_out = not self.state.opted_out and opt_out_evidence(speech) is not None
        meaning = verdict(
            heard.turn,
            text,
            floor=floor,
            asking=bool(lines) and lines[0].silence_s is not None,
            opening=self._taking.opening,
            opts_out=opts_out,
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
            if not await self._answered.heard(text, opts_out=opts_out):
                await self._step(replace(speech, heard_of_agent=told), speech_ended_at(heard))
        self._listen_again()

    async def _step_over_protected(self, heard: Heard) -> None:
        """Words over a prompt that must be heard count only when they lead somewhere else.

        Otherwise the question that is on its way stands, and the person can answer it.
        """
        state, actions = step(self._script, self.state, heard)
        objects = state.unrecorded and not self.state.unrecorded
        if state.ended is None and state.node == self.state.node and not objects:
            self.state = replace(self.state, spoken_to=True)
            return
        self.state = state
        self._heed_objection()
        self._after_protected = actions
        await self._act_after_protected()

    async def _act_after_protected(self) -> None:
        if self._after_protected and self._playback.floor is not Floor.PROTECTED:
            actions, self._after_protected = self._after_protected, ()
            await self._cut(by_person=True)
            await self._act(actions, None)

    async def _on_line_over(self, line: Line) -> None:
        self._book.agent_line(line, heard_fraction=1.0, interrupted=False)
        if line.notice:
            self.state = replace(self.state, noticed=True)
        await self._act_after_protected()
        if not self._playback.lines:
            self._taking.opening = False
            self._silence_s = line.silence_s or self._script.silence_s
            ends = self.closing or self._leaving.under_way
            self._taking.wait_for_answer(None if ends else self._silence_s)
        await self._answered.line_over(last=not self._playback.lines)

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
            self._feel_no_more()
            self._leaving.patience = self._spawn(self._expect_the_carrier())

    async def _expect_the_carrier(self) -> None:
        await self._clock.sleep(_TAKES_IT_S * max(1.0, self._clock.speed))
        self._tell(LineDropped(hung_up=False))

    def _fill(self, asked: FindAnswer) -> None:
        """A word for who waits, unless somebody speaks or nobody waits any more."""
        thinking = self.state.thinking
        waits = thinking is not None and thinking.id == asked.id
        if waits and self._playback.floor is Floor.QUIET and self._taking.open_since_s == inf:
            self._say([line_of(asked.filler, self.state.node)], self._asked_at)
            self._asked_at = None

    async def _on_answer(self, found: AnswerFound) -> None:
        """Said behind the filler, not over it."""
        self.state, actions = step(self._script, self.state, found.answered)
        asked_at, self._asked_at = self._asked_at, None
        await self._act(actions, asked_at, behind=True, mind_ms=found.waited_ms)

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
        """The last line is fixed, so it is in the prompt cache when the synthesis is gone.

        Where it is not, the carrier says it.
        """
        if reason == "ears_lost":
            await self._take_partials()
        if self.closing is not None:
            if reason == "voice_lost":
                unsaid = self._playback.lines
                await self._cut(by_person=False)
                await self._say_by_carrier(unsaid)
            return
        log.warning("call_in_trouble", reason=reason)
        if self._leaving.under_way:
            await self._cut(by_person=False)
            return
        known, spoken_to = self.state.disposition, self.state.spoken_to
        await self._say_last_words(reason)
        self.disposition = known or ("conversed_no_goal" if spoken_to else "failed_transient")

    async def _on_line_dropped(self, *, hung_up: bool) -> None:
        self.closing = self.closing or self._answered.reason_if_dropped
        if self.closing is None and await self._leaving.taken(self.state):
            self.closing = "transfer"
        elif self.closing is None:
            self.closing = "human_hangup" if hung_up else "media_lost"
            self._dropped = hung_up
        self._gone = True
        self._speaker.stop()
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
