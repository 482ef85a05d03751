"""Seeded recognition errors: words that the simulated recogniser drops or takes for others.

The errors of a text depend on the seed and the text only, so the same audio always gives the same
transcript. They exercise what the agent does with a wrong transcript; their rate and kind say
nothing about a real recogniser's.
"""

from typing import Final

from dialer.simulator.draws import Draws

_DROPPED_SHARE: Final = 0.3
_PUNCTUATION: Final = ".,;:!?"

_CONFUSIONS: Final[dict[str, tuple[str, ...]]] = {
    "yes": ("yet", "yeah"),
    "yeah": ("year", "yes"),
    "no": ("know", "now"),
    "not": ("nut", "now"),
    "stop": ("shop", "top"),
    "call": ("cold", "caught"),
    "calling": ("falling", "calming"),
    "list": ("lift", "least"),
    "take": ("tape", "make"),
    "remove": ("improve", "move"),
    "robot": ("row boat", "robert"),
    "human": ("cuban", "humid"),
    "later": ("letter", "laser"),
    "back": ("bag", "black"),
    "busy": ("dizzy", "bizzy"),
    "wrong": ("long", "ron"),
    "number": ("lumber", "member"),
    "one": ("won", "wand"),
    "two": ("to", "do"),
    "three": ("tree", "free"),
    "four": ("for", "fore"),
    "five": ("fine", "fives"),
    "please": ("peace", "pleas"),
    "thanks": ("tanks", "thank"),
    "thank": ("think", "tank"),
    "who": ("whoo", "you"),
    "what": ("watt", "but"),
    "this": ("these", "is"),
    "is": ("his", "as"),
    "i": ("eye", "a"),
    "you": ("your", "ewe"),
    "me": ("be", "knee"),
    "my": ("by", "mine"),
    "the": ("a", "thee"),
    "a": ("the", "uh"),
    "to": ("two", "too"),
    "time": ("dime", "times"),
    "hello": ("yellow", "hallo"),
}
_SOUNDALIKES: Final = str.maketrans("aeioubdgkptvf0123456789", "eiauopktgbdfv8932597605")
_MUMBLED: Final = "uh"


def distort(words: tuple[str, ...], *, rate: float, seed: int) -> tuple[str, ...]:
    """The words as misheard; a dropped word is an empty string. Each errs with chance `rate`."""
    draws = Draws.about("word error", seed, " ".join(words))
    return tuple(
        _mishear(word, draws.narrow(place)) if draws.chance(rate, place) else word
        for place, word in enumerate(words)
    )


def _mishear(word: str, draws: Draws) -> str:
    if draws.chance(_DROPPED_SHARE, "dropped"):
        return ""
    bare = word.rstrip(_PUNCTUATION)
    choices = _CONFUSIONS.get(bare.lower())
    heard = draws.pick(choices, "taken for") if choices else bare.translate(_SOUNDALIKES)
    if heard == bare:
        heard = _MUMBLED
    if bare[:1].isupper():
        heard = heard[:1].upper() + heard[1:]
    return heard + word[len(bare) :]
