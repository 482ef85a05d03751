"""Kill switches: what must not be dialed at all, from the moment `switch_off` returns.

Every claim and every last check before a dial reads them. Switching off is for anybody who sees
something go wrong; whoever lifts it is named.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from voice_ai.campaigns import e164
from voice_ai.compliance import Reason
from voice_ai.compliance.codes import is_place
from voice_ai.compliance.packs import built_in
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.store.campaigns import find_campaign
from voice_ai.vault import Keyring

_SQL = queries("switches")

Kind = Literal["global", "campaign", "caller_id", "country", "rule"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EVERYTHING = "*"


@dataclass(frozen=True)
class Switched:
    """`already`: it was off; then `since` and `by` are those of the first who did it."""

    id: int
    kind: str
    what: str
    already: bool
    since: datetime
    by: str


def switches(db: Db, limit: int = 100) -> list[Row]:
    """Those that stop calls now first, then those that were lifted."""
    return db.execute(_SQL.all, {"limit": limit}).fetchall()


def switch_off(
    db: Db, keyring: Keyring, kind: str, what: str, *, reason: str, by: str, now: datetime
) -> Switched:
    """No dial that it stops is on its way when it returns; calls that are live go on.

    `what` is a campaign's name, a caller id's number, a country's two letters or a rule's code;
    `*` for global. Raises BadInput and NotFound. `db` must be in autocommit.
    """
    assert db.autocommit
    if not reason.strip():
        raise BadInput("say why: whoever lifts it later must know", field="reason")
    key, campaign_id = _key_of(db, keyring, kind, what)
    values = {"kind": kind, "key": key}
    before = db.execute(_SQL.find_on, values).fetchone()
    if before is None:
        row = db.execute(
            _SQL.set, {**values, "reason": reason.strip(), "by": by, "now": now}
        ).fetchone()
        assert row is not None
    with db.transaction():
        db.execute(_SQL.wait_for_sends, {"campaign_id": campaign_id})
    if before is not None:
        return Switched(before["id"], kind, what, True, before["set_at"], before["set_by"])
    assert row is not None
    return Switched(row["id"], kind, what, False, now, by)


def lift(db: Db, switch_id: int, *, by: str, now: datetime) -> None:
    """Calls go on as far as everything else allows. Raises Refused when it is lifted already."""
    row = db.execute(_SQL.clear, {"id": switch_id, "by": by, "now": now}).fetchone()
    if row is None:
        raise Refused(f"no switch {switch_id} stops calls now; `voice-ai switch list` shows them")


def find(db: Db, keyring: Keyring, kind: str, what: str) -> Row:
    """The switch that stops this now. Raises BadInput and NotFound."""
    key, _ = _key_of(db, keyring, kind, what)
    row = db.execute(_SQL.find_on, {"kind": kind, "key": key}).fetchone()
    if row is None:
        raise NotFound("nothing is switched off there; `voice-ai switch list` shows what is")
    return row


def _key_of(db: Db, keyring: Keyring, kind: str, what: str) -> tuple[str, UUID | None]:
    """The key as dials look for it, and the one campaign that is concerned."""
    if kind == "global":
        return EVERYTHING, None
    if kind == "campaign":
        campaign = find_campaign(db, what)
        return str(campaign["id"]), campaign["id"]
    if kind == "caller_id":
        try:
            fingerprint = keyring.fingerprint(e164(what))
        except ValueError as error:  # its words name the number
            raise BadInput("type the caller id with its country, as in +1 …") from error
        row = db.execute(_SQL.caller_id, {"fingerprint": fingerprint}).fetchone()
        if row is None:
            raise NotFound("no seller calls from this number; check its digits")
        return str(row["number_id"]), None
    if kind == "country":
        place = what.strip().upper()
        if not is_place(place):
            raise BadInput(
                "give a country or a part of one, as in US, GB or US-FL", field="country"
            )
        return place, None
    if kind == "rule":
        rule = what.strip().upper()
        # A switch that names nothing stops everything, so nobody may set one by a slip.
        if rule not in built_in().ids and rule not in set(Reason):
            raise BadInput(
                "a rule is its id or a reason, as in US-NDNC or DNC_LISTED; `voice-ai policy list`"
                " shows them",
                field="rule",
            )
        return rule, None
    raise BadInput(f"the kind is one of {', '.join(KINDS)}, not {kind!r}")
