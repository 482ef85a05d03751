"""What things cost, with dates: a new price ends the one before and rewrites no history.

A price may begin in the past only where none was in force since then: a cost that was unknown
becomes known, but none that was told ever changes.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput

log = structlog.get_logger()
_SQL = queries("prices")
CARRIER_MINUTE = "carrier_minute"
# What can be priced, in words; an amount is for one of it.
ITEMS = {
    CARRIER_MINUTE: "started minute of an answered call",
    "stt_minute": "minute of the person's speech, understood",
    "tts_character": "character spoken by a bought voice",
    "lead": "lead, where lists are bought",
}


@dataclass(frozen=True)
class Price:
    """`amount` per unit of the item, in `currency` (ISO 4217); `country` None: everywhere."""

    item: str
    amount: Decimal
    currency: str = "USD"
    country: str | None = None


def prices_in_force(db: Db, now: datetime) -> list[Row]:
    return db.execute(_SQL.in_force, {"now": now}).fetchall()


def set_price(
    db: Db, price: Price, *, by: str, now: datetime, since: datetime | None = None
) -> None:
    """In force from now on, or since a moment in the past from which on there was no price.

    Raises BadInput for what is no price, currency, country or such a moment.
    """
    if price.item not in ITEMS:
        raise BadInput(f"the items are {', '.join(ITEMS)}", field="item")
    if not price.amount.is_finite() or price.amount <= 0:
        raise BadInput("a price is more than 0", field="amount")
    if not re.fullmatch(r"[A-Z]{3}", price.currency):
        raise BadInput("a currency has three letters, such as USD", field="currency")
    if price.country is not None and not re.fullmatch(r"[A-Z]{2}", price.country):
        raise BadInput("a country has two letters, such as US", field="country")
    if since is not None and since > now:
        raise BadInput("a price begins now or in the past", field="since")
    begins = since or now
    values = {**vars(price), "begins": begins}
    with db.transaction():
        if begins < now and db.execute(_SQL.price_since, values).fetchone():
            raise BadInput(
                "a price was in force since then, and costs that were told do not change;"
                " leave the date out to set the price from now on",
                field="since",
            )
        db.execute(_SQL.end_price, values)
        db.execute(_SQL.begin_price, values)
    log.info("price_set", item=price.item, country=price.country, by=by)
