"""One spelling for what people mean the same by, before anything is counted.

Two styles: `speech` keeps words only, as a recogniser's punctuation is its own; `written` keeps
punctuation and emoji as words of their own, as people who type mean something by them, and
contractions as they are typed, as sentence embeddings know them so.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

Style = Literal["speech", "written"]

# Marks that are letters in their scripts (Arabic, Indic, Thai); \w leaves them out.
_LETTERS = r"\w\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0900-\u0dff\u0e00-\u0e7f"
_NOT_WORD = re.compile(rf"[^{_LETTERS}\s]+")
_TOKENS = re.compile(rf"[{_LETTERS}]+(?:'[{_LETTERS}]+)*|[^{_LETTERS}\s]")
_REPEATED = re.compile(r"(\D)\1{2,}")
_LATIN_MARKS = re.compile(r"[\u0300-\u036f]")
_LINK = re.compile(r"https?://\S+|www\.\S+")
_APOSTROPHES = str.maketrans("", "", "'’‘`´")
_ONE_APOSTROPHE = str.maketrans("’‘`´", 4 * "'")
# Recognisers write both forms; learnt as one they need half the examples.
_CONTRACTIONS = {
    "arent": "are not",
    "cannot": "can not",
    "cant": "can not",
    "couldnt": "could not",
    "didnt": "did not",
    "doesnt": "does not",
    "dont": "do not",
    "havent": "have not",
    "im": "i am",
    "isnt": "is not",
    "ive": "i have",
    "shouldnt": "should not",
    "thats": "that is",
    "theres": "there is",
    "wasnt": "was not",
    "whats": "what is",
    "whos": "who is",
    "wont": "will not",
    "wouldnt": "would not",
    "youre": "you are",
    "youve": "you have",
}
# From this share of texts with punctuation inside on, a data set is written, not heard.
_WRITTEN_SHARE = 0.3


def clean(text: str, style: Style = "speech") -> str:
    """Lower case, no accents on Latin letters, single spaces; heard contractions written out."""
    if style == "written":
        text = _LINK.sub(" link ", text).translate(_ONE_APOSTROPHE)
    else:
        text = text.translate(_APOSTROPHES)
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", _LATIN_MARKS.sub("", decomposed))
    text = text.lower()
    if style == "written":
        return " ".join(_TOKENS.findall(_REPEATED.sub(r"\1\1", text)))
    words = _NOT_WORD.sub(" ", text).split()
    return " ".join([_CONTRACTIONS.get(word, word) for word in words])


def style_of(texts: Iterable[str]) -> Style:
    """How a data set was written down: by whether its texts carry marks within a sentence."""
    given = list(texts)
    marked = sum(
        bool(_NOT_WORD.search(text.rstrip(" .?!").translate(_APOSTROPHES))) for text in given
    )
    return "written" if given and marked / len(given) >= _WRITTEN_SHARE else "speech"
