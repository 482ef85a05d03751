"""The scorecard as data, and what a filled-in one amounts to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from voice_ai.conversation.written import Frozen, Name
from voice_ai.errors import BadInput

GateMark = Literal["pass", "fail", "n/a"]
Gates = Mapping[str, GateMark | None]
Scores = Mapping[str, float | None]


class Gate(Frozen):
    key: Name
    title: str
    about: str = ""


class Item(Gate):
    weight: Annotated[int, Field(gt=0, le=100)]


class Card(Frozen):
    name: Name = Field(alias="card")
    version: int = Field(ge=1)
    gates: tuple[Gate, ...] = Field(min_length=1)
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def whole(self) -> "Card":
        keys = [one.key for one in (*self.gates, *self.items)]
        if len(set(keys)) != len(keys):
            raise ValueError("two gates or items have the same key")
        if (weights := sum(item.weight for item in self.items)) != 100:
            raise ValueError(f"the weights are {weights} together; they must be 100")
        return self


@dataclass(frozen=True)
class Judgement:
    """`total` 0–100 over the items that were judged, `judged` the weight of those.

    `passed` is None while a gate is open: what is not known is no pass.
    """

    total: float | None
    judged: int
    passed: bool | None


def read_card(text: str, *, source: str) -> Card:
    """Raises BadInput."""
    try:
        return Card.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise BadInput("this is not valid YAML.", file=source) from error
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"])) or None
        message = found["msg"].removeprefix("Value error, ")
        raise BadInput(f"{message}.", file=source, field=where) from error


@lru_cache(maxsize=1)
def default_card() -> Card:
    return read_card((files("voice_ai.qa") / "default.yaml").read_text("utf-8"), source="default")


def judge(card: Card, gates: Gates, scores: Scores) -> Judgement:
    """Raises BadInput for marks that the card does not have, or scores outside of 0–1."""
    _refuse_strangers(card, gates, scores)
    marks = [gates.get(gate.key) for gate in card.gates]
    passed: bool | None = None
    if "fail" in marks:
        passed = False
    elif None not in marks and "pass" in marks:
        passed = True
    known = [
        (item.weight, score) for item in card.items if (score := scores.get(item.key)) is not None
    ]
    weight = sum(one for one, _ in known)
    total = 100 * sum(one * score for one, score in known) / weight if weight else None
    return Judgement(total, weight, passed)


def _refuse_strangers(card: Card, gates: Gates, scores: Scores) -> None:
    strange = {*gates} - {gate.key for gate in card.gates}
    strange |= {*scores} - {item.key for item in card.items}
    if strange:
        raise BadInput(f"the card {card.name} does not have: {', '.join(sorted(strange))}")
    for key, score in scores.items():
        if score is not None and not 0 <= score <= 1:
            raise BadInput(f"{score} is not between 0 and 1", field=key)
