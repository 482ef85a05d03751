"""What a campaign may hear emotions from, and where the law lets it listen to the voice.

What is said is a text like any other; how it sounds is a person's body. In the European Union a
system that infers emotions from it has to tell the person (Regulation (EU) 2024/1689, art. 50(3)),
and must not be turned on employees at all (art. 5(1)(f)): no colleague is ever listened to,
whatever a campaign says. No voiceprint is kept anywhere.
"""

from collections.abc import Sequence
from typing import Literal

from voice_ai.compliance.codes import LAW_OF_COUNTRY
from voice_ai.conversation.graph import Script
from voice_ai.conversation.notice import tells_of_feelings
from voice_ai.transports import MEDIA_STREAMS, Transport

EmotionSource = Literal["text", "voice", "off"]
OFF: EmotionSource = "off"
TEXT: EmotionSource = "text"
VOICE: EmotionSource = "voice"

ABOUT = (
    "what emotions are heard from: text (the words), voice (the words and the sound), or off (none"
    " is predicted or kept)"
)


def emotion_fault(
    source: EmotionSource, transport: Transport, countries: Sequence[str], script: Script
) -> str | None:
    """Why this campaign may not, or cannot, hear emotions from there; None when it can."""
    if source != VOICE:
        return None
    if transport != MEDIA_STREAMS:
        return f"the voice is heard over {MEDIA_STREAMS} only; say text, or change `transport`"
    union = sorted(code for code in countries if LAW_OF_COUNTRY.get(code) == "EU")
    if union and not all(tells_of_feelings(worded) for worded in script.wordings.values()):
        return (
            f"in {', '.join(union)} the person has to be told that emotions are recognised in"
            " their voice (EU-50-3, AI Act art. 50(3)); let the script's opening say so, or say"
            " text"
        )
    return None
