"""Columns are recognised by their names and by what is in them."""

import polars as pl
import pytest

from pipelines.imports.mapping import FIELDS, Guess, fingerprint, guess_columns, masked
from voice_ai.errors import UsageError

PHONES = ["256-593-8310", "(256) 593-8311", "+1 256 593 8312"]


def guessed(columns: dict[str, list[str]], **told: str) -> dict[str, str]:
    sample = pl.DataFrame({f"c{at}": values for at, values in enumerate(columns.values())})
    return {guess.field: guess.column for guess in guess_columns(list(columns), sample, told)}


def test_usual_names() -> None:
    columns = {
        "FirstName": ["Ann"],
        "Last Name": ["Lee"],
        "E-mail Address": ["ann@example.com"],
        "Zip/Postal Code": ["02138"],
        "ST": ["MA"],
        "Cell Phone": ["256-593-8310"],
        "Fax Number": ["256-593-8319"],
        "Customer ID": ["77"],
    }
    assert guessed(columns) == {
        "phone": "Cell Phone",
        "first_name": "FirstName",
        "last_name": "Last Name",
        "email": "E-mail Address",
        "zip": "Zip/Postal Code",
        "state": "ST",
        "external_id": "Customer ID",
    }


def test_phone_column_is_found_by_its_values_alone() -> None:
    assert guessed({"Kontakt": ["Ann", "Bob", "Cyd"], "Nr.": PHONES})["phone"] == "Nr."


def test_column_named_phone_that_holds_none_loses_to_the_one_that_does() -> None:
    columns = {"Phone": ["mobile", "home", "work"], "Contact": PHONES}
    assert guessed(columns)["phone"] == "Contact"


def test_county_name_is_not_a_name_and_a_fax_is_not_a_phone() -> None:
    found = guessed({"County Name": ["Boone"] * 3, "Fax": PHONES, "Phone": PHONES})
    assert found == {"phone": "Phone"}


def test_user_overrides_a_guess() -> None:
    columns = {"Phone": PHONES, "Direct": PHONES}
    assert guessed(columns, phone="direct")["phone"] == "Direct"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"phone": "Phon"}, "did you mean 'Phone'"),
        ({"fone": "Phone"}, "there is no field 'fone'"),
    ],
)
def test_wrong_override_says_what_there_is(told: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        guessed({"Phone": PHONES}, **told)


def test_file_without_phones_is_refused() -> None:
    with pytest.raises(UsageError, match="--map phone=COLUMN"):
        guessed({"Name": ["Ann"], "City": ["Boaz"]})


def test_mask_hides_digits_and_letters_and_keeps_the_outline() -> None:
    assert masked("(256) 593-8310") == "(25•) •••-••••"
    assert masked("ann@example.com") == "an•@•••••••.•••"


def test_fingerprint_depends_on_the_pairs_and_not_on_their_order_or_confidence() -> None:
    one = [Guess("phone", "A", 0.5, ()), Guess("zip", "B", 1.0, ())]
    two = [Guess("zip", "B", 0.7, ("x",)), Guess("phone", "A", 1.0, ())]
    assert fingerprint(one) == fingerprint(two)
    assert fingerprint(one) != fingerprint(one[:1])


def test_every_usual_name_belongs_to_one_field() -> None:
    names = [name for listed in FIELDS.values() for name in listed]
    assert len(names) == len(set(names))
