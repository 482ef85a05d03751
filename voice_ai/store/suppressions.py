"""Who must not be called: the one way in which a suppression is written, for one number or many.

A suppression is committed first, then the requests that are on their way are waited for: the send
gate holds a number's lock from its last check to the carrier's answer. So it holds at once, and
when `suppress` has returned nothing that was checked before it can still be sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Db, Row
from voice_ai.errors import BadInput, NotFound
from voice_ai.leads.normalise import parse_one
from voice_ai.vault import Keyring

_SQL = queries("suppressions")

Scope = Literal["campaign", "seller", "all"]
Source = Literal["call", "import", "sms", "inbound", "page", "file", "command"]
Reason = Literal["opt_out", "wrong_number", "complaint", "other"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
REASONS: tuple[Reason, ...] = get_args(Reason)
# A statement takes as many numbers at once; memory stays small, locks are not held for long.
_BATCH = 20_000


@dataclass(frozen=True)
class Order:
    """By whom a number must not be called any more, and how that is known.

    `seller_id` is set for the scopes seller and campaign (the campaign's own). `added_by`: who
    wrote it down; None is the person's own word. `do_not_call`: a file said so.
    """

    scope: Scope
    source: Source
    reason: Reason | Literal["do_not_call"]
    seller_id: UUID | None = None
    campaign_id: UUID | None = None
    attempt_id: UUID | None = None
    added_by: str | None = None

    def __post_init__(self) -> None:
        assert (self.seller_id is not None) == (self.scope != "all")
        assert (self.campaign_id is not None) == (self.scope == "campaign")

    def values(self, numbers: Sequence[int], now: datetime) -> dict[str, Any]:
        return {
            "numbers": list(numbers),
            "scope": self.scope,
            # A row of one campaign names no seller: that would stop all of the seller's.
            "seller_id": self.seller_id if self.scope == "seller" else None,
            "covering_seller": self.seller_id,
            "campaign_id": self.campaign_id,
            "source": self.source,
            "reason": self.reason,
            "attempt_id": self.attempt_id,
            "added_by": self.added_by,
            "now": now,
        }

    def revocation(self, numbers: Sequence[int], now: datetime) -> dict[str, Any]:
        through = "page" if self.source == "command" else self.source
        return {
            "numbers": list(numbers),
            "seller_id": self.seller_id,
            "through": through,
            "now": now,
        }


@dataclass(frozen=True)
class Suppressed:
    """`live_calls` to the numbers were begun before; the dialer ends those that only ring."""

    added: int
    already: int
    live_calls: int


@dataclass(frozen=True)
class Standing:
    """All that is known about calling one number; it never holds the number itself."""

    known: bool
    suppressions: list[Row]
    consents: list[Row]
    contacts: list[Row]
    outside_lists: list[Row]


def e164(number: str, region: str = "US") -> str:
    """The number as it is stored. Raises BadInput, without the number in the message."""
    digits, _, _, _, reason = parse_one(number.strip(), region)
    if digits is None or reason is not None:
        raise BadInput(
            "this is not a phone number that could be called; type it with its country, as in +1 …"
        )
    return f"+{digits}"


def ensure_numbers(db: Db, keyring: Keyring, numbers: Iterable[str], now: datetime) -> list[int]:
    """The ids of E.164 numbers, each once; those that are new are stored, sealed."""
    distinct = sorted(set(numbers))
    ids: list[int] = []
    for start in range(0, len(distinct), _BATCH):
        batch = distinct[start : start + _BATCH]
        prints = keyring.fingerprints(batch)
        values = {
            "fingerprints": prints,
            "sealed": keyring.encrypt_many(number.encode() for number in batch),
            "key_id": keyring.key_id,
            "now": now,
        }
        db.execute(_SQL.add_numbers, values)
        ids += [int(row["id"]) for row in db.execute(_SQL.ids_of, {"fingerprints": prints})]
    return ids


def suppress(db: Db, numbers: Sequence[int], order: Order, now: datetime) -> Suppressed:
    """In force, also for requests on their way, when it returns; all of the numbers or none.

    `db` must be in autocommit: what is written has to be seen by the gate before the wait.
    """
    assert db.autocommit
    with db.transaction():
        added = write(db, numbers, order, now)
    wait_for_sends(db, numbers)
    live = db.execute(_SQL.live_calls, {"numbers": list(numbers)}).fetchone()
    assert live is not None
    return Suppressed(added, len(set(numbers)) - added, int(live["count"]))


def write(db: Db, numbers: Sequence[int], order: Order, now: datetime) -> int:
    """The rows alone, in the caller's transaction, who calls `wait_for_sends` after its commit.

    Takes the consents back with them, except where only one campaign may not call any more.
    """
    added = 0
    for batch in _batches(numbers):
        added += db.execute(_SQL.suppress, order.values(batch, now)).rowcount
        if order.scope != "campaign":
            db.execute(_SQL.revoke_consents, order.revocation(batch, now))
    return added


def wait_for_sends(db: Db, numbers: Sequence[int]) -> None:
    """Returns when no request to these numbers that was checked before is on its way."""
    for batch in _batches(numbers):
        with db.transaction():
            db.execute(_SQL.wait_for_sends, {"numbers": batch})


async def write_one(db: AsyncDb, number_id: int, order: Order, now: datetime) -> bool:
    """`write` for one number on a connection of the dialer's; whether it was new."""
    added = await db.execute(_SQL.suppress, order.values([number_id], now))
    if order.scope != "campaign":
        await db.execute(_SQL.revoke_consents, order.revocation([number_id], now))
    return added.rowcount > 0


def first_cover(db: Db, number_id: int, seller_id: UUID) -> Row | None:
    """The first suppression that keeps the seller from calling the number."""
    return db.execute(_SQL.first_cover, {"number_id": number_id, "seller_id": seller_id}).fetchone()


def standing(db: Db, keyring: Keyring, number: str, region: str = "US") -> Standing:
    """Whether the number may be called by anybody, why not, since when. Raises BadInput."""
    fingerprint = keyring.fingerprint(e164(number, region))
    listed = db.execute(_SQL.on_lists, {"fingerprint": fingerprint}).fetchall()
    found = db.execute(_SQL.ids_of, {"fingerprints": [fingerprint]}).fetchone()
    if found is None:
        return Standing(False, [], [], [], listed)
    one = {"number_id": found["id"]}
    return Standing(
        True,
        db.execute(_SQL.of_number, one).fetchall(),
        db.execute(_SQL.consents_of, one).fetchall(),
        db.execute(_SQL.contacts_of, one).fetchall(),
        listed,
    )


def newest(db: Db, limit: int = 50) -> list[Row]:
    return db.execute(_SQL.newest, {"limit": limit}).fetchall()


def order_for(
    db: Db,
    scope: str,
    *,
    source: Source,
    reason: Reason,
    seller: str | None = None,
    campaign: str | None = None,
    added_by: str | None = None,
) -> Order:
    """The order for a scope told by names. Raises BadInput and NotFound."""
    if scope not in SCOPES:
        raise BadInput(f"the scope is {', '.join(SCOPES[:-1])} or all, not {scope!r}")
    needed = {"campaign": campaign, "seller": seller, "all": "-"}[scope]
    if needed is None:
        raise BadInput(f"scope {scope} needs the name of the {scope}: --{scope} NAME")
    seller_id = campaign_id = None
    if scope == "seller":
        seller_id = seller_named(db, str(seller))
    elif scope == "campaign":
        found = db.execute(
            "SELECT id, seller_id FROM campaigns WHERE name = %s", (campaign,)
        ).fetchone()
        if found is None:
            raise NotFound(
                f"there is no campaign {campaign!r}; `voice-ai campaign list` shows them"
            )
        campaign_id, seller_id = found["id"], found["seller_id"]
    return Order(
        next(one for one in SCOPES if one == scope),
        source,
        reason,
        seller_id=seller_id,
        campaign_id=campaign_id,
        added_by=added_by,
    )


def seller_named(db: Db, name: str) -> UUID:
    """Raises NotFound naming the sellers that there are."""
    leads = queries("leads")
    row = db.execute(leads.seller_by_name, {"name": name}).fetchone()
    if row is None:
        names = ", ".join(one["name"] for one in db.execute(leads.seller_names)) or "none yet"
        raise NotFound(f"there is no seller {name!r}; there are: {names}")
    return UUID(str(row["id"]))


def _batches(numbers: Sequence[int]) -> Iterable[list[int]]:
    ordered = sorted(set(numbers))
    return (ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH))
