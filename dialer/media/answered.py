"""What is done about who answered: the campaign's policy, carried out in one call.

A mailbox is hung up on, or left the script's message after its beep, once. A screener is told once
who calls and why; then whoever comes on is talked to from the beginning.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Protocol

from dialer.media.answering import AnswerEar
from dialer.media.sides import Listening
from dialer.media.turn_taking import is_pick_up
from voice_ai.answering import Answering, AnswerVerdict, Label, who_answered
from voice_ai.conversation import begin
from voice_ai.conversation.answerers import only_asks_to_wait
from voice_ai.conversation.graph import Script
from voice_ai.conversation.turns import Action, DispositionCode, State
from voice_ai.conversation.unattended import introduction, message

# Mailboxes pause inside a greeting and before the beep; some have no beep at all.
NO_BEEP_S = 4.0
# A screener is answered when it has finished; it must not be talked over.
SCREENER_PAUSE_S = 1.0
# How long a screener may take to bring somebody to the line.
PATIENCE_S = 25.0
# No greeting is longer than this: it is hold music, or a menu that goes round.
LONGEST_GREETING_S = 60.0


class Stage(Enum):
    TALKING = "talking"
    AWAITING_BEEP = "awaiting_beep"
    LEAVING = "leaving"
    HEARING_SCREENER = "hearing_screener"
    INTRODUCING = "introducing"
    AWAITING_PERSON = "awaiting_person"
    OVER = "over"


class Talk(Protocol):
    """The conversation, as far as it is taken over here."""

    state: State
    disposition: str | None
    closing: str | None

    def wait_quietly(self, seconds: float) -> None:
        """From now on, that much silence is to be told by `Answered.silence`."""


Act = Callable[[Sequence[Action], float | None], Awaitable[None]]
EndNow = Callable[[str], Awaitable[None]]


class Answered:
    """`act` stops what is being said and says something else; `end_now` puts the phone down."""

    def __init__(
        self,
        *,
        script: Script,
        policy: Answering,
        ear: AnswerEar,
        talk: Talk,
        taking: Listening,
        act: Act,
        end_now: EndNow,
        hush: Callable[[], Awaitable[object]],
    ) -> None:
        self.stage = Stage.TALKING
        self._script = script
        self._policy = policy
        self._ear = ear
        self._talk = talk
        self._taking = taking
        self._act = act
        self._end_now = end_now
        self._hush = hush
        self._own: AnswerVerdict | None = None
        self._carrier: str | None = None
        self._since_s = 0.0

    @property
    def reason_if_dropped(self) -> str | None:
        """The end reason when the line goes now; None while this is a conversation."""
        match self.stage:
            case Stage.AWAITING_BEEP:
                return "machine"
            case Stage.LEAVING:
                return "message_cut"
            case Stage.HEARING_SCREENER | Stage.INTRODUCING | Stage.AWAITING_PERSON:
                return "screening"
            case _:
                return None

    async def own_says(self, verdict: AnswerVerdict) -> None:
        self._own = verdict
        await self._judge()

    async def carrier_says(self, kind: str) -> None:
        self._carrier = kind
        if self.stage is Stage.AWAITING_BEEP and kind.startswith("machine_end"):
            await self._leave()
        else:
            await self._judge()

    async def beep(self) -> None:
        if self.stage is Stage.AWAITING_BEEP:
            await self._leave()

    async def silence(self) -> bool:
        """Whether the silence was waited for here."""
        match self.stage:
            case Stage.AWAITING_BEEP:
                await self._leave()
            case Stage.HEARING_SCREENER:
                await self._introduce()
            case Stage.AWAITING_PERSON:
                await self._end("screening")
            case _:
                return self.stage is not Stage.TALKING
        return True

    async def heard(self, text: str, *, opts_out: bool) -> bool:
        """Whether the words were not for the conversation. An opt-out always is."""
        if self.stage is Stage.TALKING or opts_out:
            return False
        if self.stage is Stage.AWAITING_BEEP:
            await self._heard_before_beep(text)
        elif self.stage is Stage.AWAITING_PERSON and text.strip():
            await self._heard_after_introduction(text)
        return True

    def stepped(self) -> None:
        """The conversation went on: who answers questions is a person, whatever words they use."""
        if self._talk.state.answers > 0:
            self._ear.rest()

    async def line_over(self, *, last: bool) -> None:
        """A sentence of ours was played to its end; `last`: none is left."""
        if not last:
            return
        if self.stage is Stage.LEAVING:
            self.stage = Stage.OVER
            await self._end_now("message_left")
        elif self.stage is Stage.INTRODUCING:
            self.stage = Stage.AWAITING_PERSON
            self._talk.wait_quietly(PATIENCE_S)

    async def _judge(self) -> None:
        if self._talk.state.answers > 0:
            return  # verdicts come late and err
        waiting = self.stage is Stage.AWAITING_PERSON
        if self._talk.closing is not None or not (waiting or self._is_open):
            return
        if self._is_to_be_told_more:
            return
        label = who_answered(self._own, self._carrier)
        if waiting and label == "screening":
            return  # known; a second prompt is told by its words
        await self._follow(label)

    @property
    def _is_to_be_told_more(self) -> bool:
        """The carrier's machine may be a screener: our own ears will know in a moment."""
        if self._policy.screening == "hang_up" or self._carrier != "machine_start":
            return False
        return self._own is None and self._ear.is_undecided

    @property
    def _is_open(self) -> bool:
        return self.stage is Stage.TALKING and self._talk.state.ended is None

    async def _follow(self, label: Label) -> None:
        policy = self._policy
        match label:
            case "human" | "unknown":
                return
            case "machine" if policy.machine == "leave_message" and not self._is_intercept:
                await self._await_beep()
            case "screening" if policy.screening == "answer_once":
                await self._hear_screener()
            case "ivr" if policy.ivr == "talk":
                return
            case _:
                await self._end(label)

    @property
    def _is_intercept(self) -> bool:
        return self._own is not None and self._own.why == "intercept"

    async def _await_beep(self) -> None:
        self._set_aside(Stage.AWAITING_BEEP)
        await self._hush()
        if (self._carrier or "").startswith("machine_end") or self._has_beeped:
            await self._leave()
        else:
            self._talk.wait_quietly(NO_BEEP_S)

    @property
    def _has_beeped(self) -> bool:
        return self._own is not None and self._own.why == "beep"

    async def _hear_screener(self) -> None:
        self._set_aside(Stage.HEARING_SCREENER)
        await self._hush()
        self._talk.wait_quietly(SCREENER_PAUSE_S)

    @property
    def _worded(self) -> Script:
        state = self._talk.state
        return self._script.worded(state.arm, state.language)

    async def _leave(self) -> None:
        said = message(self._worded, self._talk.state)
        if not said:
            await self._end("machine")
            return
        self.stage = Stage.LEAVING
        await self._act(said, None)

    async def _introduce(self) -> None:
        self.stage = Stage.INTRODUCING
        await self._act(introduction(self._worded, self._talk.state), None)

    async def _heard_before_beep(self, text: str) -> None:
        by_words = (
            self._own is not None and self._own.label == "machine" and "words" in self._own.why
        )
        if not by_words and is_pick_up(text):
            await self._begin_again()
        elif self._taking.now_s - self._since_s > LONGEST_GREETING_S:
            await self._end("machine")

    async def _heard_after_introduction(self, text: str) -> None:
        if only_asks_to_wait(text):
            return
        told = self._ear.told(text)
        if told is None or told.label == "human":
            await self._begin_again()
        elif told.label == "screening":
            await self._end("screening")  # it asks a second time
        else:
            await self._follow(told.label)

    async def _begin_again(self) -> None:
        """Somebody is there: who calls, and all the rest, is for them to hear."""
        self.stage = Stage.TALKING
        self._own = self._carrier = None
        self._ear.rest()
        before = self._talk.state
        state, opening = begin(self._script, before.slots, arm=before.arm, language=before.language)
        self._talk.state = replace(state, spoken_to=True)
        self._talk.disposition = None
        await self._act(opening, None)

    async def _end(self, reason: str) -> None:
        self._set_aside(Stage.OVER)
        await self._end_now(reason)

    def _set_aside(self, stage: Stage) -> None:
        """The script's conversation is over, unless somebody comes on; an opt-out still counts."""
        self.stage = stage
        self._since_s = self._taking.now_s
        code: DispositionCode = "machine"
        talk = self._talk
        talk.state = replace(talk.state, ended="machine", disposition=code, question=None)
        talk.disposition = code
