"""Do-not-call lists that others keep: which there are, and how old a copy of each may be. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

AgeState = Literal["ok", "warn", "stale", "missing"]


@dataclass(frozen=True)
class OutsideList:
    """`limit_days` None: no rule says how old a copy may be."""

    source: str
    title: str
    country: str
    warn_days: int
    limit_days: int | None


OUTSIDE_LISTS: Mapping[str, OutsideList] = {
    one.source: one
    for one in (
        OutsideList("us_national_dnc", "US National Do Not Call Registry", "US", 25, 31),
        OutsideList("uk_tps", "UK Telephone Preference Service", "GB", 25, 28),
        OutsideList("ca_national_dncl", "Canadian National Do Not Call List", "CA", 25, 31),
        OutsideList("us_reassigned", "US Reassigned Numbers Database", "US", 25, 30),
        OutsideList("litigators", "Known litigators", "US", 25, None),
    )
}


def age_days(taken_at: datetime, now: datetime) -> int:
    """Whole days since the list itself was made."""
    return max(0, (now - taken_at).days)


def age_state(outside: OutsideList, taken_at: datetime | None, now: datetime) -> AgeState:
    """`warn`: renew it soon. `stale`: what needs the list is not allowed any more."""
    if taken_at is None:
        return "missing"
    age = now - taken_at
    if outside.limit_days is not None and age >= timedelta(days=outside.limit_days):
        return "stale"
    return "warn" if age.days >= outside.warn_days else "ok"


def age_in_words(outside: OutsideList, taken_at: datetime | None, now: datetime) -> str:
    if taken_at is None:
        return "never loaded"
    limit = f" of {outside.limit_days}" if outside.limit_days is not None else ""
    return f"{age_days(taken_at, now)}{limit} days old"
