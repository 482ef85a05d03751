"""Lists, imports and single leads as people look at them, and “never call this person again”."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound
from voice_ai.store import suppressions
from voice_ai.store.campaigns import ensure_number
from voice_ai.store.suppressions import REASONS, Reason, Source, e164
from voice_ai.vault import Keyring

__all__ = ["REASONS", "Reason", "Source", "e164"]

_SQL = queries("leads")


@dataclass(frozen=True)
class Suppressed:
    """`since`: when the suppression was written; `already`: by somebody else, before.

    `live_calls` to the number were begun before: those that only ring are ended by the dialer.
    """

    seller: str
    since: datetime
    already: bool
    live_calls: int


@dataclass(frozen=True)
class History:
    """All that is known of a lead and of its number, the newest first; no number, no name."""

    lead: Row
    siblings: list[Row]
    standings: list[Row]
    decisions: list[Row]
    attempts: list[Row]
    suppressions: list[Row]
    consents: list[Row]


def leads_of_number(db: Db, keyring: Keyring, number: str) -> list[int]:
    """The leads with that number. Raises BadInput and NotFound."""
    row = db.execute(
        _SQL.number_by_fingerprint, {"fingerprint": keyring.fingerprint(e164(number))}
    ).fetchone()
    found = db.execute(_SQL.leads_of_number, {"number_id": row["id"]}).fetchall() if row else []
    if not found:
        raise NotFound("no lead has this phone number; check its digits, or import the list first")
    return [int(lead["lead_id"]) for lead in found]


def lists(db: Db) -> list[Row]:
    """The newest first."""
    return db.execute(_SQL.lists).fetchall()


def imports(db: Db, *, list_id: UUID | None = None, limit: int = 200) -> list[Row]:
    """The newest first."""
    return db.execute(_SQL.imports, {"list_id": list_id, "limit": limit}).fetchall()


def find_run(db: Db, run_id: str) -> Row:
    """Raises BadInput and NotFound."""
    try:
        run = UUID(run_id)
    except ValueError as error:
        raise BadInput(f"{run_id!r} is not the id of an import; see `leads imports`") from error
    row = db.execute(_SQL.find_run, {"run_id": run}).fetchone()
    if row is None:
        raise NotFound(f"there is no import {run_id}; `voice-ai leads imports` lists them")
    return row


def rejects(
    db: Db, run_id: UUID, *, reason: str | None = None, limit: int = 100, offset: int = 0
) -> list[Row]:
    """Refused rows in the order of the file, their values masked."""
    values = {"run_id": run_id, "reason": reason, "limit": limit, "offset": offset}
    return db.execute(_SQL.rejects, values).fetchall()


def history(db: Db, lead_id: int) -> History:
    """Raises NotFound."""
    lead = db.execute(_SQL.lead, {"lead_id": lead_id}).fetchone()
    if lead is None:
        raise NotFound(f"there is no lead {lead_id}; its import may have been taken back")
    number = {"number_id": lead["number_id"]}
    parts = ("siblings", "standings", "decisions", "attempts", "suppressions", "consents")
    return History(lead, *(db.execute(getattr(_SQL, part), number).fetchall() for part in parts))


def suppress_lead(
    db: Db, lead_id: int, *, reason: Reason, source: Source, now: datetime, by: str | None = None
) -> Suppressed:
    """Keeps the seller of the lead's list from ever calling its number again.

    Raises NotFound, and NotAvailable's kin when the database is gone.
    """
    row = db.execute(_SQL.number_of_lead, {"lead_id": lead_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no lead {lead_id}")
    return _suppress(db, row["number_id"], row["seller_id"], row["seller"], reason, source, now, by)


def suppress_number(
    db: Db,
    keyring: Keyring,
    number: str,
    *,
    seller: str,
    reason: Reason,
    source: Source,
    now: datetime,
    by: str | None = None,
) -> Suppressed:
    """The same for a number, also one that no list has yet. Raises BadInput and NotFound."""
    told = e164(number)
    seller_id = suppressions.seller_named(db, seller)
    number_id = ensure_number(db, keyring, told, now)
    return _suppress(db, number_id, seller_id, seller, reason, source, now, by)


def _suppress(
    db: Db,
    number_id: int,
    seller_id: UUID,
    seller: str,
    reason: Reason,
    source: Source,
    now: datetime,
    by: str | None,
) -> Suppressed:
    before = suppressions.first_cover(db, number_id, seller_id)
    order = suppressions.Order("seller", source, reason, seller_id=seller_id, added_by=by)
    done = suppressions.suppress(db, [number_id], order, now)
    return Suppressed(
        seller=seller,
        since=cast(datetime, before["created_at"]) if before else now,
        already=before is not None,
        live_calls=done.live_calls,
    )
