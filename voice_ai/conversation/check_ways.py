"""What must hold of the ways by slot and by feeling."""

from collections.abc import Iterator, Mapping

from voice_ai.conversation.graph import Node, Script
from voice_ai.conversation.source import Path
from voice_ai.conversation.turns import Expects
from voice_ai.conversation.ways import When, whole_number

Fault = tuple[Path, str]
_NUMBERS: frozenset[Expects] = frozenset({"number", "rating"})
_MAX_NAMED = 8


def check_ways(script: Script) -> Iterator[Fault]:
    held = _answers_of(script)
    for name, node in script.nodes.items():
        if node.when and node.next is None:
            yield (
                ("nodes", name, "when"),
                "`when` is asked before `next` is taken: add `next` for when no rule holds.",
            )
        for place, rule in enumerate(node.when):
            at: Path = ("nodes", name, "when", place)
            for field, message in _rule(script, rule, held):
                yield (*at, field), message
            if rule in node.when[:place]:
                yield at, "the same rule stands above; leave one out."
        if node.on_emotion and node.ask is None:
            yield ("nodes", name, "on_emotion"), "`on_emotion` needs an `ask` in the same node."
    for emotion, feeling in script.on_emotion.items():
        if feeling.to not in script.nodes:
            known = ", ".join(list(script.nodes)[:_MAX_NAMED])
            yield (
                ("on_emotion", emotion),
                f"there is no node `{feeling.to}`; the nodes are {known}.",
            )


def _answers_of(script: Script) -> Mapping[str, list[Node]]:
    """The questions whose answers each slot takes."""
    held: dict[str, list[Node]] = {}
    for node in script.nodes.values():
        if node.capture is not None:
            held.setdefault(node.capture, []).append(node)
    return held


def _rule(script: Script, rule: When, held: Mapping[str, list[Node]]) -> Iterator[tuple[str, str]]:
    slot = script.slots.get(rule.slot)
    if slot is None:
        known = ", ".join(list(script.slots)[:_MAX_NAMED]) or "none"
        yield "slot", f"`{rule.slot}` is not declared under `slots`; there are: {known}."
        return
    questions = held.get(rule.slot, [])
    if slot.scope == "call" and not questions:
        yield (
            "slot",
            f"no question fills `{rule.slot}`: add `capture: {rule.slot}` where it is asked.",
        )
        return
    kinds = sorted({question.expects for question in questions})
    if rule.above is not None or rule.below is not None:
        word = "above" if rule.above is not None else "below"
        if not questions or not _NUMBERS.issuperset(kinds):
            holds = " or ".join(kinds) if questions else "text"
            yield (
                word,
                f"`{rule.slot}` holds {holds}, which is not above or below anything;"
                " use `equals`, or ask for it with `expects: number`.",
            )
    if rule.missing is not None and (slot.required or slot.default is not None):
        yield "missing", f"`{rule.slot}` always has a value; take its default away, or this rule."
    if rule.equals is not None and questions:
        yield from _never_equal(rule, rule.equals, questions)


def _never_equal(rule: When, wanted: str, questions: list[Node]) -> Iterator[tuple[str, str]]:
    kinds = {question.expects for question in questions}
    if kinds <= {"yes_no"}:
        possible = {"yes", "no"}.union(*(question.on for question in questions))
        if wanted not in possible:
            named = ", ".join(sorted(possible))
            yield "equals", f"the answer to a yes/no question is never `{wanted}`; it is {named}."
    elif kinds <= _NUMBERS:
        number = whole_number(wanted)
        if number is None or not any(_can_be(question, number) for question in questions):
            yield "equals", f"the answer that `{rule.slot}` holds is never `{wanted}`."


def _can_be(question: Node, number: int) -> bool:
    bounds = question.scale if question.expects == "rating" else question.between
    return bounds is None or bounds[0] <= number <= bounds[1]
