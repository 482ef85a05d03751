"""Another language in the middle of a call: who is asked for it, and what is carried over."""

from collections.abc import Mapping
from typing import Literal

from voice_ai.conversation.graph import Script
from voice_ai.conversation.prompts import speakable
from voice_ai.conversation.tongues import asked_for, tongue_of
from voice_ai.conversation.turns import State


def other_language(script: Script, state: State, text: str) -> str | None | Literal[False]:
    """The language they ask for, None being the file's own; False: they ask for none, or for one
    that the script does not speak, or already does."""
    wanted = asked_for(text)
    if wanted is None or wanted == script.language[:2]:
        return False
    spoken = script.language_for(wanted)
    known = spoken is not None or any(
        language is None and worded.language[:2] == wanted
        for (_, language), worded in script.wordings.items()
    )
    return spoken if known and spoken != state.language else False


def slots_in(here: Script, there: Script, slots: Mapping[str, str]) -> dict[str, str]:
    """Numbers digit by digit, and what nobody filled, in the words of the other language."""
    digits = dict(
        zip(tongue_of(here.language).digits, tongue_of(there.language).digits, strict=True)
    )
    carried: dict[str, str] = {}
    for name, value in slots.items():
        before, after = here.slots[name], there.slots[name]
        default = speakable(before.default or "", before, here.language)
        if before.default is not None and value == default:
            carried[name] = speakable(after.default or "", after, there.language)
        elif before.speak == "phone":
            groups = (part.split(" ") for part in value.split(", "))
            carried[name] = ", ".join(
                " ".join(digits.get(word, word) for word in group) for group in groups
            )
        else:
            carried[name] = value
    return carried
