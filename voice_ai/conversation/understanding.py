"""What an utterance means as an answer to the question that was asked."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from voice_ai.conversation.graph import Node
from voice_ai.conversation.keywords import declines_recording, find_when, is_opt_out
from voice_ai.conversation.prompts import DIGIT_WORDS
from voice_ai.conversation.tongues import ENGLISH, tongue_of
from voice_ai.conversation.turns import Digits, Heard, Intent, Speech
from voice_ai.conversation.typed import find_email, find_number, find_phone

# Below these a model's label is a guess among fourteen; an opt-out is believed sooner.
MIN_SCORE = 0.35
MIN_OPT_OUT_SCORE = 0.25
# The opt-out model alone is believed from here on, and where it is served the intent's word counts
# only if that model does not speak against it. Chosen on predictions out of fold of the training
# data (docs/models.md): the least cost where two turns in a hundred are opt-outs and one that is
# missed counts for ten that are none.
OPT_OUT_HEARD = 0.5
OPT_OUT_AGREED = 0.3
OPT_OUT_KEY = "9"
ASIDE_WORDS = 8

INTENTS: dict[str, Intent] = {intent: intent for intent in get_args(Intent)}
_RATING_WORDS = {word: value for value, word in enumerate((*DIGIT_WORDS, "ten"))}
_HOMOPHONES = {"for": 4, "fore": 4, "to": 2, "too": 2, "won": 1, "ate": 8, "tree": 3, "fife": 5}
_OUT_OF = re.compile(
    r"\b(?:out of|of|on a scale (?:of|from)|from)\s+(?:a possible )?(?:\w+\s+(?:to|through)\s+)?\w+"
    r"|/\s*\d+"
)
_NOT_A_NUMBER = re.compile(
    r"\b(?:no|any|some|every|that|this|the|which|last|an)\s*one\b|\bone (?:of|more)\b"
    r"|\b\w+ (?:seconds?|moments?|minutes?|hours?|days?|weeks?|months?|years?|times?|[ap]\.?m)\b"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?|[a-z]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """`value` is what a slot would take; `intent` None means neither model nor words gave one."""

    intent: Intent | None
    value: str | None = None


def opt_out_evidence(heard: Heard) -> Literal["speech", "digit"] | None:
    """`speech` or `digit` when this asks not to be called again."""
    if isinstance(heard, Digits):
        return "digit" if OPT_OUT_KEY in heard.digits else None
    if not isinstance(heard, Speech):
        return None
    if is_opt_out(heard.text):
        return "speech"
    # Models take a refused recording for the same; what else was said is left to the words.
    if not heard.text.strip() or declines_recording(heard.text):
        return None
    return "speech" if _models_hear_opt_out(heard) else None


def _models_hear_opt_out(heard: Speech) -> bool:
    sure = heard.intent_score is None or heard.intent_score >= MIN_OPT_OUT_SCORE
    intended = heard.intent == "opt_out" and sure
    score = heard.opt_out_score
    if score is None:
        return intended
    return score >= OPT_OUT_HEARD or (intended and score >= OPT_OUT_AGREED)


def understand(heard: Speech, node: Node, region: str = "US", language: str = "en-US") -> Meaning:
    """`region` is the country of telephone numbers that are said without their prefix.

    The models have learned English only: in another language the words alone are understood.
    """
    tongue = tongue_of(language)
    modelled = _modelled(heard) if tongue is ENGLISH else None
    guessed = tongue.guess_intent(heard.text)
    if "ask_robot" in (modelled, guessed) and (node.expects != "open" or _is_aside(heard.text)):
        return Meaning("ask_robot")
    if node.expects == "rating" and guessed not in ("callback", "repeat", "wrong_person"):
        rating = find_rating(tongue.render(heard.text), node.scale)
        if rating is not None:
            return Meaning("rating", str(rating))
    value = _typed(tongue.render(heard.text), node, region)
    if value is not None:
        return Meaning(None, value)
    if node.expects == "open":
        return _open_answer(heard.text, node, modelled, guessed)
    if modelled not in node.on and guessed in node.on:
        return Meaning(guessed)
    return Meaning(modelled or guessed)


def _typed(text: str, node: Node, region: str) -> str | None:
    match node.expects:
        case "when":
            return find_when(text)
        case "number":
            number = find_number(text, node.between)
            return None if number is None else str(number)
        case "phone":
            return find_phone(text, region)
        case "email":
            return find_email(text)
    return None


def _open_answer(text: str, node: Node, modelled: Intent | None, guessed: Intent | None) -> Meaning:
    """Free words are the answer, unless they are a short aside about the call itself."""
    if _is_aside(text):
        # An answer about a busy ward is not "I am busy": here a model alone is not believed.
        if guessed in ("repeat", "wrong_person", "callback", "busy_now"):
            return Meaning(guessed)
        for intent in (modelled, guessed):
            if intent is not None and intent in node.on:
                return Meaning(intent)
    return Meaning(None, " ".join(text.split()))


def _is_aside(text: str) -> bool:
    return len(text.split()) <= ASIDE_WORDS or text.rstrip().endswith("?")


def understand_digits(digits: str, node: Node) -> Meaning:
    """Keys as an answer: the rating itself, or 1 for yes and 2 for no."""
    pressed = digits.strip("#*")
    if node.expects == "rating" and pressed.isdecimal() and len(pressed) < 3:
        rating = int(pressed)
        if node.scale[0] <= rating <= node.scale[1]:
            return Meaning("rating", str(rating))
    if node.expects == "yes_no" and pressed in ("1", "2"):
        return Meaning("yes" if pressed == "1" else "no")
    return Meaning(None)


def find_rating(text: str, scale: tuple[int, int]) -> int | None:
    """The one number of the scale that was named; None for none or for several."""
    words = _NUMBER.findall(_NOT_A_NUMBER.sub(" ", _OUT_OF.sub(" ", text.casefold())))
    if len(words) == 1 and words[0] in _HOMOPHONES:
        words = [str(_HOMOPHONES[words[0]])]
    named = {value for word in words if (value := _number(word)) is not None}
    if len(named) != 1:
        return None
    (value,) = named
    return int(value) if value.is_integer() and scale[0] <= value <= scale[1] else None


def _number(word: str) -> float | None:
    if word in _RATING_WORDS:
        return float(_RATING_WORDS[word])
    return float(word.replace(",", ".")) if word[0].isdecimal() else None


def _modelled(heard: Speech) -> Intent | None:
    if heard.intent is None or heard.intent not in INTENTS:
        return None
    if heard.intent_score is not None and heard.intent_score < MIN_SCORE:
        return None
    # One believed as an opt-out has been answered before anything is understood.
    return None if heard.intent == "opt_out" else INTENTS[heard.intent]
