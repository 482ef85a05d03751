"""Between a call and its conversation: utterances as `Speech`, actions as lines to be spoken."""

from dialer.media.events import Transcript
from dialer.media.playback import Line
from dialer.ports import Understanding
from voice_ai.conversation.turns import Ask, Say, Speech


def line_of(action: Say | Ask, node: str) -> Line:
    silence_s = action.silence_s if isinstance(action, Ask) else None
    notice = isinstance(action, Say) and action.notice
    return Line(action.text, action.key, action.interruptible, node, silence_s, notice)


def speech_of(text: str, understood: Understanding, language: str) -> Speech:
    """The models have learned English: what they say of another language counts for nothing.

    The opt-out model has learned Spanish too, and is heard in every call.
    """
    opt_out = understood.opt_out.scores.get("opt_out") if understood.opt_out else None
    if not language.startswith("en"):
        return Speech(text, opt_out_score=opt_out)
    intent, emotion = understood.intent, understood.emotion
    return Speech(
        text,
        intent=intent.label if intent else None,
        intent_score=intent.score if intent else None,
        emotion=emotion.label if emotion else None,
        emotion_score=emotion.score if emotion else None,
        opt_out_score=opt_out,
    )


def speech_ended_at(heard: Transcript) -> float | None:
    endpoint_s = heard.turn.endpoint_s
    if heard.committed_at is None or endpoint_s is None:
        return None
    return heard.committed_at - endpoint_s
