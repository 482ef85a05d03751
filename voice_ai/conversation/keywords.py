"""What words alone tell: the opt-out floor under every model, and intents while no model is loaded.

The floor is recall first: where a sentence may mean "do not call again" it counts as an opt-out,
because the cost of a wrong yes is one lead and the cost of a wrong no is a person called again.
"""

import re
import unicodedata
from functools import lru_cache

from voice_ai.conversation import spanish
from voice_ai.conversation.phrases import INTENT_PATTERNS
from voice_ai.conversation.recording_words import has_decline, without_decline
from voice_ai.conversation.turns import Intent

_FILLER = re.compile(
    r"(?:please|just|kindly|um|uh|er|erm|ah|hm|hmm|oh|well|so|okay|ok|actually|really|simply"
    r"|immediately|fucking|damn|bloody|freaking|goddamn|guys|sir|madam|maam|hey|the|a|an|and"
    r"|could|would)"
)
_CALL = (
    r"(?:call|calls|called|calling|callin|phone|phones|phoned|phoning|ring|rings|ringing|dial"
    r"|dialing|contact|contacting|contacted|text|texting|bother|bothering|pester|pestering"
    r"|harass|harassing|disturb|disturbing|annoy|annoying|solicit|soliciting|bug|bugging|spam"
    r"|spamming|robocall|robocalling)"
)
_NOT = r"(?:do not|dont|don t|doo not|never|not ever|no longer|must not|mustnt|should not|shouldnt)"
_SOMEBODY = (
    r"(?:me|us|(?:my|our|this|that) (?:\w+ )?(?:numbers?|names?|phone|line|details|information|info"
    r"|data|contact|entry)|number|phone number)"
)
_LIST = (
    r"(?:list|lists|database|databases|system|systems|records|record|file|files|contacts|contact"
    r"|directory|roster|queue|campaign)"
)
_NOW_ONLY = (
    r"(?:before|until|till|during|early|late|this early|this late|that late|today|tonight"
    r"|while|later)"
)
# Whom a call that is not wanted would go to: "don't call an ambulance", "don't call it that".
_NOT_US = r"(?:police|cops|ambulance|it that)"
# "Don't take me off" is no wish; "why don't you", and "you don't take me off", are.
_UNFORBIDDEN = (
    r"(?:(?<!dont )|(?<=you dont )|(?<=they dont ))"
    r"(?:(?<!do not )|(?<=you do not )|(?<=they do not ))"
)
_CALLS = r"(?:calls|calling|phoning|ringing|dialing|contacting|texting|robocalls)"
_NOT_EVER = r"(?:not|never|dont|doesnt|didnt|isnt|arent|wont|wouldnt)"
# Verbs that are names of nothing else: "not call" is a wish, "did not call" is a tale.
_DIAL = r"(?:call|phone|ring|contact|dial|bother|text)"
_UNNEGATED = r"(?<!not )(?<!dont )(?<!never )(?<!cant )(?<!wont )"
_SOLICITORS = r"(?:telemarket\w+|solicit\w+|robocalls?)"
_PERMISSION = r"(?:permission|consent|authorized|authorised|allowed|permitted|authorization)"
_REST = (
    r"(?:me|us|here|again|anymore|any more|back"
    r"|(?:this|my|our|that) (?:\w+ )?(?:number|phone|line))"
)
# Each pattern is matched against `plain` text without fillers: lower case, no punctuation.
_OPT_OUT = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!not )(?<!dont )(?<!never )(?<!cant )(?<!wont )\b(?:stop|stopped|quit|cease|no more)"
        rf" (?!by\b|at\b|in\b|over\b)(?:\w+ ){{0,2}}{_CALL}\b",
        rf"(?<!you )(?<!they )(?<!we )(?<!i )\b{_NOT} (?:ever |try |keep |be |you |to ){{0,2}}"
        rf"{_CALL}\b(?! (?:\w+ )?{_NOW_ONLY}\b)(?! {_NOT_US}\b)",
        rf"\b{_NOT} (?:\w+ ){{0,3}}{_CALL}? ?(?:\w+ ){{0,2}}(?:me|us|here|number) "
        r"(?:again|anymore|any more|ever)\b",
        r"\b(?:dont|do not|did not|didnt|no longer|never) (?:ever |really |even )?"
        r"(?:want|wanted|wish|care|like|appreciate)"
        rf" (?!(?:to )?(?:miss|lose|take|call)\b)(?:\w+ ){{0,5}}?{_CALL}\b",
        # "my list" is the person's own.
        rf"{_UNFORBIDDEN}\b(?:take|taking|taken|remove|removing|removed|delete"
        rf"|get|scratch|strike|erase|drop|cross|pull|wipe) (?:\w+ ){{0,4}}?(?:off|of|from|out)"
        rf" (?:(?!my )\w+ ){{0,3}}?{_LIST}\b",
        rf"{_UNFORBIDDEN}\b(?:remove|removing|delete|erase|wipe|drop|block) {_SOMEBODY}\b",
        rf"\b{_SOMEBODY} (?:\w+ ){{0,2}}?(?:removed|deleted|erased|blocked|taken (?:off|down))\b",
        r"\b(?:be|get|to|being|been) (?:removed|unlisted|taken off)\b",
        rf"\b(?:take|get|drop|cross|scratch) (?:\w+ ){{0,2}}?{_SOMEBODY} (?:off|out of|of) "
        rf"(?:this|your|that|there|here|of|whatever)\b",
        r"\b(?:take|get) (?:me|us) off$",
        rf"\boff (?:of )?(?:your|this|that|those|these) (?:\w+ ){{0,2}}{_LIST}\b",
        r"\bun ?subscri\w*|\b(?:opt|opted|opting|opts) (?:\w+ ){0,2}out\b|\boptout\b",
        rf"(?<!i )(?<!always ){_UNFORBIDDEN}\b"
        r"(?:lose|forget|burn|trash|ditch|toss|throw|get rid of)"
        r" (?:you |ever |had |have )*(?:away )?(?:my|our|this) (?:\w+ )?number\b",
        r"\b(?:block|blocking|reporting|report|sue|suing) (?:you|your number|this number)\b",
        r"\bcease desist\b|\benough (?:with|of) (?:\w+ ){0,2}calls\b|\bknock it off\b",
        rf"\b{_CALL} (?:\w+ ){{0,5}}stop$|\b{_CALL} (?:\w+ ){{0,4}}stop it\b",
        rf"\b{_NOT} (?:\w+ ){{0,3}}hear (?:\w+ ){{0,2}}from (?:you|your|them)\b",
        r"\bno (?:more )?(?:\w+ )?(?:calls|calling|robocalls|solicitation|soliciting)\b",
        r"\bno ?call (?:list|registry)\b|\bdnc\b|\bcall registry\b",
        r"\bleave (?:me|us|my family|this number) alone\b|(?<!dont )(?<!not )\bgo away\b"
        r"|\bget lost\b",
        r"\b(?:fuck|piss|bugger|screw) (?:off|you)\b|\bharassment\b|\bharassing\b",
        r"\b(?:revoke|withdraw|cancel) (?:\w+ ){0,2}(?:consent|permission)\b",
        r"\b(?:do not|dont|never|not) (?:\w+ )?(?:consent|agree) to (?!be recorded|record)(?:\w+ )*"
        rf"{_CALL}",
        r"\bkeep (?:calling|phoning|ringing|bothering) (?:me|us)\b(?! back)",
        rf"{_UNNEGATED}\b(?:stop|quit|cease) (?:\w+ ){{0,4}}{_CALLS}\b",
        rf"{_UNNEGATED}\b(?:end|cancel|discontinue|halt|terminate|refrain from|desist from)"
        rf" (?:\w+ ){{0,3}}{_CALLS}\b",
        rf"\bno need (?:for \w+ )?to (?:ever )?{_DIAL}\b",
        rf"\b(?:asked|told|telling|asking|begged|warned) (?:\w+ ){{0,7}}not to (?:ever )?{_CALL}\b",
        rf"\b(?:tired|sick|fed up) (?:of|with) (?:\w+ ){{0,4}}{_CALL}\b",
        rf"\b{_NOT_EVER} (?:\w+ ){{0,4}}{_PERMISSION} (?:\w+ ){{0,3}}{_CALL}\b",
        rf"\b(?:nobody|no one|none of us) (?:\w+ ){{0,2}}(?:wants?|needs?|likes?|asked for)"
        rf" (?:\w+ ){{0,3}}{_CALLS}\b",
        rf"\b(?:do not|dont|never) (?:accept|take|want|need|allow|answer|like) (?:\w+ ){{0,3}}"
        rf"(?:{_CALLS}|{_SOLICITORS})\b",
        rf"\bno (?:more )?(?:\w+ )?{_SOLICITORS}\b",
        rf"\b(?:rather|prefer) (?:\w+ )?not (?:\w+ ){{0,3}}(?:hear|{_CALL})\b",
        rf"\blast time you (?:ever )?{_DIAL}\b|\b(?:be|is) (?:your )?last call\b",
        rf"(?<!did )(?<!why )(?<!have )\bnot (?:ever )?{_DIAL} {_REST}\b",
        rf"\b(?:appreciate|prefer|grateful|glad|happy) (?:\w+ ){{0,3}}if (?:\w+ ){{0,3}}{_NOT_EVER}"
        rf" (?:\w+ )?{_DIAL}\b",
        r"\bno (?:further|additional) (?:\w+ )?(?:calls?|contact)\b|\bnot another call\b",
        rf"\b(?:ensure|make sure|see that|see to it|guarantee) (?:\w+ ){{0,6}}{_NOT_EVER}"
        rf" (?:\w+ ){{0,3}}{_CALL}\b",
    )
)
_BARE_STOP = re.compile(
    r"(?<!not )(?<!dont )(?<!never )(?<!cant )(?<!wont )(?<!non )(?<!full )(?<!bus )(?<!pit )"
    r"(?<!didnt )\bstop\b(?! (?:by|at|in|over|sign|there|off|worrying))"
)
_BARE_STOP_WORDS = 4
_KEPT = 64
_HOLD = re.compile(
    r"\b(?:off|from|of) (?:hold|speaker|mute|guard|schedule|appointment|wait ?list|calendar)\b"
)

_MACHINE = re.compile(
    r"\b(?:after|at) tone\b|\bafter beep\b|\bmail ?box (?:is )?full\b|\bvoice ?mail(?: ?box)? of\b"
    r"|\breached (?:\w+ ){0,3}(?:voice ?mail|mail ?box|answering)\b"
    r"|\b(?:leave|record) (?:me |us )?(?:your|message|brief|detailed|short) (?:\w+ ){0,4}(?:after"
    r"|at tone|get back|return your|call you back)\b"
)
_WHO = re.compile(
    r"\bwho (?:is|are|am)\b|\bwhos\b|\bwho (?:\w+ )?(?:calling|this|that|there|you)\b"
    r"|\b(?:what|where) (?:\w+ ){0,2}(?:calling|about|company|from|regarding)\b"
    r"|\bwhy (?:are )?you call"
)


@lru_cache(maxsize=_KEPT)
def is_opt_out(text: str) -> bool:
    """Whether the words themselves ask not to be called again (recall first).

    In English, and in Spanish too, whatever language the call is held in. One utterance is asked
    about two or three times on its way through a call: the latest answers are kept.
    """
    if spanish.is_opt_out(text):
        return True
    words = without_decline(" ".join(_content(text))).split()
    line = " ".join(words)
    if any(pattern.search(line) for pattern in _OPT_OUT) and not _HOLD.search(line):
        return True
    return len(words) <= _BARE_STOP_WORDS and _BARE_STOP.search(line) is not None


def declines_recording(text: str) -> bool:
    """Whether the words refuse that the call is recorded (recall first, English and Spanish)."""
    return has_decline(" ".join(_content(text)))


def is_machine_greeting(text: str) -> bool:
    """Whether this is what a voicemail box says before its beep."""
    return _MACHINE.search(" ".join(_content(text))) is not None


def asks_who_is_calling(text: str) -> bool:
    return _WHO.search(plain(text)) is not None


_HOUR = r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_TIME = (
    r"(?:(?:half )?(?:an?|one|two|three|four|five|ten|fifteen|twenty|thirty|couple(?: of)?|few|\d+)"
    r" (?:minutes?|mins?|hours?|days?|weeks?|months?)"
    r"|today|tonight|tomorrow|morning|afternoon|evening|night|noon|lunch(?:time)?|weekend|week|month"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|april|june|july"
    r"|august|september|october|november|december|later|soon|(?:another|some other) (?:time|day)"
    rf"|(?:at|around|about|after|before|by) {_HOUR}(?: thirty| fifteen| forty five| \d\d)?)"
    r"(?: ?[ap] ?m\b| o ?clock)?"
)
_LEADING = (
    r"(?:in|after|before|around|about|at|on|by|until|next|this|the|any|early|late|or|first thing"
    r"|sometime|some time)"
)
# Time words only: what stands around them may be a name.
_WHEN = re.compile(rf"\b(?:{_LEADING} ){{0,4}}{_TIME}\b(?: (?:{_LEADING} ){{0,4}}{_TIME}\b)*")


def find_when(text: str) -> str | None:
    """The words that name a time ("tomorrow after lunch"), without anything around them."""
    match = _WHEN.search(plain(text))
    return match.group(0).strip() if match else None


def guess_intent(text: str) -> Intent | None:
    """An intent from words alone, or None: what a call runs on while no model is loaded."""
    if is_opt_out(text):
        return "opt_out"
    line = plain(text)
    for intent, pattern in INTENT_PATTERNS:
        if pattern.search(line):
            return intent
    return None


def plain(text: str) -> str:
    """Lower case words with single spaces; apostrophes vanish (`don't` is `dont`)."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    without = re.sub(r"['’‘`´\u0300-\u036f]", "", folded)
    return " ".join(re.findall(r"[a-z0-9]+", without))


def _content(text: str) -> list[str]:
    return [word for word in plain(text).split() if not _FILLER.fullmatch(word)]
