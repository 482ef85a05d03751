"""What must hold of free-form answers before a model is asked for any."""

from collections.abc import Iterator

from voice_ai.conversation.answers import FreeAnswer
from voice_ai.conversation.graph import SLOT, Script
from voice_ai.conversation.source import Path

Fault = tuple[Path, str]
MAX_FACT_CHARACTERS = 2000


def check_answers(script: Script) -> Iterator[Fault]:
    if script.answer is not None:
        yield from _free(script, ("answer",), script.answer)
    for name, node in script.nodes.items():
        if node.answer is not None:
            yield from _free(script, ("nodes", name, "answer"), node.answer)


def _free(script: Script, at: Path, free: FreeAnswer) -> Iterator[Fault]:
    for place, fact in enumerate(free.facts):
        for slot in SLOT.findall(fact):
            known = script.slots.get(slot)
            if known is None:
                yield (*at, "facts", place), f"`{{{slot}}}` is not declared under `slots`."
            elif known.scope != "campaign":
                yield (
                    (*at, "facts", place),
                    f"`{{{slot}}}` is the person's own; facts leave the house, so they hold"
                    " slots of the campaign only.",
                )
    if sum(map(len, free.facts)) > MAX_FACT_CHARACTERS:
        yield (
            (*at, "facts"),
            f"the facts are longer than {MAX_FACT_CHARACTERS:,} characters; keep what is asked.",
        )
