"""A question that a language model may answer: how it goes out, and what is made of what comes."""

from dataclasses import replace

from voice_ai.conversation.answers import FreeAnswer, bounded, spoken_form
from voice_ai.conversation.graph import Node, Script
from voice_ai.conversation.prompts import comfort_line, render
from voice_ai.conversation.redact import redact
from voice_ai.conversation.refusals import refused
from voice_ai.conversation.turns import (
    Answered,
    Digits,
    FindAnswer,
    Judged,
    Say,
    Silence,
    Speech,
    State,
    Thinking,
)
from voice_ai.conversation.understanding import understand

MAX_QUESTION = 300
# Meanwhile a person may still want something else; any other word is only impatience.
_STOPS = frozenset({"question", "callback", "busy_now", "wrong_person", "ask_robot", "repeat"})


def think(
    script: Script, state: State, free: FreeAnswer, text: str, *, then: str | None
) -> tuple[State, FindAnswer]:
    """The question goes out without what tells who asks it."""
    own = [
        value
        for name, value in state.slots.items()
        if (slot := script.slots.get(name)) is not None and slot.scope == "lead"
    ]
    question = redact(" ".join(text.split()), own)[:MAX_QUESTION]
    thinking = Thinking(state.turns, question, then)
    filler = comfort_line(script, state.slots)
    find = FindAnswer(
        id=thinking.id,
        question=question,
        asked_before=state.question and redact(state.question, own),
        topic=free.topic,
        facts=_facts(script, state, free),
        max_words=free.max_words,
        timeout_s=free.timeout_s,
        language=script.language,
        filler=Say(filler.text, filler.key or None, interruptible=True),
    )
    return replace(state, thinking=thinking, retries=0, silences=0), find


def judge(script: Script, state: State, thinking: Thinking, heard: Answered) -> tuple[Judged, Say]:
    """The model's words where they may be spoken, else the fallback; why is told with it."""
    own = script.nodes[state.node].answer if state.node in script.nodes else None
    free = own or script.answer
    assert free is not None, "only a node or a script with `answer` asks for one"
    text = spoken_form(heard.text or "")
    why = heard.why or refused(
        text,
        facts=_facts(script, state, free),
        topic=free.topic,
        question=thinking.question,
        max_words=free.max_words,
        language=script.language,
    )
    if why is None:
        return Judged("spoken"), Say(text, None, interruptible=True)
    place = "answer.fallback" if own is None else f"{state.node}.answer.fallback"
    fallback, key = render(script, place, free.fallback, state.slots)
    return Judged(why), Say(fallback, key, interruptible=True)


def thinks_on(script: Script, heard: Silence | Speech | Digits) -> bool:
    """Whether the answer that is being looked for is still wanted after this."""
    if not isinstance(heard, Speech):
        return True
    return understand(heard, Node(), script.region, script.language).intent not in _STOPS


def _facts(script: Script, state: State, free: FreeAnswer) -> tuple[str, ...]:
    return bounded(render(script, "", fact, state.slots)[0] for fact in free.facts)
