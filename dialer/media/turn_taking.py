"""Who may speak: when the person's turn is over, whether they interrupt, how long to wait for them.

No I/O and no clock: time is the audio that was heard, in seconds, so that a call goes the same way
on a busy machine and at any speed. Two witnesses are heard, the loudness of the line and the
recogniser's text; either alone is enough to notice a person.
"""

import re
import unicodedata
from collections import deque
from dataclasses import dataclass
from math import inf
from typing import Literal

from dialer.media.frames import SAMPLE_RATE
from dialer.media.playback import Floor
from dialer.media.voice_activity import VoiceActivity
from dialer.ports import Prediction


@dataclass(frozen=True, kw_only=True)
class TurnLimits:
    """Seconds of audio. `settle_s` and `final_wait_s` are waits for the recogniser.

    `endpoint_s` ends what is said when nothing was asked; a question brings its own.
    """

    endpoint_s: float = 0.5
    shortest_speech_s: float = 0.1
    barge_in_s: float = 0.2
    sustained_s: float = 0.7
    longest_turn_s: float = 30.0
    settle_s: float = 2.0
    final_wait_s: float = 4.0


@dataclass
class PersonTurn:
    """One stretch of speech. `over` is what the agent did at its onset; `cut` that it was stopped.

    `noticed_by_text` when the recogniser heard what was too quiet for the loudness. `felt` is the
    emotion in its sound, where anybody listens for it.
    """

    onset_s: float
    voiced_until_s: float
    over: Floor
    voiced_s: float = 0.0
    voiced_over_open_s: float = 0.0
    partial: str = ""
    partial_at_s: float = 0.0
    noticed_by_text: bool = False
    cut: bool = False
    committed_s: float | None = None
    felt: Prediction | None = None

    @property
    def endpoint_s(self) -> float | None:
        """From the end of the speech to the decision that it was the end."""
        if self.committed_s is None or self.noticed_by_text:
            return None
        return self.committed_s - self.voiced_until_s


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """The recogniser should commit now."""

    turn: PersonTurn


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The person speaks over the agent and means it."""

    turn: PersonTurn


@dataclass(frozen=True, slots=True)
class FinalMissing:
    """The recogniser owes a transcript for too long; `turn.partial` is all there is."""

    turn: PersonTurn


@dataclass(frozen=True, slots=True)
class SilenceOver:
    """Nobody spoke for this long after a question."""

    seconds: float


Signal = EndOfTurn | BargeIn | FinalMissing | SilenceOver
Verdict = Literal["nothing", "answer", "interrupt", "aside", "over_protected"]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[a-z']+", re.sub(r"[\u0300-\u036f]", "", folded))


_WORDLESS = frozenset(_words("mhm mm mmm mhmm hm hmm uh huh aha ah oh um er"))
_LISTENING = _WORDLESS | frozenset(
    _words("okay ok right yeah yep yup sure alright i see got it fine good")
    + _words("si claro vale aja ya bueno muy bien")
)
_PICK_UP = frozenset(
    _words("hello hi hey yes yeah yep good morning afternoon evening speaking there this is")
    + _words("hola bueno diga digame alo si buenos dias buenas tardes noches")
)


def is_backchannel(text: str, *, asking: bool) -> bool:
    """Sounds of listening. Over a question, words such as "okay" may already be the answer."""
    words = _words(text)
    return bool(words) and all(word in (_WORDLESS if asking else _LISTENING) for word in words)


def is_pick_up(text: str) -> bool:
    """What people say when they lift the phone, before they have heard anything."""
    words = _words(text)
    return bool(words) and all(word in _PICK_UP for word in words)


def verdict(
    turn: PersonTurn, text: str, *, floor: Floor, asking: bool, opening: bool, opts_out: bool
) -> Verdict:
    """What a transcript means for the agent's own speech.

    `over_protected`: heard, but nothing is stopped for it. An opt-out stops everything.
    """
    if not text.strip():
        return "nothing"
    if floor is Floor.QUIET:
        return "answer"
    if opts_out:
        return "interrupt"
    if floor is Floor.PROTECTED or turn.over is Floor.PROTECTED:
        return "over_protected"
    if opening and is_pick_up(text):
        return "over_protected"
    return "aside" if is_backchannel(text, asking=asking) else "interrupt"


class TurnTaking:
    """Fed with every frame and every text; answers with a signal when something is to be done."""

    def __init__(self, limits: TurnLimits) -> None:
        self.opening = True
        self._limits = limits
        self._activity = VoiceActivity()
        self._turn: PersonTurn | None = None
        self._owed: deque[PersonTurn] = deque()
        self._given_up: str | None = None
        self._silence_from_s = 0.0
        self._silence_s: float | None = None
        self._endpoint_s = limits.endpoint_s

    @property
    def now_s(self) -> float:
        """Seconds of audio heard."""
        return self._activity.now_s

    @property
    def open_since_s(self) -> float:
        """The onset of the earliest turn whose transcript is still to come; inf for none."""
        if self._owed:
            return self._owed[0].onset_s
        return inf if self._turn is None else self._turn.onset_s

    @property
    def speaking_since_s(self) -> float | None:
        """The onset of what the person is saying; None: they are not."""
        return None if self._turn is None else self._turn.onset_s

    def wait_for_answer(self, silence_s: float | None) -> None:
        """From now on, that much silence is `SilenceOver`; None: wait for nothing."""
        self._silence_from_s, self._silence_s = self.now_s, silence_s

    def listen_for(self, endpoint_s: float | None) -> None:
        """Such a pause ends what is said from now on; None: nothing was asked."""
        self._endpoint_s = self._limits.endpoint_s if endpoint_s is None else endpoint_s

    def hear(self, frame: bytes, floor: Floor) -> Signal | None:
        voiced = self._activity.feed(frame)
        if voiced:
            return self._voiced(len(frame) / SAMPLE_RATE, floor)
        if self._turn is not None:
            return self._end_of_turn(self._turn)
        if self._owed:
            return self._owed_too_long()
        return self._silence()

    def partial(self, text: str, floor: Floor, *, asking: bool) -> BargeIn | None:
        """The recogniser's changing text of what is being said."""
        if not text.strip():
            return None
        turn = self._turn
        if turn is None:
            if self._owed:
                self._owed[-1].partial = text
                return None
            turn = self._begin(self.now_s, floor)
            turn.noticed_by_text = True
        if text != turn.partial:
            turn.partial, turn.partial_at_s = text, self.now_s
        enough = turn.noticed_by_text or turn.voiced_s >= self._limits.barge_in_s
        if turn.cut or floor is not Floor.OPEN or not enough or turn.over is Floor.PROTECTED:
            return None
        if is_backchannel(text, asking=asking) or (self.opening and is_pick_up(text)):
            return None
        turn.cut = True
        return BargeIn(turn)

    def final(self, text: str) -> PersonTurn | None:
        """The turn a transcript belongs to; None when it was given up and its partial text used."""
        if self._owed:
            return self._owed.popleft()
        turn = self._turn
        if turn is None:
            given_up, self._given_up = self._given_up, None
            if not text.strip() or (given_up and text.startswith(given_up)):
                return None
            return PersonTurn(self.now_s, self.now_s, Floor.QUIET)
        self._turn = None
        self._activity.end_turn()
        return turn

    def end_now(self) -> EndOfTurn | None:
        """The line is gone: whoever was speaking has finished."""
        return None if self._turn is None else self._commit(self._turn)

    def give_up(self) -> list[PersonTurn]:
        """Stop waiting for transcripts; the turns they were owed for."""
        turns = [*self._owed, *([self._turn] if self._turn is not None else [])]
        self._owed.clear()
        self._turn = None
        return turns

    def _begin(self, onset_s: float, floor: Floor) -> PersonTurn:
        self._turn = PersonTurn(onset_s, self.now_s, floor, partial_at_s=self.now_s)
        return self._turn

    def _voiced(self, seconds: float, floor: Floor) -> Signal | None:
        turn = self._turn
        if turn is None:
            onset_s = self._activity.onset_s
            turn = self._begin(self.now_s if onset_s is None else onset_s, floor)
            turn.voiced_s = self.now_s - turn.onset_s - seconds
        turn.noticed_by_text = False
        turn.voiced_until_s = self.now_s
        turn.voiced_s += seconds
        if floor is Floor.OPEN:
            turn.voiced_over_open_s += seconds
            if not turn.cut and turn.voiced_over_open_s >= self._limits.sustained_s:
                turn.cut = True
                return BargeIn(turn)
        return self._end_of_turn(turn)

    def _end_of_turn(self, turn: PersonTurn) -> EndOfTurn | None:
        now_s, limits = self.now_s, self._limits
        quiet = not turn.noticed_by_text and now_s - turn.voiced_until_s >= self._endpoint_s
        settled = bool(turn.partial) and now_s - turn.partial_at_s >= limits.settle_s
        if not quiet and not settled and now_s - turn.onset_s < limits.longest_turn_s:
            return None
        return self._commit(turn)

    def _commit(self, turn: PersonTurn) -> EndOfTurn | None:
        self._turn = None
        self._activity.end_turn()
        if turn.voiced_s < self._limits.shortest_speech_s and not turn.partial:
            return None
        turn.committed_s = self.now_s
        self._owed.append(turn)
        return EndOfTurn(turn)

    def _owed_too_long(self) -> FinalMissing | None:
        committed_s = self._owed[0].committed_s
        if committed_s is None or self.now_s - committed_s < self._limits.final_wait_s:
            return None
        turn = self._owed.popleft()
        self._given_up = turn.partial
        return FinalMissing(turn)

    def _silence(self) -> SilenceOver | None:
        if self._silence_s is None:
            return None
        spoken_s = self._activity.voiced_until_s or 0.0
        if self.now_s - max(self._silence_from_s, spoken_s) < self._silence_s:
            return None
        seconds, self._silence_s = self._silence_s, None
        return SilenceOver(seconds)
