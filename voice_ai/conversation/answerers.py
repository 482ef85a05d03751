"""What answerers say that are no people: mailboxes, call screeners, telephone menus.

In English; of Spanish only the greetings of mailboxes are known. How sure a phrase makes is an
estimate; a phrase that people use as well is worth little alone.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from voice_ai.answering import SURE, Label, both
from voice_ai.conversation import spanish
from voice_ai.conversation.keywords import is_machine_greeting, plain


class Told(NamedTuple):
    label: Label
    confidence: float


_Phrases = tuple[tuple[float, re.Pattern[str]], ...]

_NUMBER = r"(?:one|two|three|four|five|six|seven|eight|nine|zero|star|pound|\d|uno|dos|tres)"
# Matched against lower-case words without apostrophes. Each pattern counts once.
_SCREENING: _Phrases = (
    (
        0.93,
        re.compile(
            r"\b(?:say|state|record|give|tell (?:me|us)|provide) (?:\w+ ){0,2}?(?:your|youre) name"
            r"(?! (?:and |your |phone |a )*(?:number|(?:\w+ )?message))"
            r"|\bname and (?:the |your |why|what|reason|purpose)\b"
            r"(?! (?:phone |tele)?(?:number|message))"
            r"|\bsay who you are\b|(?<!is )\bwhy you\w* (?:are )?calling\b"
        ),
    ),
    (0.9, re.compile(r"\b(?:reason|purpose) (?:for|of) (?:\w+ )?(?:calling|call)\b")),
    (0.93, re.compile(r"\b(?:call )?screen(?:ing|ed|s)?\b|\b(?:call|virtual) assist(?:ant)?\b")),
    (0.88, re.compile(r"\bfirst and last name\b|\bidentify yourself\b|\bunwanted calls?\b")),
    (
        0.7,
        re.compile(
            r"\bwhat (?:you are|youre|this is|the call is) (?:calling about|regarding|about)\b"
        ),
    ),
    (
        0.85,
        re.compile(
            r"\b(?:see|check|find out) (?:if|whether) (?:\w+ ){1,4}(?:is |are )?available\b"
            r"|\bbefore i (?:try to )?(?:connect|put|transfer|let)\b"
            r"|\bdoes not accept calls? from\b|\bnot accepting (?:unknown|unidentified) call"
        ),
    ),
)
_LEAVE = re.compile(r"\bleave (?:me |us |your |a |an |him |her )*(?:\w+ ){0,3}?(?:message|name)")
_LEAVE_NAME = re.compile(r"\bleave (?:me |us )?(?:your|a) (?:\w+ ){0,2}?name\b")
_MACHINE: _Phrases = (
    (0.9, _LEAVE),
    (0.95, re.compile(r"\bfinished recording\b|\brecord (?:your|a) (?:\w+ )?message\b")),
    (0.7, re.compile(r"\b(?:trying|tried) to reach\b")),
    (0.9, re.compile(r"\banswering (?:machine|service)\b|\bout of (?:the )?office\b")),
    (
        0.9,
        re.compile(
            r"\b(?:after|at|hear|of) (?:the |a )?(?:tone|beep|signal|bell)\b"
            r"|\bvoice ?(?:mail|message)"
        ),
    ),
    (0.9, re.compile(r"\bvoice mail ?box\b|\bmail ?box\b|\bautomat\w+ voice\b|\bsubscriber\b")),
    (
        0.8,
        re.compile(
            r"\b(?:cant|cannot|can not|unable to|not able to) (?:\w+ )?(?:come to|get to|answer"
            r"|take)(?: \w+){0,2} (?:phone|calls?)\b|\bnot available\b|\baway from (?:my|the|our)"
            r"|\b(?:get|call) (?:right )?back to you\b|\breturn your (?:call|message)\b"
        ),
    ),
    (0.7, re.compile(r"\b(?:you have|youve|you) reached\b")),
    (
        0.85,
        re.compile(
            r"\b(?:office|we|store|shop) (?:is|are) (?:\w+ )?closed\b|\bbusiness hours\b"
            r"|\b(?:not|arent|isnt) (?:actually |really )?(?:here|in|home)\b"
            r"(?! (?:by|named|with|called))"
            r"|\b(?:try|call) (?:us |me |your call |back )?again (?:later|some other time)\b"
        ),
    ),
    (
        0.93,
        re.compile(
            r"\bcannot be completed\b|\bhang up and (?:try|dial)\b|\bnumber \w* ?is unlisted\b"
            r"|\b(?:trying to reach|number) has been changed\b|\bas dialed\b"
        ),
    ),
    (0.95, re.compile(r"\bnot in service\b|\bdisconnected\b|\bno longer in service\b")),
    (0.9, re.compile(r"\bnumber you (?:have |are )?(?:dialed|reached|calling|trying)\b")),
)
_MENU: _Phrases = (
    (
        0.93,
        re.compile(
            rf"\b(?:press|dial|presione|oprima|marque) {_NUMBER}\b|\bpound key\b"
            r"|\bfor \w+ (?:\w+ )?(?:press|say)\b"
        ),
    ),
    (
        0.93,
        re.compile(
            r"\bmenu\b|\b(?:partys|the|your) extension\b|\bfor the operator\b|\bdial by name\b"
            r"|\bpara espanol\b"
        ),
    ),
    (
        0.88,
        re.compile(
            r"\byour call is (?:very )?important\b|\b(?:agents|representatives|operators) are\b"
            r"|\byou can say\b|\bin a few words\b|\bcalls? (?:may|will) be (?:recorded|monitored)\b"
            r"|\bcaller number\b|\bin the queue\b|\bthank you for holding\b|\baccount number\b"
            r"|\bsay the name of\b|\byou (?:wish|would like) to (?:speak|reach)\b"
        ),
    ),
    (0.6, re.compile(r"\b(?:welcome to|stay on the line|please hold|listen carefully)\b")),
)
_PEOPLE: _Phrases = (
    (
        0.85,
        re.compile(
            r"\bhow (?:may|can) i (?:help|direct)\b|\bwhat can i do for you\b"
            r"|\bwho is (?:this|it)\b"
            r"|\bwhos (?:this|calling|there)\b|\bwho (?:is|am i) (?:calling|speaking|talking)\b"
            r"|\bwhat (?:is|was) (?:this|that|it) about\b|\b(?:can|may) i take a message\b"
            r"|\b(?:can|could) you hear me\b|\bis any(?:body|one) there\b|\bhold on (?:a|one)\b"
        ),
    ),
    (
        0.75,
        re.compile(r"\b(?:\w+ here|\w+ speaking|speaking (?:with|to) \w+)\b|\bwhat is going on\b"),
    ),
)
_GROUPS: tuple[tuple[Label, _Phrases], ...] = (
    ("screening", _SCREENING),
    ("machine", _MACHINE),
    ("ivr", _MENU),
    ("human", _PEOPLE),
)
_NOBODY: tuple[Label, ...] = ("machine", "screening", "ivr")
_HOLDING = re.compile(
    r"\bstay on the line\b|\b(?:please )?(?:hold|wait)\b|\bone (?:moment|second)\b|\bhold on\b"
    r"|\bthank(?:s| you)\b(?!.*\bgoodbye\b)|\b(?:connecting|checking|let me (?:see|check))\b"
)
# A model has learned from greetings out of one pen: it may end a call only where it all but rules
# a person out. Chosen on predictions out of fold of its training data: of 321 things that people
# say when they answer, two would end the call; without the second bound it were seven.
_MODELLED = 0.8
_MOST_HUMAN = 0.05
_MOST_MODELLED = 0.95
_MAILBOX = 0.97
_SCREENS = 0.85


def told_by_words(text: str) -> Told | None:
    """Who says such a thing; None when the words give nobody away.

    Where phrases of several are found the surest group counts.
    """
    line = plain(text)
    found = {label: both(*worth) for label, phrases in _GROUPS if (worth := _worth(phrases, line))}
    # A mailbox, too, asks for name and reason, and offers keys: it says to leave something.
    if _LEAVE.search(line):
        found.pop("screening", None)
    if _LEAVE_NAME.search(line) or found.get("screening", 0.0) >= _SCREENS:
        found.pop("ivr", None)
    mailbox = is_machine_greeting(text) or spanish.is_machine_greeting(text)
    if "screening" not in found and mailbox:
        found["machine"] = max(_MAILBOX, found.get("machine", 0.0))
    if not found:
        return None
    label = max(found, key=lambda each: found[each])
    return Told(label, found[label])


def told_by(text: str, modelled: Mapping[str, float] | None) -> Told | None:
    """`told_by_words`, and where the words give nobody away for sure, a model's word on them.

    `modelled` holds its probability of each label (None: there is no model). It is heard only
    where it says that no person answered: people are told by the words and by how they speak.
    """
    told = told_by_words(text)
    if not modelled or (told is not None and told.confidence >= SURE):
        return told
    label = max(_NOBODY, key=lambda each: modelled.get(each, 0.0))
    sure = modelled.get(label, 0.0)
    if sure < _MODELLED or modelled.get("human", 0.0) > _MOST_HUMAN:
        return told
    return Told(label, min(sure, _MOST_MODELLED))


def only_asks_to_wait(text: str) -> bool:
    """What a screener says that has taken the answer and now asks its owner."""
    told = told_by_words(text)
    holds = _HOLDING.search(plain(text)) is not None
    return holds and (told is None or told.confidence < 0.8 or told.label == "human")


def _worth(phrases: _Phrases, line: str) -> list[float]:
    return [worth for worth, pattern in phrases if pattern.search(line)]
