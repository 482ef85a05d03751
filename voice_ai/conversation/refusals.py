"""Which words of a language model are not spoken, and why.

A model's words are spoken only when `refused` finds nothing in them; a scripted line is said
otherwise. Rules over words, so careful rather than clever: many a good answer is refused too.
"""

import re
import unicodedata
from collections.abc import Sequence

from voice_ai.conversation.typed import number_words

_NOT_ANSWERED = re.compile(r"^\W*(?:unknown|i do not know|i don.?t know|no[ _]answer)\b", re.I)
_UNSPEAKABLE = re.compile(r"[?¿{}<>\[\]\\|*#_`~^=\x00-\x1f\x7f]")
_ADDRESS = re.compile(
    r"https?:|www\.|@|\b[\w-]+\.(?:com|org|net|io|ai|co|us|uk|de|info)\b|//", re.I
)
_ECHO = re.compile(
    r"\b(?:system prompt|(?:my|your|previous|these|the) instructions?|language model|open ?a ?i"
    r"|chat ?g ?p ?t|prompt|as instructed|ignore (?:all|the|previous)|jailbreak|role ?play)\b"
    r"|^\W*(?:assistant|system|user|answer|facts?|topic)\s*:",
    re.I,
)
_HUMAN = re.compile(
    r"\b(?:i am|i'm|im|this is|speaking with|talking to|am) (?:a |an )?(?:real |actual |live )?"
    r"(?:human|person|man|woman|employee|colleague)\b"
    r"|\b(?:not|never) (?:a |an )?(?:robot|bot|machine|computer|a\.? ?i\.?|automated|artificial)\b"
    r"|\bsoy (?:una? )?(?:persona|humano|humana)\b|\bno soy (?:un |una )?(?:robot|m[aá]quina)\b",
    re.I,
)
_PRIVATE = re.compile(
    r"\b(?:credit|debit|card|cvv|bank|iban|routing|account number|social security|ssn|password"
    r"|passcode|pin|date of birth|birthday|passport|driver.?s licen[cs]e|insurance number"
    r"|diagnos\w*|symptoms?|medications?|prescriptions?|medical history|tarjeta|contrase[nñ]a)\b",
    re.I,
)
_PROMISE = re.compile(
    r"\b(?:guarantee\w*|promise\w*|assure\w*|certainly will|refund\w*|compensat\w*|for free|free"
    r"|discount\w*|cheap\w*|best price|special offer|no obligation|risk.?free|always|never"
    r"|i (?:will|can|have|am going to)|i'll|we'll|we will|gratis|garantiz\w*|descuento\w*)\b",
    re.I,
)
_MONEY = re.compile(r"[$€£¥%]|\b(?:dollars?|euros?|pounds?|cents?|bucks|percent|usd|eur)\b", re.I)
_PROFANE = re.compile(
    r"\b(?:fuck\w*|shit\w*|bitch\w*|asshole\w*|bastard\w*|damn\w*|crap\w*|dick|cunt\w*|piss\w*"
    r"|idiot\w*|stupid|moron\w*|shut up|mierda|puta|puto|cabr[oó]n)\b",
    re.I,
)


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DAYS_AND_MONTHS = _set_of(
    "monday tuesday wednesday thursday friday saturday sunday today tomorrow tonight weekend"
    " weekends weekday weekdays daily january february march april june july august september"
    " october november december noon midnight morning afternoon evening lunes martes jueves"
    " viernes sabado domingo hoy manana"
)
_COMMON = {
    "en": _set_of(
        "the a an and or but so of to in on at by for from with as is are was were be been am do"
        " does did have has had it its this that these those there here you your yours we our us"
        " i me my they them their he she yes no not sure please thank thanks sorry just also"
        " then than when where which who what how if can may could would should all any each"
        " about into out up down over only open well okay very more most some such"
    ),
    "es": _set_of(
        "el la los las un una unos unas y o pero de del a al en por para con como es son era fue"
        " ser estar esta estan hay no si se su sus le les lo que cuando donde quien cual usted"
        " ustedes nosotros nuestra nuestro nuestros nuestras mi tu yo gracias por favor tambien"
        " muy mas este esto esta estos puede pueden tiene tenemos estamos abierto"
    ),
}
_OWN_SHARE = 0.5


def refused(
    text: str, *, facts: Sequence[str], topic: str, question: str, max_words: int, language: str
) -> str | None:
    """Why these words must not be spoken, in one word or two; None: they may be."""
    words = _words(text)
    known = " ".join((*facts, topic))
    if not words:
        return "empty"
    if _NOT_ANSWERED.search(text):
        return "unknown"
    if len(text.split()) > max_words:
        return "too_long"
    # The order is that of the harm: the reason that is told is the worst one.
    for reason, pattern in (
        ("denies_ai", _HUMAN),
        ("private_data", _PRIVATE),
        ("profanity", _PROFANE),
        ("echo", _ECHO),
        ("address", _ADDRESS),
        ("not_speakable", _UNSPEAKABLE),
    ):
        if pattern.search(text):
            return reason
    return _not_in_facts(text, words, known) or _strange(words, known, question, language)


def _not_in_facts(text: str, words: Sequence[str], known: str) -> str | None:
    """Promises, prices, numbers and days are spoken when a fact has the very same."""
    told = set(_words(known))
    for reason, pattern in (("promise", _PROMISE), ("price", _MONEY)):
        found = {_plain(match.group(0)) for match in pattern.finditer(text)}
        if not found <= {_plain(match.group(0)) for match in pattern.finditer(known)}:
            return reason
    if not _numbers(text) <= _numbers(known):
        return "number"
    if not {word for word in words if word in _DAYS_AND_MONTHS} <= told:
        return "day"
    return None


def _strange(words: Sequence[str], known: str, question: str, language: str) -> str | None:
    """Another language, or mostly words that neither the facts nor the question brought."""
    own = language[:2]
    common = _COMMON.get(own, frozenset())
    counts = {name: sum(word in some for word in words) for name, some in _COMMON.items()}
    if own in counts and any(counts[other] > counts[own] for other in counts if other != own):
        return "language"
    if own in counts and len(words) > 4 and not counts[own]:
        return "language"
    given = {word[:5] for word in (*_words(known), *_words(question))}
    told = [word for word in words if word not in common and not word.isdigit()]
    strange = [word for word in told if word[:5] not in given]
    return "not_in_facts" if len(strange) > _OWN_SHARE * max(1, len(told)) else None


def _numbers(text: str) -> set[int]:
    """Every number that is named, in figures or in words; "one" is too often not one."""
    return set(number_words(text)) - {1}


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", _plain(text))


def _plain(text: str) -> str:
    """Lower case without accents; apostrophes vanish."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in folded if not unicodedata.combining(sign) and sign not in "'’")
