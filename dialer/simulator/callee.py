"""One answered callee, 20 ms of audio at a time: listens to what is played, speaks, hangs up.

Everything is counted in audio time since the line opened, and every reaction follows from the
content heard, so that a busy machine cannot change what is said.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from dialer.simulator.call import Said
from dialer.simulator.callees import Plan, answer, digit_for, line
from dialer.simulator.config import Pacing
from dialer.simulator.speech import Final, Listener, Partial, Speech
from voice_ai.mulaw import FRAME_BYTES, SILENCE

FRAME_S = 0.02
SILENT_FRAME = SILENCE * FRAME_BYTES
# Shorter than the quickest reaction, so that a reaction is timed from the end of the question.
EAR_COMMIT_S = 0.2
_MOST_INSISTING = 2
_GOODBYE = re.compile(r"\b(good ?)?bye\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!])\s+")

Why = Literal["goodbye", "early", "insisted", "quiet", "voicemail_over", "machine_over", "screened"]


def ticks(seconds: float) -> int:
    return round(seconds / FRAME_S)


@dataclass
class Mouth:
    """What is being spoken, frame by frame."""

    audio: bytes = b""
    position: int = 0

    @property
    def busy(self) -> bool:
        return self.position < len(self.audio)

    def say(self, audio: bytes) -> None:
        self.audio, self.position = audio, 0

    def frame(self) -> bytes | None:
        if not self.busy:
            return None
        frame = self.audio[self.position : self.position + FRAME_BYTES]
        self.position += FRAME_BYTES
        return frame if len(frame) == FRAME_BYTES else frame.ljust(FRAME_BYTES, SILENCE)


class Voicemail:
    """A greeting, a beep, silence, and after a while the machine hangs up."""

    def __init__(self, plan: Plan, speech: Speech, pacing: Pacing) -> None:
        text = line(plan, "voicemail")
        pause = SILENT_FRAME * ticks(0.4)
        greeting = speech.speak(text, voice=plan.voice).audio
        self._mouth = Mouth(audio=pause + greeting + pause + Speech.beep())
        self.beep_ends_s = len(self._mouth.audio) / FRAME_BYTES * FRAME_S
        self._ends = ticks(self.beep_ends_s + pacing.voicemail_hangs_up)
        self._tick = 0
        self.said = [Said(text, "calm", 0.4)]
        self.heard: list[str] = []
        self.digits: list[str] = []
        self.hung_up: Why | None = None

    def tick(self, heard: bytes | None) -> bytes | None:
        self._tick += 1
        if self._tick >= self._ends:
            self.hung_up = "voicemail_over"
        return self._mouth.frame()

    def idle_ticks(self) -> int:
        """How many coming ticks will change nothing."""
        return 0 if self._mouth.busy else self._ends - self._tick - 1

    def skip(self, idle: int) -> None:
        """That many ticks of silence on both sides at once."""
        self._tick += idle


@dataclass(frozen=True)
class _Intent:
    """What the person is about to do, and at which tick.

    A reply waits while the agent goes on speaking; `own` marks the persona's own line, which is
    said even when another question came meanwhile.
    """

    at: int
    text: str | None = None
    style: str = "calm"
    digit: str | None = None
    leaves: Why | None = None
    reply: bool = False
    own: bool = False


@dataclass
class _Memory:
    questions: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    own_lines: int = 0
    barged_in: bool = False
    second_hello: bool = False


class Human:
    """A person with a persona; `hung_up` says why they put the phone down, None while they talk."""

    def __init__(self, plan: Plan, speech: Speech, pacing: Pacing) -> None:
        self.said: list[Said] = []
        self.heard: list[str] = []
        self.digits: list[str] = []
        self.hung_up: Why | None = None
        self._plan = plan
        self._speech = speech
        self._pacing = pacing
        self._ear: Listener = speech.listen(silence_commit_s=EAR_COMMIT_S)
        self._mouth = Mouth()
        self._memory = _Memory()
        self._held: _Intent | None = None
        self._tick = 0
        self._quiet_since = 0
        self._agenda = self._opening()

    def tick(self, heard: bytes | None) -> bytes | None:
        """Hear 20 ms (None: silence), give back 20 ms (None: silence)."""
        self._tick += 1
        for hearing in self._ear.feed(heard if heard is not None else SILENT_FRAME):
            if isinstance(hearing, Final):
                self._understand(hearing)
            elif not self._plan.persona.silent:
                self._notice(hearing)
        if heard is not None or self._mouth.busy:
            self._quiet_since = self._tick
        if self._agenda:
            self._act()
        else:
            self._grow_impatient()
        return self._mouth.frame()

    def idle_ticks(self) -> int:
        """How many coming ticks will change nothing if nothing is heard."""
        if self._mouth.busy or self._ear.hearing:
            return 0
        if self._agenda:
            return min(intent.at for intent in self._agenda) - self._tick - 1
        quiet = self._tick - self._quiet_since
        limits = (ticks(self._pacing.second_hello), ticks(self._pacing.gives_up))
        return min((limit - quiet - 1 for limit in limits if limit > quiet), default=0)

    def skip(self, idle: int) -> None:
        """That many ticks of silence on both sides at once."""
        self._tick += idle
        self._ear.feed(SILENT_FRAME * idle)

    def speak_up(self) -> None:
        """They are connected with somebody: what they have to say to them, if anything."""
        persona = self._plan.persona
        if persona.greets is not None:
            at = self._tick + ticks(self._pacing.hello[1])
            self._agenda.append(_Intent(at, line(self._plan, persona.greets), persona.mood.style))

    def _opening(self) -> list[_Intent]:
        persona, draws = self._plan.persona, self._plan.draws
        agenda = []
        if not persona.silent:
            after = ticks(draws.between(*self._pacing.hello, "hello"))
            agenda.append(_Intent(after, line(self._plan, persona.opening), persona.mood.style))
        if persona.hangs_up_after is not None:
            leaves = ticks(draws.between(*persona.hangs_up_after, "leaves"))
            agenda.append(_Intent(leaves, leaves="early"))
        return agenda

    def _notice(self, hearing: Partial) -> None:
        """The agent is speaking: hold the reply, and do not leave; or interrupt."""
        waiting = next((intent for intent in self._agenda if intent.reply), None)
        if waiting is not None:
            self._held = waiting
            self._agenda.remove(waiting)
        barges = self._plan.persona.barges_in_after
        if barges is not None and not self._memory.barged_in:
            self._memory.barged_in = True
            at = ticks(hearing.start_s + self._plan.draws.between(*barges, "barge"))
            style = self._plan.persona.mood.style
            self._agenda.append(_Intent(at, line(self._plan, "barge_in"), style))

    def _understand(self, final: Final) -> None:
        text = final.text.strip()
        self.heard.append(text)
        held, self._held = self._held, None
        if self._plan.persona.silent:
            return
        if final.complete and text.endswith("?"):
            self._agenda.append(self._reply(text, final.end_s, held))
        elif final.complete and _GOODBYE.search(text):
            at = ticks(final.end_s + self._pacing.after_goodbye)
            self._agenda.append(_Intent(at, leaves="goodbye", reply=True))
        elif held is not None:
            self._agenda.append(replace(held, at=ticks(final.end_s + self._pacing.reaction[0])))

    def _reply(self, question: str, ended_s: float, held: _Intent | None) -> _Intent:
        plan, memory = self._plan, self._memory
        memory.questions += 1
        before = memory.asked.get(question, 0)
        memory.asked[question] = before + 1
        at = ticks(ended_s + plan.draws.between(*self._pacing.reaction, "react", question, before))
        if held is not None and held.own:
            return replace(held, at=at)
        style = plan.persona.mood.style
        if self._says_own_line():
            memory.own_lines += 1
            text = line(plan, plan.persona.says or "", memory.own_lines - 1)
            leaves: Why | None = "insisted" if memory.own_lines > _MOST_INSISTING else None
            return _Intent(at, text, style, leaves=leaves, reply=True, own=True)
        last = _SENTENCE.split(question)[-1]
        digit = digit_for(plan, last)
        if digit is not None:
            return _Intent(at, digit=digit, reply=True)
        return _Intent(at, answer(plan, last, before), style, reply=True)

    def _says_own_line(self) -> bool:
        persona = self._plan.persona
        if persona.says is None or (self._memory.own_lines and not persona.insists):
            return False
        first, last = persona.at_question
        turn = first + int(self._plan.draws.unit("turn") * (last - first + 1))
        return self._memory.questions >= turn

    def _act(self) -> None:
        for intent in self._agenda:
            if self._tick < intent.at or (self._mouth.busy and intent.leaves != "early"):
                continue
            self._agenda.remove(intent)
            self._perform(intent)
            return

    def _perform(self, intent: _Intent) -> None:
        if intent.digit is not None:
            self.digits.append(intent.digit)
        if intent.text is None:
            self.hung_up = intent.leaves
            return
        spoken = self._speech.speak(intent.text, voice=self._plan.voice, style=intent.style)
        self._mouth.say(spoken.audio)
        self.said.append(Said(intent.text, intent.style, self._tick * FRAME_S))
        if intent.leaves is not None:
            self._agenda.append(_Intent(self._tick + 1, leaves=intent.leaves))

    def _grow_impatient(self) -> None:
        quiet = (self._tick - self._quiet_since) * FRAME_S
        if quiet >= self._pacing.gives_up:
            self.hung_up = "quiet"
        elif (
            quiet >= self._pacing.second_hello
            and not self._memory.second_hello
            and not self._plan.persona.silent
        ):
            self._memory.second_hello = True
            style = self._plan.persona.mood.style
            self._agenda.append(_Intent(self._tick, line(self._plan, "second_hello"), style))


class Callee(Protocol):
    """Whoever or whatever answers; `hung_up` says why it put the phone down."""

    said: list[Said]
    heard: list[str]
    digits: list[str]
    hung_up: Why | None

    def tick(self, heard: bytes | None) -> bytes | None:
        """Hear 20 ms (None: silence), give back 20 ms (None: silence)."""

    def idle_ticks(self) -> int:
        """How many coming ticks will change nothing if nothing is heard."""

    def skip(self, idle: int) -> None:
        """That many ticks of silence on both sides at once."""
