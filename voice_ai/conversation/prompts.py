"""From a prompt with {slots} to the sentence that is spoken."""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from voice_ai.conversation.graph import SLOT, SPOKEN_BY_CARRIER, Script, Slot
from voice_ai.conversation.tongues import ENGLISH, tongue_of
from voice_ai.errors import BadInput

MAX_SLOT_CHARACTERS = 200
DIGIT_WORDS = ENGLISH.digits

# A full stop after these ends no sentence.
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "no", "jr", "sr", "a", "i"})
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f{}?<>]")
_WHERE_FROM = {
    "campaign": "set it in the campaign file under `slots`",
    "lead": "map a column of the lead list to it or give it a default in the script",
    "call": "give it a default in the script",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """`key` is the same wherever the same words of the same place are spoken."""

    key: str
    text: str


def resolve_slots(script: Script, given: Mapping[str, str | None]) -> dict[str, str]:
    """Every slot with a value, as spoken; raises BadInput for a required slot without one."""
    resolved: dict[str, str] = {}
    for name, slot in script.slots.items():
        raw = given.get(name)
        value = speakable(raw, slot, script.language) if raw is not None else ""
        value = value or speakable(slot.default or "", slot, script.language)
        if value:
            resolved[name] = value
        elif slot.required:
            raise BadInput(
                f"the script {script.name} needs a value for `{name}`; {_WHERE_FROM[slot.scope]}.",
                field=name,
            )
    return resolved


def prompts(script: Script, slots: Mapping[str, str | None]) -> tuple[Prompt, ...]:
    """The prompts that are the same in every call of a campaign: they can be rendered ahead.

    Leads' own values are left out: a prompt counts when their defaults can fill it.
    Raises BadInput when a required campaign slot has no value.
    """
    found: dict[str, Prompt] = {}
    for worded in script.wordings.values():
        for prompt in _prompts(worded, slots):
            found.setdefault(prompt.key, prompt)
    return tuple(found.values())


def _prompts(script: Script, slots: Mapping[str, str | None]) -> Iterator[Prompt]:
    shared = {name: slot for name, slot in script.slots.items() if slot.scope == "campaign"}
    campaign = resolve_slots(script.model_copy(update={"slots": shared}), slots)
    values = _defaults(script) | campaign
    for place, template in _templates(script):
        for part in (template, *_fixed_sentences(script, template)):
            if all(name in values for name in SLOT.findall(part)):
                text, key = render(script, place, part, values)
                if key is not None:
                    yield Prompt(key, text)


def _fixed_sentences(script: Script, template: str) -> tuple[str, ...]:
    """Of a prompt with a lead's own values in it, the sentences that have none."""
    shared = {name for name, slot in script.slots.items() if slot.scope == "campaign"}
    if shared.issuperset(SLOT.findall(template)):
        return ()
    return tuple(part for part in sentences(template) if shared.issuperset(SLOT.findall(part)))


def sentences(text: str) -> tuple[str, ...]:
    """The text in the pieces in which it may be synthesised one by one."""
    parts: list[str] = []
    for part in _SENTENCE_END.split(text.strip()):
        if parts and parts[-1].rpartition(" ")[2].rstrip(".").lower() in _TITLES:
            parts[-1] += " " + part
        else:
            parts.append(part)
    return tuple(parts)


def templates(script: Script) -> tuple[tuple[str, str], ...]:
    """Every prompt, in every arm and language, with its place: `("opening.ask", "May I …?")`."""
    worded = (found for wording in script.wordings.values() for found in _templates(wording))
    return tuple(dict.fromkeys(worded))


def _templates(script: Script) -> tuple[tuple[str, str], ...]:
    own = [
        (".".join((name, *map(str, path))), text)
        for name, node in script.nodes.items()
        for path, text in node.prompts()
    ]
    lines = [
        (f"lines.{name}", text)
        for name, text in script.lines.model_dump().items()
        if name not in SPOKEN_BY_CARRIER
    ]
    comfort = [(f"empathy.{emotion}", text) for emotion, text in script.empathy.items()]
    free = [("answer.fallback", script.answer.fallback)] if script.answer is not None else []
    alone = [
        (f"{place}.{number}", text)
        for place, texts in (("voicemail", script.voicemail), ("screener", script.screener))
        for number, text in enumerate(texts)
    ]
    return (*own, *lines, *comfort, *free, *alone)


def render(
    script: Script, place: str, template: str, values: Mapping[str, str]
) -> tuple[str, str | None]:
    """The sentence, and its key unless a value that is this lead's own is in it."""
    used = SLOT.findall(template)
    text = SLOT.sub(lambda match: values.get(match.group(1), ""), template)
    text = re.sub(r"\.{2,}", ".", re.sub(r"\s+", " ", text)).strip()
    if any(_is_personal(script, name, values) for name in used):
        return text, None
    digest = sha256(text.encode()).hexdigest()[:8]
    return text, f"{script.name}.{place}.{digest}"


def comfort_line(script: Script, values: Mapping[str, str]) -> Prompt:
    """What is said while a sentence is long in coming: always the same, so that it is cached."""
    text, key = render(script, "lines.one_moment", script.lines.one_moment, values)
    return Prompt(key or "", text)


def speakable(value: str, slot: Slot, language: str = "en-US") -> str:
    """One line of plain words; a phone number digit by digit, a shouted name in title case."""
    text = " ".join(_UNSPEAKABLE.sub(" ", value).split())[:MAX_SLOT_CHARACTERS]
    if slot.speak == "phone":
        return spoken_number(text, tongue_of(language).digits)
    if slot.speak == "name" and text.isupper():
        return string.capwords(text)
    return text


def spoken_number(number: str, words: Sequence[str] = DIGIT_WORDS) -> str:
    """`+1 800 555 0100` as words in groups; text without a digit is left as it is."""
    digits = re.sub(r"[^0-9]", "", number)
    if not digits:
        return number
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    groups = (digits[:3], digits[3:6], digits[6:]) if len(digits) == 10 else (digits,)
    return ", ".join(" ".join(words[int(digit)] for digit in group) for group in groups)


def _defaults(script: Script) -> dict[str, str]:
    return {
        name: speakable(slot.default, slot, script.language)
        for name, slot in script.slots.items()
        if slot.default is not None
    }


def _is_personal(script: Script, name: str, values: Mapping[str, str]) -> bool:
    slot = script.slots.get(name)
    if slot is None or slot.scope == "campaign":
        return False
    if slot.default is None:
        return True
    return values.get(name) != speakable(slot.default, slot, script.language)
