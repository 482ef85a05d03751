"""What a colleague is told before they take a call, and the conversation kept meanwhile."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from voice_ai.conversation.graph import Script
from voice_ai.conversation.turns import State

_MOST_INTENTS = 3
_MOST_WORDS = 12
# Somebody who is on the line can be asked for these again.
_PRIVATE = frozenset({"phone", "email"})
_IN_WORDS = {
    "yes": "yes",
    "no": "no",
    "busy_now": "that they are busy",
    "callback": "that they want to be called back",
    "reschedule": "that they want another time",
    "question": "a question",
    "out_of_scope": "something we could not answer",
    "thanks": "thank you",
    "wrong_person": "that it is the wrong person",
}


def with_intent(state: State, intent: str | None) -> State:
    """The state that remembers it, for as long as it is among the last few."""
    if intent is None:
        return state
    return replace(state, intents=(*state.intents, intent)[-_MOST_INTENTS:])


def summary(script: Script, state: State) -> str:
    """Who it is, what the call is about, and what was said so far: no number, no address."""
    name = state.slots.get("lead_name") or state.slots.get("first_name")
    seller = state.slots.get("seller")
    about = script.name.replace("_", " ")
    parts = [f"A call about {about}" + (f" for {seller}." if seller else ".")]
    if name:
        parts.append(f"On the line: {name}.")
    private = {
        node.capture
        for node in script.nodes.values()
        if node.capture is not None and node.expects in _PRIVATE
    }
    parts += [
        f"{slot.replace('_', ' ').capitalize()}: {_short(value)}."
        for slot, value in state.slots.items()
        if script.slots[slot].scope == "call" and slot not in private
    ]
    heard = [_IN_WORDS[intent] for intent in state.intents if intent in _IN_WORDS]
    if heard:
        parts.append(f"They last said: {', then '.join(heard)}.")
    return " ".join(parts)


def taken_over(state: State) -> State:
    """An operator hands the call over in the middle of it; one that is over stays over."""
    return state if state.ended is not None else replace(state, ended="transfer")


def kept(state: State) -> dict[str, Any]:
    """The state as plain data; an answer that was being looked for is not waited for."""
    return {
        **asdict(replace(state, thinking=None)),
        "comforted": sorted(state.comforted),
        "feelings_followed": sorted(state.feelings_followed),
    }


def restored(data: Mapping[str, Any]) -> State:
    """What `kept` made of it."""
    return State(
        **{
            **data,
            "comforted": frozenset(data["comforted"]),
            "feelings_followed": frozenset(data["feelings_followed"]),
            "intents": tuple(data["intents"]),
        }
    )


def _short(value: str) -> str:
    words = value.rstrip(".!?").split()
    return " ".join(words[:_MOST_WORDS]) + (" and so on" if len(words) > _MOST_WORDS else "")
