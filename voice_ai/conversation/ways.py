"""Ways that answers alone do not decide: by what a slot holds, and by how a person feels."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from voice_ai.conversation.turns import Intent, Speech
from voice_ai.conversation.written import Emotion, Frozen, Name

# A feeling is believed a little later than a word: who is taken for angry is treated so.
MIN_EMOTION_SCORE = 0.5
# What is asked for in anger is done all the same; these have answers of their own.
HEARD_BEFORE_FEELINGS: frozenset[Intent] = frozenset(
    {"ask_robot", "wrong_person", "callback", "busy_now"}
)


class When(Frozen):
    """One rule about one slot; the first that holds is taken in place of `next`."""

    slot: Name
    above: int | None = None
    below: int | None = None
    equals: str | None = None
    missing: bool | None = None
    to: str

    @model_validator(mode="after")
    def one_test(self) -> "When":
        tests = (self.above, self.below, self.equals, self.missing)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("say one of `above`, `below`, `equals` and `missing`")
        return self

    @property
    def told(self) -> str:
        """As a picture shows it: `guests above 8`."""
        if self.missing is not None:
            return f"{self.slot} {'missing' if self.missing else 'given'}"
        if self.equals is not None:
            return f"{self.slot} is {self.equals}"
        word, bound = ("above", self.above) if self.above is not None else ("below", self.below)
        return f"{self.slot} {word} {bound}"

    def holds(self, slots: Mapping[str, str]) -> bool:
        """A slot that is empty, or holds no number, is neither above nor below one."""
        value = slots.get(self.slot)
        if self.missing is not None:
            return (value is None) == self.missing
        if value is None:
            return False
        if self.equals is not None:
            return _plain(value) == _plain(self.equals)
        number = whole_number(value)
        if number is None:
            return False
        if self.above is not None:
            return number > self.above
        return self.below is not None and number < self.below


def _to(value: Any) -> Any:
    return {"to": value} if isinstance(value, str) else value


class Feeling(Frozen):
    """Where a strong feeling leads; written as a node's name, or with the score it needs."""

    to: str
    sure: float = Field(MIN_EMOTION_SCORE, ge=0, le=1)


OnEmotion = Mapping[Emotion, Annotated[Feeling, BeforeValidator(_to)]]


def first_way(rules: Iterable[When], slots: Mapping[str, str]) -> str | None:
    """Where the first rule that holds leads; None when none does."""
    return next((rule.to for rule in rules if rule.holds(slots)), None)


def way_of_feeling(
    everywhere: OnEmotion, here: OnEmotion, heard: Speech, answered: frozenset[str]
) -> str | None:
    """Where this feeling leads: the node's own word before the script's, each feeling once a call.

    A feeling without a score was told by a person or a test and is taken as sure.
    """
    if heard.emotion is None or heard.emotion in answered:
        return None
    for ways in (here, everywhere):
        for emotion, feeling in ways.items():
            if emotion == heard.emotion:
                sure = heard.emotion_score is None or heard.emotion_score >= feeling.sure
                return feeling.to if sure else None
    return None


def whole_number(text: str) -> int | None:
    """A number as a slot holds it."""
    return int(text) if text.strip().removeprefix("-").isdecimal() else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
