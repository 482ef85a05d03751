"""From the media's words to the conversation's, and back."""

from dialer.media.events import Transcript
from dialer.media.playback import Line
from dialer.ports import Understanding
from voice_ai.conversation.turns import Ask, Say, Speech


def line_of(action: Say | Ask, node: str) -> Line:
    """What the agent is to say, on its way."""
    silence_s = action.silence_s if isinstance(action, Ask) else None
    return Line(action.text, action.key, action.interruptible, node, silence_s)


def speech_of(text: str, understood: Understanding) -> Speech:
    """What the person said, with what the models make of it."""
    intent, emotion = understood.intent, understood.emotion
    return Speech(
        text,
        intent=intent.label if intent else None,
        intent_score=intent.score if intent else None,
        emotion=emotion.label if emotion else None,
    )


def speech_ended(heard: Transcript) -> float | None:
    """When the person stopped speaking, by clock.monotonic(); None when that was not measured."""
    endpoint_s = heard.turn.endpoint_s
    if heard.committed_at is None or endpoint_s is None:
        return None
    return heard.committed_at - endpoint_s
