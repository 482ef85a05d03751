"""What the labels of a turn come to: two people, blind to each other, and if need be a third."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from voice_ai.errors import Refused
from voice_ai.qa.agreement import Agreement, agreement

# waiting: a first or second label is missing. unclear: it was said that nobody could tell.
State = Literal["waiting", "disputed", "agreed", "unclear"]
LABELLERS = 2


@dataclass(frozen=True)
class Said:
    """`label` None: could not tell. `decides`: the third word on a disagreement."""

    labeller: str
    label: str | None
    decides: bool = False


@dataclass(frozen=True)
class Standing:
    """`label` only where it is agreed."""

    state: State
    label: str | None = None


def standing(said: Sequence[Said]) -> Standing:
    """Two equal labels agree; a decision settles what two left open."""
    for one in said:
        if one.decides:
            return Standing("unclear") if one.label is None else Standing("agreed", one.label)
    if len(said) < LABELLERS:
        return Standing("waiting")
    first, second = said[0].label, said[1].label
    if first != second:
        return Standing("disputed")
    return Standing("unclear") if first is None else Standing("agreed", first)


def check(said: Sequence[Said], by: str, *, decides: bool) -> None:
    """Raises Refused, saying why, when that person's word is not wanted on this turn."""
    if any(one.labeller == by for one in said):
        raise Refused("you have labelled this turn already; take that back to change it")
    if decides and standing(said).state != "disputed":
        raise Refused("nothing is left to decide here: somebody was faster, or a label is missing")
    if not decides and len(said) >= LABELLERS:
        raise Refused("two people have labelled this turn already; go on with the next")


def agreed(turns: Iterable[Sequence[Said]]) -> Agreement:
    """Cohen's kappa of the two blind labels, over turns on which both could tell."""
    pairs = []
    for said in turns:
        blind = [one.label for one in said if not one.decides][:LABELLERS]
        if len(blind) == LABELLERS and None not in blind:
            pairs.append((blind[0], blind[1]))
    return agreement(pairs)
