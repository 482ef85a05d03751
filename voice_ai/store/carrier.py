"""What the carrier account may do, and how our own numbers stand."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound
from voice_ai.pacing.caller_ids import BURNED_REST, COOL_OFF, Standing
from voice_ai.vault import Keyring

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


def caller_ids(db: Db, now: datetime) -> list[Row]:
    return db.execute(_SQL.caller_ids, {"now": now}).fetchall()


@dataclass(frozen=True)
class CallerIdChange:
    """What becomes of a number of ours; None leaves it. `ceiling` 0 takes its own ceiling away."""

    standing: Standing | None = None
    ceiling: int | None = None
    active: bool | None = None


def change_caller_id(
    db: Db, keyring: Keyring, number: str, change: CallerIdChange, *, now: datetime
) -> None:
    """Raises NotFound for a number that is not ours."""
    found = db.execute(
        "SELECT i.number_id FROM caller_ids i JOIN numbers n ON n.id = i.number_id"
        " WHERE n.fingerprint = %s",
        (keyring.fingerprint(number),),
    ).fetchone()
    if found is None:
        raise NotFound("that number is not one of ours; `voice-ai carrier caller-ids` lists them")
    rest = {Standing.COOLING: COOL_OFF, Standing.BURNED: BURNED_REST}
    until = now + rest[change.standing] if change.standing in rest else None
    db.execute(
        _SQL.change_caller_id,
        {
            "number_id": found["number_id"],
            "standing": change.standing,
            "until": until,
            "set_ceiling": change.ceiling is not None,
            "ceiling": change.ceiling or None,
            "active": change.active,
            "now": now,
        },
    )
