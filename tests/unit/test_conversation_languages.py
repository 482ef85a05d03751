"""A script in two languages: what is understood, what is carried over, what is refused."""

from pathlib import Path

import pytest

from tests.unit.media_fakes import Call
from voice_ai.conversation import spanish
from voice_ai.conversation.keywords import is_opt_out
from voice_ai.conversation.prompts import prompts
from voice_ai.conversation.redact import redact
from voice_ai.conversation.script import check_script, load_script
from voice_ai.conversation.tongues import asked_for
from voice_ai.conversation.typed import find_email, find_number, find_phone

FILE = Path(__file__).parents[1] / "scenarios" / "bilingual.script.yaml"
TEXT = FILE.read_text(encoding="utf-8")
SCRIPT = load_script(TEXT, source=FILE.name)
SLOTS = {"seller": "The Inn", "callback_number": "+18005550100"}
SPANISH = "languages.es-US"


def faults_of(old: str, new: str) -> list[str]:
    assert TEXT.count(old) == 1
    return [fault.message for fault in check_script(TEXT.replace(old, new), source="b.yaml")[1]]


@pytest.mark.parametrize(
    "text",
    [
        "no me llame más",
        "No me llamen",
        "por favor no vuelvan a llamar",
        "no me vuelva a llamar",
        "no quiero que me llamen",
        "dejen de llamarme",
        "deje de molestarme",
        "quíteme de la lista",
        "quiten mi número de su lista",
        "borre mi número",
        "elimínenme de su base de datos",
        "no quiero más llamadas",
        "no más llamadas",
        "no deseo recibir llamadas",
        "quiero darme de baja",
        "déjenme en paz",
        "no me molesten",
        "¡Basta!",
        "alto",
        "pare por favor",
    ],
)
def test_a_wish_for_no_more_calls_is_heard_in_spanish(text: str) -> None:
    assert is_opt_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "ahora no, llame mañana",
        "no, llámeme más tarde",
        "no puedo, llámeme el lunes",
        "no, gracias",
        "sí, llámeme",
        "gracias por llamar",
        "no entiendo",
        "¿por qué me llama?",
        "mi número es el dos uno dos",
        "está en la lista de espera",
        "el hotel no es alto",
        "para cuatro personas",
    ],
)
def test_what_is_no_such_wish_is_none(text: str) -> None:
    assert not is_opt_out(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("somos veinticinco", 25),
        ("treinta y dos", 32),
        ("una", 1),
        ("doscientos cuarenta", 240),
        ("mil quinientos", 1500),
        ("ciento diez", 110),
        ("dos o tres", None),
        ("muchos", None),
    ],
)
def test_numbers_in_spanish(text: str, number: int | None) -> None:
    assert find_number(spanish.in_english(text)) == number


def test_telephone_numbers_and_addresses_in_spanish() -> None:
    said = "dos uno dos cinco cinco cinco cero uno cero cero"
    assert find_phone(spanish.in_english(said)) == "+12125550100"
    assert find_email(spanish.in_english("ana guion bajo 7 arroba gmail punto com")) == (
        "ana_7@gmail.com"
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mi número es dos uno dos cinco cinco cinco cero uno", "mi número es [number]"),
        ("ana guion bajo 7 arroba gmail punto com", "[email]"),
        ("somos veinticinco", "somos veinticinco"),
        ("at once, and for all", "at once, and for all"),
    ],
)
def test_spoken_numbers_are_kept_out_of_stored_text_in_spanish_too(text: str, kept: str) -> None:
    assert redact(text, ()) == kept


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("¿español?", "es"),
        ("Do you speak Spanish?", "es"),
        ("en español por favor", "es"),
        ("no hablo inglés", "es"),
        ("I don't speak Spanish", "en"),
        ("in English please", "en"),
        ("I teach Spanish at the high school down the road from here", None),
        ("yes", None),
        ("English or Spanish", None),
    ],
)
def test_a_language_is_asked_for(text: str, code: str | None) -> None:
    assert asked_for(text) == code


def test_every_language_and_arm_is_rendered_ahead_in_its_own_digits() -> None:
    ahead = {prompt.text for prompt in prompts(SCRIPT, SLOTS)}
    assert "Nos puede llamar al ocho cero cero, cinco cinco cinco, cero uno cero cero." in ahead
    assert any(text.startswith("You can reach us at eight zero zero") for text in ahead)
    assert {"¿Puedo reservarle una mesa?", "May I book a table for you?"} <= ahead


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "        ask: ¿Para cuántas personas?\n",
            "        say: Bien.\n",
            "b.yaml:75, field languages.es-US.nodes.how_many: `ask` of `how_many` is not"
            " translated.",
        ),
        (
            "disclose: Soy un asistente automatizado de inteligencia artificial en",
            "disclose: Soy yo en",
            "b.yaml:72, field languages.es-US.nodes.opening.disclose: the disclosure must say that"
            " the caller is an A I assistant.",
        ),
        (
            "      goodbye: Gracias por su tiempo. Adiós.\n",
            "      goodbye: Gracias por su tiempo.\n",
            "b.yaml:68, field languages.es-US.lines.goodbye: the call ends after this line, so it"
            ' must contain "Adiós".',
        ),
        (
            "      not_heard: No le he oído.\n",
            "",
            "b.yaml:54, field languages.es-US.lines: a script in es-US must bring its own lines:"
            " not_heard.",
        ),
        (
            'b: "¿Puedo reservarle una mesa?"',
            'b: "¿Puedo reservarle una mesa"',
            'b.yaml:74, field languages.es-US.nodes.opening.ask.b: a question must end with "?"'
            " and contain no other one.",
        ),
        (
            "  es-US:\n",
            "  fr-FR:\n",
            "b.yaml:52, field languages.fr-FR: no call is understood in fr-FR, not even the wish"
            " for no more calls; only English and Spanish are.",
        ),
    ],
)
def test_what_is_wrong_in_a_translation_is_told_with_its_line(
    old: str, new: str, fault: str
) -> None:
    assert fault in faults_of(old, new)


async def test_who_asks_for_spanish_is_listened_to_in_spanish() -> None:
    call = Call(SCRIPT, slots=SLOTS).pick_up()
    await call.until_asked("Would you like to book a table?")
    await call.say("¿Habla español?", 1.0)
    await call.until_asked("¿Quiere reservar una mesa?")
    assert call.ears.languages == ["en-US", "es-US"]
    assert call.ears.opened[0].closed
    assert call.was_heard("Soy un asistente automatizado")
    call.mind.intents["Sí."] = "opt_out"  # a model that has learned English only
    await call.say("Sí.")
    await call.until_asked("¿Para cuántas personas?")


async def test_a_lead_that_speaks_spanish_is_called_in_it() -> None:
    language = SCRIPT.language_for("Spanish")
    call = Call(SCRIPT, slots=SLOTS, arm="b", language=language).pick_up()
    await call.until_asked("¿Puedo reservarle una mesa?")
    assert call.ears.languages == ["es-US"]
