"""What people mean who write to our numbers or call them, and what is answered. Pure.

Recall first: whoever may mean "do not call me again" is taken at that word.
"""

import re
import unicodedata
from typing import Literal

from voice_ai.conversation.keywords import is_opt_out

Heard = Literal["stop", "help", "start", "other"]

# The last three are French, Spanish and Portuguese.
_STOP_WORDS = "stop, stopall, unsubscribe, cancel, end, quit, revoke, optout, arret, alto, parar"
_STOP = frozenset(_STOP_WORDS.split(", "))
# "end", "quit" and "cancel" begin ordinary sentences, too: "cancel my appointment".
_ALWAYS_STOP = _STOP - {"end", "quit", "cancel"}
_HELP = frozenset({"help", "info"})
_START = frozenset({"start", "unstop"})
# "stop by tomorrow" is a visit.
_NOT_AFTER_STOP = frozenset({"by", "at", "in", "over", "there"})
# A message of so few words that begins with a keyword is that keyword: "Stop please", "STOP 2".
_FEW_WORDS = 3
_OPT_OUT_KEY = "9"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
# What the carrier gives for a caller who shows no number: words, spelled on a telephone's keys.
_WITHHELD = frozenset({"+266696687", "+86282452253", "+8656696", "+7378742833", "+2562533"})


def read_message(body: str) -> Heard:
    """What a text message asks for."""
    words = _words(body)
    if not words:
        return "other"
    short = len(words) <= _FEW_WORDS and words[1:2] not in ([w] for w in _NOT_AFTER_STOP)
    if (len(words) == 1 and words[0] in _STOP) or (short and words[0] in _ALWAYS_STOP):
        return "stop"
    if len(words) == 1 and words[0] in _HELP:
        return "help"
    if len(words) == 1 and words[0] in _START:
        return "start"
    return "stop" if is_opt_out(body) else "other"


def _words(body: str) -> list[str]:
    """Lower case, without accents and signs; a word whose letters were spaced out is one again."""
    folded = unicodedata.normalize("NFKD", body).casefold()
    plain = re.sub("[\u0300-\u036f'\u2019]", "", folded)
    words = re.findall(r"[a-z]+", re.sub(r"\bopt[\s-]*out\b", "optout", plain))
    return ["".join(words)] if words and all(len(word) == 1 for word in words) else words


def read_choice(digits: str, speech: str) -> Heard:
    """What a caller wants who was offered the key 9, or to say so."""
    if _OPT_OUT_KEY in digits or speech.strip(" .!").casefold() in {"9", "nine"}:
        return "stop"
    return "stop" if read_message(speech) == "stop" else "other"


def shown_number(sender: str) -> str | None:
    """The sender's number in E.164; None for a withheld one, a short code or a name."""
    return sender if _E164.fullmatch(sender) and sender not in _WITHHELD else None


def typed_number(digits: str) -> str:
    """What was typed on the keys, as a number parser takes it."""
    for prefix in ("011", "00"):
        if digits.startswith(prefix):
            return f"+{digits.removeprefix(prefix)}"
    return digits


def greeting(business: str | None) -> str:
    who = f"of {business}" if business else "of the business that called you"
    return (
        f"Hello. This is an automated line {who}. We make calls with an automated voice from this"
        " number. If you do not want to be called by us again, press nine, or say: stop calling me."
    )


def once_more(business: str | None) -> str:
    who = f" of {business}" if business else ""
    return (
        f"This is the automated line{who}. To never be called by us again, press nine, or say:"
        " stop calling me. Otherwise you may hang up."
    )


def goodbye(business: str | None) -> str:
    return f"Thank you for calling{f' {business}' if business else ''}. Goodbye."


def which_number() -> str:
    return (
        "Your number is not shown. Please type the number that must not be called again, with its"
        " area code, and then the pound key."
    )


def which_number_again() -> str:
    return "That is not a whole phone number. Please type it with its area code, then pound."


def how_to_reach_us() -> str:
    return (
        "We could not understand the number. Please call again from the phone that must not be"
        " called, with its number shown, or send the word stop to this number as a text message."
        " Goodbye."
    )


def never_again(business: str | None) -> str:
    """The one sentence that confirms an opt-out, spoken or written."""
    return f"{business or 'We'} will not call this number again."


def help_text(business: str | None) -> str:
    who = f"{business} calls" if business else "The business that called you calls"
    return f"{who} with an automated voice from this number. Reply STOP to never be called again."


def start_text(business: str | None) -> str:
    """A START lifts nothing: what a person refused once no machine takes back."""
    return (
        "Thank you. A START does not lift an earlier STOP: we do not call you again after that."
        f" For anything else please speak with {business or 'the business'} itself."
    )
