"""The languages that a call is understood in, and what the law's sentences sound like in them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from voice_ai.conversation import keywords, spanish
from voice_ai.conversation.turns import Intent


@dataclass(frozen=True)
class Tongue:
    """`render` puts numbers and times into the words that the readers of answers know."""

    name: str
    farewell: re.Pattern[str]
    farewell_told: str
    is_ai: re.Pattern[str]
    stop: re.Pattern[str]
    stops_calls: re.Pattern[str]
    nine: re.Pattern[str]
    recorded: re.Pattern[str]
    feelings: re.Pattern[str]
    digits: tuple[str, ...]
    guess_intent: Callable[[str], Intent | None]
    asks_who: Callable[[str], bool]
    is_machine: Callable[[str], bool]
    render: Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


ENGLISH = Tongue(
    name="English",
    farewell=re.compile(r"goodbye", re.I),
    farewell_told="Goodbye",
    is_ai=re.compile(r"\b(a\.? ?i\.?|artificial|automated|virtual|robot)(?=\W|$)", re.I),
    stop=re.compile(r"stop", re.I),
    stops_calls=re.compile(r"\bstop\b|\bopt out\b|\bnot (?:be called|to be called|call)\b", re.I),
    nine=re.compile(r"\b(9|nine)\b", re.I),
    recorded=re.compile(r"\brecord", re.I),
    feelings=re.compile(r"\b(?:emotions?|feelings?|mood|how you (?:feel|sound))\b", re.I),
    digits=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    guess_intent=keywords.guess_intent,
    asks_who=keywords.asks_who_is_calling,
    is_machine=keywords.is_machine_greeting,
    render=_as_it_is,
)
SPANISH = Tongue(
    name="Spanish",
    farewell=re.compile(r"adi[oó]s|hasta (?:luego|pronto)", re.I),
    farewell_told="Adiós",
    is_ai=re.compile(
        r"\b(inteligencia artificial|automatizad[oa]|automátic[oa]|virtual|robot)\b", re.I
    ),
    stop=re.compile(r"\b(?:alto|pare|basta|stop)\b", re.I),
    stops_calls=re.compile(
        r"\b(?:detener|parar|stop)\b|\bno (?:recibir|quiere)\b|\bdarse de baja\b", re.I
    ),
    nine=re.compile(r"\b(9|nueve)\b", re.I),
    recorded=re.compile(r"\bgraba", re.I),
    feelings=re.compile(r"\b(?:emoci[oó]n(?:es)?|sentimientos?|estado de [aá]nimo)\b", re.I),
    digits=("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
    guess_intent=spanish.guess_intent,
    asks_who=spanish.asks_who_is_calling,
    is_machine=spanish.is_machine_greeting,
    render=spanish.in_english,
)
TONGUES = {"en": ENGLISH, "es": SPANISH}
# How lead lists and people name them.
_NAMES = {"english": "en", "ingles": "en", "spanish": "es", "espanol": "es", "castellano": "es"}
_ASKS = re.compile(
    r"\b(?:in|en|speak|habl\w+|parl\w+|prefer\w*|prefier\w+|want|quier\w+|no|not|have|tien\w+)\b"
)
_ASKING_WORDS = 8


def tongue_of(language: str) -> Tongue:
    """English for a language that no call is understood in; checks let no such script pass."""
    return TONGUES.get(language[:2], ENGLISH)


def code_of(named: str) -> str:
    """`es` of "Spanish", "es-MX" or "Español"."""
    words = spanish.plain(named)
    return _NAMES.get(words, words[:2])


def asked_for(text: str) -> str | None:
    """The language that somebody asks to be spoken to in; None: they ask for none."""
    words = spanish.plain(text).split()
    named = [_NAMES[word] for word in words if word in _NAMES]
    if len(set(named)) != 1 or len(words) > _ASKING_WORDS:
        return None
    refused = re.search(
        r"\b(?:no|not|dont|don t) (?:\w+ )?(?:hablo|entiendo|speak|understand)\b", " ".join(words)
    )
    if refused:
        return "en" if named[0] == "es" else "es"
    bare = len(words) <= 3
    return named[0] if bare or _ASKS.search(" ".join(words)) else None
