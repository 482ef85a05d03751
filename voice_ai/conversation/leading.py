"""What is an answer, where it leads, and which slot it fills."""

from collections.abc import Mapping
from dataclasses import replace

from voice_ai.conversation.graph import Node
from voice_ai.conversation.turns import SetSlot, Speech, State
from voice_ai.conversation.understanding import Meaning
from voice_ai.conversation.ways import first_way


def target_of(node: Node, meaning: Meaning, slots: Mapping[str, str]) -> str | None:
    if node.expects == "rating" and meaning.value is not None:
        return node.target_of_rating(int(meaning.value)) or way_on(node, slots)
    if meaning.intent is not None and meaning.intent in node.on:
        return node.on[meaning.intent]
    if meaning.value is not None:
        return way_on(node, slots)
    if node.expects == "yes_no" and meaning.intent in ("yes", "no"):
        return way_on(node, slots)
    return None


def way_on(node: Node, slots: Mapping[str, str]) -> str | None:
    return first_way(node.when, slots) or node.next


def captured(state: State, node: Node, meaning: Meaning) -> tuple[State, tuple[SetSlot, ...]]:
    """The state with the answer in its slot; a rule about that slot already sees it."""
    value = meaning.value or (meaning.intent if node.expects == "yes_no" else None)
    if node.capture is None or value is None:
        return state, ()
    slots = {**state.slots, node.capture: value}
    return replace(state, slots=slots), (SetSlot(node.capture, value),)


def is_not_yet_an_answer(node: Node, state: State, heard: Speech, meaning: Meaning) -> bool:
    """A greeting, or a word said over the agent before any of the question could be heard."""
    if meaning.intent == "greeting":
        return "greeting" not in node.on
    if heard.over_agent:
        return meaning.intent in ("yes", "no", "thanks", "question", "repeat", None)
    if meaning.intent not in ("yes", "no", "thanks", None):
        return False
    if heard.heard_of_agent is None or state.question is None:
        return False
    begun = " ".join(state.question.casefold().split()[:2])
    return begun not in " ".join(heard.heard_of_agent.casefold().split())


def is_bare_question(text: str) -> bool:
    """ "Yeah?", as people say who pick up the phone."""
    return text.rstrip().endswith("?") and len(text.split()) <= 2
