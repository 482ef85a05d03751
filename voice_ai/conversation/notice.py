"""The notice that a call is recorded or its voice listened to, and who objects to it."""

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
    """Which part of the opening is the notice; None for a script that gives none.

    The last one that speaks of the recording, or of feelings in the voice, so that everything
    about it was said. Where no part does it is the part named so, or else the end of the opening.
    """
    parts, tongue = _opening(script), tongue_of(script.language)
    if not parts:
        return None
    words = (tongue.feelings, *((tongue.recorded,) if script.recorded else ()))
    named = [part for part, text in parts.items() if any(each.search(text) for each in words)]
    if named:
        return named[-1]
    if not script.recorded:
        return None
    return "recording" if "recording" in parts else list(parts)[-1]


def tells_of_feelings(script: Script) -> bool:
    """Whether the opening says that feelings are heard in the voice."""
    words = tongue_of(script.language).feelings
    return any(words.search(text) for text in _opening(script).values())


def _opening(script: Script) -> dict[str, str]:
    start = script.nodes.get(script.start)
    return {} if start is None else dict(start.opening)
