"""What is said in calls: the turns of many conversations at once, with their times and models."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.generate import planted
from pipelines.generate.dials import CODES
from pipelines.generate.paths import AGENT_SAYS, CALLER_SAYS, WAYS

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]

_WORDS = (*AGENT_SAYS, *CALLER_SAYS)
_TEXTS = (*AGENT_SAYS.values(), *CALLER_SAYS.values())
_SPOKEN_S = np.array([len(text) / 15.5 for text in _TEXTS])
_ENDS = tuple(planted.EMOTION_AT_END)
_UNCACHED = 0.15
NOBODY = -1


@dataclass(frozen=True)
class _Steps:
    """Every way of a script, laid end to end: its steps' words (places in `_WORDS`), whose turn, at
    which node; where each way begins, how long it is, and what it belongs to."""

    word: Ints
    agent: Flags
    node: Ints
    begins: Ints
    length: Ints
    of: dict[str, tuple[Ints, Reals]]


@dataclass(frozen=True)
class Turns:
    """`call`: place of the call in what was asked about; the rest one value a turn, in order.
    Times are seconds from the answer. Unmeasured is NaN."""

    call: Ints
    index: Ints
    agent: Flags
    word: Ints
    node: Ints
    start: Reals
    end: Reals
    interrupted: Flags
    heard: Reals
    emotion: Ints
    scores: Reals
    endpoint: Reals
    tail: Reals
    mind: Reals
    first_byte: Reals
    response: Reals

    def texts(self) -> pl.DataFrame:
        """speaker, node, text, intent: what the places stand for."""
        names, said = pl.Series(_WORDS), pl.Series(_TEXTS)
        agent = pl.Series(self.agent)
        return pl.DataFrame(
            {
                "speaker": pl.Series(["caller", "agent"]).gather(agent.cast(pl.UInt32)),
                "node": names.gather(self.node),
                "text": said.gather(self.word),
                "intent": names.gather(self.word),
            }
        ).with_columns(intent=pl.when(~agent).then("intent"))

    def emotions(self) -> pl.Series:
        place = pl.Series(self.emotion)
        known = place.set(place < 0, None)
        return pl.Series(planted.EMOTIONS).gather(known)


def turns(
    script: str, code: Ints, left: Ints, first_audio_s: Reals, dice: np.random.Generator
) -> Turns:
    """The turns of calls with these outcomes (places in CODES); none where nobody talked. `left`:
    which of the ways of hanging up early it is, where it is one."""
    steps = _STEPS[script]
    way = _ways(steps, code, left, dice)
    talked = np.flatnonzero(way != NOBODY)
    size = steps.length[way[talked]]
    call = np.repeat(talked, size)
    first = np.cumsum(size) - size
    index = np.arange(len(call)) - np.repeat(first, size)
    step = steps.begins[way[call]] + index
    agent, word = steps.agent[step], steps.word[step]
    hostile = np.array(CODES)[code[call]] == "opt_out"
    often = np.where(hostile, planted.INTERRUPTED_OPT_OUT, planted.INTERRUPTED)
    answered = later(~agent & (index > 0), False)
    interrupted = agent & answered & (dice.random(len(call)) < often)
    heard = np.where(interrupted, np.round(dice.uniform(0.3, 0.95, len(call)), 3), 1.0)
    response, parts = _response(agent, index, dice)
    spoken = _SPOKEN_S[word] * np.exp(dice.normal(0, np.where(agent, 0.05, 0.45)))
    spoken = np.round(np.maximum(spoken * np.where(agent, heard, 1.0), 0.3), 2)
    cut = earlier(interrupted, False)
    pause = np.round(dice.uniform(0.2, 1.4, len(call)), 2)
    gap = np.where(cut, -0.25, pause)
    gap = np.where(np.isnan(response), gap, response / 1000)
    gap = np.where(index == 0, first_audio_s[call], gap)
    start = _in_calls(gap + earlier(spoken, 0.0) * (index > 0), first, size)
    emotion, scores = _emotions(code[call], agent, index, np.repeat(size, size), dice)
    return Turns(
        call, index, agent, word, steps.node[step], start, start + spoken, interrupted,
        np.where(agent, heard, np.nan), emotion, scores, *parts, response,
    )  # fmt: skip


def earlier(values: npt.NDArray[Any], first: float) -> npt.NDArray[Any]:
    """The value of the row before each."""
    return np.append(np.array([first], values.dtype), values)[: len(values)]


def later(values: npt.NDArray[Any], last: float) -> npt.NDArray[Any]:
    """The value of the row after each."""
    return np.append(values, np.array([last], values.dtype))[-len(values) or 1 :]


def _ways(steps: _Steps, code: Ints, left: Ints, dice: np.random.Generator) -> Ints:
    way = np.full(len(code), NOBODY)
    for name, (places, weights) in steps.of.items():
        here = np.flatnonzero(code == CODES.index(name))
        chosen = dice.choice(len(places), len(here), p=weights)
        way[here] = places[left[here] if name == "human_hangup" else chosen]
    return way


def _response(
    agent: Flags, index: Ints, dice: np.random.Generator
) -> tuple[Reals, tuple[Reals, Reals, Reals, Reals]]:
    """Milliseconds from the person's last word to ours, on turns that answer; and the stages."""
    size = len(agent)
    answers = agent & (index > 0)
    answers &= earlier(~agent, False)
    whole = np.exp(dice.normal(np.log(planted.RESPONSE_MS), planted.RESPONSE_SPREAD, size))
    whole = np.round(np.where(answers, whole, np.nan), 1).astype(np.float64)
    endpoint = np.round(whole * dice.uniform(0.30, 0.42, size), 1)
    tail = np.round(whole * dice.uniform(0.10, 0.18, size), 1)
    mind = np.round(dice.uniform(3, 12, size), 1)
    uncached = dice.random(size) < _UNCACHED
    byte = np.where(agent & uncached, dice.uniform(60, 180, size), np.nan).astype(np.float64)
    byte = byte.round(1)
    # Stages of hearing belong to the person's turn, which is the one before ours.
    heard_before = [later(stage, np.nan) for stage in (endpoint, tail)]
    mind = np.where(agent, np.nan, mind)
    stages = (heard_before[0], heard_before[1], mind, byte)
    return whole, stages


def _in_calls(steps: Reals, first: Ints, size: Ints) -> Reals:
    """Running sums that begin anew with each call."""
    whole = np.cumsum(steps)
    before = whole[first] - steps[first] if len(first) else np.empty(0)
    return np.round(whole - np.repeat(before, size), 3)


def _emotions(
    code: Ints, agent: Flags, index: Ints, size: Ints, dice: np.random.Generator
) -> tuple[Ints, Reals]:
    group = np.array([_ENDS.index(c) if c in _ENDS else _ENDS.index("other") for c in CODES])[code]
    ends = np.array([planted.EMOTION_AT_END[name] for name in _ENDS])[group]
    along = (index / np.maximum(size - 1, 1))[:, None]
    chance = np.array(planted.EMOTION_AT_START) * (1 - along) + ends * along
    luck = dice.random(len(code))[:, None]
    drawn = np.minimum((luck > chance.cumsum(1)).sum(1), len(planted.EMOTIONS) - 1)
    unheard = dice.random(len(code)) < planted.EMOTION_UNHEARD
    scores = np.round(dice.uniform(0.55, 0.99, len(code)), 3)
    return np.where(agent | unheard, NOBODY, drawn), scores


def _laid_out(script: str) -> _Steps:
    word, node, begins, length = list[int](), list[int](), list[int](), list[int]()
    agent = list[bool]()
    of: dict[str, tuple[Ints, Reals]] = {}
    for code, ways in WAYS[script].items():
        places = []
        for _, way in ways:
            places.append(len(begins))
            begins.append(len(word))
            said = [step.split() for step in way.split(", ")]
            length.append(len(said))
            for who, what in said:
                word.append(_WORDS.index(what) if who == "a" else _CALLER + _ASKED.index(what))
                agent.append(who == "a")
                node.append(word[-1] if who == "a" else node[-1])
        of[code] = (np.array(places), np.array([weight for weight, _ in ways]))
    return _Steps(
        np.array(word), np.array(agent), np.array(node), np.array(begins), np.array(length), of
    )


_ASKED = tuple(CALLER_SAYS)
_CALLER = len(AGENT_SAYS)
_STEPS = {script: _laid_out(script) for script in WAYS}
