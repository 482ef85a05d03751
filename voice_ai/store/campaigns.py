"""Campaigns in the database: making one, finding one, asking something of one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args
from uuid import UUID

from psycopg.types.json import Jsonb

from voice_ai.campaign_states import NOT_ACCOUNTED_FOR, is_accounted_for
from voice_ai.campaigns import Campaign, check_campaign
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.ids import CampaignId
from voice_ai.priorities import EVEN, FRESHEST
from voice_ai.store.campaign_versions import stored_version
from voice_ai.vault import Keyring

_SQL = queries("campaigns")
_COMMANDS = queries("commands")

CommandKind = Literal["start", "pause", "resume", "drain", "stop", "emergency_stop", "clear"]
COMMAND_KINDS: tuple[str, ...] = get_args(CommandKind)


# A draining campaign is on its way out, an emergency stop is a person's to clear first.
_MAY_CHANGE = frozenset({"draft", "running", "paused", "stopped", "completed"})


@dataclass(frozen=True)
class CreatedCampaign:
    id: CampaignId
    name: str
    leads: int


@dataclass(frozen=True)
class Revised:
    """`changed` False: it says what the version in force says, so nothing was written."""

    version: int
    changed: bool


def ensure_number(db: Db, keyring: Keyring, number: str, now: datetime) -> int:
    """The id of an E.164 number; stored, sealed, when it is new."""
    row = db.execute(
        _SQL.upsert_number,
        {
            "fingerprint": keyring.fingerprint(number),
            "sealed": keyring.encrypt(number.encode()),
            "key_id": keyring.key_id,
            "country": None,
            "now": now,
        },
    ).fetchone()
    assert row is not None
    return int(row["id"])


def create_campaign(
    db: Db, keyring: Keyring, campaign: Campaign, *, by: str, now: datetime, rehearsal: bool
) -> CreatedCampaign:
    """Stores version 1 as a draft and enrols its list's leads; all or nothing.

    Raises BadInput when the name is taken, the list is not there, or rehearsal and live would mix.
    """
    config = campaign.config
    with db.transaction():
        seller_id = _seller_of(db, campaign, now=now, rehearsal=rehearsal)
        lead_list = _list_of(db, seller_id, config.leads)
        _same_kind(f"list {config.leads!r}", lead_list, rehearsal=rehearsal, field="list")
        row = db.execute(
            _SQL.insert_campaign,
            {
                "seller_id": seller_id,
                "name": config.name,
                "list_id": lead_list["id"],
                "rehearsal": rehearsal,
                "max_leads": config.max_leads,
                "now": now,
            },
        ).fetchone()
        if row is None:
            raise BadInput(
                f"there is a campaign named {config.name!r} already; choose another name",
                field="name",
            )
        campaign_id = CampaignId(row["id"])
        db.execute(
            _SQL.say_callback_number,
            {
                "number_id": ensure_number(db, keyring, config.seller.callback_number, now),
                "seller_id": seller_id,
            },
        )
        caller_ids = _own_caller_ids(db, keyring, seller_id, campaign, now)
        colleagues = _colleagues(db, keyring, campaign, now)
        _insert_version(db, campaign_id, 1, campaign, caller_ids, colleagues, by=by, now=now)
        enrolled = db.execute(
            _SQL.enrol_leads,
            {
                "campaign_id": campaign_id,
                "list_id": lead_list["id"],
                "now": now,
                "even": EVEN,
                "freshest": FRESHEST,
            },
        )
    return CreatedCampaign(campaign_id, config.name, enrolled.rowcount)


def revise_campaign(
    db: Db,
    keyring: Keyring,
    campaign_id: CampaignId,
    campaign: Campaign,
    *,
    by: str,
    now: datetime,
    seen_version: int | None = None,
) -> Revised:
    """Stores the next version and puts it in force; calls that talk already keep what they loaded.

    `seen_version` is the one that was edited: somebody else's later change is not overwritten.
    Raises BadInput (the field that may not change), Refused (not in this state, or changed
    meanwhile), NotFound.
    """
    with db.transaction():
        stands = db.execute(_SQL.lock_campaign, {"campaign_id": campaign_id}).fetchone()
        if stands is None:
            raise NotFound("this campaign is no longer there")
        _refuse_revision(stands, campaign, seen_version)
        config, seller_id = campaign.config, stands["seller_id"]
        callback = ensure_number(db, keyring, config.seller.callback_number, now)
        caller_ids = _own_caller_ids(db, keyring, seller_id, campaign, now)
        colleagues = _colleagues(db, keyring, campaign, now)
        same = (
            stands["config_sha256"] == campaign.sha256
            and sorted(stands["caller_ids"]) == sorted(caller_ids)
            and stands["transfer_to"] == colleagues
            and stands["callback_number_id"] == callback
        )
        if same:
            return Revised(stands["version"], changed=False)
        version = stands["version"] + 1
        _seller_of(db, campaign, now=now, rehearsal=stands["rehearsal"])
        db.execute(_SQL.say_callback_number, {"number_id": callback, "seller_id": seller_id})
        _insert_version(db, campaign_id, version, campaign, caller_ids, colleagues, by=by, now=now)
        db.execute(
            _SQL.put_in_force,
            {"campaign_id": campaign_id, "version": version, "max_leads": config.max_leads},
        )
    return Revised(version, changed=True)


def _refuse_revision(stands: Row, campaign: Campaign, seen_version: int | None) -> None:
    config = campaign.config
    fixed = (
        ("name", stands["name"], config.name, "copy the campaign under the new name instead"),
        ("seller.name", stands["seller"], config.seller.name, "make a campaign of that seller"),
        ("list", stands["list"], config.leads, "make a campaign for that list"),
    )
    for field, there, given, instead in fixed:
        if there != given:
            raise BadInput(
                f"it stays {there!r} for as long as the campaign exists; {instead}", field=field
            )
    if stands["state"] not in _MAY_CHANGE:
        words = stands["state"].replace("_", " ")
        raise Refused(f"the campaign is {words}; it can be changed once it is stopped")
    if seen_version is not None and seen_version != stands["version"]:
        raise Refused(
            f"version {stands['version']} was saved meanwhile; reload, and make the change again"
        )


def copy_campaign(
    db: Db,
    keyring: Keyring,
    campaign_id: CampaignId,
    name: str,
    *,
    by: str,
    now: datetime,
    rehearsal: bool,
) -> CreatedCampaign:
    """A new draft that says the same, over the same list. Raises BadInput, NotFound."""
    stored = stored_version(db, keyring, campaign_id)
    campaign = check_campaign({**stored.data, "name": name}, stored.script_text)
    return create_campaign(db, keyring, campaign, by=by, now=now, rehearsal=rehearsal)


def _seller_of(db: Db, campaign: Campaign, *, now: datetime, rehearsal: bool) -> UUID:
    seller = campaign.config.seller
    row = _one(
        db.execute(
            _SQL.upsert_seller,
            {
                "name": seller.name,
                "legal_name": seller.legal_name,
                "rehearsal": rehearsal,
                "now": now,
            },
        ).fetchone()
    )
    _same_kind(f"seller {seller.name!r}", row, rehearsal=rehearsal, field="seller.name")
    return cast(UUID, row["id"])


def _same_kind(what: str, row: Row, *, rehearsal: bool, field: str) -> None:
    if row["rehearsal"] != rehearsal:
        kind = "rehearsals" if row["rehearsal"] else "live calls"
        raise BadInput(f"{what} is for {kind}; use another name", field=field)


def _list_of(db: Db, seller_id: Any, name: str) -> Row:
    found = db.execute(_SQL.find_list, {"seller_id": seller_id, "name": name}).fetchone()
    if found is not None:
        return found
    known = [row["name"] for row in db.execute(_SQL.list_names, {"seller_id": seller_id})]
    hint = f"; there are: {', '.join(known)}" if known else "; import one with `voice-ai import`"
    raise BadInput(f"the seller has no lead list named {name!r}{hint}", field="list")


def _insert_version(
    db: Db,
    campaign_id: CampaignId,
    version: int,
    campaign: Campaign,
    caller_ids: list[int],
    colleagues: list[int],
    *,
    by: str,
    now: datetime,
) -> None:
    db.execute(
        _SQL.insert_version,
        {
            "campaign_id": campaign_id,
            "version": version,
            "config": Jsonb(campaign.stored_config()),
            "script": campaign.script_text,
            "script_name": campaign.config.script,
            "caller_ids": caller_ids,
            "transfer_to": colleagues,
            "sha256": campaign.sha256,
            "created_by": by,
            "now": now,
        },
    )


def _own_caller_ids(
    db: Db, keyring: Keyring, seller_id: UUID, campaign: Campaign, now: datetime
) -> list[int]:
    """The ids of the campaign's caller ids. Raises BadInput for a number of another seller."""
    from voice_ai.leads.nanp import place_of  # loads polars, which most commands do without

    numbers = []
    for index, number in enumerate(campaign.config.caller_ids, start=1):
        number_id = ensure_number(db, keyring, number, now)
        country, states = place_of(number)
        owner = db.execute(
            _SQL.own_caller_id,
            {
                "number_id": number_id,
                "seller_id": seller_id,
                "label": f"line {index}",
                "verified_at": now,
                "country": country,
                "states": list(states),
            },
        ).fetchone()
        if _one(owner)["seller_id"] != seller_id:
            raise BadInput(
                f"caller id {index} belongs to another seller; use one of your own",
                field="caller_ids",
            )
        numbers.append(number_id)
    return numbers


def _colleagues(db: Db, keyring: Keyring, campaign: Campaign, now: datetime) -> list[int]:
    """The ids of the numbers that it hands calls to."""
    transfer = campaign.config.transfer
    numbers = transfer.to if transfer is not None else ()
    return [ensure_number(db, keyring, number, now) for number in numbers]


def list_campaigns(db: Db, name: str | None = None) -> list[Row]:
    return db.execute(_SQL.list_campaigns, {"name": name}).fetchall()


def find_campaign(db: Db, name: str) -> Row:
    """Raises NotFound naming the campaigns that there are."""
    found = list_campaigns(db, name)
    if found:
        return found[0]
    known = ", ".join(row["name"] for row in list_campaigns(db)) or "none yet"
    raise NotFound(f"there is no campaign named {name!r}; there are: {known}")


def outcome_counts(db: Db, campaign_id: CampaignId) -> dict[str, int]:
    rows = db.execute(_SQL.outcome_counts, {"campaign_id": campaign_id})
    return {row["outcome"]: row["n"] for row in rows}


def ask(
    db: Db,
    kind: CommandKind,
    campaign_id: CampaignId | None,
    *,
    by: str,
    now: datetime,
    reason: str | None = None,
    limit_s: float | None = None,
) -> int:
    """Writes a command row; the dialer obeys it. `campaign_id` None: every campaign.

    `limit_s`: how long a drain lets live calls go on. Raises BadInput when an emergency stop is to
    be cleared without a name and a reason.
    """
    if not is_accounted_for(kind, by, reason):
        raise BadInput(NOT_ACCOUNTED_FOR, field="reason")
    with db.transaction():
        row = db.execute(
            _COMMANDS.ask,
            {
                "campaign_id": campaign_id,
                "kind": kind,
                "asked_by": by,
                "reason": reason,
                "parameters": None if limit_s is None else Jsonb({"limit_s": limit_s}),
                "now": now,
            },
        ).fetchone()
    return int(_one(row)["id"])


def answer_of(
    db: Db,
    command_id: int,
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> str | None:
    """What came of a command; None when nobody obeyed it in time."""
    until = monotonic() + timeout
    while True:
        row = _one(db.execute(_COMMANDS.look, {"id": command_id}).fetchone())
        if row["obeyed_at"] is not None:
            return cast(str, row["outcome"])
        if monotonic() >= until:
            return None
        sleep(0.05)


def _one(row: Row | None) -> Row:
    assert row is not None
    return row
