"""`make bench` rows of who answered: labelled clips, our own ears, and a rule of durations alone.

The clips' wordings and seeds were never used while the ears were made. The other side goes by the
rules and the defaults of Asterisk's sample `amd.conf`: lengths of silences and of voice, no words.
What matters is what is acted on: a person who is hung up on is the costly error.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from dialer.bench_lists import bench_row
from dialer.media.answering import AnswerEar, BeepHeard
from dialer.media.frames import FRAME_BYTES, SAMPLE_RATE
from dialer.simulator.clips import Clip, labelled_clip
from dialer.simulator.draws import Draws
from dialer.simulator.speech import Speech
from voice_ai.answering import LABELS, AnswerVerdict, Label, who_answered
from voice_ai.mulaw import decode

ROW_NAMES = (
    "answering.people_talked_to",
    "answering.machines_noticed",
    "answering.person_or_not",
    "answering.people_with_carrier",
    "answering.with_carrier",
    "answering.label",
    "answering.beep",
    "answering.verdict_time",
    "answering.frame_time",
)
_SEEDS = range(100_000, 100_800)
_FRAME_MS = 1000 * FRAME_BYTES // SAMPLE_RATE
_LATEST_MS = 6_000.0
_FRAME_LIMIT_US = 100.0
_LEAST_BEEPS = 90.0
# How often the carrier is wrong about a clip: it publishes no figure, so this is assumed.
_CARRIER_ERRS = 0.1
_BEEP_TOLERANCE_S = 0.3


@dataclass(frozen=True)
class Judged:
    """What came of one clip; `hung_up` when the carrier's word was not even needed for it."""

    label: Label
    first: AnswerVerdict | None
    last: AnswerVerdict | None
    hung_up: bool
    by_length: Label
    carrier: str
    beep_heard: bool | None

    @property
    def hung_up_by_length(self) -> bool:
        return self.by_length == "machine"

    @property
    def hung_up_by_both(self) -> bool:
        return who_answered(self.last, self.carrier) != "human"


def rows() -> Iterator[dict[str, Any]]:
    speech = Speech(seed=2026)
    judged: list[Judged] = []
    seconds, frames = 0.0, 0
    for seed in _SEEDS:
        clip = labelled_clip(speech, seed, held=True)
        started = time.perf_counter()
        verdicts, beeps = listen(clip)
        seconds += time.perf_counter() - started
        frames += len(clip.frames)
        judged.append(_judged(seed, clip, verdicts, beeps))
    yield from _shares(judged)
    times = [1000 * each.first.at_s for each in judged if each.first is not None]
    yield bench_row(
        "answering.verdict_time", median(times), _LATEST_MS, "ms", target=1.0, at_most=True
    )
    cost = 1e6 * seconds / frames
    yield bench_row("answering.frame_time", cost, _FRAME_LIMIT_US, "µs", target=1.0, at_most=True)


def listen(clip: Clip) -> tuple[list[AnswerVerdict], list[float]]:
    """The verdicts on a clip in order, and when beeps were told."""
    ear, words = AnswerEar(), iter(clip.heard)
    coming = next(words, None)
    verdicts: list[AnswerVerdict] = []
    beeps: list[float] = []
    for frame in clip.frames:
        while coming is not None and coming.at_s <= ear.now_s:
            told = ear.text(coming.text, final=coming.final)
            verdicts += [told] if told is not None else []
            coming = next(words, None)
        signal = ear.hear(frame)
        if isinstance(signal, BeepHeard):
            beeps.append(signal.at_s)
        elif signal is not None:
            verdicts.append(signal)
    return verdicts, beeps


def by_length(clip: Clip) -> Label:
    """Asterisk's defaults, in milliseconds: the greeting's length and words, and the silences."""
    silence = voice = word = words = 0
    speaking = False
    for number, frame in enumerate(clip.frames, start=1):
        loud = float(np.abs(decode(frame).astype(np.int32)).mean()) >= 256
        if loud:
            word, voice = word + _FRAME_MS, voice + _FRAME_MS
            if word >= 100 and not speaking:
                speaking, words, silence = True, words + 1, 0
            if voice >= 1500 or words > 2:
                return "machine"
        else:
            silence += _FRAME_MS
            if silence >= 50:
                speaking, word = False, 0
        if (not words and silence >= 2500) or number * _FRAME_MS >= 5000:
            return "machine" if not words and silence >= 2500 else "unknown"
        if words and silence >= 800:
            return "human"
    return "unknown"


def _judged(seed: int, clip: Clip, verdicts: list[AnswerVerdict], beeps: list[float]) -> Judged:
    ends_s = clip.beep_ends_s if clip.label == "machine" else None
    errs = Draws.about("carrier", seed).chance(_CARRIER_ERRS, "verdict")
    told = sorted([*beeps, *(verdict.at_s for verdict in verdicts if verdict.why == "beep")])
    return Judged(
        label=clip.label,
        first=verdicts[0] if verdicts else None,
        last=verdicts[-1] if verdicts else None,
        hung_up=any(who_answered(verdict, None) != "human" for verdict in verdicts),
        by_length=by_length(clip),
        carrier="machine_start" if (clip.label == "human") is errs else "human",
        beep_heard=None
        if ends_s is None
        else bool(told) and abs(told[0] - ends_s) < _BEEP_TOLERANCE_S,
    )


def _shares(judged: list[Judged]) -> Iterator[dict[str, Any]]:
    people = [each for each in judged if each.label == "human"]
    machines = [each for each in judged if each.label != "human"]
    yield _at_least(
        "answering.people_talked_to",
        _percent([not each.hung_up for each in people]),
        _percent([not each.hung_up_by_length for each in people]),
    )
    noticed = _percent([each.hung_up for each in machines])
    # Beside it, not above it: who calls nearly everything a machine notices nearly every machine.
    by_length_alone = _percent([each.hung_up_by_length for each in machines])
    yield _at_least("answering.machines_noticed", noticed, by_length_alone, target=0.0)
    yield _at_least(
        "answering.person_or_not",
        _percent([each.hung_up is (each.label != "human") for each in judged]),
        _percent([each.hung_up_by_length is (each.label != "human") for each in judged]),
        target=0.0,
    )
    yield from _with_carrier(people, judged)
    right = _percent([each.last is not None and each.last.label == each.label for each in judged])
    by_length_right = _percent([each.by_length == each.label for each in judged])
    row = _at_least("answering.label", right, by_length_right)
    yield row | {"confusion": confusion(judged), "detail": _drawn(confusion(judged))}
    beeps = [each.beep_heard for each in judged if each.beep_heard is not None]
    yield _at_least("answering.beep", _percent(beeps), _LEAST_BEEPS)


def _with_carrier(people: list[Judged], judged: list[Judged]) -> Iterator[dict[str, Any]]:
    """Both verdicts together against the carrier's alone, whose errors are an assumption.

    Doubt goes to the person, so that over all no more may be lost by it than a twentieth.
    """
    yield _at_least(
        "answering.people_with_carrier",
        _percent([not each.hung_up_by_both for each in people]),
        _percent([each.carrier == "human" for each in people]),
    )
    yield _at_least(
        "answering.with_carrier",
        _percent([each.hung_up_by_both is (each.label != "human") for each in judged]),
        _percent([(each.carrier == "human") is (each.label == "human") for each in judged]),
        target=0.95,
    )


def confusion(judged: list[Judged]) -> dict[str, dict[str, int]]:
    """How often each label (rows) was called what (columns) by the last verdict."""
    counts = Counter((each.label, each.last.label if each.last else "unknown") for each in judged)
    return {
        truth: {called: counts[truth, called] for called in LABELS}
        for truth in LABELS
        if any(counts[truth, called] for called in LABELS)
    }


def _drawn(matrix: dict[str, dict[str, int]]) -> str:
    head = f"{'is / called':<12}" + "".join(f"{label:>10}" for label in LABELS)
    lines = (
        f"{truth:<12}" + "".join(f"{row[called]:>10}" for called in LABELS)
        for truth, row in matrix.items()
    )
    return "\n".join((head, *lines))


def _percent(hits: list[bool]) -> float:
    return 100 * sum(hits) / len(hits)


def _at_least(name: str, ours: float, other: float, target: float = 1.0) -> dict[str, Any]:
    return bench_row(name, ours, other, "%", target=target)
