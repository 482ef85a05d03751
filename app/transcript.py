"""Turns as chat bubbles: HTML, every word escaped, colours from the one palette."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from app.theme import ink
from pipelines.report.labels import percent, words
from pipelines.report.palette import PLAIN, Colour, Mode, emotion_colour

_SIDE = {"agent": ("flex-end", "Agent"), "caller": ("flex-start", "Caller")}
_GROUND = {
    "agent": Colour("#e8eef6", "#1d2a3a"),
    "caller": Colour("#f1f2f4", "#22262e"),
}


def bubbles(turns: Iterable[Mapping[str, Any]], mode: Mode) -> str:
    """`turns` with the columns of `v_turns`, in order."""
    rows = "".join(_bubble(turn, mode) for turn in turns)
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
    below = f"{who}{_cut(turn)}"
    return (
        f'<div style="align-self:{side};max-width:85%;background:{ground};border-radius:10px;'
        f'padding:6px 10px"><div>{text}</div>'
        '<div style="font-size:0.78rem;margin-top:3px;display:flex;flex-wrap:wrap;gap:3px 5px">'
        f"<span>{below}</span>{chips(turn, mode)}</div></div>"
    )


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
