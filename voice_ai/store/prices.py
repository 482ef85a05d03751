"""What things cost, with dates: a new price ends the one before and rewrites no history."""

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


@dataclass(frozen=True)
class Price:
    """`amount` per unit of the item, in `currency` (ISO 4217); `country` None: everywhere."""

    item: str
    amount: Decimal
    currency: str = "USD"
    country: str | None = None


def prices_in_force(db: Db, now: datetime) -> list[Row]:
    return db.execute(_SQL.in_force, {"now": now}).fetchall()


def set_price(db: Db, price: Price, *, by: str, now: datetime) -> None:
    """In force from now on. Raises BadInput for what is no price, currency or country."""
    if not price.amount.is_finite() or price.amount <= 0:
        raise BadInput("a price is more than 0", field="amount")
    if not re.fullmatch(r"[A-Z]{3}", price.currency):
        raise BadInput("a currency has three letters, such as USD", field="currency")
    if price.country is not None and not re.fullmatch(r"[A-Z]{2}", price.country):
        raise BadInput("a country has two letters, such as US", field="country")
    values = {**vars(price), "now": now}
    with db.transaction():
        db.execute(_SQL.end_price, values)
        db.execute(_SQL.begin_price, values)
    log.info("price_set", item=price.item, country=price.country, by=by)
