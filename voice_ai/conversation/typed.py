"""Typed answers as people speak them: a number, a telephone number, an e-mail address. English.

Careful rather than clever: words that name no value, or two, name none; then the script asks again.
"""

import re
from collections.abc import Sequence

import phonenumbers

from voice_ai.conversation.prompts import DIGIT_WORDS

_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = {word: value for value, word in enumerate((*DIGIT_WORDS, *_TEENS))}
_BY_TEN = {word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)}
_SCALES = {"thousand": 1_000, "million": 1_000_000}
_OTHERS = {"dozen": 12, "couple": 2}
_FIGURES = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_WORDS = re.compile(r"\d[\d,]*|[a-z]+")
# "One of them", "no one", "a second": words of number that count nothing.
_NOT_COUNTED = re.compile(
    r"\b(?:no|any|some|every|that|this|the|which|last) one\b|\bone (?:of|more|moment|second|sec)\b"
)
_DIGITS = {word: str(value) for value, word in enumerate(DIGIT_WORDS)} | {
    "oh": "0",
    "o": "0",
    "nought": "0",
}
_REPEATS = {"double": 2, "triple": 3}
_PHONE_PART = re.compile(r"\+|\d|[a-z]+")

_WRITTEN_EMAIL = re.compile(r"[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}")
_SPOKEN_SIGNS = {
    "dot": ".",
    "period": ".",
    "point": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "plus": "+",
}
# What people say before they begin to spell.
_NOT_SPELLED = frozenset(
    {
        *("an", "and", "at", "email", "mail", "address", "is", "its", "it", "it's", "my", "mine"),
        *("the", "this", "that", "to", "so", "sure", "yes", "yeah", "ok", "okay", "well", "um"),
        *("uh", "please", "write", "use", "send", "have", "would", "be", "contact", "me"),
        *("reach", "on"),
    }
)


def find_number(text: str, between: tuple[int, int] | None = None) -> int | None:
    """The one whole number that was said, in figures or in words; None for none, for two, for one
    out of `between` (both ends included)."""
    words = _WORDS.findall(_NOT_COUNTED.sub(" ", text.casefold().replace("-", " ")))
    values = [value for run in _runs(words) if (value := _value(run)) is not None]
    if len(set(values)) != 1:
        return None
    (value,) = set(values)
    return value if between is None or between[0] <= value <= between[1] else None


def number_words(text: str) -> list[int]:
    """Every number that is named; words that stand together make one where they can."""
    found: list[int] = []
    for run in _runs(_WORDS.findall(text.casefold().replace("-", " "))):
        value = _value(run)
        # Several beside each other ("nine thirty", a telephone number): each for itself.
        parts = [run] if value is not None else [[word] for word in run]
        found += [size for part in parts if (size := _value(part)) is not None]
    return found


def _runs(words: Sequence[str]) -> list[list[str]]:
    """Words of number that stand together; "and" and "a" only inside of one."""
    runs: list[list[str]] = [[]]
    for place, word in enumerate(words):
        after = words[place + 1] if place + 1 < len(words) else ""
        if _counts(word) or (word == "and" and runs[-1] and _counts(after)):
            runs[-1].append(word)
        elif word in ("a", "an") and (after in _SCALES or after in ("hundred", *_OTHERS)):
            runs[-1].append("one")
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _counts(word: str) -> bool:
    known = word in _UNITS or word in _BY_TEN or word in _SCALES or word in _OTHERS
    return known or word == "hundred" or _FIGURES.fullmatch(word) is not None


def _value(run: Sequence[str]) -> int | None:
    """The number that the words make; None where they are several beside each other."""
    total, part, last = 0, 0, 10**9
    for word in run:
        if word == "and":
            continue
        if word in _SCALES:
            if _SCALES[word] >= last and total:
                return None
            total, part, last = total + max(part, 1) * _SCALES[word], 0, _SCALES[word]
        elif word == "hundred":
            if part == 0 or part > 99:
                return None
            part *= 100
        elif word in _OTHERS:
            part = max(part, 1) * _OTHERS[word]
        else:
            size = _UNITS.get(word, _BY_TEN.get(word))
            size = int(word.replace(",", "")) if size is None else size
            # "Twenty five" is one number, "five twenty" and "two three" are two.
            room = 100 if part >= 100 and part % 100 == 0 else 10 if part % 10 == 0 else 1
            if part and size >= room or part in range(1, 20):
                return None
            part += size
    return total + part


def find_phone(text: str, region: str = "US") -> str | None:
    """The telephone number that was said, in E.164; None when the figures are no valid one."""
    figures: list[str] = []
    times = 1
    for part in _PHONE_PART.findall(text.casefold()):
        if part in _REPEATS:
            times = _REPEATS[part]
            continue
        if part == "hundred" and figures:
            figures.append("00")
        elif part.isdigit() or part == "+":
            figures.append(part * times)
        elif part in _DIGITS:
            figures.append(_DIGITS[part] * times)
        elif part in _UNITS or part in _BY_TEN:
            figures.append(str(_UNITS.get(part, _BY_TEN.get(part))))
        times = 1
    try:
        parsed = phonenumbers.parse("".join(figures), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def find_email(text: str) -> str | None:
    """The address that was said or spelled ("jane dot doe at example dot com"); None for none."""
    written = set(_WRITTEN_EMAIL.findall(text.casefold()))
    if written:
        return next(iter(written)) if len(written) == 1 else None
    words = re.findall(r"[a-z0-9']+", text.casefold())
    found = {
        address
        for place, word in enumerate(words)
        if word == "at" and (address := _spelled(words[:place], words[place + 1 :])) is not None
    }
    return next(iter(found)) if len(found) == 1 else None


def _spelled(before: Sequence[str], after: Sequence[str]) -> str | None:
    local: list[str] = []
    for word in reversed(before):
        # Behind a sign everything belongs to the address; else it ends with the first plain word.
        joined = bool(local) and local[0] in _SPOKEN_SIGNS.values()
        sign = _SPOKEN_SIGNS.get(word)
        spelled = len(word) == 1 or word in _DIGITS
        goes_on = joined or (local and (local[0].isdigit() or (spelled and len(local[0]) == 1)))
        if sign is None and local and not goes_on:
            break
        if word in _NOT_SPELLED and not joined:
            break
        local.insert(0, sign or _DIGITS.get(word, word))
    domain = [_SPOKEN_SIGNS.get(word, _DIGITS.get(word, word)) for word in after]
    dots = [place for place, word in enumerate(domain) if word == "."]
    # The last dot that has a word behind it; what comes after that word is talk.
    ends = [place for place in dots if place + 1 < len(domain)]
    if not local or not ends:
        return None
    address = "".join(local).strip(".") + "@" + "".join(domain[: ends[-1] + 2])
    return address if _WRITTEN_EMAIL.fullmatch(address) else None
