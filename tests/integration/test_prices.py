"""What things cost: prices with dates, written by a command, read by the pre-flight."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.factories import NOW, login_url
from voice_ai.db import queries
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput
from voice_ai.store.prices import CARRIER_MINUTE, Price, prices_in_force, set_price
from voice_ai.vault import Keyring


def forecast_price(db: Db, hours: float) -> object:
    asked = {"now": NOW + timedelta(hours=hours)}
    row = db.execute(queries("preflight").price, asked).fetchone()
    return row and (row["amount"], row["currency"])


def test_a_new_price_ends_the_one_before_and_keeps_its_history(
    database_url: str, keyring: Keyring
) -> None:
    with connect(login_url(database_url, "app", keyring), autocommit=True) as db:
        assert prices_in_force(db, NOW) == []
        set_price(db, Price(CARRIER_MINUTE, Decimal("0.02")), by="ana", now=NOW)
        later = NOW + timedelta(hours=1)
        set_price(db, Price(CARRIER_MINUTE, Decimal("0.014")), by="ana", now=later)
        us = Price(CARRIER_MINUTE, Decimal("0.013"), country="US")
        set_price(db, us, by="ana", now=later + timedelta(hours=1))
        assert forecast_price(db, 0.5) == (Decimal("0.02"), "USD")
        assert forecast_price(db, 1.5) == (Decimal("0.014"), "USD")
        assert forecast_price(db, 3) == (Decimal("0.013"), "USD"), "a country's own comes first"
        assert len(prices_in_force(db, NOW + timedelta(hours=3))) == 2


@pytest.mark.parametrize(
    ("price", "field"),
    [
        (Price(CARRIER_MINUTE, Decimal(0)), "amount"),
        (Price(CARRIER_MINUTE, Decimal("NaN")), "amount"),
        (Price(CARRIER_MINUTE, Decimal(1), "dollars"), "currency"),
        (Price(CARRIER_MINUTE, Decimal(1), "USD", "America"), "country"),
        (Price("coffee", Decimal(1)), "item"),
    ],
)
def test_what_is_no_price_is_refused(
    database_url: str, keyring: Keyring, price: Price, field: str
) -> None:
    with connect(login_url(database_url, "app", keyring), autocommit=True) as db:
        with pytest.raises(BadInput, match=f"field {field}"):
            set_price(db, price, by="ana", now=NOW)
        assert prices_in_force(db, NOW) == []


def test_only_what_was_unknown_can_be_priced_for_the_past(
    database_url: str, keyring: Keyring
) -> None:
    tts, before = Price("tts_character", Decimal("0.00003")), NOW - timedelta(days=30)
    with connect(login_url(database_url, "app", keyring), autocommit=True) as db:
        set_price(db, tts, by="ana", now=NOW, since=before)
        assert prices_in_force(db, before)[0]["amount"] == Decimal("0.00003")
        for late in (tts, Price("tts_character", Decimal(1), country="US")):
            with pytest.raises(BadInput, match="costs that were told do not change"):
                set_price(db, late, by="ana", now=NOW, since=before + timedelta(days=1))
        with pytest.raises(BadInput, match="field since"):
            set_price(db, tts, by="ana", now=NOW, since=NOW + timedelta(days=1))
        set_price(db, tts, by="ana", now=NOW)
        assert [row["valid_from"] for row in prices_in_force(db, NOW)] == [NOW]
