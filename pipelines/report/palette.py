"""The colour of each outcome and each emotion, everywhere.

Chosen by search: every pair stays apart by at least 0.10 in OKLab with normal sight and with
deuteranopia, protanopia and tritanopia (Machado 2009); a test recomputes it. A shade for light
and one for dark backgrounds, both of the same hue.
"""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["light", "dark"]


@dataclass(frozen=True)
class Colour:
    light: str
    dark: str

    def on(self, mode: Mode) -> str:
        return self.light if mode == "light" else self.dark


OUTCOME_COLOURS = {
    "goal": Colour("#167d66", "#2fecc6"),
    "opted_out": Colour("#743b1e", "#d77940"),
    "conversed": Colour("#2a97ed", "#0b77d5"),
    "human": Colour("#55468f", "#a8a6fc"),
    "machine": Colour("#dc7d10", "#fcc635"),
    "unanswered": Colour("#9692a0", "#6c5e58"),
}
EMOTION_COLOURS = {
    "joy": Colour("#bd8d0f", "#c79319"),
    "surprise": Colour("#007870", "#2beafb"),
    "neutral": Colour("#909090", "#7d8a8f"),
    "sadness": Colour("#5e8ad3", "#67acff"),
    "fear": Colour("#673e89", "#8e42a7"),
    "anger": Colour("#8d2115", "#b82e0e"),
    "disgust": Colour("#6f741d", "#d0d762"),
}
# Things told apart by name only: lists, arms, campaigns; in this order.
SERIES = (
    Colour("#1042b8", "#4ea5de"),
    Colour("#a14213", "#e45423"),
    Colour("#488f75", "#79f7c8"),
    Colour("#613453", "#9d4f84"),
    Colour("#93981a", "#ddbf16"),
    Colour("#28145a", "#7c50f2"),
)
# Anything that is neither an outcome nor an emotion.
PLAIN = Colour("#3b6ea5", "#7fb2e5")
BACKGROUND = Colour("#ffffff", "#0e1117")

_OUTCOME_OF_DISPOSITION = {
    "goal": "goal",
    "transferred": "conversed",
    "conversed_no_goal": "conversed",
    "callback_requested": "conversed",
    "not_interested": "conversed",
    "opt_out": "opted_out",
    "wrong_number": "conversed",
    "human_hangup": "human",
    "abandoned": "human",
    "machine": "machine",
}


def disposition_outcome(code: str) -> str:
    """The outcome whose colour a disposition wears."""
    return _OUTCOME_OF_DISPOSITION.get(code, "unanswered")


def outcome_colour(code: str) -> Colour:
    return OUTCOME_COLOURS.get(code, PLAIN)


def emotion_colour(code: str) -> Colour:
    return EMOTION_COLOURS.get(code, PLAIN)
