"""Consent that a person gave for one seller and one purpose, and taking it back.

Taking it back suppresses the number: a person who withdrew is not called for another reason either.
A consent never lifts a suppression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from psycopg.types.json import Jsonb

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput
from voice_ai.store import suppressions
from voice_ai.store.suppressions import Order, Source
from voice_ai.vault import Keyring

_SQL = queries("consents")

Kind = Literal["written", "express", "uk_automated", "eu_automated"]
Purpose = Literal["informational", "telemarketing"]
Channel = Literal["web", "paper", "call", "sms", "import"]


@dataclass(frozen=True)
class Consent:
    """What was agreed to; `evidence` names the wording shown and where the proof is kept."""

    seller: str
    kind: str
    purpose: str
    channel: str
    evidence: Mapping[str, str]
    obtained_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Recorded:
    """`suppressed`: the number must not be called all the same, which a consent does not lift."""

    consent_id: int
    suppressed: bool


@dataclass(frozen=True)
class Revoked:
    """`consents` were open; the number is suppressed also when there was none."""

    consents: int
    suppression: suppressions.Suppressed


def record(db: Db, keyring: Keyring, number: str, consent: Consent, *, now: datetime) -> Recorded:
    """Raises BadInput, with the field, and NotFound."""
    _check(consent, now)
    told = suppressions.e164(number)
    seller_id = suppressions.seller_named(db, consent.seller)
    with db.transaction():
        (number_id,) = suppressions.ensure_numbers(db, keyring, [told], now)
        values = {
            "number_id": number_id,
            "seller_id": seller_id,
            "kind": consent.kind,
            "purpose": consent.purpose,
            "channel": consent.channel,
            "evidence": Jsonb(dict(consent.evidence)),
            "obtained_at": consent.obtained_at,
            "expires_at": consent.expires_at,
        }
        row = db.execute(_SQL.add, values).fetchone()
    assert row is not None
    covered = suppressions.first_cover(db, number_id, seller_id)
    return Recorded(int(row["id"]), covered is not None)


def of_number(db: Db, keyring: Keyring, number: str) -> list[Row]:
    """The newest first. Raises BadInput."""
    return suppressions.standing(db, keyring, number).consents


def revoke(
    db: Db,
    keyring: Keyring,
    number: str,
    *,
    seller: str | None,
    source: Source,
    now: datetime,
    by: str | None = None,
) -> Revoked:
    """Takes the number's consents back, those of one seller or all, and suppresses it.

    In force, also for dials on their way, when it returns. Raises BadInput and NotFound.
    """
    told = suppressions.e164(number)
    seller_id = suppressions.seller_named(db, seller) if seller is not None else None
    (number_id,) = suppressions.ensure_numbers(db, keyring, [told], now)
    values = {"number_id": number_id, "seller_id": seller_id}
    row = db.execute(_SQL.open_of, values).fetchone()
    assert row is not None
    order = Order(
        "seller" if seller_id else "all", source, "opt_out", seller_id=seller_id, added_by=by
    )
    done = suppressions.suppress(db, [number_id], order, now)
    return Revoked(int(row["count"]), done)


def _check(consent: Consent, now: datetime) -> None:
    for field, given, allowed in (
        ("kind", consent.kind, get_args(Kind)),
        ("purpose", consent.purpose, get_args(Purpose)),
        ("channel", consent.channel, get_args(Channel)),
    ):
        if given not in allowed:
            raise BadInput(f"it is one of {', '.join(allowed)}, not {given!r}", field=field)
    if consent.obtained_at > now:
        raise BadInput("a consent cannot be of a time to come", field="obtained")
    if consent.expires_at is not None and consent.expires_at <= consent.obtained_at:
        raise BadInput("it ends before it begins", field="expires")
    if consent.kind != "express" and not consent.evidence:
        raise BadInput(
            "a written consent needs its proof, as in wording=… or proof=https://…",
            field="evidence",
        )
