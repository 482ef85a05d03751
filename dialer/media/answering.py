"""Our own verdict on who answered: from the rhythm of the first seconds, from tones, from words.

It decides once, by audio time, and takes its verdict back only for words that say something else.
No I/O and no clock. What it hears is the person's side alone; we may be speaking meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dialer.media.frames import SAMPLE_RATE
from dialer.media.tones import WINDOW_S, Tone, ToneEar
from dialer.media.turn_taking import is_pick_up
from dialer.media.voices import VoiceOverNoise
from voice_ai.answering import SURE, AnswerVerdict, Label, both
from voice_ai.conversation.answerers import Told, told_by_words


@dataclass(frozen=True, slots=True)
class BeepHeard:
    """A mailbox's tone has just ended: it records from here on."""

    at_s: float


AnswerSignal = AnswerVerdict | BeepHeard

_LATEST_S = 6.0
_SILENT_S = 5.0
# A pause this long is waiting for an answer; people pause less inside a greeting.
_WAITING_S = 1.1
_BREATH_S = 0.6
_SHORTEST_S = 0.1
_SPOKE_S = 0.4
_HELLO_S = 1.3
_MONOLOGUE_S = 3.2
_MONOLOGUE_AT_S = 4.0
_WORDS_KEPT = 400
_FEW_WORDS = 8

_HELLO = 0.8
_MONOLOGUE = 0.65
_PICKED_UP = 0.88
_PLAIN_ANSWER = 0.72
_GUESS = 0.6
_NOTHING = 0.5
_TONE = 0.95
_BEEPED = 0.85

_ANSWER_TONE_HZ = (2085.0, 2115.0)
_CALLING_TONE_HZ = (1062.0, 1138.0)
_INTERCEPT_HZ = ((890.0, 1010.0), (1340.0, 1460.0), (1740.0, 1810.0))
_BEEP_HZ = (380.0, 1450.0)
_BEEP_S = (0.11, 2.5)


class AnswerEar:
    """Fed with every frame and every text; gives a verdict, revisions of it, and beeps.

    `told` is who says such words, as far as words tell.
    """

    def __init__(self, told: Callable[[str], Told | None] = told_by_words) -> None:
        self.told = told
        self.verdict: AnswerVerdict | None = None
        self._voices = VoiceOverNoise()
        self._tones = ToneEar()
        self._bytes = 0
        self._resting = False
        self._began_s: float | None = None
        self._until_s = 0.0
        self._longest_s = 0.0
        self._spoken_s = 0.0
        self._stretches = 0
        self._finals = ""
        self._partial = ""
        self._steps = 0

    @property
    def now_s(self) -> float:
        """Seconds of audio heard."""
        return self._bytes / SAMPLE_RATE

    @property
    def is_undecided(self) -> bool:
        """Something is or was said, and the verdict on it is still to come."""
        spoken = self._stretches > 0 or self._began_s is not None
        return self.verdict is None and not self._resting and spoken

    def rest(self) -> None:
        """Somebody is talking to us: there is nothing left to find out."""
        self._resting = True

    def hear(self, frame: bytes) -> AnswerSignal | None:
        self._bytes += len(frame)
        if self._resting or self._is_settled:
            return None
        tone = self._tones.feed(frame)
        power = self._tones.power
        if power is None:
            return None
        if self._voices.is_voice(power) and not self._tones.sounding:
            self._voiced()
        else:
            self._pause()
        signal = None if tone is None else self._tone(tone)
        if signal is not None:
            return signal
        return self._by_rhythm() if self.verdict is None else None

    def text(self, text: str, *, final: bool) -> AnswerVerdict | None:
        """What the recogniser makes of it: a partial text is replaced by the next one."""
        if self._resting or not text.strip():
            return None
        if final:
            self._finals, self._partial = f"{self._finals} {text}"[-_WORDS_KEPT:], ""
        else:
            self._partial = text[-_WORDS_KEPT:]
        return self._by_words(text, final=final)

    @property
    def _is_settled(self) -> bool:
        """The rest is told by words; only a mailbox is listened to for its beep."""
        known = self.verdict
        return known is not None and known.label in ("human", "fax") and known.confidence >= SURE

    def _voiced(self) -> None:
        if self._began_s is None:
            self._began_s = self.now_s - WINDOW_S
        self._until_s = self.now_s

    def _pause(self) -> None:
        began_s = self._began_s
        if began_s is None or self.now_s - self._until_s < _BREATH_S:
            return
        self._began_s = None
        seconds = self._until_s - began_s
        if seconds >= _SHORTEST_S:
            self._stretches += 1
            self._spoken_s += seconds
            self._longest_s = max(self._longest_s, seconds)

    @property
    def _going_on_s(self) -> float:
        return 0.0 if self._began_s is None else self._until_s - self._began_s

    def _by_rhythm(self) -> AnswerVerdict | None:
        now_s = self.now_s
        going_on_s = self._going_on_s
        if self._stretches == 0 and self._began_s is None:
            return self._decide("unknown", _NOTHING, "silence") if now_s >= _SILENT_S else None
        waits = self._stretches > 0 and now_s - self._until_s >= _WAITING_S
        if waits and self._stretches == 1 and self._longest_s <= _HELLO_S:
            return self._weigh("human", _HELLO, "short_hello")
        if max(going_on_s, self._longest_s) >= _MONOLOGUE_S and now_s >= _MONOLOGUE_AT_S:
            return self._weigh("machine", _MONOLOGUE, "monologue")
        if now_s < _LATEST_S:
            return None
        talks_much = self._spoken_s + going_on_s > 2 * _HELLO_S
        label: Label = "unknown" if talks_much else "human"
        return self._weigh(label, _NOTHING if talks_much else _GUESS, "rhythm")

    def _weigh(self, label: Label, confidence: float, why: str) -> AnswerVerdict | None:
        """The rhythm's verdict with what the words have hinted at so far."""
        told = self.told(self._said)
        if told is None or told.label == "unknown":
            return self._decide(label, confidence, why)
        if told.label == label or (label == "machine" and told.label != "human"):
            return self._decide(told.label, both(told.confidence, confidence), f"{why}+words")
        against = 1 - confidence if label != "unknown" else _NOTHING
        return self._decide(told.label, both(told.confidence, against), "words")

    def _by_words(self, latest: str, *, final: bool) -> AnswerVerdict | None:
        told, known = self.told(self._said), self.verdict
        open_to_people = final and (known is None or known.confidence < SURE)
        if told is None:
            if open_to_people and is_pick_up(latest):
                return self._decide("human", _PICKED_UP, "pick_up")
            if open_to_people and len(latest.split()) <= _FEW_WORDS and self._waited:
                return self._decide("human", _PLAIN_ANSWER, "few_words")
            return None
        label, sure = told
        if sure < SURE or (known is not None and known.label == label and known.confidence >= SURE):
            return None
        if label == "human" and not open_to_people:
            return None
        return self._decide(label, sure, "words")

    @property
    def _waited(self) -> bool:
        return self.now_s - self._until_s >= _WAITING_S

    @property
    def _said(self) -> str:
        return f"{self._finals} {self._partial}"

    def _tone(self, tone: Tone) -> AnswerSignal | None:
        if self._is_intercept(tone):
            return self._decide("machine", _TONE, "intercept")
        nobody_spoke = self._spoken_s + self._going_on_s < _SPOKE_S
        if _within(tone.hertz, _ANSWER_TONE_HZ) and not tone.over:
            return self._decide("fax", _TONE, "fax_tone")
        early = self.verdict is None and nobody_spoke
        if _within(tone.hertz, _CALLING_TONE_HZ) and not tone.over and early:
            return self._decide("fax", _TONE, "fax_tone")
        beep = _within(tone.hertz, _BEEP_HZ) and _within(tone.seconds, _BEEP_S) and tone.over
        if not beep or nobody_spoke or self._steps > 1:
            return None
        known = self.verdict
        if known is None or (known.label in ("human", "unknown") and known.confidence < SURE):
            return self._decide("machine", _BEEPED, "beep")
        return BeepHeard(self.now_s)

    def _is_intercept(self, tone: Tone) -> bool:
        """The third of three rising tones, one right after the other."""
        if not tone.over:
            return False
        if self._steps < len(_INTERCEPT_HZ) and _within(tone.hertz, _INTERCEPT_HZ[self._steps]):
            self._steps += 1
        else:
            self._steps = int(_within(tone.hertz, _INTERCEPT_HZ[0]))
        return self._steps == len(_INTERCEPT_HZ)

    def _decide(self, label: Label, confidence: float, why: str) -> AnswerVerdict | None:
        known = self.verdict
        if known is not None and known.label == label and known.confidence >= confidence:
            return None
        at_s = round(self.now_s, 2)
        verdict = AnswerVerdict(label, round(confidence, 3), at_s, why, revised=known is not None)
        self.verdict = verdict
        return verdict


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
