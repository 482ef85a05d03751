"""Who or what answered a call: the verdicts, what a campaign wants done, and which verdict counts.

Two witnesses speak: the carrier's answering machine detection and our own ears. Pure: no I/O and
no clock; times are seconds of audio since the call's media began.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Label = Literal["human", "machine", "screening", "ivr", "fax", "unknown"]
LABELS: tuple[Label, ...] = ("human", "machine", "screening", "ivr", "fax", "unknown")

# How sure somebody must be that no person answered before a call is ended for it: at least four to
# one. Below that we talk on: a mailbox that hears us costs a minute, a person cut off costs a lead.
SURE = 0.8
# What the carrier's words are worth. It publishes no error rates; these are assumptions, set so
# that its word alone is enough, and not enough against an equally sure one of ours.
_CARRIER: dict[str, tuple[Label, float]] = {
    "human": ("human", 0.85),
    "fax": ("fax", 0.9),
    "machine_end_beep": ("machine", 0.95),
}
_CARRIER_MACHINE = 0.85
_MOST_SURE = 0.99


class Answering(BaseModel):
    """What to do about what answers; a person is always talked to, and so is who is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: Literal["hang_up", "leave_message"] = Field(
        "hang_up",
        description="an answering machine: hang_up, or leave_message (the script's `voicemail`)"
        " after its beep",
    )
    screening: Literal["hang_up", "answer_once"] = Field(
        "answer_once",
        description="a call screener: answer_once (say who calls and why, then wait), or hang_up",
    )
    ivr: Literal["hang_up", "talk"] = Field(
        "hang_up", description="a telephone menu: hang_up, or talk to whoever comes on"
    )


@dataclass(frozen=True, slots=True)
class AnswerVerdict:
    """`why` is the kind of evidence, never what was said; `revised` replaces an earlier verdict."""

    label: Label
    confidence: float
    at_s: float
    why: str
    revised: bool = False


def both(*confidences: float) -> float:
    """How sure independent witnesses make together; below 0.5 a witness speaks against it."""
    odds = 1.0
    for confidence in confidences:
        bounded = min(max(confidence, 1 - _MOST_SURE), _MOST_SURE)
        odds *= bounded / (1 - bounded)
    return min(_MOST_SURE, odds / (1 + odds))


def who_answered(own: AnswerVerdict | None, carrier: str | None) -> Label:
    """The label to act on; `human` while it is not sure that nobody is there.

    `carrier` is its `AnsweredBy` word. Where both say that no person answered, our own label is the
    finer one.
    """
    told = _carrier(carrier)
    witnesses = [(own.label, own.confidence)] if own is not None else []
    witnesses += [told] if told is not None else []
    known = [(label, sure) for label, sure in witnesses if label != "unknown"]
    against = [(label, sure) for label, sure in known if label != "human"]
    nobody = both(*(1 - sure if label == "human" else sure for label, sure in known))
    return against[0][0] if against and nobody >= SURE else "human"


def _carrier(word: str | None) -> tuple[Label, float] | None:
    if word is None:
        return None
    if word in _CARRIER:
        return _CARRIER[word]
    return ("machine", _CARRIER_MACHINE) if word.startswith("machine") else None
