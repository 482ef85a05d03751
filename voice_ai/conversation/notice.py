"""The notice that a call is recorded, and the person who objects to it."""

from dataclasses import replace

from voice_ai.conversation.graph import Script
from voice_ai.conversation.keywords import declines_recording
from voice_ai.conversation.tongues import tongue_of
from voice_ai.conversation.turns import Heard, Speech, State


def with_objection(state: State, heard: Heard) -> State:
    """Whatever else it means, and also when the call is over: who refuses it is not recorded."""
    objects = isinstance(heard, Speech) and declines_recording(heard.text)
    return replace(state, unrecorded=True) if objects else state


def notice_of(script: Script) -> str | None:
    """Which part of the opening is the notice; None for a script that is not recorded.

    The last one that speaks of it, so that everything about it was said. Where no part does it is
    the part named so, or else the end of the opening.
    """
    start = script.nodes.get(script.start)
    if not script.recorded or start is None or not start.opening:
        return None
    parts, words = dict(start.opening), tongue_of(script.language).recorded
    named = [part for part, text in parts.items() if words.search(text)]
    if named:
        return named[-1]
    return "recording" if "recording" in parts else list(parts)[-1]
