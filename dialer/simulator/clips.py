"""Labelled clips of what answers a call: sound, and what a recogniser would say when.

Everything follows from the seed. Clips of `held=True` use wordings that were written after the
classifier was finished; seeds of tuning and of reporting must not overlap. The voices are the
simulator's and the recogniser's errors are drawn, so figures on these clips compare rules with each
other; they are no promise about real telephones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray

from dialer.simulator.draws import Draws
from dialer.simulator.speech import Speech
from dialer.simulator.speech.word_errors import distort
from voice_ai.answering import Label
from voice_ai.mulaw import FRAME_BYTES, SAMPLE_RATE, decode, encode

Wave = NDArray[np.float64]

_SECONDS = 14.0
_AFTER_BEEP_S = 1.0
_MOST_SECONDS = 30.0
_KINDS: Mapping[str, float] = {
    "human short": 30, "human long": 10, "human mute": 3, "machine": 27, "screening": 12,
    "ivr": 10, "fax": 5, "intercept": 3,
}  # fmt: skip
_COMMIT_S = 0.5
_DEAF_SHARE = 0.1
_NOISY_SHARE = 0.25
_BEEPLESS_SHARE = 0.1
_MUSIC_SHARE = 0.4


@dataclass(frozen=True)
class Heard:
    """What the recogniser says at that time; a final one replaces the partial ones before it."""

    at_s: float
    text: str
    final: bool


@dataclass(frozen=True)
class Clip:
    """`kind` is finer than `label`; `beep_ends_s` is None where none sounds."""

    label: Label
    kind: str
    frames: tuple[bytes, ...]
    heard: tuple[Heard, ...]
    beep_ends_s: float | None = None


@dataclass(frozen=True)
class _Part:
    """What was said in one breath; each word with the time at which it was over."""

    began_s: float
    ended_s: float
    words: tuple[tuple[float, str], ...]


@cache
def _wordings(name: str) -> Mapping[str, Mapping[str, Sequence[str]]]:
    data = yaml.safe_load((files(__package__) / "clips.yaml").read_text("utf-8"))
    wordings: Mapping[str, Mapping[str, Sequence[str]]] = data[name]
    return wordings


def labelled_clip(speech: Speech, seed: int, *, held: bool) -> Clip:
    """The clip of this seed."""
    return _Maker(speech, Draws.about("clip", seed), _wordings("held" if held else "tuned")).make()


class _Maker:
    """Puts one clip together, from left to right."""

    def __init__(
        self, speech: Speech, draws: Draws, wordings: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        self._speech = speech
        self._draws = draws
        self._wordings = wordings
        self._sound: Wave = np.zeros(int(_MOST_SECONDS * SAMPLE_RATE))
        self._at_s = 0.0
        self._parts: list[_Part] = []
        self._voice = f"clip-{int(draws.unit('voice') * 40)}"
        self._gain = draws.between(0.35, 1.4, "gain")
        self._errors = draws.between(0.0, 0.2, "errors")
        self._beep_ends_s: float | None = None

    def make(self) -> Clip:
        kind = self._draws.weighted(_KINDS, "kind")
        label: Label = "human"
        match kind:
            case "human short" | "human long" | "human mute":
                self._human(kind.removeprefix("human "))
            case "machine":
                label = "machine"
                self._mailbox()
            case "screening":
                label = "screening"
                self._pause(0.2, 1.2)
                self._say(self._line("screening", "prompt"), "prompt")
            case "ivr":
                label = "ivr"
                self._menu()
            case "fax":
                label = "fax"
                self._fax()
            case _:
                label = "machine"
                self._intercept()
        return Clip(label, kind, self._frames(), self._transcript(), self._beep_ends_s)

    def _human(self, how: str) -> None:
        if how == "mute":
            return
        self._pause(0.15, 1.6)
        self._say(self._line("human", how), "first")
        if self._draws.chance(0.6, "again"):
            self._pause(1.5, 5.0)
            self._say(self._line("human", "later"), "later")

    def _mailbox(self) -> None:
        self._pause(0.2, 1.4)
        self._say(self._line("machine", "greeting"), "greeting")
        self._pause(0.3, 1.6)
        if not self._draws.chance(_BEEPLESS_SHARE, "no beep"):
            hertz = self._draws.between(420, 1390, "beep")
            self._tone((hertz,), self._draws.between(0.17, 0.9, "beep length"))
            self._beep_ends_s = self._at_s

    def _menu(self) -> None:
        self._pause(0.2, 1.0)
        self._say(self._line("ivr", "menu"), "menu")
        if self._draws.chance(_MUSIC_SHARE, "music"):
            for note in range(12):
                hertz = self._draws.pick((262, 330, 392, 440, 523, 587), "note", note)
                overtones = (hertz, 2 * hertz, 3 * hertz)
                self._tone(overtones, self._draws.between(0.18, 0.5, "length", note))

    def _fax(self) -> None:
        self._pause(0.2, 2.0)
        if self._draws.chance(0.7, "called side"):
            self._tone((2100.0 + self._draws.between(-12, 12, "drift"),), 3.0)
            return
        for _ in range(3):
            self._tone((1100.0 + self._draws.between(-30, 30, "drift"),), 0.5)
            self._at_s += 3.0

    def _intercept(self) -> None:
        self._pause(0.1, 0.6)
        for hertz in (self._draws.pick((913.8, 985.2), "sit"), 1370.6, 1776.7):
            self._tone((hertz,), 0.33)
        self._pause(0.3, 0.8)
        self._say(self._line("intercept", "message"), "message")

    def _line(self, who: str, kind: str) -> str:
        return self._draws.pick(self._wordings[who][kind], "line", who, kind)

    def _pause(self, low: float, high: float) -> None:
        self._at_s += self._draws.between(low, high, "pause", round(1000 * self._at_s))

    def _say(self, text: str, name: str) -> None:
        for number, part in enumerate(text.split("|")):
            if number:
                self._pause(0.15, 0.75)
            spoken = self._speech.speak(part, voice=self._voice)
            began_s = self._at_s
            self._add(self._gain * decode(spoken.audio).astype(np.float64))
            seed = int(self._draws.unit("words", name, number) * 2**31)
            said = tuple(word.text for word in spoken.words)
            taken = distort(said, rate=self._errors, seed=seed)
            ends = (began_s + word.end for word in spoken.words)
            self._parts.append(_Part(began_s, self._at_s, tuple(zip(ends, taken, strict=True))))

    def _tone(self, hertz: Sequence[float], seconds: float) -> None:
        at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        level = self._draws.between(2500, 9000, "tone level")
        wave = sum((np.sin(2 * np.pi * f * at) for f in hertz), np.zeros(len(at)))
        self._add(level * wave / len(hertz))

    def _add(self, wave: Wave) -> None:
        first = round(self._at_s * SAMPLE_RATE)
        room = self._sound[first : first + len(wave)]
        room += wave[: len(room)]
        self._at_s += len(wave) / SAMPLE_RATE

    def _frames(self) -> tuple[bytes, ...]:
        seconds = min(_MOST_SECONDS, max(_SECONDS, self._at_s + _AFTER_BEEP_S))
        sound = self._sound[: int(seconds * SAMPLE_RATE)]
        noise = np.random.Generator(np.random.PCG64(int(self._draws.unit("noise") * 2**53)))
        noisy = self._draws.chance(_NOISY_SHARE, "noisy")
        level = self._draws.between(60, 350, "loud") if noisy else self._draws.between(5, 40, "low")
        mixed = sound + level * noise.standard_normal(len(sound))
        audio = encode(np.clip(mixed, -32000, 32000).astype(np.int16))
        return tuple(
            audio[at : at + FRAME_BYTES]
            for at in range(0, len(audio) - FRAME_BYTES + 1, FRAME_BYTES)
        )

    def _transcript(self) -> tuple[Heard, ...]:
        """Words come a while after they were spoken, final texts after the recogniser's pause."""
        if self._draws.chance(_DEAF_SHARE, "deaf"):
            return ()
        lag = self._draws.between(0.15, 0.6, "lag")
        heard: list[Heard] = []
        text = ""
        for number, part in enumerate(self._parts, start=1):
            following = self._parts[number] if number < len(self._parts) else None
            for ended_s, word in part.words:
                text = f"{text} {word}".strip()
                heard.append(Heard(ended_s + lag, text, final=False))
            if following is None or following.began_s - part.ended_s >= _COMMIT_S:
                heard.append(Heard(part.ended_s + _COMMIT_S + lag, text, final=True))
                text = ""
        return tuple(heard)
