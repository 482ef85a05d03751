"""What the carrier account may do, over all campaigns."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from voice_ai.db import queries
from voice_ai.db.connect import Db
from voice_ai.errors import BadInput

_SQL = queries("carrier")


@dataclass(frozen=True)
class AccountLimits:
    """Over all campaigns; None: no limit of the account's own."""

    max_concurrent: int | None = None
    calls_per_second: float | None = None
    daily_spend: Decimal | None = None
    per_minute: Decimal | None = None


def limits_of(db: Db, account: str) -> AccountLimits:
    row = db.execute(_SQL.limits, {"account": account}).fetchone()
    if row is None:
        return AccountLimits()
    return AccountLimits(
        row["max_concurrent"], row["calls_per_second"], row["daily_spend"], row["per_minute"]
    )


def set_limits(db: Db, account: str, limits: AccountLimits, *, by: str, now: datetime) -> None:
    """In force with the next claim. Raises BadInput for a limit that makes no sense."""
    checks = (
        ("max_concurrent", limits.max_concurrent is None or limits.max_concurrent > 0),
        ("calls_per_second", limits.calls_per_second is None or limits.calls_per_second > 0),
        ("daily_spend", limits.daily_spend is None or limits.daily_spend > 0),
        ("per_minute", limits.per_minute is None or limits.per_minute > 0),
    )
    for field, sound in checks:
        if not sound:
            raise BadInput("give a number above 0; to stop calls use `campaign pause`", field=field)
    if limits.daily_spend is not None and limits.per_minute is None:
        raise BadInput("say what a minute costs, or the spend cannot be known", field="per_minute")
    db.execute(_SQL.set_limits, {"account": account, "set_by": by, "now": now, **vars(limits)})
