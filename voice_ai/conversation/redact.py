"""A transcript without the numbers, addresses and names that were spoken in it."""

import re
from collections.abc import Sequence

NUMBER, EMAIL, NAME = "[number]", "[email]", "[name]"

# Three figures in a row or four spoken digits may identify somebody; a rating does not.
MIN_FIGURES = 3
MIN_SPOKEN = 4

_SPOKEN_DIGIT = (
    r"(?:zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine|double|triple|ten|eleven"
    r"|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|hundred|thousand"
    # In Spanish, without "once", which is eleven there and an ordinary word here.
    r"|cero|un[oa]|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|trece|catorce|quince"
    r"|dieci\w+|veint\w+|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|cien(?:to)?"
    r"|(?:dos|tres|cuatro|seis|sete|ocho|nove)cientos|quinientos|mil|doble)"
)
_UNIT = rf"(?:\d+|\b{_SPOKEN_DIGIT}\b)"
_DIGITS = re.compile(rf"[+(]*{_UNIT}(?:[\s().,\-/+*#_]*{_UNIT})*", re.IGNORECASE)
_SPOKEN = re.compile(rf"\b{_SPOKEN_DIGIT}\b", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>,;]{1,64}@[^\s@<>,;]+\.[^\W\d_]{2,}", re.UNICODE)
_SPOKEN_EMAIL = re.compile(
    r"\b\w[\w\-]{0,63}(?: (?:dot|underscore|dash|punto|guion(?: bajo)?) [\w\-]{1,63}){0,5}"
    r" (?:at|arroba) [\w\-]{1,63}(?: (?:dot|punto) [\w\-]{1,63}){0,5} (?:dot|punto)"
    r" (?:com|org|net|edu|gov|co|io|us|uk|de|mx|es|ar)\b",
    re.IGNORECASE,
)
_BEGUN_ADDRESS = re.compile(r"\b[\w\-]+(?: (?:dot|underscore|dash) [\w\-]+)+", re.IGNORECASE)
# Words of an organisation's name that say nothing about who it is.
_COMMON = re.compile(
    r"(?:the|and|of|for|at|in|on|to|st|dr|mr|mrs|ms|inc|llc|ltd|co|corp|company|group|center|centre"
    r"|medical|hospital|health|healthcare|clinic|systems?|services?|regional|community|general"
    r"|memorial|county|city|university|care|team|your|our|saint|north|south|east|west)",
    re.IGNORECASE,
)


def redact(text: str, known: Sequence[str]) -> str:
    """Mask digit runs, e-mail addresses and the `known` values (names), whole or by their words."""
    masked = _SPOKEN_EMAIL.sub(EMAIL, _EMAIL.sub(EMAIL, text))
    for value in sorted(known, key=len, reverse=True):
        masked = _mask_name(masked, value)
    return _DIGITS.sub(_mask_digits, masked)


def redact_unfinished(text: str, known: Sequence[str]) -> str:
    """`redact` for words that are still being said: what may become a number or an address goes."""
    return _BEGUN_ADDRESS.sub(EMAIL, _DIGITS.sub(NUMBER, redact(text, known)))


def _mask_digits(match: re.Match[str]) -> str:
    run = match.group(0)
    figures = sum(character.isdigit() for character in run)
    spoken = len(_SPOKEN.findall(run))
    identifies = figures >= MIN_FIGURES or figures + spoken >= MIN_SPOKEN
    return NUMBER if identifies else run


def _mask_name(text: str, value: str) -> str:
    words = re.findall(r"\w+", value)
    if not words:
        return text
    whole = r"[\W_]+".join(re.escape(word) for word in words)
    masked = re.sub(rf"(?<!\w){whole}(?!\w)", NAME, text, flags=re.IGNORECASE)
    telling = [word for word in words if len(word) > 1 and not _COMMON.fullmatch(word)]
    if not telling:
        return masked
    one_of = "|".join(re.escape(word) for word in sorted(telling, key=len, reverse=True))
    # A mask already set is not part of what was said.
    return re.sub(rf"(?<![\w\[])(?:{one_of})(?!\w|\])", NAME, masked, flags=re.IGNORECASE)
