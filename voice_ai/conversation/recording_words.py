"""Words with which a person refuses that a call is recorded, in English and in Spanish.

Matched against plain lower-case words without apostrophes ("don't" is "dont"). Recall first, as for
the opt-out: the cost of a wrong yes is one recording that nobody keeps.
"""

import re

_RECORDED = r"(?:record|recorded|recording|recordings|tape|taped|taping)"
_WHAT = r"(?: (?:me|us|this|the|my|our|that|voice|calls?|conversations?|phone|it|anything)\b)*"
_BETWEEN = (
    r"(?:(?:you|to|for|with|this|the|my|it|that|me|us|our|call|be|being|having|have|get|getting"
    r"|conversation|voice|any|a|your|permission|consent|on|phone|we) ){0,6}"
)
_NOT = r"(?:do not|dont|don t|did not|didnt|would not|wouldnt|will not|wont|never|not|cannot|cant)"
_WILL = (
    r"(?:want|wish|like|agree|consent|permit|allow|authorize|authorise|accept|give|okay|ok"
    r"|comfortable|happy|appreciate)"
)
_DECLINE = re.compile(
    r"\b(?:"
    + "|".join(
        (
            rf"(?:stop|quit|cease|end|cancel|pause|(?:turn|switch|shut) off)"
            rf" (?:with |the |this |that |your |my )?(?:\w+ )?{_RECORDED}",
            rf"(?:turn|switch|shut) (?:the |that |this |your )?{_RECORDED} off",
            r"(?<!i )(?<!we )(?:do not|dont|don t|never) (?:you |ever |please )?(?:record|tape)",
            rf"{_NOT} (?:really |even |ever |at all )?{_WILL} {_BETWEEN}{_RECORDED}",
            rf"(?:rather|prefer) (?:\w+ )?not {_BETWEEN}{_RECORDED}",
            r"(?:rather|prefer) (?:you|that you|if you|it if you)"
            rf" (?:did not|didnt|do not|dont|would not|wouldnt) {_BETWEEN}{_RECORDED}",
            r"not (?:to )?be (?:recorded|taped)",
            r"no recordings?(?! (?:of|was|is|here|yet))",
            r"(?:delete|erase|destroy|discard|remove|throw away) (?:the |this |that |my |your )?"
            r"(?:\w+ )?recordings?",
            r"without (?:the |a |any |your )?(?:being )?(?:recording|recorded|taped)",
            rf"(?:refuse|decline|object|opposed) (?:to )?{_BETWEEN}{_RECORDED}",
            r"(?:do not|dont|never) have (?:my |our )?(?:permission|consent) to (?:record|tape)",
            r"(?:not|never) (?:allowed|permitted|supposed) to (?:record|tape)",
        )
    )
    + rf")\b{_WHAT}"
)
_SPANISH = re.compile(
    r"\bno (?:quiero|deseo|acepto|autorizo|permito|consiento|quisiera|doy permiso|me gusta)"
    r" (?:\w+ ){0,6}?grab\w+|\bno (?:me |nos |lo |la )?grab(?:e|en|es|ar)\b"
    r"|\b(?:deje|dejen|deja|pare|paren|apague|apaguen|detenga|quite) (?:\w+ ){0,3}?grab\w+"
    r"|\bsin (?:grabar|grabacion|que me graben|ser grabad[oa])\b"
    r"|\b(?:borre|borren|elimine|eliminen) (?:la |esa |esta |mi )?grabacion\b"
)


def has_decline(plain: str) -> bool:
    return any(words.search(plain) for words in (_DECLINE, _SPANISH))


def without_decline(plain: str) -> str:
    """What else was said: "stop recording this call" must not be taken for "stop … calls"."""
    return " ".join(_SPANISH.sub(" ", _DECLINE.sub(" ", plain)).split())
