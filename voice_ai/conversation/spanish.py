"""Spanish as it is said on the telephone: wishes, answers, numbers, times.

Numbers, times and addresses are put into the English words that the readers of answers know; what
is not understood stays as it is. Careful as they are: unknown words name nothing.
"""

import re
import unicodedata

from voice_ai.conversation.turns import Intent

_CALL = r"(?:llam\w+|marqu\w+|marc\w+|telefone\w+|contact\w+|molest\w+|fastidi\w+)"
# Recall first: a wish not to be called is heard in any call, whatever its language.
# "Ahora no, llame mañana" asks for another time, not for none.
_NOT_THEN = (
    r"(?! (?:\w+ ){0,2}(?:manana|hoy|ahora|ahorita|las|tarde|luego|despues|antes|lunes|martes"
    r"|miercoles|jueves|viernes|sabado|domingo|semana|rato|horas?|minutos)\b)"
)
_OPT_OUT = re.compile(
    r"\bno (?:me |nos |quiero que |deben? |vuelvan? a )*"
    r"(?:llam(?:en?|es|ar|arme|arnos)|marquen?|marcarme|contacten?|molesten?)\b"
    + _NOT_THEN
    + rf"|\b(?:dejen?|deje|pare|paren|basta) (?:ya )?(?:de|con) (?:\w+ )?{_CALL}"
    r"|\b(?:quit\w+|borr\w+|elimin\w+|saqu\w+|saca\w+|sacar\w*|tach\w+)"
    r" (?:\w+ ){0,3}(?:lista|numero|base|registro|datos)\b"
    r"|\bno (?:quiero |deseo )?(?:mas|recibir(?: mas)?)"
    rf" (?:\w+ ){{0,2}}(?:llamadas|{_CALL})"
    r"|\bdar(?:me|nos)? de baja\b|\bdeme de baja\b|\bdejen?me (?:en paz|tranquil\w+)\b"
)
_BARE_STOP = re.compile(r"^(?:por favor )?(?:alto|pare|paren|basta|stop|ya basta)(?: por favor)?$")
_MACHINE = re.compile(
    r"\b(?:deje|grabe) (?:su|un|el) (?:\w+ )?mensaje\b|\bbuzon de voz\b|\bdespues (?:del|de la)"
    r" (?:tono|senal)\b"
)
_WHO = re.compile(
    r"\bquien (?:es|habla|llama|eres|esta llamando)\b"
    r"|\bde (?:parte de quien|donde (?:llama|habla))\b|\bque empresa\b|\bpor que (?:me )?llam"
)
_WISHES: tuple[tuple[Intent, str], ...] = (
    (
        "ask_robot",
        r"\b(?:robot|maquina|grabacion|computadora|inteligencia artificial|contestadora"
        r"|persona real|ser humano|eres humano|es humano|persona de verdad)\b",
    ),
    (
        "wrong_person",
        r"\b(?:numero|persona) equivocad[oa]\b|\bse equivoc\w+\b|\bno vive aqui\b"
        r"|\baqui no (?:vive|es)\b|\bno (?:soy|es) (?:el|ella|esa persona)\b|\bno conozco a\b",
    ),
    (
        "repeat",
        r"\b(?:repit\w+|repetir|otra vez|de nuevo|mas despacio|mas alto|no (?:le |lo |la )?"
        r"(?:escuch\w+|oigo|oi|entiendo|entendi))\b|^(?:como|perdon|mande|que)$",
    ),
    (
        "callback",
        r"\b(?:llam\w+|marqu\w+|habl\w+) (?:\w+ )?(?:mas tarde|despues|luego|manana|otro (?:dia"
        r"|momento)|en (?:un rato|\w+ (?:minutos|horas))|a las|el (?:lunes|martes|miercoles"
        r"|jueves|viernes|sabado|domingo))\b|\b(?:mas tarde|en otro momento)\b",
    ),
    (
        "busy_now",
        r"\b(?:ocupad[oa]|manejando|conduciendo|trabajando|en el trabajo|en una (?:reunion"
        r"|junta)|no (?:puedo|tengo tiempo)|no es buen momento|ahorita no|ahora no"
        r"|mal momento)\b",
    ),
    (
        "reschedule",
        r"\b(?:reprogram\w+|cambiar (?:\w+ )?(?:cita|dia|hora|fecha)|mover (?:\w+ )?cita"
        r"|otr[oa] (?:dia|fecha|hora)|posponer|aplazar)\b",
    ),
    (
        "no",
        r"^(?:(?:eh|pues|bueno|ay|este|mire|lo siento|perdon) )*(?:no|nop|nunca|jamas|para nada"
        r"|de ninguna manera|tampoco|en absoluto|no gracias|negativo)\b"
        r"|\bno me interesa\b|\bno quiero\b|\bno gracias\b",
    ),
    (
        "yes",
        r"^(?:(?:eh|pues|bueno|ay|este|ah|claro) )*(?:si|sip|claro|vale|bueno|ok|okay|esta bien"
        r"|de acuerdo|por supuesto|correcto|exacto|exactamente|afirmativo|como no|andale|dale"
        r"|adelante|perfecto|asi es|desde luego|con gusto)\b|\bsi (?:puedo|quiero|por favor)\b",
    ),
    (
        "question",
        r"^(?:y |pero |oiga )*(?:que|quien|cual|cuales|cuando|donde|como|cuanto|cuanta|cuantos"
        r"|cuantas|por que|para que|puedo|puede|pueden|hay|tienen|es|esta|son|a que hora"
        r"|de que)\b",
    ),
    ("thanks", r"\b(?:gracias|muy amable|agradezco|agradecid[oa])\b"),
    (
        "greeting",
        r"^(?:(?:si|hola|bueno) )*(?:hola|bueno|diga|digame|alo|oigo|buenos dias|buenas tardes"
        r"|buenas noches|buenas)$",
    ),
)
_INTENTS = tuple((intent, re.compile(pattern)) for intent, pattern in _WISHES)
_SMALL = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciseis diecisiete dieciocho diecinueve"
)
_SMALL_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS = "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"
_TENS_ENGLISH = "twenty thirty forty fifty sixty seventy eighty ninety"
_HUNDREDS = "doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos"
_DAYS = "lunes martes miercoles jueves viernes sabado domingo"
_DAYS_ENGLISH = "monday tuesday wednesday thursday friday saturday sunday"
_WORDS = {
    **dict(zip(_SMALL.split(" "), _SMALL_ENGLISH.split(" "), strict=True)),
    **dict(zip(_TENS.split(" "), _TENS_ENGLISH.split(" "), strict=True)),
    **dict(zip(_DAYS.split(" "), _DAYS_ENGLISH.split(" "), strict=True)),
    **{
        word: f"{number} hundred"
        for word, number in zip(_HUNDREDS.split(" "), _SMALL_ENGLISH.split(" ")[2:9], strict=True)
    },
    "novecientos": "nine hundred",
    "un": "one",
    "una": "one",
    "cien": "one hundred",
    "ciento": "one hundred",
    "mil": "thousand",
    "docena": "dozen",
    "doble": "double",
    "triple": "triple",
    "arroba": "at",
    "punto": "dot",
    "guion": "dash",
    "hoy": "today",
    "manana": "tomorrow",
    "tarde": "afternoon",
    "noche": "evening",
    "mediodia": "noon",
    "minuto": "minute",
    "minutos": "minutes",
    "hora": "hour",
    "horas": "hours",
    "dia": "day",
    "dias": "days",
    "semana": "week",
    "semanas": "weeks",
}
_PHRASES = tuple(
    (re.compile(rf"\b{pattern}\b"), english)
    for pattern, english in (
        (r"(?:por|de|en) la manana", "in the morning"),
        (r"(?:por|de|en) la tarde", "in the afternoon"),
        (r"(?:por|de|en) la noche", "in the evening"),
        (r"esta manana", "this morning"),
        (r"esta tarde", "this afternoon"),
        (r"esta noche", "tonight"),
        (r"mas tarde", "later"),
        (r"despues (?:del almuerzo|de comer|de la comida)", "after lunch"),
        (r"(?:la )?(?:proxima semana|semana que viene)", "next week"),
        (r"en media hora", "in half an hour"),
        (r"y media", "thirty"),
        (r"y cuarto", "fifteen"),
        (r"(?:a|sobre) las?", "at"),
        (r"en (?=(?:un|una|dos|tres|cuatro|cinco|diez|quince|veinte|treinta|\d+) )", "in "),
        (r"guion bajo", "underscore"),
        (r"al menos", ""),
        (r"dieci (seis|siete|ocho|nueve)", r"dieci\1"),
    )
)
_TWENTIES = re.compile(r"\bveinti(un|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)\b")
_TENS_AND = re.compile(
    r"\b(treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa) y"
    r" (un|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)\b"
)


def is_opt_out(text: str) -> bool:
    line = plain(text)
    return _OPT_OUT.search(line) is not None or _BARE_STOP.match(line) is not None


def is_machine_greeting(text: str) -> bool:
    return _MACHINE.search(plain(text)) is not None


def asks_who_is_calling(text: str) -> bool:
    return _WHO.search(plain(text)) is not None


def guess_intent(text: str) -> Intent | None:
    if is_opt_out(text):
        return "opt_out"
    line = plain(text)
    return next((intent for intent, pattern in _INTENTS if pattern.search(line)), None)


def in_english(text: str) -> str:
    """Numbers, times and spelled addresses in English words; the rest without its accents."""
    line = unicodedata.normalize("NFKD", text.casefold())
    line = "".join(sign for sign in line if not unicodedata.combining(sign))
    line = _TENS_AND.sub(r"\1 \2", _TWENTIES.sub(r"veinte \1", line))
    for pattern, english in _PHRASES:
        line = pattern.sub(english, line)
    return re.sub(r"[a-z]+", lambda word: _WORDS.get(word.group(0), word.group(0)), line)


def plain(text: str) -> str:
    """Lower case words with single spaces, without accents and signs."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[a-z0-9]+", re.sub(r"[\u0300-\u036f'’]", "", folded)))
