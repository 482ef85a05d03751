"""What answers besides people and mailboxes: a call screener, a telephone menu, a fax machine."""

from collections.abc import Sequence

import numpy as np

from dialer.simulator.call import Said
from dialer.simulator.callee import (
    EAR_COMMIT_S,
    FRAME_S,
    SILENT_FRAME,
    Callee,
    Human,
    Mouth,
    Voicemail,
    Why,
    ticks,
)
from dialer.simulator.callees import Plan, line
from dialer.simulator.config import Pacing
from dialer.simulator.speech import Final, Speech
from voice_ai.mulaw import SAMPLE_RATE, encode

_PICKS_UP_S = 0.4
_HANGS_UP_S = 6.0
_ANSWER_TONE_S = 3.0
# A screener takes the answer as complete after this pause, and asks again after that one.
_ANSWERED_S = 1.5
_ASKS_AGAIN_S = 8.0
_BRINGS_PERSON_S = 3.0
_ACCEPTS = 0.8


class Recorded:
    """Plays its sounds once and hangs up a while after; it hears nothing."""

    def __init__(self, texts: Sequence[str], audio: bytes) -> None:
        self._mouth = Mouth(audio=SILENT_FRAME * ticks(_PICKS_UP_S) + audio)
        self._ends = ticks(len(self._mouth.audio) / SAMPLE_RATE + _HANGS_UP_S)
        self._tick = 0
        self.said = [Said(text, "calm", _PICKS_UP_S) for text in texts]
        self.heard: list[str] = []
        self.digits: list[str] = []
        self.hung_up: Why | None = None

    def tick(self, heard: bytes | None) -> bytes | None:
        self._tick += 1
        if self._tick >= self._ends:
            self.hung_up = "machine_over"
        return self._mouth.frame()

    def idle_ticks(self) -> int:
        return 0 if self._mouth.busy else self._ends - self._tick - 1

    def skip(self, idle: int) -> None:
        self._tick += idle


class Menu(Recorded):
    """The same choices twice."""

    def __init__(self, plan: Plan, speech: Speech) -> None:
        text = line(plan, "menu")
        spoken = speech.speak(text, voice=plan.voice).audio
        super().__init__((text, text), spoken + SILENT_FRAME * ticks(2.0) + spoken)


class Fax(Recorded):
    """The called side's answer tone, 2100 Hz."""

    def __init__(self) -> None:
        at = np.arange(round(_ANSWER_TONE_S * SAMPLE_RATE)) / SAMPLE_RATE
        super().__init__((), encode((7000 * np.sin(2 * np.pi * 2100 * at)).astype(np.int16)))


class Screener:
    """Asks who calls and why, at most twice; then brings its owner to the line, or hangs up."""

    def __init__(self, plan: Plan, speech: Speech, pacing: Pacing) -> None:
        self.said: list[Said] = []
        self.heard: list[str] = []
        self.digits: list[str] = []
        self.hung_up: Why | None = None
        self._plan = plan
        self._speech = speech
        self._pacing = pacing
        self._ear = speech.listen(silence_commit_s=EAR_COMMIT_S)
        self._mouth = Mouth()
        self._person: Human | None = None
        self._tick = 0
        self._prompts = 0
        self._asks_at = ticks(_PICKS_UP_S)
        self._answered_at: int | None = None
        self._connects_at: int | None = None

    def tick(self, heard: bytes | None) -> bytes | None:
        self._tick += 1
        if self._person is not None:
            spoken = self._person.tick(heard)
            self.hung_up = self._person.hung_up
            return spoken
        for hearing in self._ear.feed(heard if heard is not None else SILENT_FRAME):
            complete = isinstance(hearing, Final) and self._prompts > 0
            if isinstance(hearing, Final):
                self.heard.append(hearing.text.strip())
            self._answered_at = self._tick + ticks(_ANSWERED_S) if complete else None
        self._go_on()
        return self._mouth.frame()

    def idle_ticks(self) -> int:
        return 0

    def skip(self, idle: int) -> None:
        self._tick += idle

    def _go_on(self) -> None:
        if self._mouth.busy:
            self._asks_at = max(self._asks_at, self._tick + ticks(_ASKS_AGAIN_S))
        elif self._connects_at is not None:
            if self._tick >= self._connects_at:
                self._connect()
        elif self._answered_at is not None and self._prompts:
            if self._tick >= self._answered_at:
                self._say("screening_thanks")
                self._connects_at = self._tick + ticks(_BRINGS_PERSON_S)
        elif self._tick >= self._asks_at:
            self._ask()

    def _ask(self) -> None:
        if self._prompts == 2:
            self.hung_up = "screened"
            return
        self._prompts += 1
        self._say("screening")

    def _connect(self) -> None:
        if not self._plan.draws.chance(_ACCEPTS, "accepts"):
            self.hung_up = "screened"
            return
        person = Human(self._plan, self._speech, self._pacing)
        person.said, person.heard, person.digits = self.said, self.heard, self.digits
        self._person = person

    def _say(self, kind: str) -> None:
        text = line(self._plan, kind)
        self._mouth.say(self._speech.speak(text, voice=self._plan.voice).audio)
        self.said.append(Said(text, "calm", self._tick * FRAME_S))


def callee_for(plan: Plan, speech: Speech, pacing: Pacing) -> Callee:
    """The person or machine that answers under this plan."""
    match plan.outcome:
        case "voicemail":
            return Voicemail(plan, speech, pacing)
        case "screening":
            return Screener(plan, speech, pacing)
        case "ivr":
            return Menu(plan, speech)
        case "fax":
            return Fax()
        case _:
            return Human(plan, speech, pacing)
