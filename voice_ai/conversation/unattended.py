"""What is said where no person listens: the message for a mailbox, the answer to a screener."""

from voice_ai.conversation.graph import Script
from voice_ai.conversation.prompts import render
from voice_ai.conversation.turns import Say, State


def message(script: Script, state: State) -> tuple[Say, ...]:
    """What is left after the beep, in one piece; empty when the script has no `voicemail`."""
    return _said(script, state, "voicemail", script.voicemail)


def introduction(script: Script, state: State) -> tuple[Say, ...]:
    """Who calls and why; without `screener` in the script it is what its opening says of that."""
    if script.screener:
        return _said(script, state, "screener", script.screener)
    start = script.nodes.get(script.start)
    if start is None:
        return ()
    opening = tuple(text for text in (start.identify, start.disclose) if text is not None)
    return _said(script, state, "screener", (*opening, *start.say))


def _said(script: Script, state: State, place: str, texts: tuple[str, ...]) -> tuple[Say, ...]:
    rendered = (
        render(script, f"{place}.{number}", text, state.slots) for number, text in enumerate(texts)
    )
    return tuple(Say(text, key, interruptible=False) for text, key in rendered)
