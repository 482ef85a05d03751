"""Turns as chat bubbles: HTML, every word escaped, colours from the one palette."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from app.theme import ink
from pipelines.report.labels import milliseconds, percent, words
from pipelines.report.palette import PLAIN, Colour, Mode, emotion_colour

_SIDE = {"agent": ("flex-end", "Agent"), "caller": ("flex-start", "Caller")}
_GROUND = {
    "agent": Colour("#e8eef6", "#1d2a3a"),
    "caller": Colour("#f1f2f4", "#22262e"),
}


_STAGES = {
    "endpoint_ms": "end of turn",
    "stt_tail_ms": "transcript",
    "mind_ms": "understanding",
    "tts_first_byte_ms": "first sound",
}


def bubbles(
    turns: Iterable[Mapping[str, Any]], mode: Mode, going_on: Iterable[tuple[str, str]] = ()
) -> str:
    """`turns` with the columns of `v_turns`, in order; `going_on`: who is speaking, and what."""
    rows = "".join(_bubble(turn, mode) for turn in turns)
    rows += "".join(_open_bubble(speaker, text, mode) for speaker, text in going_on)
    return (
        '<div role="log" aria-label="Transcript" style="display:flex;flex-direction:column;'
        f'gap:6px;font-size:0.95rem;color:{ink(mode)}">{rows}</div>'
    )


def chips(turn: Mapping[str, Any], mode: Mode) -> str:
    """Emotion and intent of a turn, as far as they were heard."""
    emotion, intent = turn.get("emotion"), turn.get("intent")
    shown = []
    if emotion:
        shown.append(
            _chip(words(emotion), turn.get("emotion_score"), emotion_colour(emotion), mode)
        )
    if intent:
        shown.append(_chip(words(intent), turn.get("intent_score"), PLAIN, mode))
    return "".join(shown)


def _bubble(turn: Mapping[str, Any], mode: Mode) -> str:
    side, who = _SIDE[turn["speaker"]]
    ground = _GROUND[turn["speaker"]].on(mode)
    text = escape(turn["text"] or "…")
    below = f"{who}{_cut(turn)}{_latency(turn)}"
    return (
        f'<div title="{escape(_stages(turn))}" style="align-self:{side};max-width:85%;'
        f'background:{ground};border-radius:10px;padding:6px 10px"><div>{text}</div>'
        '<div style="font-size:0.78rem;margin-top:3px;display:flex;flex-wrap:wrap;gap:3px 5px">'
        f"<span>{below}</span>{chips(turn, mode)}</div></div>"
    )


def _open_bubble(speaker: str, text: str, mode: Mode) -> str:
    """What is not over: a broken edge tells it from what was said."""
    side, who = _SIDE[speaker]
    return (
        f'<div style="align-self:{side};max-width:85%;border:1px dashed {ink(mode)};'
        f'border-radius:10px;padding:6px 10px"><div>{escape(text)} …</div>'
        f'<div style="font-size:0.78rem;margin-top:3px">{who} · speaking</div></div>'
    )


def _latency(turn: Mapping[str, Any]) -> str:
    waited = turn.get("response_ms")
    return "" if waited is None else f" · after {milliseconds(waited)}"


def _stages(turn: Mapping[str, Any]) -> str:
    """Where the time went, as far as it was measured."""
    measured = ((name, turn.get(column)) for column, name in _STAGES.items())
    return ", ".join(f"{name} {milliseconds(ms)}" for name, ms in measured if ms is not None)


def _cut(turn: Mapping[str, Any]) -> str:
    heard = turn.get("heard_fraction")
    if heard is None or heard >= 1:
        return ""
    why = "interrupted" if turn.get("interrupted") else "cut"
    return f" · {why}, {heard:.0%} heard"


def _chip(text: str, score: float | None, colour: Colour, mode: Mode) -> str:
    """A dot wears the colour: text on coloured ground would be hard to read in one of the modes."""
    share = "" if score is None else f" {percent(score)}"
    tint = colour.on(mode)
    return (
        f'<span style="border:1px solid {tint};border-radius:9px;padding:0 7px;'
        f'white-space:nowrap"><span aria-hidden="true" style="color:{tint}">●</span> '
        f"{escape(text)}{share}</span>"
    )
